"""What a backend can answer, as data. Everything that speaks of support reads this: planner, API, docs, contract suite.

Silence is an error (every edition says something of every word) and a refusal needs a reason the user can read.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, Self, TypeVar

from pydantic import AfterValidator, Field, PlainSerializer, model_validator

from models.base import Frozen
from models.vocabulary import OURS, Dimension, Metric, Operator


class Level(StrEnum):
    """Whether a backend can, and whether we use it."""

    NATIVE = "native"
    """The backend answers it and we ask it."""
    NOT_YET = "not_yet"
    """The backend can; we do not expose it yet."""
    NEVER = "never"
    """The backend cannot."""


class Evidence(StrEnum):
    """What proves a native cell, strongest first."""

    LIVE = "live"
    RECORDED = "recorded"
    DOCUMENTED = "documented"
    TWIN = "twin"


class Operation(StrEnum):
    """Optional things a backend can do; native exactly where the adapter satisfies the protocol of that name."""

    LIST_SITES = "list_sites"
    CREATE_SITE = "create_site"
    UPDATE_SITE = "update_site"
    DELETE_SITE = "delete_site"
    LIST_GOALS = "list_goals"
    CREATE_GOAL = "create_goal"
    DELETE_GOAL = "delete_goal"
    SHARED_LINKS = "shared_links"
    """Find or create a shared link by name."""
    MANAGE_SHARED_LINKS = "manage_shared_links"
    """List and revoke shared links."""
    GUESTS = "guests"
    TEAMS = "teams"
    CUSTOM_PROPS = "custom_props"
    REALTIME = "realtime"
    COLLECT_EVENTS = "record_events"
    BACKDATE_EVENTS = "backdate_events"
    """Events may carry a time of their own in the past."""
    IMPORT_HISTORY = "import_history"
    EXPORT_HISTORY = "export_history"
    SETTINGS = "settings"
    """Per-site rules of collection: exclusions, retention, privacy signals."""
    FUNNELS = "funnels"
    """How many visitors get from one step to the next within a visit."""
    VISIT_LIST = "visit_list"
    """Single visits, and the events of one of them."""
    VALUE_LISTS = "value_lists"
    """The values of a dimension that filters could name."""
    EVENT_TABLES = "event_tables"
    """Tables by the clock, by all properties at once, and sums of numeric properties."""


class Feature(StrEnum):
    """Shapes of a question that not every backend understands."""

    OR = "or"
    """Alternatives across different dimensions."""
    NOT = "not"
    """The negation of a whole group."""
    BEHAVIOUR = "has_done"
    CASE_INSENSITIVE = "case_insensitive"
    ANY_ZONE = "any_zone"
    """Days cut in another zone than the site's."""
    PART_OF_DAY = "part_of_day"
    """Ranges that start or end within a day."""
    ORDER_BY = "order_by"
    """Sorting by any queried metric or dimension."""
    TOTAL_ROWS = "total_rows"
    NESTED_GOAL = "nested_goal"
    """Goal filters below the top level."""


KINDS: Mapping[str, type[StrEnum]] = MappingProxyType(
    {"metric": Metric, "dimension": Dimension, "operator": Operator, "feature": Feature, "operation": Operation}
)
"""The kinds of words that a declaration speaks of."""


class Support(Frozen):
    """One cell: a level, the reason where it is not native, and the code of a native answer that is not exact."""

    level: Level = Level.NATIVE
    reason: str = ""
    approximate: str = ""
    see: str = ""

    @model_validator(mode="after")
    def _refusals_are_explained(self) -> Self:
        if (self.level is not Level.NATIVE or self.approximate) and not self.reason.strip():
            raise ValueError("a refusal or an approximation needs a reason a user can read")
        return self

    @property
    def is_native(self) -> bool:
        return self.level is Level.NATIVE


NATIVE = Support()


def never(reason: str, see: str = "") -> Support:
    """The backend cannot."""
    return Support(level=Level.NEVER, reason=reason, see=see)


def not_yet(reason: str, see: str = "") -> Support:
    """The backend can; we do not expose it yet."""
    return Support(level=Level.NOT_YET, reason=reason, see=see)


def approximate(code: str, reason: str, see: str = "") -> Support:
    """The backend answers, but not quite what was asked; every such answer carries the code."""
    return Support(approximate=code, reason=reason, see=see)


