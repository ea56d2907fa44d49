"""Real vendors, as the environment names them: how each is opened, and whether it is there at all.

`TALLYWAY_LIVE_<VENDOR>_URL` switches a vendor on. Each option and credential of its adapter has a variable, such as
`TALLYWAY_LIVE_UMAMI_USERNAME` or `TALLYWAY_LIVE_PLAUSIBLE_EDITION`; `_SITE` names a site that exists, as the vendor
calls it, for vendors that cannot make one (`_SITE_DOMAIN` its domain, where that is another thing).
"""

import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from adapters.base import Context
from adapters.http import Timeouts, open_transport
from adapters.registry import backends
from models.capability import Capabilities, Operation
from models.site import Site, SiteDraft
from tests.contract.ledger import MemoryLedger

VENDORS = ("plausible", "pirsch", "sparklytics", "umami")
NEARBY = tuple(map(ip_network, ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
"""Addresses that a server under test may have, beside public ones."""
PATIENCE = float(os.environ.get("TALLYWAY_LIVE_PATIENCE", "90"))
"""Seconds until what was sent has to show."""


def settings(vendor: str) -> Mapping[str, str]:
    """What the environment says of a vendor, by the lower-cased last part of the names."""
    prefix = f"TALLYWAY_LIVE_{vendor.upper()}_"
    return {name.removeprefix(prefix).lower(): value for name, value in os.environ.items() if name.startswith(prefix)}


def missing(vendor: str) -> str:
    """Why a vendor cannot be asked; empty when it can."""
    return "" if settings(vendor).get("url") else f"set TALLYWAY_LIVE_{vendor.upper()}_URL and its credential"


@dataclass
class Live:
    """An open adapter and the site that the suite counts on; `fresh`: made for it, so that it holds nothing else."""

    vendor: str
    adapter: Any
    site: Site
    fresh: bool
    token: str = field(default_factory=lambda: secrets.token_hex(4))
    before: dict[str, int] = field(default_factory=dict)
    """Numbers of the site before anything was sent."""

    @property
    def can(self) -> Capabilities:
        found: Capabilities = self.adapter.can
        return found

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)


def _fields(model: type[BaseModel], given: Mapping[str, str]) -> dict[str, str]:
    return {name: given[name] for name in model.model_fields if name in given}


@asynccontextmanager
async def opened(vendor: str, directory: Path) -> AsyncIterator[Live]:
    """The vendor's adapter over its real server, and a site; what was made is removed at the end."""
    given = settings(vendor)
    backend = backends()[vendor]
    options = backend.options.model_validate({**_fields(backend.options, given), "base_url": given["url"]})
    found = _fields(backend.credential, given) if backend.credential else {}
    credential = backend.credential.model_validate(found) if backend.credential and found else None
    transport = open_transport(
        backend.base_url_of(options), allow_http=True, allow_private=NEARBY, backend=vendor,
        timeouts=Timeouts(connect=5, pool=5, total=30),
    )  # fmt: skip
    context = Context(transport, MemoryLedger(), lambda: datetime.now(UTC), directory, "https://tallyway.example")
    adapter: Any = backend.open(options, credential, context)
    await adapter.start()
    try:
        live = await _with_site(vendor, adapter, given)
        try:
            yield live
        finally:
            if live.fresh and live.can.allows(Operation.DELETE_SITE):
                await adapter.delete_site(live.site)
    finally:
        await adapter.close()


async def _with_site(vendor: str, adapter: Any, given: Mapping[str, str]) -> Live:
    if given.get("site"):
        domain = given.get("site_domain", given["site"])
        return Live(vendor, adapter, Site(id="live", domain=domain, external_id=given["site"]), fresh=False)
    if not adapter.can.allows(Operation.CREATE_SITE):
        raise LookupError(f"{vendor} cannot make a site: set TALLYWAY_LIVE_{vendor.upper()}_SITE to one that exists")
    domain = f"live-{secrets.token_hex(4)}.example.com"
    made = await adapter.create_site(SiteDraft(domain=domain, name="Live suite"))
    return Live(vendor, adapter, Site(id="live", domain=made.domain, external_id=made.ref), fresh=True)
