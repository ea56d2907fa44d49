"""Events as canonical NDJSON, in the order in which they arrived: imported elsewhere they make the same numbers.

Memory is bound by a page of events. Visitors are written as their numbers, which lead to nobody.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import orjson

from adapters.local.collect.hit import NO_DEPTH
from adapters.local.exports.span import Span
from adapters.local.store.event_store import EventStore
from adapters.local.store.schema import VISIT_ATTRIBUTES
from models.event import ENGAGEMENT

MEDIA_TYPE = "application/x-ndjson"
PAGE_ROWS = 20_000
KEPT_BLANK = "channel"
"""An import would derive it from the source if it were missing."""

_COLUMNS = (
    "seq", "session", "visitor", "time", "name", "hostname", "path", "title", "props", "revenue", "currency",
    "interactive", "engagement_ms", "scroll_depth",
)  # fmt: skip


async def events(store: EventStore, span: Span, page_rows: int = PAGE_ROWS) -> AsyncIterator[bytes]:
    """Lines, many at a time. Raises BackendError."""
    renamed = await _renamed(store, span)
    edges = await _edges(store, span, page_rows)
    columns = ", ".join((*_COLUMNS, *VISIT_ATTRIBUTES))
    sql = (
        f"SELECT {columns} FROM events WHERE {span.condition} AND seq >= {{low:UInt64}} AND seq < {{high:UInt64}}"
        " ORDER BY seq"
    )
    for low, high in pairwise(edges):
        rows = await store.query(sql, span.values | {"low": low, "high": high})
        yield b"".join(_line(row, renamed) for row in rows)


async def _edges(store: EventStore, span: Span, page_rows: int) -> Sequence[int]:
    """Seqs that cut the events into pages; the last is above all of them."""
    found = await store.query(
        f"SELECT seq FROM (SELECT seq, row_number() OVER (ORDER BY seq) AS n FROM events WHERE {span.condition})"
        " WHERE n % {rows:UInt64} = 1 OR {rows:UInt64} = 1 ORDER BY seq",
        span.values | {"rows": page_rows},
    )
    return [*(seq for (seq,) in found), 2**64 - 1]


async def _renamed(store: EventStore, span: Span) -> Mapping[int, Sequence[int]]:
    """Visits whose visitor got another number on the way (at midnight): their numbers in order."""
    found = await store.query(
        f"SELECT session, arrayDistinct(arrayMap(p -> p.2, arraySort(groupArray((seq, visitor))))) AS names"
        f" FROM events WHERE session IN (SELECT session FROM events WHERE {span.condition} GROUP BY session"
        f" HAVING uniqExact(visitor) > 1) AND {span.condition} GROUP BY session",
        span.values,
    )
    return dict(found)


def _line(row: Sequence[Any], renamed: Mapping[int, Sequence[int]]) -> bytes:
    (_, session, visitor, time, name, hostname, path, title, props, revenue, currency, interactive, engaged, depth,
     *attributes) = row  # fmt: skip
    event: dict[str, Any] = {"name": name, "time": _utc(time), "visitor": str(visitor)}
    names = renamed.get(session)
    if names is not None and (at := names.index(visitor)):
        event["previous_visitor"] = str(names[at - 1])
    given = {"hostname": hostname, "path": path, "title": title, **dict(zip(VISIT_ATTRIBUTES, attributes, strict=True))}
    event |= {key: value for key, value in given.items() if value or key == KEPT_BLANK}
    if props:
        event["props"] = props
    if revenue is not None:
        event["revenue"] = {"amount": float(revenue), "currency": currency}
    if not interactive:
        event["interactive"] = False
    if name == ENGAGEMENT or engaged:
        event["engagement_ms"] = engaged
    if depth != NO_DEPTH:
        event["scroll_depth"] = depth
    return orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE)


def _utc(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
