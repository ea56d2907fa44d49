"""The event store: addresses, table definitions, columns in and rows out."""

from pathlib import Path
from typing import Any

import pytest

from adapters.local.store import schema
from adapters.local.store.ddl import create_statements, delete_statement
from adapters.local.store.event_store import EventStore, Target, parse_dsn
from models.errors import BackendError, ConfigurationError, Unreachable


def test_addresses() -> None:
    assert parse_dsn("chdb:///var/lib/x") == Target(path=Path("/var/lib/x"))
    assert parse_dsn("clickhouse://me:p%40ss@db:9000/stats?cluster=main") == Target(
        host="db", port=9000, user="me", password="p@ss", database="stats", cluster="main"
    )
    assert parse_dsn("clickhouses://db") == Target(host="db", port=8443, secure=True)


@pytest.mark.parametrize(
    "dsn", ["chdb://", "chdb://memory/x", "postgres://db", "", "clickhouse://", "clickhouse://db?skip=1"]
)
def test_unusable_addresses_are_refused_without_a_password_in_the_text(dsn: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_dsn(dsn)


def test_one_engine_has_plain_tables() -> None:
    statements = create_statements()
    assert len(statements) == 2 + len(schema.IMPORTED)
    assert "ENGINE = MergeTree() PARTITION BY toYYYYMM(time)" in statements[0]
    assert "ENGINE = VersionedCollapsingMergeTree(sign, events)" in statements[1]
    assert all("fsync_after_insert = 1" in s and "non_replicated_deduplication_window" in s for s in statements)
    assert not any("CLUSTER" in s or "Distributed" in s for s in statements)


def test_a_cluster_has_replicated_tables_under_distributed_ones() -> None:
    statements = create_statements("main")
    assert len(statements) == 2 * (2 + len(schema.IMPORTED))
    path = "'/clickhouse/tables/{shard}/{database}/{table}', '{replica}'"
    assert "`events_local` ON CLUSTER `main`" in statements[0]
    assert f"ReplicatedMergeTree({path})" in statements[0]
    assert f"ReplicatedVersionedCollapsingMergeTree({path}, sign, events)" in statements[2]
    assert "Distributed(`main`, currentDatabase(), `events_local`, cityHash64(site, session))" in statements[1]
    assert all(" replicated_deduplication_window" in s for s in statements[::2])
    assert delete_statement("events", "site = {s:String}", "main").startswith(
        "ALTER TABLE `events_local` ON CLUSTER `main`"
    )


def test_names_that_are_no_words_never_reach_a_statement() -> None:
    with pytest.raises(ValueError, match="not an identifier"):
        create_statements("main` ON")
    with pytest.raises(ValueError, match="not a table"):
        delete_statement("system.users", "1")


def rows(count: int, **given: list[Any]) -> dict[str, list[Any]]:
    """Columns of events, empty but for what is given."""
    empty: dict[str, Any] = {"Map": {}, "Nullable": None, "UInt": 0, "DateTime": 0}
    return {
        name: given.get(name, [next((v for k, v in empty.items() if kind.startswith(k)), "")] * count)
        for name, kind in schema.EVENTS.items()
    }


async def test_a_token_is_taken_once_for_each_month_also_after_a_restart(tmp_path: Path) -> None:
    one = rows(2, seq=[1, 2], time=[1_795_000_000] * 2)
    both = rows(3, seq=[1, 2, 3], time=[1_795_000_000, 1_795_000_000, 1_797_000_000])
    for _ in range(2):
        store = await EventStore.open(f"chdb://{tmp_path}")
        await store.insert("events", one, "t")
        await store.insert("events", both, "t")
        assert await store.query("SELECT count(), uniqExact(seq) FROM events") == [(3, 3)]
        await store.close()


async def test_values_travel_as_parameters(tmp_path: Path) -> None:
    store = await EventStore.open(f"chdb://{tmp_path}")
    hostile = "x' OR 1 = 1 --"
    await store.insert("events", rows(1, site=[hostile], props=[{"k": "v"}]), "t")
    assert await store.query("SELECT site, props FROM events WHERE site = {s:String}", {"s": hostile}) == [
        (hostile, {"k": "v"})
    ]
    with pytest.raises(BackendError, match="refused a statement"):
        await store.query("SELECT nothing")
    await store.close()


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    with pytest.raises(Unreachable):
        await EventStore.open("clickhouse://127.0.0.1:9/default")
