"""Events on their way to Pirsch: who the visitor is, which request, in which order, and what cannot be taken."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from models.event import Event, Received, Revenue
from tests.unit_adapters.pirsch.wiring import NOW, Bench

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
VISITOR = Received(
    ip="203.0.113.9",
    user_agent=FIREFOX,
    accept_language="de-DE,de;q=0.9",
    headers={"Sec-CH-UA-Platform": '"Linux"', "Sec-CH-UA-Mobile": "?0", "Cookie": "no"},
)


def sent(name: str = "pageview", time: datetime = NOW, **fields: Any) -> Event:
    return Event.model_validate({"name": name, "time": time, "url": "https://demo.example.com/a?x=1", **fields})


def server(name: str, seconds: int, ip: str = "203.0.113.1", **fields: Any) -> Event:
    return sent(name, NOW - timedelta(days=3) + timedelta(seconds=seconds), ip=ip, user_agent=FIREFOX, **fields)


async def test_a_trackers_page_view_carries_the_visitors_side(bench: Bench) -> None:
    page = sent(title="Home", referrer="https://google.com/", props={"author": "John"})
    assert await bench.adapter.collect(bench.site, [page], VISITOR) == (None,)
    assert bench.twin.received == [
        (
            "hit",
            {
                "url": "https://demo.example.com/a?x=1",
                "ip": "203.0.113.9",
                "user_agent": FIREFOX,
                "accept_language": "de-DE,de;q=0.9",
                "sec_ch_ua_platform": '"Linux"',
                "sec_ch_ua_mobile": "?0",
                "title": "Home",
                "referrer": "https://google.com/",
                "tags": {"author": "John"},
            },
        )
    ]
    assert await bench.rows(metrics=["visitors", "pageviews"], date_range="day") == [(1, 1)]


async def test_an_event_carries_its_properties_and_money_as_text(bench: Bench) -> None:
    bought = sent("Purchase", props={"plan": "pro"}, revenue=Revenue(amount=49, currency="EUR"), interactive=False)
    await bench.adapter.collect(bench.site, [bought], VISITOR)
    (path, body), = bench.twin.received  # fmt: skip
    assert (path, body["event_name"], body["non_interactive"]) == ("event", "Purchase", True)
    assert body["event_meta"] == {"plan": "pro", "amount": "49.00", "currency": "EUR"}


async def test_batches_keep_the_order_of_time_and_are_cut_where_the_kind_changes(bench: Bench) -> None:
    """The vendor sorts within a batch, not between batches."""
    events = [
        server("Buy", 30),
        server("pageview", 0),
        server("pageview", 60),
        server("pageview", 10, ip="203.0.113.2"),
    ]
    assert await bench.adapter.collect(bench.site, events) == (None, None, None, None)
    assert [(path, [item["time"] for item in body]) for path, body in bench.twin.received] == [
        ("hit/batch", ["2026-06-14T12:00:00Z", "2026-06-14T12:00:10Z"]),
        ("event/batch", ["2026-06-14T12:00:30Z"]),
        ("hit/batch", ["2026-06-14T12:01:00Z"]),
    ]
    day = ["2026-06-14", "2026-06-14"]
    rows = await bench.rows(metrics=["visitors", "visits", "pageviews", "events"], date_range=day)
    assert rows == [(2, 2, 3, 4)]


async def test_a_late_event_of_a_tracker_keeps_its_time(bench: Bench) -> None:
    await bench.adapter.collect(bench.site, [sent(time=NOW - timedelta(minutes=5))], VISITOR)
    assert bench.twin.received[0][0] == "hit/batch"
    assert bench.twin.received[0][1][0]["time"] == "2026-06-17T11:55:00Z"


async def test_what_pirsch_cannot_take_is_a_drop_with_a_reason(bench: Bench) -> None:
    events = [
        server("engagement", 0),
        sent(visitor="known to us only"),
        server("Buy", 1, props={f"k{n}": "v" for n in range(21)}),
        server("pageview", 2, props={"k": "v" * 51}),
        server("pageview", 3),
    ]
    drops = await bench.adapter.collect(bench.site, events)
    reasons = [drop.reason if drop else None for drop in drops]
    assert reasons == ["unsupported_event", "unknown_visitor", "props_too_large", "props_too_large", None]
    assert [len(body) for _, body in bench.twin.received] == [1]


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({"url": None, "path": "/p", "hostname": "demo.example.com"}, "https://demo.example.com/p"),
        ({"url": None}, "https://demo.example.com/"),
        ({"utm_source": "a b"}, "https://demo.example.com/a?x=1&utm_source=a+b"),
        (
            {"url": "https://demo.example.com/?utm_source=x", "utm_source": "y"},
            "https://demo.example.com/?utm_source=x",
        ),
        ({"url": None, "path": "/p", "utm_term": "t"}, "https://demo.example.com/p?utm_term=t"),
    ],
)
async def test_the_address_is_whole(bench: Bench, fields: dict[str, Any], url: str) -> None:
    await bench.adapter.collect(bench.site, [sent(**fields)], VISITOR)
    assert bench.twin.received[0][1]["url"] == url


async def test_one_person_is_another_visitor_the_next_day(bench: Bench) -> None:
    """The vendor's ids rotate at midnight UTC, as ours do."""
    await bench.adapter.collect(bench.site, [server("pageview", 0), server("pageview", 86_400)])
    rows = await bench.rows(metrics=["visitors"], date_range=["2026-06-14", "2026-06-15"])
    assert rows == [(2,)]


async def test_a_dropped_bot_is_answered_like_everybody(bench: Bench) -> None:
    bot = Received(ip="203.0.113.9", user_agent="Examplebot/1.0")
    assert await bench.adapter.collect(bench.site, [sent()], bot) == (None,)
    assert await bench.rows(metrics=["visitors"], date_range="day") == [(0,)]
