"""What may be a site's domain (seed 002, contract 3.5 and 3.6), and who owns a host."""

import pytest

from adapters.domain import (
    DomainError,
    clean_domain,
    is_public_suffix,
    loose_domain,
    registrable,
    strip_domain,
)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("example.com", "example.com"),
        ("a.b.Example.co.uk", "example.co.uk"),
        ("me.github.io", "me.github.io"),
        ("shop.me.github.io", "me.github.io"),
        ("192.168.1.1", "192.168.1.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("localhost", "localhost"),
        ("co.uk", "co.uk"),
        ("", "(none)"),
    ],
)
def test_the_registrable_part_of_a_host(host: str, expected: str) -> None:
    assert registrable(host) == expected


def test_public_suffixes_are_known() -> None:
    assert [name for name in ("com", "co.uk", "intranet", "example.com", "github.io", "localhost", "10.0.0.1") if
            is_public_suffix(name)] == ["com", "co.uk", "intranet"]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("example.com", "example.com"),
        ("blog.example.com", "blog.example.com"),
        ("localhost", "localhost"),
        ("192.168.1.1", "192.168.1.1"),
        (" Example.COM. ", "example.com"),
        ("www.example.com", "www.example.com"),
        ("müllers-café.test", "müllers-café.test"),
        ("xn--mllers-caf-k7a2t.test", "müllers-café.test"),
        ("音乐.cn", "音乐.cn"),
    ],
)
def test_a_domain_is_normalised(text: str, expected: str) -> None:
    assert clean_domain(text) == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "blank"),
        ("https://example.com", "scheme"),
        ("example.com:3000", "port"),
        ("example.com/blog", "path"),
        ("example.com?x", "path"),
        ("user:pass@example.com", "credentials"),
        ("com", "public_suffix"),
        ("co.uk", "public_suffix"),
        ("intranet", "public_suffix"),
        ("exa mple.com", "hostname"),
        ("-example.com", "hostname"),
        ("under_score.com", "hostname"),
        ("a" * 64 + ".com", "hostname"),
        ("example..com", "hostname"),
        ("999.1.1.1", "hostname"),
    ],
)
def test_what_is_no_domain_is_refused(text: str, code: str) -> None:
    with pytest.raises(DomainError) as refused:
        clean_domain(text)
    assert refused.value.code == code


def test_the_tolerant_cleaning_strips_what_people_paste() -> None:
    assert strip_domain(" https://WWW.Example.com/ ") == "example.com"
    assert strip_domain("example.com/blog/") == "example.com/blog"
    assert strip_domain("www.www.example.com") == "www.example.com"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://www.example.com/", "example.com"),
        ("example.com/blog_1", "example.com/blog_1"),
        ("müllers-café.test", "müllers-café.test"),
        ("до.101домен.рф/pages", "до.101домен.рф/pages"),
    ],
)
def test_the_vendor_shaped_api_takes_paths_and_letters(text: str, expected: str) -> None:
    assert loose_domain(text) == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "blank"),
        ("http://", "blank"),
        ("example.com:80", "reserved"),
        ("a?b", "reserved"),
        ("a b.com", "characters"),
    ],
)
def test_the_vendor_shaped_api_refuses_the_rest(text: str, code: str) -> None:
    with pytest.raises(DomainError) as refused:
        loose_domain(text)
    assert refused.value.code == code
