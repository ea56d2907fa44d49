"""How distribution behaves on real servers: Debian's old one, so the mechanics only (decision 0014)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.local.care.purge import GOING_ON
from adapters.local.store.ddl import LAYOUTS, LOCAL_SUFFIX
from adapters.local.store.event_store import SERVER_INSERT
from tests.clickhouse.instances import CLUSTER, Instance, Refused, pair, server

pytestmark = pytest.mark.skipif(server() is None, reason="clickhouse-server is not installed")

VISITS, EVENTS_EACH = 400, 5
COLUMNS = {
    "events": "site String, session UInt64, seq UInt64, time DateTime",
    "sessions": "site String, session UInt64, sign Int8, events UInt32, start DateTime",
}
"""The columns that keys, shards and versions are made of."""


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Instance, Instance]]:
    folder: Path = tmp_path_factory.mktemp("clickhouse")
    with pair(folder) as both:
        for instance in both:
            for table, columns in COLUMNS.items():
                _create(instance, table, columns)
        _fill(both[0])
        yield both


def _create(instance: Instance, table: str, columns: str) -> None:
    layout = LAYOUTS[table]
    order = "(site, session)"
    engine = f"{layout.engine}({', '.join(layout.arguments)})"
    local = f"{table}{LOCAL_SUFFIX}"
    instance.ask(
        f"CREATE TABLE {local} ({columns}) ENGINE = {engine} PARTITION BY {layout.partition_by} ORDER BY {order}"
    )
    spread = f"Distributed({CLUSTER}, default, {local}, {layout.shard_by})"
    instance.ask(f"CREATE TABLE {table} AS {local} ENGINE = {spread}")


def _fill(instance: Instance) -> None:
    """Each visit: five events, a first state taken back, and the last one; the shards are chosen by our expressions."""
    wait = {"insert_distributed_sync": str(SERVER_INSERT["insert_distributed_sync"])}
    first = "toDateTime('2026-06-01 00:00:00')"
    rows = f"'a', intDiv(number, {EVENTS_EACH}), number, {first} FROM system.numbers LIMIT {VISITS * EVENTS_EACH}"
    instance.ask(f"INSERT INTO events SELECT {rows}", **wait)
    for sign, events in ((1, 1), (-1, 1), (1, EVENTS_EACH)):
        rows = f"'a', number, {sign}, {events}, {first} FROM system.numbers LIMIT {VISITS}"
        instance.ask(f"INSERT INTO sessions SELECT {rows}", **wait)


def test_a_visit_lies_on_one_shard_with_all_its_events(shards: tuple[Instance, Instance]) -> None:
    """So the distinct visits of the shards add up, for events and for visits, and both tables share them alike."""
    held = [
        (
            int(instance.ask("SELECT uniqExact(session) FROM events_local")),
            int(instance.ask("SELECT uniqExact(session) FROM sessions_local")),
        )
        for instance in shards
    ]
    assert sum(events for events, _ in held) == VISITS
    assert [events for events, _ in held] == [visits for _, visits in held]
    assert all(events for events, _ in held)


@pytest.mark.parametrize("asked", [0, 1])
def test_each_instance_answers_for_both(shards: tuple[Instance, Instance], asked: int) -> None:
    instance = shards[asked]
    assert instance.ask("SELECT count(), uniqExact(session) FROM events") == f"{VISITS * EVENTS_EACH}\t{VISITS}"
    assert instance.ask("SELECT sum(sign), sum(sign * events) FROM sessions") == f"{VISITS}\t{VISITS * EVENTS_EACH}"


def test_states_taken_back_vanish_when_parts_are_merged(shards: tuple[Instance, Instance]) -> None:
    for instance in shards:
        instance.ask("OPTIMIZE TABLE sessions_local FINAL")
    assert shards[0].ask("SELECT count(), min(sign), min(events) FROM sessions") == f"{VISITS}\t1\t{EVENTS_EACH}"


@pytest.mark.parametrize(("days", "visits"), [(0, VISITS), (1, 0)])
def test_visits_over_a_midnight_are_found_on_both_shards(
    shards: tuple[Instance, Instance], days: int, visits: int
) -> None:
    """Every visit of the site has an event before a midnight and one after it, and none before the next. The server is
    too old for parameters, so the values stand in the text."""
    wait = {"insert_distributed_sync": str(SERVER_INSERT["insert_distributed_sync"])}
    midnight = 1_782_950_400  # 2026-07-02T00:00:00Z
    for moment in (midnight - 5, midnight + 5):
        rows = f"'b{days}', number, number, toDateTime({moment}) FROM system.numbers LIMIT {VISITS}"
        shards[0].ask(f"INSERT INTO events SELECT {rows}", **wait)
    edge = midnight + days * 86_400
    given = {"site": f"'b{days}'", "before": edge - 86_400, "edge": edge, "after": edge + 86_400}
    found = shards[1].ask(re.sub(r"\{(\w+):\w+\}", lambda name: str(given[name[1]]), GOING_ON))
    assert len(found.split()) == visits


def test_with_a_shard_down_a_query_fails_and_never_answers_with_half(tmp_path: Path) -> None:
    with pair(tmp_path) as (one, other):
        for instance in (one, other):
            _create(instance, "events", COLUMNS["events"])
            _create(instance, "sessions", COLUMNS["sessions"])
        _fill(one)
        other.stop()
        with pytest.raises(
            Refused, match=r"ALL_CONNECTION_TRIES_FAILED|Connection refused|All connection tries failed"
        ):
            one.ask("SELECT count() FROM events")
        half = int(one.ask("SELECT count() FROM events", skip_unavailable_shards="1"))
        assert 0 < half < VISITS * EVENTS_EACH, "the setting that we never use would have answered with a part"
