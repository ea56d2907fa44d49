"""Columns of a batch: coded by combination of attributes, and still what each row says."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.local.collect.columns import event_columns, session_columns
from adapters.local.collect.hit import Hit, pack_attributes
from adapters.local.collect.sessions import Sessions
from adapters.local.store.coded import Coded
from adapters.local.store.event_store import EventStore
from adapters.local.store.schema import EVENTS, SESSIONS, VISIT_ATTRIBUTES

WORDS = st.sampled_from(["", "a", "Berlin", "ü", "x" * 300])
SHAPES = st.lists(WORDS, min_size=len(VISIT_ATTRIBUTES), max_size=len(VISIT_ATTRIBUTES)).map(tuple)


def hit(
    visitor: int, attributes: tuple[str, ...], amount: int | None = None, props: dict[str, str] | None = None
) -> Hit:
    return Hit(
        "s", 1_795_000_000 + visitor, visitor, 0, "pageview", True, "example.com", f"/{visitor}", "",
        pack_attributes(attributes), amount=amount, currency="EUR" if amount is not None else "", props=props,
    )  # fmt: skip


@given(st.lists(SHAPES, min_size=1, max_size=30))
def test_every_row_has_the_attributes_of_its_visit(shapes: list[tuple[str, ...]]) -> None:
    outcome = Sessions().apply([(1, 0, [hit(number, shape) for number, shape in enumerate(shapes, 1)])])
    for columns, order in ((event_columns(outcome), EVENTS), (session_columns(outcome), SESSIONS)):
        assert list(columns) == list(order)
        found = list(zip(*(list(columns[name]) for name in VISIT_ATTRIBUTES), strict=True))
        assert found == shapes


@pytest.mark.parametrize("different", [1, 256, 257, 65_537])
def test_codes_grow_with_the_dictionary(different: int) -> None:
    """More combinations than one byte, or two, can tell apart, in one attribute and in all of them."""
    shapes = [(f"n{n}", *[f"x{n % 3}"] * (len(VISIT_ATTRIBUTES) - 1)) for n in range(different)]
    outcome = Sessions().apply([(1, 0, [hit(n, shape) for n, shape in enumerate(shapes, 1)])])
    columns = event_columns(outcome)
    assert list(columns["source"]) == [shape[0] for shape in shapes]
    assert list(columns["language"]) == [shape[-1] for shape in shapes]
    assert list(columns["referrer"]) == [shape[2] for shape in shapes]


@given(st.lists(WORDS, max_size=40))
def test_a_coded_column_is_the_column(column: list[str]) -> None:
    coded = Coded.of(column)
    assert (list(coded), coded.plain(), len(coded)) == (column, column, len(column))
    assert list(coded[1:3]) == column[1:3]
    assert len(coded.codes) == len(column) * coded.width


async def test_amounts_and_properties_come_back_as_they_were(tmp_path: Path) -> None:
    nothing = ("",) * len(VISIT_ATTRIBUTES)
    hits = [
        hit(1, nothing, amount=-1_234_567), hit(2, nothing), hit(3, nothing, amount=0),
        hit(4, nothing, amount=10**17, props={"plan": "pro", "größe": "1"}),
    ]  # fmt: skip
    store = await EventStore.open(f"chdb://{tmp_path / 'events'}")
    await store.insert("events", event_columns(Sessions().apply([(1, 0, hits)])), "token")
    found = await store.query("SELECT revenue, currency, props FROM events ORDER BY seq")
    await store.close()
    assert found == [
        (Decimal("-1234.567"), "EUR", {}), (None, "", {}), (Decimal("0.000"), "EUR", {}),
        (Decimal("100000000000000.000"), "EUR", {"plan": "pro", "größe": "1"}),
    ]  # fmt: skip
