"""What the local backend is given: the operator's settings of the same names."""

from pathlib import Path

from pydantic import Field

from adapters.local.collect.journal import BACKLOG_BYTES
from models.base import Frozen

FOLDER = "local"
"""Where its files lie in the data directory."""


class LocalOptions(Frozen):
    """Options of the local backend."""

    events: str = ""
    """`chdb:///path` or `clickhouse://...`; empty: embedded, in the data directory."""
    geo_mmdb: Path | None = None
    geo_attribution: str | None = None
    """Text that the licence of `geo_mmdb` asks to be shown; None: read from the file."""
    backlog_bytes: int = Field(default=BACKLOG_BYTES, ge=1 << 20)
    """Journal bytes that may wait for the store before events are refused."""
