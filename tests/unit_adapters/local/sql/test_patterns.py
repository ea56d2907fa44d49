"""Where RE2 refuses an expression; positions are counted by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.local.sql.patterns import fault


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
