"""What the trackers put on the wire, in a real browser, seen by a collector that only records."""

import json
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import TRACKERS, script_tags, visitor
from tests.browser.origin import SNIPPET, Pages, Recorder

DOMAIN = "shop.example.test"


def open_shop(page: Page, pages: Pages, recorder: Recorder, tracker: str = "snippet", **options: str) -> str:
    """Load the shop's first page with a tracker; gives its origin."""
    host, tail = options.pop("host", DOMAIN), options.pop("tail", "")
    collector = f"http://collector.example.test:{recorder.server_address[1]}"
    pages.scripts[tracker] = script_tags(tracker, domain=DOMAIN, collector=collector, **options)
    origin = f"http://{host}:{pages.server_address[1]}"
    page.goto(f"{origin}/{tracker}/{tail}")
    return origin


def props(event: dict[str, Any]) -> dict[str, str]:
    """Properties in either generation's form; the older one sends JSON within JSON."""
    found: Any = event["p"]
    decoded: dict[str, str] = json.loads(found) if isinstance(found, str) else found
    return decoded


@pytest.mark.parametrize("tracker", TRACKERS)
def test_a_visit_is_told_in_plausibles_wire_format(
    tracker: str, browser: Browser, pages: Pages, recorder: Recorder
) -> None:
    with visitor(browser) as page:
        origin = open_shop(page, pages, recorder, tracker)
        recorder.wait_for("pageview", 1)
        page.click("#pricing")
        recorder.wait_for("pageview", 2)
        page.click("#signup")
        recorder.wait_for("Signup")
        page.click("#elsewhere")
        page.wait_for_url("http://elsewhere.example.test:*/")
        recorder.wait_for("Outbound Link: Click")

    first, second = recorder.named("pageview")
    assert (first["u"], second["u"]) == (f"{origin}/{tracker}/", f"{origin}/{tracker}/pricing")
    assert props(recorder.named("Signup")[0]) == {"plan": "pro"}
    outbound = f"http://elsewhere.example.test:{pages.server_address[1]}/"
    assert props(recorder.named("Outbound Link: Click")[0]) == {"url": outbound}
    assert {event["d"] for event in recorder.events} == {DOMAIN}
    assert all(event["content_type"].startswith("text/plain") for event in recorder.events)
    assert recorder.methods == [], "a preflight was sent"


def test_the_snippet_stays_small() -> None:
    assert len(SNIPPET.read_bytes()) < 3 * 1024


def test_the_snippet_tells_engagement_of_the_page_that_was_left(
    browser: Browser, pages: Pages, recorder: Recorder
) -> None:
    with visitor(browser) as page:
        origin = open_shop(page, pages, recorder)
        recorder.wait_for("pageview", 1)
        page.evaluate("scrollTo(0, 2400)")  # 2400 + 800 seen of about 4000
        page.wait_for_function("scrollY === 2400")
        page.wait_for_timeout(300)
        page.click("#pricing", no_wait_after=True)
        left = recorder.wait_for("engagement", 1)[0]
        recorder.wait_for("pageview", 2)
    assert left["u"] == f"{origin}/snippet/"
    assert 78 <= left["sd"] <= 81
    assert 250 <= left["e"] < 10_000


def test_the_snippet_tells_the_last_page_on_leaving(browser: Browser, pages: Pages, recorder: Recorder) -> None:
    with visitor(browser) as page:
        origin = open_shop(page, pages, recorder)
        recorder.wait_for("pageview", 1)
        page.goto("about:blank")
        left = recorder.wait_for("engagement", 1)[0]
    assert left["u"] == f"{origin}/snippet/"
    assert 19 <= left["sd"] <= 21  # 800 of about 4000 pixels


def test_going_back_in_an_application_is_a_page_view(browser: Browser, pages: Pages, recorder: Recorder) -> None:
    with visitor(browser) as page:
        origin = open_shop(page, pages, recorder)
        page.click("#pricing")
        recorder.wait_for("pageview", 2)
        page.go_back()
        seen = recorder.wait_for("pageview", 3)
    assert [event["u"].removeprefix(origin) for event in seen] == ["/snippet/", "/snippet/pricing", "/snippet/"]


