"""One comparison of a text expression with values: operators, blanks, custom properties.

Sources: contracts, Plausible 4.3 (operators), 7.7 (properties), 7.8 (labels of blanks).
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from adapters.local.sql import patterns
from adapters.local.sql.bindings import Bindings
from adapters.local.sql.dimensions import DIRECT_BLANKS, blank_label, known
from models.filters import Comparison
from models.vocabulary import DIRECT, DIRECT_CHANNEL, NO_PROP, NOT_SET, Dimension, Operator

POSITIVE: Mapping[Operator, Operator] = MappingProxyType(
    {
        Operator.IS_NOT: Operator.IS,
        Operator.CONTAINS_NOT: Operator.CONTAINS,
        Operator.MATCHES_NOT: Operator.MATCHES,
        Operator.WILDCARD_NOT: Operator.WILDCARD,
    }
)
"""What each negated operator negates."""

MAX_NEEDLES = 255
"""ClickHouse's own bound on the needles of multiSearchAny."""

AS_PATTERN: Mapping[Operator, Callable[[str], str]] = MappingProxyType(
    {
        Operator.IS: lambda value: f"^{patterns.literally(value)}$",
        Operator.CONTAINS: patterns.literally,
        Operator.MATCHES: str,
        Operator.WILDCARD: patterns.wildcard,
    }
)


def expression(comparison: Comparison) -> str | None:
    """The regular expression that decides a comparison; None where plain text is compared."""
    operator = POSITIVE.get(comparison.operator, comparison.operator)
    if comparison.case_sensitive and operator in (Operator.IS, Operator.CONTAINS):
        return None
    pattern = patterns.any_of([AS_PATTERN[operator](value) for value in _stored(comparison, operator)])
    # chDB's small build has no lowerUTF8; RE2 folds the case of all letters, not of ASCII alone.
    return pattern if comparison.case_sensitive else f"(?i){pattern}"


def _test(comparison: Comparison, operator: Operator, text: str, bind: Bindings) -> str:
    """Whether one of the values fits."""
    if (pattern := expression(comparison)) is not None:
        return f"match({text}, {bind.text(pattern)})"
    values = _stored(comparison, operator)
    if operator is Operator.CONTAINS:
        return _has_piece(text, values, bind)
    return f"{text} = {bind.text(values[0])}" if len(values) == 1 else f"{text} IN {bind.texts(values)}"


def _has_piece(text: str, values: Sequence[str], bind: Bindings) -> str:
    if len(values) == 1:
        return f"position({text}, {bind.text(values[0])}) > 0"
    if "" in values:  # found in every text
        return f"position({text}, {bind.text('')}) > 0"
    needles = tuple(dict.fromkeys(values))
    chunks = [needles[at : at + MAX_NEEDLES] for at in range(0, len(needles), MAX_NEEDLES)]
    return "(" + " OR ".join(f"multiSearchAny({text}, {bind.texts(chunk)})" for chunk in chunks) + ")"


def compare(comparison: Comparison, text: str, bind: Bindings) -> str:
    """The condition of a comparison on an expression that yields the stored value ("" when there is none)."""
    operator = POSITIVE.get(comparison.operator, comparison.operator)
    negated = operator is not comparison.operator
    if known(comparison.dimension) is Dimension.PROP:
        return _property(comparison, operator, negated, text, bind)
    condition = _test(comparison, operator, text, bind)
    if operator is Operator.CONTAINS and _finds_direct(comparison):
        condition = f"({condition} OR {text} = '')"
    return f"NOT {condition}" if negated else condition


def _property(comparison: Comparison, operator: Operator, negated: bool, text: str, bind: Bindings) -> str:
    """`is_not` keeps events without the property unless `(none)` is listed; other negations need it present."""
    condition = _test(comparison, operator, text, bind)
    present = f"{text} != ''"
    if operator is not Operator.IS:
        return f"({present} AND {'NOT ' if negated else ''}{condition})"
    held = f"({present} AND {condition})"
    if NO_PROP in comparison.values:
        held = f"({held} OR {text} = '')"
    return f"NOT {held}" if negated else held


def _stored(comparison: Comparison, operator: Operator) -> Sequence[str]:
    """The values as they are stored: a label that stands for blanks also means the blank."""
    if operator is not Operator.IS or known(comparison.dimension) is Dimension.PROP:
        return comparison.values
    blank = any(_means_blank(value, known(comparison.dimension)) for value in comparison.values)
    return (*comparison.values, "") if blank else comparison.values


def _means_blank(value: str, dimension: Dimension) -> bool:
    if value == NOT_SET:
        return True
    if value == DIRECT:
        return dimension in DIRECT_BLANKS
    return value == DIRECT_CHANNEL == blank_label(dimension)


def _finds_direct(comparison: Comparison) -> bool:
    """A piece of `Direct / None` finds the blanks it would be the label of."""
    if known(comparison.dimension) not in DIRECT_BLANKS:
        return False
    if comparison.case_sensitive:
        return any(value in DIRECT for value in comparison.values)
    return any(value.lower() in DIRECT.lower() for value in comparison.values)
