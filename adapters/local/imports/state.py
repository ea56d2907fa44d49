"""How far the import of a file got, in a file of its own beside it: what a restart goes on from.

A step is written down before its record goes into the journal. After a crash the journal says whether the record got
there, so each line is taken exactly once.
"""

import os
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

import msgspec

from adapters.local.imports.ndjson import MOST_PROBLEMS, Block
from models.job import LineProblem

SUFFIX = ".state"


class Step(msgspec.Struct, frozen=True):
    """A block on its way into the journal: what it becomes when it is there, and how to find it there.

    `after` is the highest seq given out before it, `digest` that of its payload. `told` is the length of the file of
    problems with those of the block.
    """

    end: int
    lines: int
    rows: int
    refused: int
    problems: list[tuple[int, str]]
    first: int
    last: int
    after: int
    digest: str
    told: int = 0


class Progress(msgspec.Struct, frozen=True):
    """Everything up to `offset` is taken. `seqs` are the runs of journal numbers that the file's events have."""

    offset: int = 0
    line: int = 1
    rows: int = 0
    refused: int = 0
    problems: list[tuple[int, str]] = []
    first: int = 0
    last: int = 0
    seqs: list[tuple[int, int]] = []
    told: int = 0
    step: Step | None = None


def digest_of(payload: bytes) -> str:
    return blake2b(payload, digest_size=16).hexdigest()


def step_of(block: Block, after: int, told: int) -> Step:
    """The step that a block is; its problems are written down, which makes their file this long."""
    return Step(
        block.end, block.lines, block.rows, block.refused, [(p.line, p.reason) for p in block.problems],
        block.first, block.last, after, digest_of(block.payload), told,
    )  # fmt: skip


def begun(held: Progress, step: Step) -> Progress:
    """The progress before the step, which is under way."""
    return msgspec.structs.replace(held, step=step)


def advanced(held: Progress, step: Step, seq: int) -> Progress:
    """The progress after a step whose record has `seq` as its first number (any, without rows)."""
    return Progress(
        offset=step.end,
        line=held.line + step.lines,
        rows=held.rows + step.rows,
        refused=held.refused + step.refused,
        problems=[*held.problems, *step.problems][:MOST_PROBLEMS],
        first=(min(held.first, step.first) if held.rows else step.first) if step.rows else held.first,
        last=max(held.last, step.last),
        seqs=_joined([*held.seqs, (seq, seq + step.rows - 1)]) if step.rows else held.seqs,
        told=step.told,
    )


def _joined(runs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The last run made one with the run before it, where they touch."""
    if len(runs) > 1 and runs[-2][1] + 1 == runs[-1][0]:
        return [*runs[:-2], (runs[-2][0], runs[-1][1])]
    return runs


def problems_of(held: Progress) -> tuple[LineProblem, ...]:
    return tuple(LineProblem(line=line, reason=reason) for line, reason in held.problems)


def load(path: Path) -> Progress | None:
    """The progress kept in a file; None when there is none. Raises msgspec.DecodeError when it is damaged."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Progress)
    except FileNotFoundError:
        return None


def save(path: Path, held: Progress) -> None:
    """Put the progress on disk in one step. Blocking. Raises OSError."""
    draft = path.with_name(f".{path.name}")
    with draft.open("wb") as file:
        file.write(msgspec.json.encode(held))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def kept_after(folder: Path) -> int | None:
    """Above which seq the journal must keep its records until the imports of a folder have looked at them."""
    return lowest(load(path) for path in folder.glob(f"*{SUFFIX}"))


def under_way(folder: Path) -> bool:
    """Whether some file of a folder is taken in part: it is being taken, or was cut off and may go on."""
    return any(folder.glob(f"*{SUFFIX}"))


def lowest(progress: Iterable[Progress | None]) -> int | None:
    """The lowest seq that a step under way may look for; None when none is."""
    return min((held.step.after for held in progress if held and held.step), default=None)
