"""Where RE2 refuses an expression; positions are counted by hand."""

import contextlib
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.local.client import StoreClient
from adapters.local.sql import checks, patterns
from adapters.local.sql.patterns import fault
from models.errors import InvalidRequest
from models.filters import Comparison
from models.period import resolve
from models.query import ResolvedQuery
from models.site import Site
from models.vocabulary import Metric, Operator


@pytest.mark.parametrize(
    ("pattern", "reason", "at"),
    [
        ("foo(bar", "missing )", 3),
        ("a(b(c)", "missing )", 1),
        (r"\(a[(](b", "missing )", 6),
        ("[[:alpha:](](é", "missing )", 12),
        ("a(?i)(b", "missing )", 5),
        ("a)b", "unexpected )", 1),
        (r"\)[)]()é)", "unexpected )", 8),
        (r"\Q)\E)", "unexpected )", 5),
        ("abc\\", "trailing \\", 3),
        (r"[a\\]\\" + "\\", "trailing \\", 7),
        ("a**", "bad repetition operator", 1),
        (r"\*a*|*", "no argument for repetition operator", 5),
        ("a{2}b{1001}", "invalid repetition size", 5),
        ("é[z-a]", "invalid character class range", 2),
        (r"\\8\8", "invalid escape sequence", 3),
        ("a(?=b)", "invalid perl operator", 1),
        ("^/b(?<!x)", "invalid perl operator", 3),
        ("()[(?<!](?<!x)(?<!y)", "invalid perl operator", 8),
        ("x[ab", "missing ]", 1),
        ("[[:foo:]]", "invalid character class range", 1),
        ("()(?P<x", "invalid named capture group", 2),
    ],
)
def test_the_position_of_a_fault(pattern: str, reason: str, at: int) -> None:
    said = fault(pattern)
    assert said is not None
    assert said.startswith(f"not a regular expression (RE2): {reason} at position {at}: ")


def test_what_is_fine_has_no_fault() -> None:
    assert fault(r"^/(a|b)[)(]\)\Q(\E$") is None


PIECES = st.lists(st.sampled_from(["(", ")", "[", "]", "\\", "a", "*", "^", "|", "\\Q", "\\E", "é", "-"]), max_size=10)


@given(PIECES.map("".join))
def test_groups_are_refused_where_they_are_wrong(pattern: str) -> None:
    """The first parenthesis too many, or an open one, which another one closes once what was quoted ends."""
    said = fault(pattern) or ""
    reason, _, rest = said.partition(" at position ")
    if "unexpected )" in reason:
        at = int(rest.partition(":")[0])
        assert pattern[at] == ")"
        assert "unexpected )" not in (fault(pattern[:at]) or "")
        assert "unexpected )" in (fault(pattern[: at + 1]) or "")
    elif "missing )" in reason:
        at = int(rest.partition(":")[0])
        assert pattern[at] == "("
        assert f"position {at}:" not in (fault(pattern + r"\E)") or "")


def asked(*filters: Comparison) -> ResolvedQuery:
    now = datetime(2026, 6, 10, tzinfo=UTC)
    period = resolve("7d", zone=ZoneInfo("UTC"), now=now)
    return ResolvedQuery(metrics=(Metric.VISITORS,), period=period, filters=filters, now=now)


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The threads in which expressions were compiled, one for each."""
    threads: list[int] = []
    real = patterns.compiled

    def counted(pattern: str, *memory: int) -> Any:
        threads.append(threading.get_ident())
        return real(pattern, *memory)

    monkeypatch.setattr(patterns, "compiled", counted)
    return threads


HEAVY = [
    Comparison(Operator.MATCHES, "page", tuple(rf"(\pL{{10}}){{{n}}}x{i}" for n in range(1, 9))) for i in range(500)
]
"""60 KB that took 54 seconds to compile, on the event loop."""


def test_what_a_query_may_compile_is_bounded_and_the_limit_is_named(compiled: list[int]) -> None:
    (problem,) = checks.problems(asked(*HEAVY), ())
    assert "more than 100000 instructions of RE2" in problem.reason
    assert len(compiled) < 60
    assert checks.problems(asked(Comparison(Operator.MATCHES, "page", ("^/blog/.*", "é+"), False)), ()) == ()


async def test_nothing_is_compiled_on_the_event_loop(compiled: list[int]) -> None:
    client = StoreClient(NoStore(), nothing, nothing, lambda: datetime.now(UTC))
    for filters in ([Comparison(Operator.MATCHES, "page", ("^/a",))], HEAVY):
        with contextlib.suppress(InvalidRequest):
            await client.check(asked(*filters), ())
    assert len(set(compiled)) == 1
    assert threading.get_ident() not in compiled
    client.patterns.close()


async def nothing(_: Site) -> tuple[()]:
    return ()


class NoStore:
    async def query(self, sql: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        raise AssertionError(sql, parameters)
