"""What only this dialect knows and no backend keeps: funnels, a goal's targets. One ledger for each tenant."""

from datetime import datetime
from hashlib import blake2b
from typing import Any

from gateway.catalog.base import Runs
from gateway.catalog.documents import DocumentLedger
from gateway.catalog.text import random_text
from gateway.http.facades.pirsch.dialect import PirschAsk
from gateway.tenancy import SiteRecord

ID_LENGTH = 10
EPOCH = "1970-01-01T00:00:00Z"
"""Stands for a time that nobody wrote down."""


def documents(ask: PirschAsk, catalog: Runs | None = None) -> DocumentLedger:
    """`catalog` runs changes together with their row of the audit log."""
    return DocumentLedger(catalog or ask.services.catalog, ask.caller.tenant.id, "facade.pirsch")


def new_id() -> str:
    return random_text(ID_LENGTH)


def named_id(*parts: str) -> str:
    """An id that stands for what it names, where nothing else gives it one."""
    return blake2b("\n".join(parts).encode(), digest_size=5).hexdigest()


def key(record: SiteRecord, name: str) -> str:
    return f"{record.site.id}/{name}"


def now(ask: PirschAsk) -> str:
    """The clock as Pirsch writes times."""
    return written(ask.services.settings.clock())


def written(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat().replace("+00:00", "Z")


async def listed(ask: PirschAsk, record: SiteRecord, kind: str) -> list[dict[str, Any]]:
    """The site's documents of one kind."""
    return [value for _, value in await documents(ask).list(kind, f"{record.site.id}/")]
