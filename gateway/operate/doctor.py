"""What `tallyway doctor` looks at: one function for each thing an installation stands on."""

import asyncio
import shutil
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from adapters.base import Check
from adapters.registry import own_store
from gateway.catalog import integrity, sealed
from gateway.catalog.base import FILE
from gateway.catalog.vault import KEY_FILE
from gateway.services import Services
from gateway.settings import Settings
from gateway.tenancy import Tenant
from models.errors import GatewayError

FREE_BYTES = 2**30
CLOCK_SLACK = timedelta(minutes=5)
CHECK_SECONDS = 20.0


class Verdict(StrEnum):
    GOOD = "good"
    NOTE = "note"
    """Works, but an operator should know."""
    BAD = "BAD"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about one thing; never a secret."""

    verdict: Verdict
    subject: str
    said: str


async def examine(settings: Settings, build: Callable[[Settings], Services]) -> tuple[Finding, ...]:
    """Everything, in the order in which it would fail. Raises ConfigurationError when nothing can be opened at all."""
    findings = [*permissions(settings), disk(settings.data)]
    services = build(settings)
    try:
        findings += [
            clock(settings, services.catalog.run_now(integrity.last_change)),
            catalog(services),
            vault(services),
            await event_store(settings, services),
            *[finding async for finding in connections(services)],
        ]
    finally:
        await services.close()
    return tuple(findings)


def permissions(settings: Settings) -> list[Finding]:
    """The files that hold secrets are their owner's alone."""
    found = []
    for path in (settings.data / FILE, settings.data / KEY_FILE):
        if not path.exists():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        loose = mode & 0o077
        said = f"mode {mode:04o}" + (", others can open it: chmod 600" if loose else "")
        found.append(Finding(Verdict.BAD if loose else Verdict.GOOD, str(path.name), said))
    if settings.vault_key is None and settings.vault_key_command is None:
        said = "the key lies beside what it protects; set TALLYWAY_VAULT_KEY or TALLYWAY_VAULT_KEY_COMMAND"
        found.append(Finding(Verdict.NOTE, "vault key", said))
    return found


def disk(data: Path) -> Finding:
    """Room for events; the journal refuses events when there is none."""
    existing = next(p for p in (data, *data.resolve().parents) if p.exists())
    free = shutil.disk_usage(existing).free
    verdict = Verdict.GOOD if free >= FREE_BYTES else Verdict.BAD
    return Finding(verdict, "disk", f"{free / 2**30:.1f} GiB free")


def clock(settings: Settings, last: datetime | None) -> Finding:
    """The clock runs, and does not run behind what was written before."""
    if settings.now is not None:
        return Finding(Verdict.NOTE, "clock", "frozen by TALLYWAY_NOW")
    now = datetime.now(UTC)
    if last is not None and last - now > CLOCK_SLACK:
        return Finding(
            Verdict.BAD, "clock", f"{now:%Y-%m-%d %H:%M} UTC is before the last change, {last:%Y-%m-%d %H:%M}"
        )
    return Finding(Verdict.GOOD, "clock", f"{now:%Y-%m-%d %H:%M} UTC")


def catalog(services: Services) -> Finding:
    """The file of the control plane is whole."""
    faults = services.catalog.run_now(integrity.faults)
    return Finding(Verdict.BAD if faults else Verdict.GOOD, "catalog", "; ".join(faults) or "intact")


def vault(services: Services) -> Finding:
    """Every stored secret opens with a configured key."""
    lost = services.catalog.run_now(sealed.unreadable, services.vault)
    if lost:
        return Finding(Verdict.BAD, "vault", f"not opened by any configured key: {', '.join(lost[:10])}")
    return Finding(Verdict.GOOD, "vault", "every secret opens")


async def event_store(settings: Settings, services: Services) -> Finding:
    """The store of our own events starts and answers. It belongs to one process: a running server has it to itself."""
    if owner := own_store().in_use(settings.data):
        said = f"not looked at: {owner}, has it open; ask its /readyz, or stop it"
        return Finding(Verdict.NOTE, "event store", said)
    return await _checked("event store", services.connections.check_own_store())


async def connections(services: Services) -> AsyncIterator[Finding]:
    """Every connection of every tenant, tried against its backend."""
    for tenant, connection, backend in services.catalog.run_now(integrity.connections):
        subject = f"{backend} connection {connection} of {tenant}"
        yield await _checked(subject, services.connections.check(Tenant(tenant), connection))


async def _checked(subject: str, checking: Awaitable[Check]) -> Finding:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            found = await checking
    except TimeoutError:
        return Finding(Verdict.BAD, subject, f"no answer in {CHECK_SECONDS:.0f} s")
    except (GatewayError, OSError) as error:
        return Finding(Verdict.BAD, subject, type(error).__name__)
    return Finding(Verdict.GOOD if found.ok else Verdict.BAD, subject, "; ".join(found.reasons) or "answers")
