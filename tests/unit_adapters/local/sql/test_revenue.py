"""Money in another currency than its goal's is left out of the sum, and told. Counted by hand from EVENTS."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from adapters.local.reports import Reports
from adapters.local.store.event_store import EventStore
from models.filters import read_filters
from models.goal import Goal
from models.period import days_period
from models.query import ResolvedQuery, default_order
from models.result import Answer, Money
from models.site import Site
from models.vocabulary import Metric
from tests.unit_adapters.local.sql.loading import load, reader_of

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
SITE = Site(id="trade", domain="trade.example", timezone="Europe/Berlin")


def paid(name: str, amount: float, currency: str, day: int = 1, path: str = "/", source: str = "") -> dict[str, Any]:
    return {
        "time": f"2026-03-0{day}T09:00:00Z", "visitor": f"{name}{amount}{currency}", "name": name, "path": path,
        "source": source, "revenue": {"amount": amount, "currency": currency},
    }  # fmt: skip


EVENTS = [
    paid("Order", 10, "USD", path="/shop"),
    paid("Order", 20, "EUR", source="Google"),
    paid("Order", 1.5, "EUR", source="Google"),
    paid("Order", 700, "JPY", day=2),
    paid("Donation", 5, "EUR"),
    paid("Donation", 3, "USD"),
    paid("Tip", 1000, "GBP"),
]
ORDER = Goal(id="1", event_name="Order", display_name="Order", currency="USD")
DONATION = Goal(id="2", event_name="Donation", display_name="Donation", currency="EUR")
TIP = Goal(id="3", event_name="Tip", display_name="Tip")
CODE, SAID = "other_currencies_left_out", "Revenue in other currencies than the goal's is left out: "


@pytest.fixture(scope="module")
def reader(store: EventStore) -> Reports:
    return reader_of(store, asyncio.run(load(store, SITE.id, EVENTS)), (ORDER, DONATION, TIP), NOW)


async def read(
    reader: Reports, filters: list[Any], dimensions: tuple[str, ...] = (), last: int = 2, metrics: str = "total_revenue"
) -> Answer:
    found, problems = read_filters(filters)
    assert not problems
    asked = tuple(map(Metric, metrics.split()))
    period = days_period(date(2026, 3, 1), date(2026, 3, last), ZoneInfo(SITE.timezone))
    order = default_order(asked, dimensions)
    return await reader.read(SITE, ResolvedQuery(asked, period, NOW, dimensions, found, order))


BY_ORDER = ["is", "goal", ["Order"]]


@pytest.mark.parametrize(
    ("filters", "last", "amount", "others"),
    [
        ([BY_ORDER], 2, 10.0, "EUR 21.50 (2 events), JPY 700.00 (1 event)."),
        ([BY_ORDER], 1, 10.0, "EUR 21.50 (2 events)."),
        ([BY_ORDER, ["is", "source", ["Google"]]], 2, 0.0, "EUR 21.50 (2 events)."),
        ([BY_ORDER, ["is", "page", ["/shop"]]], 2, 10.0, ""),
    ],
)
async def test_what_is_left_out_is_told(
    reader: Reports, filters: list[Any], last: int, amount: float, others: str
) -> None:
    answer = await read(reader, filters, last=last)
    assert answer.rows == ((Money(amount, "USD"),),)
    assert [(w.metric, w.code, w.detail) for w in answer.warnings] == (
        [(Metric.TOTAL_REVENUE, CODE, SAID + others)] if others else []
    )


async def test_each_goal_has_a_currency_of_its_own(reader: Reports) -> None:
    answer = await read(reader, [], ("goal",), metrics="visitors total_revenue average_revenue")
    assert sorted(answer.rows, key=str) == [
        ("Donation", 2, Money(5.0, "EUR"), Money(5.0, "EUR")),
        ("Order", 4, Money(10.0, "USD"), Money(10.0, "USD")),
        ("Tip", 1, None, None),
    ]
    # of orders 20 and 1.50 EUR and 700 JPY, of donations 3 USD
    told = SAID + "EUR 21.50 (2 events), JPY 700.00 (1 event), USD 3.00 (1 event)."
    assert [(w.metric, w.detail) for w in answer.warnings] == [
        (Metric.TOTAL_REVENUE, told),
        (Metric.AVERAGE_REVENUE, told),
    ]


async def test_what_is_null_has_its_own_warning(reader: Reports) -> None:
    answer = await read(reader, [])
    assert answer.rows == ((None,),)
    assert [w.code for w in answer.warnings] == ["no_single_revenue_currency"]


async def test_nothing_is_told_where_no_money_is_asked(reader: Reports) -> None:
    assert (await read(reader, [BY_ORDER], metrics="visitors")).warnings == ()
