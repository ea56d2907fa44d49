"""Events as one Parquet file; columns as in the store."""

from collections.abc import AsyncIterator
from pathlib import Path

from adapters.local.exports.span import Span
from adapters.local.exports.written import written
from adapters.local.store.event_store import EventStore
from adapters.local.store.schema import EVENTS

MEDIA_TYPE = "application/vnd.apache.parquet"
HIDDEN = frozenset({"site"})


def events(store: EventStore, span: Span, folder: Path) -> AsyncIterator[bytes]:
    """The file in pieces; rows are not sorted, `seq` orders them. Raises BackendError, OSError."""
    columns = ", ".join(name for name in EVENTS if name not in HIDDEN)
    return written(store, f"SELECT {columns} FROM events WHERE {span.condition}", span.values, "Parquet", folder)
