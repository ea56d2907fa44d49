"""Shapes of Sparklytics' answers and errors (contract sections 2 to 4)."""

from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from adapters.base import Reply
from adapters.http import STATUSES, check_status, retry_after
from adapters.sparklytics.vocabulary import ERRORS
from models.errors import GatewayError

Body = TypeVar("Body")
BACKEND = "sparklytics"


class Wrapped(msgspec.Struct, Generic[Body]):
    """Everything useful stands under `data`; lists have `pagination` beside it."""

    data: Body
    pagination: dict[str, Any] = {}


class Website(msgspec.Struct):
    id: str
    domain: str
    timezone: str = "UTC"
    name: str = ""
    share_id: str | None = None
    created_at: str = ""


class Share(msgspec.Struct):
    share_id: str
    share_url: str = ""


class Stats(msgspec.Struct):
    """`pageviews` are ALL events; `bounce_rate` is a fraction of 1, while ./metrics gives percent.

    Source of 2026-04-12, contract 5; fixtures/sparklytics/stats.json.
    """

    pageviews: int
    visitors: int
    sessions: int
    bounce_rate: float
    avg_duration_seconds: float


class Point(msgspec.Struct):
    """A bucket; `pageviews` are ALL events (2026-04; fixtures/sparklytics/pageviews_by_day.json)."""

    date: str
    pageviews: int
    visitors: int


class Series(msgspec.Struct):
    series: list[Point]


class Row(msgspec.Struct):
    """A breakdown's row; `pageviews` are page views only, `bounce_rate` is percent."""

    value: str
    visitors: int
    pageviews: int = 0
    bounce_rate: float = 0.0
    avg_duration_seconds: float = 0.0


class Rows(msgspec.Struct):
    rows: list[Row]


class EventName(msgspec.Struct):
    event_name: str
    count: int
    visitors: int


class EventNames(msgspec.Struct):
    rows: list[EventName]
    total: int


class Realtime(msgspec.Struct):
    active_visitors: int


class Goal(msgspec.Struct):
    id: str
    name: str
    goal_type: str
    match_value: str
    match_operator: str = "equals"
    value_mode: str = "none"
    currency: str | None = None


class GoalStats(msgspec.Struct):
    """`conversion_rate` is left out: it can be derived, and whether it is a fraction is not documented."""

    conversions: int
    converting_sessions: int
    total_sessions: int


class RevenueRow(msgspec.Struct):
    conversions: int
    revenue: float


class Revenue(msgspec.Struct):
    rows: list[RevenueRow]


class _Problem(msgspec.Struct):
    code: str = ""


class _Refusal(msgspec.Struct):
    error: _Problem = msgspec.field(default_factory=_Problem)


def check(reply: Reply, now: datetime) -> None:
    """Raise what an error means: by its code, else by its status.

    An unknown path answers 404 with an empty body (source of 2026-04-12, contract 2), a field it does not know 422 with
    plain text (2026-11, contract 0).
    """
    if 200 <= reply.status < 300:
        return
    try:
        code = msgspec.json.decode(reply.body, type=_Refusal).error.code
    except (msgspec.MsgspecError, UnicodeDecodeError):
        code = ""
    meaning: type[GatewayError] | None = ERRORS.get(code)
    if meaning is None:
        check_status(reply, STATUSES, now=now, backend=BACKEND)
        return
    raise meaning(_DETAILS.get(code, ""), retry_after=retry_after(reply, now), backend=BACKEND)


_DETAILS = {
    "setup_required": "Sparklytics has not been set up yet; open its page and choose a password",
    "password_change_required": "Sparklytics wants its password changed first",
    "forbidden": "Sparklytics refuses this to an API key",
}


def undefused(cell: str) -> str:
    """A cell of the export without the quote that defuses spreadsheet formulas (source of 2026-04-12, contract 4.2)."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in ("=", "+", "-", "@", "\t", "\r") else cell
