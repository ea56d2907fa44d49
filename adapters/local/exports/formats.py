"""What can be exported, by the name of its format."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import MappingProxyType

from adapters.local.exports import ndjson, parquet, plausible_csv
from adapters.local.exports.span import Span
from adapters.local.store.event_store import EventStore
from models.errors import InvalidRequest, Problem

MEDIA_TYPES: Mapping[str, str] = MappingProxyType(
    {"ndjson": ndjson.MEDIA_TYPE, "parquet": parquet.MEDIA_TYPE, "plausible": plausible_csv.MEDIA_TYPE}
)


def exported(store: EventStore, format: str, span: Span, folder: Path) -> AsyncIterator[bytes]:
    """The export in pieces; `folder` takes temporary files. Raises InvalidRequest for an unknown format."""
    match format:
        case "ndjson":
            return ndjson.events(store, span)
        case "parquet":
            return parquet.events(store, span, folder)
        case "plausible":
            return plausible_csv.archive(store, span, folder)
        case _:
            raise InvalidRequest([Problem("format", "is not known", tuple(MEDIA_TYPES))])
