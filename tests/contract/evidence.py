"""What proves each native cell: `python -m tests.contract.evidence` writes adapters/<vendor>/evidence.json.

A cell is as well proven as the harness that counts it (a twin, or the store itself), and better where a documented or
recorded exchange that asks for it is asked and read by the adapter.
"""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import adapters
from adapters import registry
from gateway.read.planner import refusals
from models.capability import Capabilities, Evidence, Operation, never
from models.errors import GatewayError
from models.query import ResolvedQuery
from models.vocabulary import OURS
from tests.contract.exchanges import Replay, exchanges, source_of
from tests.contract.harness import ask, prover, resolved

ADAPTERS = Path(adapters.__file__).parent
STRENGTH = tuple(Evidence)
TABLES = {"metric": "metrics", "dimension": "dimensions", "operator": "operators", "feature": "features"}
PLANTED = never("planted")


def native_cells(can: Capabilities) -> Iterator[tuple[str, str, Any]]:
    """Kind, table and name of every native cell that questions are asked with."""
    for kind, table in TABLES.items():
        for name, support in getattr(can, table).items():
            if support.is_native and name not in OURS:
                yield kind, table, name


def cells_of(query: ResolvedQuery, can: Capabilities, zone: str) -> Iterator[str]:
    """The cells a query needs: those without which it would be refused."""
    if refusals(query, can, site_zone=zone):
        return
    for kind, table, name in native_cells(can):
        lacking = can.model_copy(update={table: {**getattr(can, table), name: PLANTED}})
        if any("planted" in reason for reason in refusals(query, lacking, site_zone=zone)):
            yield f"{kind} {name}"


async def evidence_of(can: Capabilities) -> dict[str, str]:
    """The strongest evidence of every native cell of an edition."""
    base = prover(can).evidence
    found = {f"{kind} {name}": base for kind, _, name in native_cells(can)}
    found |= {f"operation {o}": base for o in Operation if can.allows(o)}
    for name, told in exchanges(can.backend).items():
        source = source_of(told)
        proven = await answered_cells(can, name) if "question" in told else [f"operation {told['operation']}"]
        found |= {cell: min(found[cell], source, key=STRENGTH.index) for cell in proven if cell in found}
    return {cell: str(value) for cell, value in sorted(found.items())}


async def answered_cells(can: Capabilities, name: str) -> list[str]:
    """The cells that an exchange proves for an edition: its question leads to that request, and is answered by it."""
    told = exchanges(can.backend)[name]
    replay = Replay(told, exchanges(can.backend).values())
    opening = prover(can).open_over(can, replay)
    if opening is None:
        return []
    async with opening as opened:
        query = resolved(told["question"], opened.site)
        try:
            answer = await ask(opened, query)
        except GatewayError:
            return []
        return list(cells_of(query, can, opened.site.timezone)) if replay.hit and answer.rows else []


async def of_backend(name: str) -> dict[str, dict[str, str]]:
    """What evidence.json of a backend holds: by edition, cell by cell."""
    editions = registry.backends()[name].editions
    return {edition: await evidence_of(can) for edition, can in editions.items()}


def written(found: dict[str, dict[str, str]]) -> str:
    """The file's text."""
    return json.dumps(found, indent=1) + "\n"


async def write() -> None:
    for name in registry.IN_TREE:
        (ADAPTERS / name / "evidence.json").write_text(written(await of_backend(name)), "utf-8")


if __name__ == "__main__":
    asyncio.run(write())
