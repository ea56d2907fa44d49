"""Puts events into an event store the short way: visits as the independent reference makes them, rows as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from adapters.local.client import StoreClient
from adapters.local.reports import Reports
from adapters.local.store import schema
from adapters.local.store.event_store import EventStore
from adapters.local.store.imported import ImportedRange
from fixtures.reference.imported import Import
from fixtures.reference.sessions import Hit, Session, sessionize
from models.goal import Goal
from models.site import Site

NO_DEPTH = 255
PLACEHOLDERS = {"UInt": 0, "Int": 0, "Map": {}, "Nullable": None}


def _blank(kind: str) -> Any:
    return next((value for start, value in PLACEHOLDERS.items() if kind.startswith(start)), "")


@dataclass
class Loaded:
    """A site's key and its imports, as a reader wants them."""

    site: str
    imports: tuple[ImportedRange, ...] = ()


async def load(
    store: EventStore, site: str, events: Iterable[Mapping[str, Any]], imports: Sequence[Import] = ()
) -> Loaded:
    """Insert canonical events (in order of arrival) and imported rows of one site."""
    hits, sessions = sessionize(events)
    visitors = {name: n for n, name in enumerate(dict.fromkeys(s.visitor for s in sessions), 1)}
    numbers = {session: n for n, session in enumerate(sessions, 1)}
    await _insert(store, "events", [_event(site, n, hit, visitors, numbers) for n, hit in enumerate(hits)])
    await _insert(store, "sessions", [row for s in sessions for row in _visit(site, s, visitors, numbers)])
    ranges = [await _import(store, site, f"{site}-{n}", each) for n, each in enumerate(imports)]
    return Loaded(site, tuple(ranges))


def _event(
    site: str, seq: int, hit: Hit, visitors: Mapping[str, int], numbers: Mapping[Session, int]
) -> dict[str, Any]:
    amount, currency = hit.revenue or (None, "")
    return {
        "site": site, "time": hit.time, "seq": seq, "visitor": visitors[hit.visitor], "session": numbers[hit.session],
        "name": hit.name, "hostname": hit.hostname, "path": hit.path, "title": hit.title, "props": hit.props,
        "revenue": amount, "currency": currency, "interactive": 1, "engagement_ms": hit.engagement_ms,
        "scroll_depth": NO_DEPTH if hit.scroll_depth is None else hit.scroll_depth, **hit.session.attributes,
    }  # fmt: skip


def _visit(
    site: str, session: Session, visitors: Mapping[str, int], numbers: Mapping[Session, int]
) -> list[dict[str, Any]]:
    """The visit's last state, and an earlier one that was taken back, as the store keeps them."""
    row = {
        "site": site, "session": numbers[session], "visitor": visitors[session.visitor], "sign": 1,
        "start": session.start, "time": session.last, "is_bounce": int(session.bounce), "duration": session.duration,
        "pageviews": session.pageviews, "events": session.events, "entry_page": session.entry_page,
        "exit_page": session.exit_page, "entry_hostname": session.entry_page_hostname,
        "exit_hostname": session.exit_page_hostname, **session.attributes,
    }  # fmt: skip
    if session.events < 2:
        return [row]
    before = row | {"time": session.start, "events": 1, "pageviews": 0, "duration": 0, "exit_page": "/taken-back"}
    return [before, before | {"sign": -1}, row]


async def _import(store: EventStore, site: str, key: str, each: Import) -> ImportedRange:
    tables: dict[str, list[dict[str, Any]]] = {}
    for row in each.rows:
        if each.start_date <= date.fromisoformat(row["date"]) <= each.end_date:
            day = date.fromisoformat(row["date"])
            tables.setdefault(row["table"], []).append({**row, "site": site, "import": key, "date": day})
    for table, rows in tables.items():
        await _insert(store, table, rows)
    scrolled = any(row.get("total_scroll_depth_visits") for row in tables.get("imported_pages", ()))
    return ImportedRange(key, each.start_date, each.end_date, frozenset(tables), scrolled)


async def _insert(store: EventStore, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    columns = {"events": schema.EVENTS, "sessions": schema.SESSIONS, **schema.IMPORTED}[table]
    values = {name: [_value(row.get(name), kind) for row in rows] for name, kind in columns.items()}
    token = f"{table}-{rows[0]['site']}-{rows[0].get('import')}-{datetime.now(UTC).timestamp()}" if rows else ""
    await store.insert(table, values, token)


def _value(value: Any, kind: str) -> Any:
    if value is None:
        return _blank(kind)
    return str(value) if kind in (schema.TEXT, schema.NAME) else value


def reader_of(store: EventStore, loaded: Loaded, goals: Sequence[Goal], now: datetime) -> Reports:
    """A reader of one loaded site, with its goals, at a frozen time."""

    async def goals_of(_: Site) -> Sequence[Goal]:
        return goals

    async def imports_of(_: Site) -> Sequence[ImportedRange]:
        return loaded.imports

    return over(StoreClient(store, goals_of, imports_of, lambda: now))


def over(client: StoreClient) -> Reports:
    """Statistics alone, without the rest of the adapter."""
    made = Reports()
    made.client = client
    return made
