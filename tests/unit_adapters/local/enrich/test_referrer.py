"""Tags and referrers become sources (contract 7.11)."""

import pytest

from adapters.local.enrich.referrer import Source, is_spam, read_source
from adapters.local.enrich.sources import Category, canonical, category, name_of_host


def source_of(referrer: str = "", **params: str) -> str:
    return read_source(params, referrer, "example.com").source


@pytest.mark.parametrize(
    ("referrer", "expected"),
    [
        ("https://www.google.com/", "Google"),
        ("https://www.google.co.uk/search", "Google"),
        ("https://news.google.com/articles/1", "Google News"),
        ("https://www.bing.com/", "Bing"),
        ("https://cn.bing.com/search", "Bing"),
        ("https://duckduckgo.com/", "DuckDuckGo"),
        ("https://html.duckduckgo.com/html/", "DuckDuckGo"),
        ("https://search.brave.com/", "Brave"),
        ("https://m.facebook.com/", "Facebook"),
        ("https://lm.facebook.com/l.php", "Facebook"),
        ("https://t.co/abc", "Twitter"),
        ("https://out.reddit.com/", "Reddit"),
        ("https://chatgpt.com/", "ChatGPT"),
        ("https://x.com/i/grok", "Grok"),
        ("https://x.com/someone/status/1", "Twitter"),
        ("https://gemini.google.com/app", "Gemini"),
        ("https://en.wikipedia.org/wiki/Web_analytics", "Wikipedia"),
        ("https://word-edit.officeapps.live.com/", "Microsoft Office"),
        ("https://www.amazon.co.uk/dp/1", "Amazon"),
        ("android-app://com.google.android.gm/", "Gmail"),
        ("android-app://com.google.android.googlequicksearchbox/", "Google"),
        ("https://www.blog.example.net/post", "blog.example.net"),
        ("https://notgoogle.example/", "notgoogle.example"),
        ("http://OTHER.test", "other.test"),
    ],
)
def test_a_referrer_is_named(referrer: str, expected: str) -> None:
    assert source_of(referrer) == expected


@pytest.mark.parametrize(
    "referrer",
    [
        "",
        "https://example.com/from",
        "https://www.example.com/from",
        "http://localhost:3000/",
        "ftp://other.test/",
        "javascript:alert(1)",
        "https://[broken",
        "https://other.test:port/",
        "other.test/page",
    ],
)
def test_what_is_no_referrer_from_elsewhere_is_direct(referrer: str) -> None:
    assert read_source({}, referrer, "example.com") == Source()


def test_own_subdomains_are_elsewhere() -> None:
    assert source_of("https://shop.example.com/") == "shop.example.com"


def test_the_stored_referrer_is_host_and_path_without_trailing_slash() -> None:
    assert read_source({}, "https://www.other.test/a/b/?q=1#x", "example.com").referrer == "other.test/a/b"
    assert read_source({}, "https://other.test/", "example.com").referrer == "other.test"


def test_a_tag_wins_over_the_referrer_which_is_still_stored() -> None:
    found = read_source({"utm_source": "newsletter"}, "https://www.google.com/", "example.com")
    assert (found.source, found.utm_source, found.referrer) == ("newsletter", "newsletter", "google.com")


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"ref": "c", "source": "b", "utm_source": "a"}, "a"),
        ({"ref": "c", "source": "b"}, "b"),
        ({"ref": "c"}, "c"),
        ({"utm_source": " ", "ref": "c"}, "c"),
    ],
)
def test_the_first_tag_present_is_the_source(params: dict[str, str], expected: str) -> None:
    assert read_source(params, "", "example.com").source == expected


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("fb", "Facebook"),
        ("FACEBOOK", "Facebook"),
        ("ig", "Instagram"),
        ("yt", "YouTube"),
        ("google", "Google"),
        ("chatgpt.com", "ChatGPT"),
        ("www.linkedin.com", "LinkedIn"),
        ("Spring-Letter", "Spring-Letter"),
    ],
)
def test_a_tag_is_reported_under_its_canonical_name_and_stored_raw(tag: str, expected: str) -> None:
    found = read_source({"utm_source": tag}, "", "example.com")
    assert (found.source, found.utm_source) == (expected, tag)


def test_all_tags_are_read() -> None:
    params = {"utm_source": "a", "utm_medium": "b", "utm_campaign": "c", "utm_content": "d", "utm_term": "e"}
    assert read_source(params, "", "example.com") == Source("a", "", "a", "b", "c", "d", "e", "")


@pytest.mark.parametrize(
    ("click", "referrer", "medium"),
    [
        ("gclid", "https://www.google.com/", "(gclid)"),
        ("msclkid", "https://www.bing.com/", "(msclkid)"),
        ("gclid", "https://www.bing.com/", ""),
        ("gclid", "", ""),
    ],
)
def test_a_paid_click_tells_the_medium_only_of_its_own_source(click: str, referrer: str, medium: str) -> None:
    found = read_source({click: "abc"}, referrer, "example.com")
    assert (found.utm_medium, found.click_id) == (medium, click)


def test_a_given_medium_is_kept_beside_a_click() -> None:
    assert read_source({"gclid": "x", "utm_medium": "cpc"}, "https://google.com/", "example.com").utm_medium == "cpc"


def test_spam_is_known_with_its_subdomains() -> None:
    assert is_spam("http://semalt.com/crawler")
    assert is_spam("https://www.best.semalt.com/")
    assert not is_spam("https://example.org/semalt.com")
    assert not is_spam("")


def test_categories_come_from_the_lists_and_ours_win() -> None:
    assert category("Google") is Category.SEARCH
    assert category("Facebook") is Category.SOCIAL
    assert category("YouTube") is Category.VIDEO
    assert category("ChatGPT") is Category.AI
    assert category("Gmail") is Category.EMAIL
    assert category("Amazon") is Category.SHOPPING
    assert category("example.org") is None


def test_a_host_nobody_lists_has_no_name() -> None:
    assert name_of_host("example.org") == ""
    assert canonical("example.org") == "example.org"
