"""The fast paths answer as the ordinary way does: every header, limit and refusal is one row, sent to both.

Each row goes through two copies of one installation, as it is and with the fast paths taken out. Statuses, headers and
bodies must be the same, and so must what was counted: for Prometheus, on the bill, in the access log. A row says how
many of its requests the fast path answers by itself, so that no row can pass by going the ordinary way twice.
"""

import asyncio
import json
import logging as std_logging
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog

from fixtures.twins.plausible import demo_store, plausible_twin
from fixtures.twins.serve import serve_in_thread
from gateway.services import Services
from tests.api.fast_path_installation import Installation, Running, installation
from tests.api.fast_path_rows import EVENTS, QUERIES, Row, Sent, asks, gets

GENERATED = re.compile(r"[0-9a-f]{16}")
WARMING = ("POST", "POST", "POST", "GET", "GET", "GET")
"""Asked before a row: an answer is kept ready after a miss and a hit."""
NAMED = {**{f"query: {r.name}": r for r in QUERIES}, **{f"event: {r.name}": r for r in EVENTS}}


@dataclass(frozen=True)
class Seen:
    """An answer without what is another one each time."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str


@dataclass(frozen=True)
class Observed:
    """All that a row brought about."""

    answers: tuple[Seen, ...]
    counts: Mapping[str, float]
    bill: Any
    access_log: tuple[tuple[str, ...], ...]


@pytest.fixture(scope="module", autouse=True)
def _logging() -> Iterator[None]:
    """What the application sets up for its process is taken back."""
    root = std_logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def vendor() -> Iterator[str]:
    with serve_in_thread(plausible_twin(demo_store(key="twin-key"))) as url:
        yield url


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, vendor: str) -> Installation:
    """Two tenants; the first one with a site at a vendor, one of our own store, and one at a vendor that is gone."""
    return asyncio.run(installation(tmp_path_factory.mktemp("installed"), vendor))


@pytest.mark.parametrize("given", NAMED.values(), ids=NAMED)
async def test_the_fast_path_and_the_ordinary_way_cannot_be_told_apart(
    installed: Installation, tmp_path: Path, capsys: pytest.CaptureFixture[str], given: Row
) -> None:
    by_fast_path, answered = await observed(installed, tmp_path / "fast", given, capsys, fast=True)
    ordinary, _ = await observed(installed, tmp_path / "ordinary", given, capsys, fast=False)
    assert tuple(seen.status for seen in ordinary.answers) == given.statuses, ordinary.answers
    assert answered == given.fast
    assert by_fast_path.answers == ordinary.answers
    assert by_fast_path == ordinary


async def observed(
    installed: Installation, data: Path, given: Row, capsys: pytest.CaptureFixture[str], *, fast: bool
) -> tuple[Observed, int]:
    """What a row brings about, and how many of its requests the fast path answered."""
    shutil.copytree(installed.data, data)
    running = Running(installed, data, given, fast=fast)
    try:
        etag = await _warm(running) if given.asks else ""
        before = running.answered["fast"]
        running.access.flush()
        capsys.readouterr()
        answers = [_seen(sent, await running.send(sent, etag)) for sent in given.requests]
        running.access.flush()
        log, answered = _lines(capsys.readouterr().out), running.answered["fast"] - before
        counts = _counts(running.services)
        await running.services.meter.flush()
        _, _, bill = await running.send(Sent("GET", "/v1/usage", key="operator", address="192.0.2.99"))
        return Observed(tuple(answers), counts, json.loads(bill), log), answered
    finally:
        running.access.flush()
        await running.services.close()


async def _warm(running: Running) -> str:
    """Ask until the answer is kept ready; its entity tag."""
    sent = {"POST": asks(address="192.0.2.98"), "GET": gets(address="192.0.2.98")}
    answers = [await running.send(sent[method]) for method in WARMING]
    assert {status for status, _, _ in answers} == {200}
    return dict(answers[-1][1])["etag"]


def _seen(sent: Sent, answer: tuple[int, list[tuple[str, str]], bytes]) -> Seen:
    status, headers, body = answer
    ours = next(value for name, value in headers if name == "x-request-id")
    if (("x-request-id", ours)) not in sent.headers:
        assert GENERATED.fullmatch(ours)
        headers = [(name, value.replace(ours, "(generated)")) for name, value in headers]
        body = body.replace(ours.encode(), b"(generated)")
    return Seen(status, tuple(sorted(headers)), body.decode())


def _lines(text: str) -> tuple[tuple[str, ...], ...]:
    """Lines of the access log, without their time and what it took; a generated id counts as one."""
    found = []
    for line in (json.loads(line) for line in text.splitlines() if line.startswith("{")):
        if line["event"] == "request":
            line["request_id"] = GENERATED.sub("(generated)", line["request_id"])
            found.append(tuple(str(line[n]) for n in ("request_id", "method", "path", "status", "level", "service")))
    return tuple(found)


def _counts(services: Services) -> dict[str, float]:
    """What Prometheus is told, without how long things took."""
    lines = (
        line.rpartition(" ") for line in services.prometheus.text().decode().splitlines() if line[:9] == "tallyway_"
    )
    return {n: float(v) for n, _, v in lines if float(v) and not re.search(r"_sum|_bucket|_created", n)}