def test_the_snippet_hides_the_fragment_unless_told(browser: Browser, pages: Pages, recorder: Recorder) -> None:
    with visitor(browser) as page:
        origin = open_shop(page, pages, recorder, tail="#token=1")
        recorder.wait_for("pageview", 1)
        page.evaluate("location.hash = 'elsewhere'")
        page.click("#signup")
        recorder.wait_for("Signup")
    assert [event["u"] for event in recorder.named("pageview", "Signup")] == [f"{origin}/snippet/"] * 2


def test_in_hash_mode_the_fragment_is_the_page(browser: Browser, pages: Pages, recorder: Recorder) -> None:
    with visitor(browser) as page:
        origin = open_shop(page, pages, recorder, tail="#/a", attributes="data-hash")
        recorder.wait_for("pageview", 1)
        page.evaluate("location.hash = '/b'")
        seen = recorder.wait_for("pageview", 2)
    assert [(event["u"], event["h"]) for event in seen] == [(f"{origin}/snippet/#/a", 1), (f"{origin}/snippet/#/b", 1)]


def test_events_carry_props_revenue_and_interactivity(browser: Browser, pages: Pages, recorder: Recorder) -> None:
    order = """tallyway("Order", {props: {plan: "pro", seats: 3}, revenue: {amount: "49.95", currency: "EUR"},
                                  interactive: false})"""
    with visitor(browser) as page:
        open_shop(page, pages, recorder)
        page.evaluate(order)
        event = recorder.wait_for("Order")[0]
    assert event["p"] == {"plan": "pro", "seats": 3}
    assert event["$"] == {"amount": "49.95", "currency": "EUR"}
    assert event["i"] is False


def test_calls_made_before_the_snippet_arrived_are_kept(browser: Browser, pages: Pages, recorder: Recorder) -> None:
    early = """window.tallyway = (...call) => { (tallyway.q = tallyway.q || []).push(call) }
               tallyway("Early", {props: {n: "1"}})"""
    with visitor(browser, start_script=early) as page:
        open_shop(page, pages, recorder)
        event = recorder.wait_for("Early")[0]
    assert event["p"] == {"n": "1"}
    assert len(recorder.named("pageview", "Early")) == 2


def test_a_download_is_told_with_its_address(browser: Browser, pages: Pages, recorder: Recorder) -> None:
    with visitor(browser) as page:
        origin = open_shop(page, pages, recorder)
        page.click("#download")
        event = recorder.wait_for("File Download")[0]
    assert event["p"] == {"url": f"{origin}/snippet/price-list.pdf"}


@pytest.mark.parametrize(
    ("start_script", "attributes", "host"),
    [
        pytest.param("", "", "localhost", id="on localhost"),
        pytest.param("", "", "127.0.0.1", id="on a loopback address"),
        pytest.param("localStorage.tallyway_ignore = 'true'", "", DOMAIN, id="by the visitor's own switch"),
        pytest.param(
            "Object.defineProperty(Navigator.prototype, 'doNotTrack', {get: () => '1'})",
            "data-dnt",
            DOMAIN,
            id="by Do Not Track, where honoured",
        ),
        pytest.param(
            "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})",
            "data-dnt",
            DOMAIN,
            id="by Global Privacy Control, where honoured",
        ),
    ],
)
def test_the_snippet_is_silent(
    start_script: str, attributes: str, host: str, browser: Browser, pages: Pages, recorder: Recorder
) -> None:
    with visitor(browser, start_script=start_script) as page:
        open_shop(page, pages, recorder, attributes=attributes, host=host)
        page.click("#signup")
    with visitor(browser) as page:  # the control: the same collector hears a page that may speak
        origin = open_shop(page, pages, recorder, tail="?control")
        page.evaluate("tallyway('Control')")
        recorder.wait_for("Control")
    assert [event["u"] for event in recorder.wait_for("pageview")] == [f"{origin}/snippet/?control"]
    assert recorder.named("Signup") == []


def test_data_dev_speaks_on_localhost(browser: Browser, pages: Pages, recorder: Recorder) -> None:
    with visitor(browser) as page:
        origin = open_shop(page, pages, recorder, attributes="data-dev", host="localhost")
        seen = recorder.wait_for("pageview", 1)
    assert seen[0]["u"] == f"{origin}/snippet/"
