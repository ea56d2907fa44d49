"""Random questions in the words that a declaration calls exact, and parts of a question that it refuses.

Each question is drawn by its number. Every word has a lot of its own in each drawing, so a word that is added to the
model changes the few questions it wins, and none at all where it is not declared exact.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, TypeVar

from models.capability import Capabilities, Conflict, Feature
from models.vocabulary import (
    DIMENSION_SCOPES,
    GOAL_METRICS,
    OURS,
    PROP_PREFIX,
    TIME_DIMENSIONS,
    Dimension,
    Metric,
    Operator,
    Scope,
    dimension_of,
)
from tests.contract import cases, expected
from tests.contract.harness import WEEK

Word = TypeVar("Word")
Body = dict[str, Any]

DAYS = ("2026-05-31", *(f"2026-06-0{day}" for day in range(1, 9)))
"""The demo week with a day on either side."""
MOMENTS = ("2026-06-01T10:00:30Z", "2026-06-02T23:50:00Z", "2026-06-04T12:59:59Z", "2026-06-06T23:59:00Z")
ZONES = ("America/New_York", "Asia/Kolkata", "Europe/Berlin")
NOBODY = "ZZ"
"""A value that no event has."""
DEPTH = 2
PARTS = 3
NEEDED: Mapping[str, frozenset[Metric]] = {
    "goal": GOAL_METRICS | {Metric.TOTAL_REVENUE, Metric.AVERAGE_REVENUE},
    "page": frozenset({Metric.TIME_ON_PAGE, Metric.SCROLL_DEPTH}),
}
"""What some metrics have no meaning without."""
EMPTY: Body = {"metrics": [], "dimensions": [], "filters": []}


@dataclass(frozen=True)
class Lots:
    """The drawings of one question, or of one part of it."""

    of: str

    def lot(self, what: str, word: object) -> int:
        """A word's lot in a drawing: the same in every process, whatever other words there are."""
        return int.from_bytes(blake2b(f"{self.of}/{what}/{word}".encode(), digest_size=8).digest())

    def some(self, what: str, words: Sequence[Word], most: int) -> list[Word]:
        """The words with the lowest lots."""
        return sorted(words, key=lambda word: self.lot(what, word))[:most]

    def one(self, what: str, words: Sequence[Word]) -> Word:
        return self.some(what, words, 1)[0]

    def once_in(self, many: int, what: str) -> bool:
        return self.lot(what, many) % many == 0

    def within(self, what: str) -> "Lots":
        return Lots(f"{self.of}/{what}")


@dataclass(frozen=True)
class Drawing:
    """What an edition can be asked and the reference knows."""

    can: Capabilities

    def question(self, number: int, allowed: Callable[[Body], bool]) -> Body | None:
        """A question made of parts, each kept where what there is by then is allowed; None where nothing is."""
        lots = Lots(str(number))
        body = with_part(EMPTY, self.metric(lots.within("first")) | self.range(lots))
        found = body if allowed(body) else None
        parts = list(self.parts(lots))
        for place in lots.some("part", range(len(parts)), PARTS):
            larger = with_part(found or body, parts[place])
            found = larger if allowed(larger) else found
        return found and self.arranged(found, lots, allowed)

    def parts(self, lots: Lots) -> Iterator[Body]:
        """More metrics, dimensions and filters."""
        yield from (self.metric(lots.within(str(n))) for n in range(2))
        yield from ({"dimensions": [d]} for d in lots.some("dimension", self.dimensions, 2))
        yield from ({"filters": [f]} for n in range(2) if (f := self.tree(lots.within(f"filter {n}"))))

    def metric(self, lots: Lots) -> Body:
        """A metric, with the filter without which it has no meaning."""
        metric = lots.one("metric", self.metrics)
        needs = [name for name, those in NEEDED.items() if metric in those]
        return {"metrics": [metric], "filters": [["is", n, [lots.one(n, expected.values_of(n))]] for n in needs]}

    @property
    def metrics(self) -> list[str]:
        native = (m for m, cell in self.can.metrics.items() if cell.is_native and not cell.approximate)
        return [str(m) for m in native if m not in expected.UNKNOWN_METRICS]

    @property
    def dimensions(self) -> list[str]:
        native = (d for d, cell in self.can.dimensions.items() if cell.is_native and not cell.approximate)
        return [named(d) for d in native if d not in expected.UNKNOWN] if self.can.max_dimensions else []

    def filtered(self, *, top: bool, scope: Scope | None = None) -> list[str]:
        """What can be filtered on; the reference takes goals and hostnames at the top level only."""
        below = frozenset() if top else {Dimension.GOAL, Dimension.HOSTNAME}
        return [
            named(d)
            for d, cell in self.can.dimensions.items()
            if (cell.is_native or d in self.can.filters)
            and not cell.approximate
            and self.can.operators_on(d)
            and d not in {*expected.UNKNOWN, *TIME_DIMENSIONS, *below}
            and scope in (None, DIMENSION_SCOPES[d])
        ]

    def tree(self, lots: Lots, depth: int = 0) -> list[Any]:
        """A filter out of the shapes that are native; empty where the edition has no filters."""
        joints = [str(f) for f in (Feature.OR, Feature.NOT, Feature.BEHAVIOUR) if self.can.features[f].is_native]
        shape = lots.one("shape", ("leaf", "and", *joints))
        if shape == "leaf" or depth == DEPTH or lots.once_in(2, "plain"):
            return self.leaf(lots, self.filtered(top=depth == 0))
        if shape == Feature.BEHAVIOUR:
            part = self.leaf(lots, self.filtered(top=False, scope=Scope.EVENT))
            return [lots.one("behaviour", ("has_done", "has_not_done")), part] if part else []
        parts = [part for n in range(2) if (part := self.tree(lots.within(str(n)), depth + 1))]
        return [shape, parts[0] if shape == "not" else parts] if parts else []

    def leaf(self, lots: Lots, names: Sequence[str]) -> list[Any]:
        if not names:
            return []
        name = lots.one("filtered", names)
        operator = lots.one("operator", sorted(self.can.operators_on(kind_of(name))))
        known = expected.values_of(name)
        most = min(lots.one("values", (1, 2)), self.can.limits.filter_values or 2)
        values = lots.some("value", known if name == Dimension.GOAL else (*known, NOBODY), most)
        leaf: list[Any] = [str(operator), name, [pattern(operator, value, lots) for value in values]]
        if self.can.features[Feature.CASE_INSENSITIVE].is_native and lots.once_in(6, "case"):
            leaf.append({"case_sensitive": False})
        return leaf

    def range(self, lots: Lots) -> Body:
        """A few days, parts of days or another zone where they are native."""
        among = MOMENTS if self.can.features[Feature.PART_OF_DAY].is_native and lots.once_in(4, "part") else DAYS
        days = WEEK if lots.once_in(2, "week") else sorted(lots.some("day", among, 2))
        found: Body = {"date_range": list(days)}
        if self.can.features[Feature.ANY_ZONE].is_native and lots.once_in(4, "zone"):
            found["timezone"] = lots.one("zone", ZONES)
        return found

    def arranged(self, body: Body, lots: Lots, allowed: Callable[[Body], bool]) -> Body:
        """The question with an order, always a total one, and a page of the rows, where they are allowed."""
        dimensions = body["dimensions"]
        if not dimensions:
            return body
        if self.can.features[Feature.ORDER_BY].is_native and lots.once_in(3, "order"):
            names = dict.fromkeys([lots.one("by", (*body["metrics"], *dimensions)), *dimensions])
            ordered = body | {"order_by": [[n, lots.one(f"direction {n}", ("asc", "desc"))] for n in names]}
            body = ordered if allowed(ordered) else body
        if lots.once_in(3, "page"):
            body |= {"limit": lots.one("limit", (1, 2, 3)), "offset": lots.one("offset", (0, 1))}
        return body


