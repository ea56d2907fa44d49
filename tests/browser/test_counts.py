"""From a real browser's page view to a number in an answer: published trackers, the real gateway, hand-counted results.

Two people visit the shop. The first looks at two pages, signs up and leaves by an outbound link; the second, on a
phone, looks at one page. So: 2 visitors, 2 visits, 3 page views, 1 of 2 visits a bounce, and 5 events that are not
engagement (3 page views, Signup, Outbound Link: Click).
"""

import datetime as dt
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import PHONE, TRACKERS, script_tags, visitor
from tests.browser.origin import Pages
from tests.serving import Served, serve


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One gateway for the trackers, each of which has a site of its own."""
    with serve(tmp_path_factory.mktemp("gateway")) as served:
        yield served


def told(page: Page, name: str) -> Any:
    """Wait for the answer to an event of this name, sent by what the block does."""

    def is_it(answer: Any) -> bool:
        return answer.url.endswith("/api/event") and (answer.request.post_data_json or {}).get("n") == name

    return page.expect_response(is_it)


def visit_the_shop(browser: Browser, origin: str, tracker: str) -> None:
    """The two visits of the module's description."""
    with visitor(browser) as page:
        with told(page, "pageview"):
            page.goto(f"{origin}/{tracker}/home")
        with told(page, "pageview"):
            page.click("#pricing")
        with told(page, "Signup"):
            page.click("#signup")
        page.click("#elsewhere")
        page.wait_for_url("http://elsewhere.example.test:*/")
    with visitor(browser, user_agent=PHONE) as page, told(page, "pageview"):
        page.goto(f"{origin}/{tracker}/home")


def ask(gateway: Served, site: str, metrics: list[str], **more: Any) -> list[dict[str, Any]]:
    """Rows of POST /v1/query over yesterday and today, so that midnight does not matter."""
    today = dt.datetime.now(dt.UTC).date()
    days = [str(today - dt.timedelta(days=1)), str(today)]
    answer = gateway.call("POST", "/v1/query", {"site": site, "metrics": metrics, "date_range": days} | more)
    rows: list[dict[str, Any]] = answer["results"]
    return rows


def wait_for_events(gateway: Served, site: str, count: int) -> None:
    """Events are acknowledged before they are queryable; poll until they are."""
    deadline = time.monotonic() + 60
    seen: object = None
    while time.monotonic() < deadline:
        seen = ask(gateway, site, ["events"])[0]["events"]
        if seen == count:
            return
        time.sleep(0.1)
    raise AssertionError(f"{count} events wanted, the answer stays at {seen}")


@pytest.mark.parametrize("tracker", TRACKERS)
def test_a_browsers_visits_are_counted_as_a_person_would(
    tracker: str, browser: Browser, pages: Pages, gateway: Served
) -> None:
    site = f"{tracker}.example.test"
    gateway.call("POST", "/v1/sites", {"domain": site, "timezone": "Etc/UTC"})
    collector = gateway.base.replace("127.0.0.1", "collector.example.test")
    pages.scripts[tracker] = script_tags(tracker, domain=site, collector=collector)

    visit_the_shop(browser, f"http://{site}:{pages.server_address[1]}", tracker)
    wait_for_events(gateway, site, 5)

    metrics = ["visitors", "visits", "pageviews", "events", "views_per_visit", "bounce_rate"]
    [totals] = ask(gateway, site, metrics)
    assert {name: totals[name] for name in metrics} == {
        "visitors": 2,
        "visits": 2,
        "pageviews": 3,
        "events": 5,
        "views_per_visit": 1.5,
        "bounce_rate": 50,
    }

    by_page = ask(gateway, site, ["visitors", "pageviews"], dimensions=["page"])
    assert {row["page"]: (row["visitors"], row["pageviews"]) for row in by_page} == {
        f"/{tracker}/home": (2, 2),
        f"/{tracker}/pricing": (1, 1),
    }
    by_event = ask(gateway, site, ["events", "visitors"], dimensions=["event"])
    assert {row["event"]: (row["events"], row["visitors"]) for row in by_event} == {
        "pageview": (3, 2),
        "Signup": (1, 1),
        "Outbound Link: Click": (1, 1),
    }
    by_exit = ask(gateway, site, ["visits"], dimensions=["exit_page"])
    assert {row["exit_page"]: row["visits"] for row in by_exit} == {f"/{tracker}/home": 1, f"/{tracker}/pricing": 1}
    by_device = ask(gateway, site, ["visitors"], dimensions=["device"])
    assert {row["device"]: row["visitors"] for row in by_device} == {"Desktop": 1, "Mobile": 1}


def test_the_api_docs_page_draws_under_a_strict_policy_and_asks_nobody_outside(
    browser: Browser, gateway: Served
) -> None:
    refused: list[str] = []
    with visitor(browser) as page:
        page.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: refused.append(request.url) if gateway.base not in request.url else None)
        page.goto(f"{gateway.base}/docs")
        page.wait_for_selector(".swagger-ui .opblock")
        assert page.locator(".opblock").count() > 10
    assert [entry for entry in refused if not entry.startswith(("data:", "blob:"))] == []
