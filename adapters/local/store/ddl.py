"""How the tables of `schema.py` are created: on one engine, or replicated and distributed over a cluster. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from adapters.local.store import schema

LOCAL_SUFFIX = "_local"
DEDUPLICATION_WINDOW = 1000
"""Insert tokens a table remembers. The writer re-sends one batch at most; it costs a token per month it touches."""

_TIME = "CODEC(Delta(4), ZSTD(1))"
_NUMBER = "CODEC(Delta(8), ZSTD(1))"
_PLAIN = "CODEC(ZSTD(1))"
CODECS: Mapping[str, str] = MappingProxyType(
    {"time": _TIME, "start": _TIME, "date": _PLAIN, "seq": _NUMBER, "session": _NUMBER, "visitor": _NUMBER}
)


@dataclass(frozen=True, slots=True)
class Layout:
    """Engine and order of one table. `shard_by` is the expression that keeps rows that belong together on one shard."""

    columns: Mapping[str, str]
    engine: str
    arguments: tuple[str, ...]
    partition_by: str
    order_by: str
    shard_by: str
    indices: tuple[str, ...] = ()


def _layouts() -> dict[str, Layout]:
    imported = {
        name: Layout(columns, "MergeTree", (), "", "(site, date)", "cityHash64(site)")
        for name, columns in schema.IMPORTED.items()
    }
    return {
        "events": Layout(
            schema.EVENTS,
            "MergeTree",
            (),
            "toYYYYMM(time)",
            "(site, toDate(time), name, visitor, time)",
            "cityHash64(site, session)",
            ("INDEX seq_range seq TYPE minmax GRANULARITY 4",),
        ),
        # The version is the number of events: the -1 row of a state has the same number as its +1 row, so states
        # cancel whatever the order in which parts are merged.
        "sessions": Layout(
            schema.SESSIONS,
            "VersionedCollapsingMergeTree",
            ("sign", "events"),
            "toYYYYMM(start)",
            "(site, toDate(start), session)",
            "cityHash64(site, session)",
        ),
        **imported,
    }


LAYOUTS: Mapping[str, Layout] = MappingProxyType(_layouts())


def quoted(name: str) -> str:
    """An identifier of ours in backquotes. Raises ValueError for anything that is not a plain word."""
    if not name.replace("_", "").isalnum() or not name.isascii():
        raise ValueError(f"not an identifier: {name!r}")
    return f"`{name}`"


def _columns(layout: Layout) -> str:
    lines = [f"{quoted(name)} {kind} {CODECS.get(name, _PLAIN)}" for name, kind in layout.columns.items()]
    return ", ".join([*lines, *layout.indices])


def _settings(*, replicated: bool) -> str:
    """A batch is acknowledged to the writer only when its parts are on disk, and the table remembers its token."""
    window = "replicated_deduplication_window" if replicated else "non_replicated_deduplication_window"
    return f"SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, {window} = {DEDUPLICATION_WINDOW}"


def _stored(name: str, layout: Layout, cluster: str | None) -> str:
    table = f"{name}{LOCAL_SUFFIX}" if cluster else name
    where = f" ON CLUSTER {quoted(cluster)}" if cluster else ""
    replica = ("'/clickhouse/tables/{shard}/{database}/{table}'", "'{replica}'") if cluster else ()
    engine = f"{'Replicated' if cluster else ''}{layout.engine}({', '.join((*replica, *layout.arguments))})"
    partition = f" PARTITION BY {layout.partition_by}" if layout.partition_by else ""
    return (
        f"CREATE TABLE IF NOT EXISTS {quoted(table)}{where} ({_columns(layout)}) ENGINE = {engine}{partition}"
        f" ORDER BY {layout.order_by} {_settings(replicated=bool(cluster))}"
    )


def _distributed(name: str, layout: Layout, cluster: str) -> str:
    return (
        f"CREATE TABLE IF NOT EXISTS {quoted(name)} ON CLUSTER {quoted(cluster)}"
        f" AS {quoted(name + LOCAL_SUFFIX)}"
        f" ENGINE = Distributed({quoted(cluster)}, currentDatabase(), {quoted(name + LOCAL_SUFFIX)}, {layout.shard_by})"
    )


def create_statements(cluster: str | None = None) -> Sequence[str]:
    """Statements that create every table, in order; each may be run again. Raises ValueError for a bad cluster name."""
    made: list[str] = []
    for name, layout in LAYOUTS.items():
        made.append(_stored(name, layout, cluster))
        if cluster:
            made.append(_distributed(name, layout, cluster))
    return made


def delete_statement(table: str, condition: str, cluster: str | None = None) -> str:
    """Remove rows for good (parts are rewritten). `condition` uses `{name:Type}` parameters."""
    if table not in LAYOUTS:
        raise ValueError(f"not a table of ours: {table!r}")
    target = f"{quoted(table + LOCAL_SUFFIX)} ON CLUSTER {quoted(cluster)}" if cluster else quoted(table)
    return f"ALTER TABLE {target} DELETE WHERE {condition}"
