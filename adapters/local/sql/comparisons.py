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

Test = Callable[[str, Sequence[str], bool, Bindings], str]


def _equals(text: str, values: Sequence[str], case_sensitive: bool, bind: Bindings) -> str:
    if not case_sensitive:
        return _regex(text, [f"^{patterns.literally(v)}$" for v in values], False, bind)
    return f"{text} = {bind.text(values[0])}" if len(values) == 1 else f"{text} IN {bind.texts(values)}"


def _contains(text: str, values: Sequence[str], case_sensitive: bool, bind: Bindings) -> str:
    if not case_sensitive:
        return _regex(text, [patterns.literally(v) for v in values], False, bind)
    return "(" + " OR ".join(f"position({text}, {bind.text(v)}) > 0" for v in values) + ")"


def _regex(text: str, values: Sequence[str], case_sensitive: bool, bind: Bindings) -> str:
    pattern = patterns.any_of(values)
    # chDB's small build has no lowerUTF8; RE2 folds the case of all letters, not of ASCII alone.
    return f"match({text}, {bind.text(pattern if case_sensitive else f'(?i){pattern}')})"


def _wildcard(text: str, values: Sequence[str], case_sensitive: bool, bind: Bindings) -> str:
    return _regex(text, [patterns.wildcard(v) for v in values], case_sensitive, bind)


TESTS: Mapping[Operator, Test] = MappingProxyType(
    {
        Operator.IS: _equals,
        Operator.CONTAINS: _contains,
        Operator.MATCHES: _regex,
        Operator.WILDCARD: _wildcard,
    }
)


def compare(comparison: Comparison, text: str, bind: Bindings) -> str:
    """The condition of a comparison on an expression that yields the stored value ("" when there is none)."""
    operator = POSITIVE.get(comparison.operator, comparison.operator)
    negated = operator is not comparison.operator
    if known(comparison.dimension) is Dimension.PROP:
        return _property(comparison, operator, negated, text, bind)
    values = _stored(comparison, operator)
    condition = TESTS[operator](text, values, comparison.case_sensitive, bind)
    if operator is Operator.CONTAINS and _finds_direct(comparison):
        condition = f"({condition} OR {text} = '')"
    return f"NOT {condition}" if negated else condition


def _property(comparison: Comparison, operator: Operator, negated: bool, text: str, bind: Bindings) -> str:
    """`is_not` keeps events without the property unless `(none)` is listed; other negations need it present."""
    condition = TESTS[operator](text, comparison.values, comparison.case_sensitive, bind)
    present = f"{text} != ''"
    if operator is not Operator.IS:
        return f"({present} AND {'NOT ' if negated else ''}{condition})"
    held = f"({present} AND {condition})"
    if NO_PROP in comparison.values:
        held = f"({held} OR {text} = '')"
    return f"NOT {held}" if negated else held


def _stored(comparison: Comparison, operator: Operator) -> Sequence[str]:
    """The values as they are stored: a label that stands for blanks also means the blank."""
    if operator is not Operator.IS:
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