def pattern(operator: Operator, value: str, lots: Lots) -> str:
    """What an operator compares with to find the value, and perhaps others."""
    middle = (len(value) + 1) // 2
    head = lots.once_in(2, "head")
    half = value[:middle] if head else value[middle - 1 :]
    match operator:
        case Operator.CONTAINS | Operator.CONTAINS_NOT:
            return half
        case Operator.MATCHES | Operator.MATCHES_NOT:
            return f"^{re.escape(half)}" if head else f"{re.escape(half)}$"
        case Operator.WILDCARD | Operator.WILDCARD_NOT:
            return f"{half}*" if head else f"*{half}"
        case _:
            return value


def refused_parts(can: Capabilities) -> Iterator[tuple[Body, str]]:
    """Everything that a declaration refuses, each as a part of a question, with the reason."""
    tables: tuple[tuple[Mapping[Any, Any], Mapping[Any, cases.Case]], ...] = (
        (can.metrics, cases.METRICS),
        (can.dimensions, cases.DIMENSIONS),
        (can.operators, cases.OPERATORS),
        (can.features, cases.FEATURES),
    )
    for table, questions in tables:
        for word, cell in table.items():
            if not cell.is_native and word not in OURS:
                yield dict(questions[word].body), cell.reason
    for dimension, reason in can.filter_reasons.items():
        if dimension in TIME_DIMENSIONS:
            continue
        for operator in sorted({o for o, cell in can.operators.items() if cell.is_native} - can.filters[dimension]):
            yield {"filters": [[str(operator), named(dimension), [NOBODY]]]}, reason
    for conflict in can.conflicts:
        if not conflict.approximate:
            yield question_of(conflict, can), conflict.reason


def with_part(body: Body, part: Body) -> Body:
    """A question with the metrics, dimensions and filters of a part besides its own, and what else the part says."""
    joined = {key: [*part.get(key, ()), *body[key]] for key in EMPTY}
    joined |= {key: list(dict.fromkeys(joined[key])) for key in ("metrics", "dimensions")}
    return {**body, **part, **joined}


def planted(body: Body, part: Body) -> Body:
    """A question that asks for a part as well; where the part groups by something, by that alone."""
    kept = {"metrics", "filters", "date_range", *({"dimensions"} - part.keys())}
    return with_part(EMPTY | {key: value for key, value in body.items() if key in kept}, part)


def question_of(conflict: Conflict, can: Capabilities) -> Body:
    """A question that meets every condition of a conflict, out of names that are native by themselves."""
    grouped = [named(d) for d in sorted(conflict.grouped) if can.dimensions[d].is_native][:1]
    metric = next((str(m) for m in sorted(conflict.metrics) if can.metrics[m].is_native), "visitors")
    filtered = [named(d) for d in sorted(conflict.filtered)][:1] or (["source"] if conflict.operators else [])
    operators = [str(o) for o in sorted(conflict.operators)][:1] or ["is"]
    filters: list[Any] = [[operators[0], name, ["DE"]] for name in filtered]
    if metric in GOAL_METRICS and "goal" not in grouped:
        filters += cases.PURCHASE
    return {"metrics": [metric], "dimensions": grouped, "filters": filters}


def named(dimension: Dimension) -> str:
    """A dimension's name in a question."""
    return f"{PROP_PREFIX}plan" if dimension is Dimension.PROP else str(dimension)


def kind_of(name: str) -> Dimension:
    """The dimension of a name drawn here."""
    found = dimension_of(name)
    assert found is not None, name
    return found
