"""Addresses, names and properties of events, and their limits (contract section 6)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.local.enrich.page import EventFieldError, event_name, read_page


@pytest.mark.parametrize(
    ("url", "hostname", "pathname"),
    [
        ("https://www.Example.com/Path?x=1#top", "example.com", "/Path"),
        ("https://example.com", "example.com", "/"),
        ("https://example.com:8443/a%20b/%C3%BC", "example.com", "/a b/ü"),
        ("https://example.com/a%20%20", "example.com", "/a"),
        ("https://example.com/a/", "example.com", "/a/"),
        ("https://wwwexample.com/", "wwwexample.com", "/"),
        ("https://example.com./", "example.com", "/"),
        ("http://192.168.1.1/x", "192.168.1.1", "/x"),
        ("app:///screen/home", "(none)", "/screen/home"),
        ("https://example.com/%FF", "example.com", "/\ufffd"),
    ],
)
def test_an_address_gives_host_and_path(url: str, hostname: str, pathname: str) -> None:
    page = read_page(url)
    assert (page.hostname, page.pathname) == (hostname, pathname)


def test_hash_mode_keeps_the_fragment_in_the_path() -> None:
    assert read_page("https://example.com/app#/users%20x", hash_mode=True).pathname == "/app#/users x"
    assert read_page("https://example.com/app", hash_mode=True).pathname == "/app"


def test_the_query_keeps_the_first_value_of_a_name() -> None:
    assert read_page("https://example.com/?utm_source=a&utm_source=b&c=d+e").query == {"utm_source": "a", "c": "d e"}


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (None, "is required"),
        ("", "is required"),
        ("  ", "is required"),
        (17, "must be a valid url"),
        ("no address", "must be a valid url"),
        ("/only/path", "must be a valid url"),
        ("https://[broken", "must be a valid url"),
        ("https://example.com:port/", "must be a valid url"),
        ("data:text/html,hi", "scheme is not allowed"),
        ("https://example.com/" + "a" * 1981, "should be at most 2000 byte(s)"),
        ("https://example.com/" + "ü" * 991, "should be at most 2000 byte(s)"),
    ],
)
def test_what_is_no_page_is_refused(url: object, reason: str) -> None:
    with pytest.raises(EventFieldError) as refused:
        read_page(url)
    assert (refused.value.field, refused.value.reason) == ("url", reason)


def test_two_thousand_bytes_are_taken() -> None:
    assert len(read_page("https://example.com/" + "a" * 1980).pathname) == 1981


@given(st.text(max_size=300))
def test_any_text_is_a_page_or_refused(text: str) -> None:
    try:
        page = read_page(text)
    except EventFieldError:
        page = None
    assert page is None or (page.hostname and page.pathname)


def test_event_names_have_their_limits() -> None:
    assert event_name("Signup") == "Signup"
    assert event_name(404) == "404"
    assert event_name("x" * 120) == "x" * 120
    for wrong in (None, "", "  ", True, 1.5, ["Signup"], "x" * 121):
        with pytest.raises(EventFieldError, match="event_name"):
            event_name(wrong)
