"""A grouped question, its result, and scripts that run in step. Pure."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.pirsch.translate.call import Call, Key, Script, Span, T, Tallies
from adapters.pirsch.translate.selection import Selection
from adapters.pirsch.vocabulary import Field
from models.result import Reason

Fields = frozenset[Field]


@dataclass(frozen=True, slots=True)
class Cut:
    """Which rows will be shown: by a field descending, then by the values ascending; the first `rows` of them."""

    by: Field
    rows: int


@dataclass(slots=True)
class Grouped:
    """Tallies by group and what was noticed on the way."""

    tallies: Tallies
    reasons: list[Reason] = field(default_factory=list)
    merged: list[Key] = field(default_factory=list)
    """Groups that several of the vendor's rows make up: their visitors are sums."""


@dataclass(frozen=True, slots=True)
class Asking:
    """One grouped question. `calls` is the cap of one query; `cut` None means that every row is needed."""

    span: Span
    selection: Selection
    fields: Fields
    calls: int
    cut: Cut | None = None


def together(scripts: Sequence[Script[T]]) -> Script[list[T]]:
    """Several scripts in step: what they ask for goes out side by side."""
    results: dict[int, T] = {}
    asks: dict[int, tuple[Call, ...]] = {}
    for i, script in enumerate(scripts):
        _advance(i, script, None, asks, results)
    while asks:
        order = list(asks)
        replies = yield tuple(call for i in order for call in asks[i])
        for i in order:
            own, replies = replies[: len(asks[i])], replies[len(asks[i]) :]
            _advance(i, scripts[i], own, asks, results)
    return [results[i] for i in range(len(scripts))]


def _advance(
    i: int,
    script: Generator[tuple[Call, ...], list[Any], T],
    reply: list[Any] | None,
    asks: dict[int, tuple[Call, ...]],
    results: dict[int, T],
) -> None:
    try:
        asks[i] = next(script) if reply is None else script.send(reply)
    except StopIteration as ended:
        results[i] = ended.value
        asks.pop(i, None)
