"""A large file is read by a process of its own, and gives the same blocks."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from adapters.local.collect.derive import Derivation
from adapters.local.collect.hit import unpack_hits
from adapters.local.collect.rules import compile_rules
from adapters.local.enrich.geo import Geo
from adapters.local.enrich.visitor import Salts
from adapters.local.imports.ndjson import Block, Source
from adapters.local.imports.readers import InProcess, Readers
from models.settings import Exclusions, SiteSettings
from tests.unit_adapters.local.imports.conftest import NOW, SITE
from tests.unit_adapters.local.wiring import CHROME

TIME = "2026-06-17T10:00:00Z"


async def blocks(source: Source, readers: Readers, process_from: int = 0) -> list[Block]:
    """Every block; from one of this number on, a process of its own has started if there is to be one."""
    found: list[Block] = []
    async with readers.open(source) as reader:
        offset, line = 0, 1
        while True:
            if len(found) == process_from and isinstance(reader, InProcess):
                assert await asyncio.wrap_future(reader.started)
            block = await reader.read(offset, line)
            if not block.lines:
                return found
            found.append(block)
            offset, line = block.end, line + block.lines


def written(path: Path) -> Source:
    events = [
        {"name": "pageview", "time": TIME, "ip": f"192.0.2.{n % 9}", "user_agent": CHROME, "path": f"/{n}"}
        for n in range(300)
    ]  # fmt: skip
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    return Source(path, SITE, compile_rules(SiteSettings(exclude=Exclusions(pages=("/7*",)))), NOW)


async def test_a_process_of_its_own_reads_the_same_blocks_with_the_salts_of_the_day(tmp_path: Path) -> None:
    source, salts = written(tmp_path / "events.ndjson"), Salts()
    with Geo.open() as geo:
        derivation = Derivation(salts, geo)
        here = await blocks(source, Readers(derivation, salts, block_bytes=8000))
        apart = Readers(derivation, salts, large=0, block_bytes=8000)
        there, half_there = await blocks(source, apart), await blocks(source, apart, process_from=3)
    assert here == there == half_there
    assert len(here) > 5
    assert sum(block.rows for block in here) == 300 - 11
    assert sum(block.refused for block in here) == 11
    assert len({hit.visitor for block in here for hit in unpack_hits(block.payload)}) == 9


async def test_a_line_longer_than_a_block_is_named_and_passed_over(tmp_path: Path) -> None:
    path, salts = tmp_path / "events.ndjson", Salts()
    good = json.dumps({"name": "pageview", "time": "2026-06-17T10:00:00Z", "visitor": "a"})
    path.write_text(f"{good}\n{{{'x' * 5000}\n{good}\n")
    with Geo.open() as geo:
        source = Source(path, SITE, compile_rules(SiteSettings()), NOW)
        found = await blocks(source, Readers(Derivation(salts, geo), salts, block_bytes=1000))
    assert sum(block.rows for block in found) == 2
    (problem,) = [problem for block in found for problem in block.problems]
    assert (problem.line, problem.reason) == (2, "a line may have at most 999 bytes")
