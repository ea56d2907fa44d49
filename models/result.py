"""An answer: rows, and how true, complete and fresh they are."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from models.vocabulary import Metric


class PlanKind(StrEnum):
    """How an answer was got."""

    NATIVE = "native"
    """One call to the backend."""
    FAN_OUT = "fan_out"
    """Several calls, joined so that the answer stays true."""
    LOCAL = "local"
    """Counted from our own event store."""


class Truth(StrEnum):
    """Whether the numbers are what was asked."""

    EXACT = "exact"
    APPROXIMATE = "approximate"
    REFUSED = "refused"


class Freshness(StrEnum):
    """Where an answer came from."""

    MISS = "miss"
    HIT = "hit"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an answer is not exact: a stable code and what it means here."""

    code: str
    detail: str


class Money(NamedTuple):
    """An amount in one currency; the value of revenue metrics in rows."""

    amount: float
    currency: str

    def as_json(self) -> dict[str, Any]:
        return {"amount": self.amount, "currency": self.currency}


Value = int | float | str | Money | None
Row = tuple[Value, ...]
"""Dimension values in the asked order, then metric values. None: the backend has no number, which is not zero."""


@dataclass(frozen=True, slots=True)
class MetricWarning:
    """A note on one metric of the answer, with a stable code."""

    metric: Metric
    code: str
    detail: str


class ImportsSkipped(StrEnum):
    """Why imported history is not part of an answer that asked for it."""

    UNSUPPORTED_QUERY = "unsupported_query"
    UNSUPPORTED_INTERVAL = "unsupported_interval"
    NO_IMPORTED_DATA = "no_imported_data"
    OUT_OF_RANGE = "out_of_range"


@dataclass(frozen=True, slots=True)
class ImportsNote:
    """Whether imported history is part of the answer; `skipped` says why not."""

    included: bool
    skipped: ImportsSkipped | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What an adapter returns for one site and one resolved query.

    `rows` hold dimensions then metrics, sorted and paged as asked. `totals` is a row of metrics without dimensions.
    `calls` counts requests to the vendor; 0 for our own store. `credits` are what the licences of data behind it ask to
    be shown with it.
    """

    rows: tuple[Row, ...]
    plan: PlanKind = PlanKind.NATIVE
    reasons: tuple[Reason, ...] = ()
    calls: int = 1
    totals: Row | None = None
    total_rows: int | None = None
    time_labels: tuple[str, ...] | None = None
    imports: ImportsNote | None = None
    warnings: tuple[MetricWarning, ...] = ()
    credits: tuple[str, ...] = ()

    @property
    def truth(self) -> Truth:
        return Truth.APPROXIMATE if self.reasons else Truth.EXACT


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What answering would take, said before anything is asked: the plan, calls at most, inexactness, or refusals."""

    plan: PlanKind = PlanKind.NATIVE
    calls: int = 1
    reasons: tuple[Reason, ...] = ()
    refusals: tuple[str, ...] = ()
    nearest: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """Per site: who answered, how, how truly, how freshly, at how many calls.

    `stale` says why an earlier answer stands in; `fresh_for` is seconds until a new one would be fetched.
    """

    site: str
    backend: str
    plan: PlanKind
    accuracy: Truth
    reasons: tuple[Reason, ...]
    as_of: datetime
    cache: Freshness
    calls: int
    stale: Reason | None = None
    fresh_for: float = 0.0

    def as_json(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "site": self.site,
            "backend": self.backend,
            "plan": str(self.plan),
            "accuracy": str(self.accuracy),
            "reasons": [{"code": r.code, "detail": r.detail} for r in self.reasons],
            "as_of": self.as_of.isoformat().replace("+00:00", "Z"),
            "cache": str(self.cache),
            "calls": self.calls,
        }
        if self.stale is not None:
            body["stale"] = {"code": self.stale.code, "detail": self.stale.detail}
        return body


@dataclass(frozen=True, slots=True)
class SiteAnswer:
    """One site's answer with its provenance and, where asked, the same question about another period."""

    answer: Answer
    provenance: Provenance
    comparison: Answer | None = None