class Conflict(Frozen):
    """A combination that is refused (or, with a code, approximate) although its parts are supported.

    It applies when the query meets every non-empty set: asks one of `metrics`, groups by one of `grouped`, filters
    on one of `filtered`, uses one of `operators` (on one of `filtered`, if given). `unless_grouped` exempts queries
    that are grouped by one of its members.
    """

    reason: str
    metrics: frozenset[Metric] = frozenset()
    grouped: frozenset[Dimension] = frozenset()
    filtered: frozenset[Dimension] = frozenset()
    operators: frozenset[Operator] = frozenset()
    unless_grouped: frozenset[Dimension] = frozenset()
    approximate: str = ""

    @model_validator(mode="after")
    def _says_when_and_why(self) -> Self:
        if not self.reason.strip():
            raise ValueError("a conflict needs a reason a user can read")
        if not (self.metrics or self.grouped or self.filtered or self.operators):
            raise ValueError("a conflict without a condition would always apply")
        return self


class Limits(Frozen):
    """Numbers of the backend: rows in one answer, days in one call, calls per hour and burst; and our fan-out cap."""

    rows: int | None = None
    range_days: int | None = None
    history_days: int | None = None
    requests_per_hour: int | None = None
    burst: int | None = None
    fan_out_calls: int = 25
    metrics: int | None = None
    filter_values: int | None = None


def _read_only(value: Mapping[Any, Any]) -> Mapping[Any, Any]:
    return MappingProxyType(dict(value))


ReadOnly = AfterValidator(_read_only), PlainSerializer(lambda value: dict(value), return_type=dict[str, Any])


class Capabilities(Frozen):
    """The declaration of one backend edition. Every metric, dimension, operator, operation and feature must appear.

    A dimension's cell speaks of grouping and of filtering with every native operator alike. `filters` holds the
    exceptions: the operators a dimension can be filtered with, none for one that cannot be filtered at all, with their
    reasons in `filter_reasons`.
    """

    backend: str
    edition: str = ""
    title: str
    metrics: Annotated[Mapping[Metric, Support], *ReadOnly]
    dimensions: Annotated[Mapping[Dimension, Support], *ReadOnly]
    operators: Annotated[Mapping[Operator, Support], *ReadOnly]
    operations: Annotated[Mapping[Operation, Support], *ReadOnly]
    features: Annotated[Mapping[Feature, Support], *ReadOnly]
    max_dimensions: int
    filters: Annotated[Mapping[Dimension, frozenset[Operator]], *ReadOnly] = Field(default_factory=dict)
    filter_reasons: Annotated[Mapping[Dimension, str], *ReadOnly] = Field(default_factory=dict)
    conflicts: tuple[Conflict, ...] = ()
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _every_word_is_declared(self) -> Self:
        missing = [
            f"{kind} {word}"
            for kind, said in self.tables.items()
            for word in declarable(KINDS[kind])
            if word not in said
        ]
        if missing:
            raise ValueError(f"{self.name}: undeclared: {', '.join(missing)}")
        unexplained = [str(d) for d in self.filters if d not in self.filter_reasons]
        if unexplained:
            raise ValueError(f"{self.name}: restricted filters without a reason: {', '.join(sorted(unexplained))}")
        return self

    @property
    def name(self) -> str:
        """Backend and edition: `local`, `plausible/ce`."""
        return f"{self.backend}/{self.edition}" if self.edition else self.backend

    @property
    def tables(self) -> Mapping[str, Mapping[Any, Support]]:
        """What it says of every word, by kind of word."""
        return {
            "metric": self.metrics,
            "dimension": self.dimensions,
            "operator": self.operators,
            "feature": self.features,
            "operation": self.operations,
        }

    def allows(self, operation: Operation) -> bool:
        return self.operations[operation].is_native

    def operators_on(self, dimension: Dimension) -> frozenset[Operator]:
        """Operators that a filter on the dimension may use."""
        native = frozenset(o for o, cell in self.operators.items() if cell.is_native)
        return self.filters[dimension] & native if dimension in self.filters else native


Word = TypeVar("Word", bound=StrEnum)


def declarable(words: type[Word]) -> tuple[Word, ...]:
    """The words that a declaration has to speak of: all but those the gateway answers itself."""
    return tuple(word for word in words if word not in OURS)


def cells(words: type[Word], table: Mapping[str, Support]) -> dict[Word, Support]:
    """Cells by word, in the model's order; a key of the table names one word or several: `{"visitors visits": NATIVE}`.

    Raises ValueError for a word that the model does not have, and for one that is named twice. What is missing is found
    by `Capabilities`, which knows the edition.
    """
    said = [(name, cell) for names, cell in table.items() for name in names.split()]
    names, known = [name for name, _ in said], [str(word) for word in declarable(words)]
    wrong = [name for name in dict.fromkeys(names) if name not in known or names.count(name) > 1]
    if wrong:
        raise ValueError(f"no such {words.__name__.lower()}, or named twice: {', '.join(wrong)}")
    told = dict(said)
    return {word: told[word] for word in declarable(words) if word in told}
