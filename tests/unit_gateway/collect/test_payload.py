"""Tracker payloads, old and new, as recorded from real trackers, and what the wire contract says of odd ones."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.collect.payload import BadPayload, Payload, read_payload
from models.event import MAX_PROPS, Event, Revenue

NOW = datetime(2026, 6, 17, 12, tzinfo=UTC)
RECORDED = json.loads((Path(__file__).parents[3] / "fixtures/recorded/tracker_requests.json").read_text("utf-8"))


def read(**fields: Any) -> Payload:
    given = {"n": "pageview", "u": "https://www.example.com/a?b=1#c", "d": "example.com"} | fields
    return read_payload(json.dumps(given).encode(), NOW)


def refused(**fields: Any) -> dict[str, list[str]]:
    with pytest.raises(BadPayload) as caught:
        read(**fields)
    return caught.value.errors


def recorded() -> list[Any]:
    requests = [
        pytest.param(request["body_raw"], id=f"{tracker} {i} {request['step']}")
        for tracker, session in RECORDED["recorded"].items()
        if tracker.startswith("plausible")
        for i, request in enumerate(session["requests"])
        if request["path"] == "/api/event"
    ]
    assert requests
    return requests


@pytest.mark.parametrize("body", recorded())
def test_what_real_trackers_send_is_read_with_name_page_and_site(body: str) -> None:
    sent = json.loads(body)
    payload = read_payload(body.encode(), NOW)
    assert payload.domains == (sent["d"],)
    assert (payload.event.name, payload.event.url) == (sent["n"], sent["u"])
    assert payload.event.time == NOW


def test_a_page_view_carries_its_page_and_where_it_came_from() -> None:
    event = read(r="https://www.google.com/", p={"theme": "dark", "dark": True, "n": 3}).event
    assert (event.hostname, event.path, event.url) == (None, None, "https://www.example.com/a?b=1#c")
    assert event.referrer == "https://www.google.com/"
    assert event.props == {"theme": "dark", "dark": "true", "n": "3"}
    assert event.interactive is True


def test_long_names_are_read_and_short_ones_win() -> None:
    long = {"name": "Signup", "url": "https://example.com/", "domain": "a.example, b.example", "interactive": False}
    payload = read_payload(json.dumps(long | {"n": "Order"}).encode(), NOW)
    assert (payload.event.name, payload.domains) == ("Order", ("a.example", "b.example"))
    assert payload.event.interactive is False


def test_the_host_is_the_site_when_none_is_named() -> None:
    assert read(d=None).domains == ("example.com",)


def test_properties_may_be_a_json_text_and_drop_what_is_no_value() -> None:
    assert read(p='{"a":"b","list":[1],"none":null,"blank":" ","map":{}}').event.props == {"a": "b"}
    assert read(p="no json").event.props == {}
    assert len(read(p={f"k{n}": "v" for n in range(40)}).event.props) == 30


def test_money_is_read_from_texts_and_no_money_is_none() -> None:
    sent = {"amount": "49.95", "currency": "eur"}
    assert read(**{"$": sent}).event.revenue == Revenue(amount=49.95, currency="EUR")
    assert read(revenue=json.dumps(sent)).event.revenue == Revenue(amount=49.95, currency="EUR")
    assert read(**{"$": {}}).event.revenue is None
    assert read(**{"$": {"amount": "much", "currency": "EUR"}}).event.revenue is None


def test_hash_mode_makes_the_fragment_part_of_the_path() -> None:
    assert read(h=1).event.path == "/a#c"
    assert read(h=0).event.path is None


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://s/caf%C3%A9?x=1#/frag%20x", "/café#/frag x"),
        ("https://s/%61dmin/x#a", "/admin/x#a"),
        ("https://s/a%20#b%20", "/a#b"),
        ("https://s#b", "/#b"),
    ],
)
def test_hash_mode_decodes_and_trims_as_every_path_is(url: str, path: str) -> None:
    assert read(u=url, h=1).event.path == path


def test_system_events_carry_the_decoded_path() -> None:
    assert read(n="404", u="https://s/caf%C3%A9%20?x=1#y").event.props == {"path": "/café"}
    assert read(n="404", u="https://s/caf%C3%A9#/frag%20x", h=1).event.props == {"path": "/café#/frag x"}


def test_system_events_carry_their_page_and_always_interact() -> None:
    event = read(n="404", i=False, p={"path": "/other"}).event
    assert (event.props, event.interactive) == ({"path": "/a"}, True)


def test_engagement_needs_one_of_its_two_numbers() -> None:
    event = read(n="engagement", e=5219, sd=63).event
    assert (event.engagement_ms, event.scroll_depth) == (5219, 63)
    assert read(n="engagement", sd=63).event.engagement_ms is None
    text = "engagement event requires a valid integer value for at least one of 'sd' or 'e' fields"
    assert refused(n="engagement") == {"event_name": [text]}
    assert refused(n="engagement", e="5", sd=101) == {"event_name": [text]}


def test_a_name_that_is_a_number_becomes_a_text() -> None:
    assert read(n=404).event.name == "404"


def test_a_long_referrer_is_cut() -> None:
    assert len(read(r="https://example.org/" + "x" * 3000).event.referrer or "") == 2000


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"n": None}, {"event_name": ["can't be blank"]}),
        ({"n": "x" * 121}, {"event_name": ["should be at most 120 character(s)"]}),
        ({"u": None}, {"url": ["is required"]}),
        ({"u": "https://"}, {"url": ["must be a valid url"]}),
        ({"u": "https://[bad/"}, {"url": ["must be a valid url"]}),
        ({"u": "DATA:text/html,x"}, {"url": ["scheme is not allowed"]}),
        ({"u": "https://example.com/" + "ü" * 1000}, {"url": ["should be at most 2000 byte(s)"]}),
        ({"d": ","}, {"domain": ["can't be blank"]}),
        ({"d": 7}, {"domain": ["can't be blank"]}),
        ({"p": {"k" * 301: "v"}}, {"props": ["keys should have at most 300 bytes and values 2000 bytes"]}),
        ({"n": "", "u": ""}, {"event_name": ["can't be blank"], "url": ["is required"]}),
    ],
)
def test_what_cannot_be_taken_is_said_field_by_field(fields: dict[str, Any], errors: dict[str, list[str]]) -> None:
    assert refused(**fields) == errors


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff", b"null"])
def test_a_body_that_is_no_object_cannot_be_parsed(body: bytes) -> None:
    with pytest.raises(BadPayload) as caught:
        read_payload(body, NOW)
    assert caught.value.errors == {"request": ["Unable to parse request body as json"]}


TEXT = st.text(max_size=40) | st.sampled_from(["x" * 120, "x" * 121, "x" * 501, "x" * 1990, "\u00e4" * 600, "https://"])


@given(
    name=TEXT,
    url=TEXT.map(lambda text: f"https://{text}") | TEXT.map(lambda text: f"https://example.com/{text}"),
    referrer=TEXT,
    props=st.dictionaries(TEXT, TEXT | st.integers() | st.booleans(), max_size=MAX_PROPS + 2),
    depth=st.integers(-1, 300),
    hashed=st.booleans(),
)
def test_an_event_made_of_a_payload_keeps_every_limit_of_the_model(
    name: str, url: str, referrer: str, props: dict[str, Any], depth: int, hashed: bool
) -> None:
    """Payloads become events without the model's own checks where these cannot fail."""
    fields = {"n": name, "u": url, "d": "example.com", "r": referrer, "p": props, "sd": depth, "h": int(hashed)}
    try:
        event = read_payload(json.dumps(fields).encode(), NOW).event
    except BadPayload:
        return
    assert Event.model_validate(event.model_dump()) == event


def test_the_same_bytes_are_an_event_of_their_own_time_each_time() -> None:
    body = json.dumps({"n": "pageview", "u": "https://example.com/", "d": "example.com"}).encode()
    later = datetime(2026, 6, 17, 13, tzinfo=UTC)
    assert [read_payload(body, now).event.time for now in (NOW, later)] == [NOW, later]


def test_an_event_is_for_few_sites_with_names_of_possible_length() -> None:
    """Every name is looked up for somebody without a key, so neither may grow with the body."""
    ten = [f"s{n}.example" for n in range(10)]
    assert read(d=",".join(ten)).domains == tuple(ten)
    assert refused(d=",".join([*ten, "one-more.example"])) == {"domain": ["should have at most 10 item(s)"]}
    assert refused(d="a," * 150_000) == {"domain": ["should have at most 10 item(s)"]}
    assert read(d="a" * 253).domains == ("a" * 253,)
    assert refused(d="a" * 254) == {"domain": ["should be at most 253 character(s)"]}
    assert refused(d=None, u=f"https://{'a' * 300}.example/") == {"domain": ["should be at most 253 character(s)"]}
