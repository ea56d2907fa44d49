"""How a backend joins the contract suite: one harness, opening its adapter over something that answers like the vendor.

In-tree backends have a module of their name in `tests.contract.harnesses`, holding `HARNESS`. An adapter from outside
this tree calls `register` in its own conftest and runs `pytest tests/contract`.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import httpx2

from adapters import registry
from adapters.base import Adapter, Backend
from gateway.read.executor import execute
from gateway.read.planner import Refusal, plan
from models.capability import Capabilities, Evidence
from models.errors import GatewayError, UnsupportedQuery
from models.query import ResolvedQuery, read_query
from models.result import Answer
from models.site import Site

NOW = datetime(2026, 6, 17, 12, 0, tzinfo=UTC)
"""The clock of every harness; the demo site's week is 2026-06-01 to 2026-06-07."""
WEEK = ("2026-06-01", "2026-06-07")


@dataclass(frozen=True)
class Opened:
    """An adapter over the demo site (25 events, goals `Purchase` and `Visit /pricing`), and how often it called out."""

    adapter: Adapter
    site: Site
    calls: Callable[[], int]


Handler = Callable[[httpx2.Request], httpx2.Response]


class ContractHarness(Protocol):
    """What the suite needs of a backend."""

    evidence: Evidence
    """What stands behind its answers: a twin, or better."""
    errors: Mapping[str, type[GatewayError]]
    """Faults (see test_errors) that mean something else here than everywhere."""

    def open(self, can: Capabilities, directory: Path) -> AbstractAsyncContextManager[Opened]:
        """A fresh demo site behind the edition's adapter."""
        ...

    def open_over(self, can: Capabilities, answer: Handler) -> AbstractAsyncContextManager[Opened] | None:
        """The adapter over a server that answers so; None for a backend that calls nobody."""
        ...


_REGISTERED: dict[str, ContractHarness] = {}


def register(backend: str, harness: ContractHarness) -> None:
    """Let a backend from outside this tree take part."""
    _REGISTERED[backend] = harness


def harness_of(backend: str) -> ContractHarness | None:
    """The harness of a backend, or None: then none of its native cells has evidence."""
    name = f"tests.contract.harnesses.{backend}"
    if backend not in _REGISTERED and find_spec(name) is not None:
        _REGISTERED[backend] = import_module(name).HARNESS
    return _REGISTERED.get(backend)


def backends() -> tuple[Backend, ...]:
    """Every registered backend."""
    return tuple(registry.backends().values())


def editions() -> tuple[Capabilities, ...]:
    """Every declaration, in order."""
    return tuple(can for backend in backends() for can in backend.editions.values())


def own_questions(backend: str) -> Mapping[str, Any]:
    """Questions that a harness asks in place of the common ones, as `table.name` (attribute `questions`).

    For a backend whose words differ (an operator proven on another dimension), or whose approximate numbers were
    counted by hand by its own rules.
    """
    return getattr(harness_of(backend), "questions", {})


def own_operations(backend: str) -> Mapping[str, Any]:
    """Operations that a harness tries in a way of its own (attribute `operations`), by name."""
    return getattr(harness_of(backend), "operations", {})


def own_lateness(backend: str) -> float:
    """How many random questions may be refused after a call to each that is answered (attribute `late_share`)."""
    return float(getattr(harness_of(backend), "late_share", 0))


def leaves_zeros_out(backend: str) -> bool:
    """Whether a backend has no rows of zeros (attribute `zeros_left_out`); the absence says the same."""
    return bool(getattr(harness_of(backend), "zeros_left_out", False))


class NoEvidence(AssertionError):
    """A cell is declared native, and nothing proves it."""


def prover(can: Capabilities) -> ContractHarness:
    """The harness that proves an edition. Raises NoEvidence."""
    found = harness_of(can.backend)
    if found is None:
        raise NoEvidence(f"{can.name}: no harness, so no native cell of it is proven")
    return found


def resolved(body: Mapping[str, Any], site: Site) -> ResolvedQuery:
    """A query as the gateway would hand it to a planner; the demo week unless it says otherwise."""
    return read_query({"date_range": list(WEEK), **body}).resolved(zone=site.timezone, now=NOW)


async def ask(opened: Opened, query: ResolvedQuery) -> Answer:
    """Plan and execute as the gateway does. Raises UnsupportedQuery on what declaration or adapter refuse."""
    adapter = opened.adapter
    planned = plan(query, adapter.can, site_zone=opened.site.timezone)
    foreseen = adapter.foresee(opened.site, query)  # type: ignore[attr-defined] # every adapter here also Reads
    if foreseen.refusals and not isinstance(planned, Refusal):
        raise UnsupportedQuery(foreseen.refusals)
    return await execute(planned, adapter, opened.site)  # type: ignore[arg-type] # the same
