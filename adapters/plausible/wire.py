"""Shapes of Plausible's JSON, as sent today and as the first documents showed it (contract section 1).

Extra keys are ignored. Documents of 2026-07 print ids as strings and `deleted` as "true", the code of that month
answers numbers and a boolean (fixtures/plausible/sample_goals_list.json, sample_goal_delete.json; goals_list.json,
site_delete.json).
"""

from typing import Any

import msgspec

Number = int | float


class Amount(msgspec.Struct, frozen=True):
    """A revenue value; `short` and `long` are texts for people."""

    value: Number
    currency: str


Cell = Number | Amount | None


class QueryRow(msgspec.Struct, frozen=True):
    dimensions: list[str | int | None]
    metrics: list[Cell]


class QueryMeta(msgspec.Struct, frozen=True):
    imports_included: bool | None = None
    imports_skip_reason: str | None = None
    metric_warnings: dict[str, dict[str, Any]] = {}
    total_rows: int | None = None


class QueryEcho(msgspec.Struct, frozen=True):
    """The query as the server read it; `all` comes back with its first and last instant."""

    date_range: list[str] = []


class QueryAnswer(msgspec.Struct, frozen=True):
    """The body of POST /api/v2/query."""

    results: list[QueryRow]
    meta: QueryMeta = QueryMeta()
    query: QueryEcho = QueryEcho()


class AggregateValue(msgspec.Struct, frozen=True):
    value: Number | None


Aggregate = dict[str, Any]


class Rows(msgspec.Struct, frozen=True):
    """v1 timeseries and breakdown."""

    results: list[dict[str, str | Number | None]]
    warning: str | None = None


class Meta(msgspec.Struct, frozen=True):
    after: str | None = None


class WireSite(msgspec.Struct, frozen=True):
    """A site; a list holds the first two fields only (2026-07; fixtures/plausible/sites_list.json)."""

    domain: str
    timezone: str | None = None
    custom_properties: list[str] = []


class Sites(msgspec.Struct, frozen=True):
    sites: list[WireSite]
    meta: Meta = Meta()


class WireTeam(msgspec.Struct, frozen=True):
    id: str
    name: str
    api_available: bool = True


class Teams(msgspec.Struct, frozen=True):
    teams: list[WireTeam]
    meta: Meta = Meta()


class WireGoal(msgspec.Struct, frozen=True):
    """A goal; `goal_type` is event, page or scroll. Threshold and currency are not documented in answers."""

    id: int | str
    goal_type: str
    display_name: str = ""
    event_name: str | None = None
    page_path: str | None = None
    custom_props: dict[str, str] = {}
    scroll_threshold: int | None = None
    currency: str | None = None


class Goals(msgspec.Struct, frozen=True):
    goals: list[WireGoal]
    meta: Meta = Meta()


class WireGuest(msgspec.Struct, frozen=True):
    email: str
    role: str
    status: str = "invited"


class Guests(msgspec.Struct, frozen=True):
    guests: list[WireGuest]
    meta: Meta = Meta()


class WireProperty(msgspec.Struct, frozen=True):
    property: str


class Properties(msgspec.Struct, frozen=True):
    custom_properties: list[WireProperty]


class WireLink(msgspec.Struct, frozen=True):
    name: str
    url: str


class Deleted(msgspec.Struct, frozen=True):
    deleted: bool | str

    @property
    def done(self) -> bool:
        return self.deleted in (True, "true")


class Created(msgspec.Struct, frozen=True):
    created: bool | str

    @property
    def done(self) -> bool:
        return self.created in (True, "true")
