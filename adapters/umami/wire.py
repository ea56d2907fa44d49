"""Shapes of Umami's answers and errors (contract sections 2 and 5)."""

from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from adapters.base import Reply
from adapters.http import STATUSES, check_status
from models.errors import Unintelligible

Item = TypeVar("Item")
BACKEND = "umami"
Big = int | str | None
"""A count: big integers come as strings (3.1.0, 2026-05; fixtures/umami/expanded_by_event.json), sums over nothing may
be null."""


class Paged(msgspec.Struct, Generic[Item]):
    """Every list."""

    data: list[Item]
    count: int = 0


class Website(msgspec.Struct):
    """A website; it has no time zone (3.1.0, 2026-05; fixtures/umami/website_create.json)."""

    id: str
    name: str = ""
    domain: str | None = None


class Share(msgspec.Struct):
    id: str
    slug: str
    name: str | None = None


class Team(msgspec.Struct):
    id: str
    name: str


class Token(msgspec.Struct):
    token: str


class Stats(msgspec.Struct):
    """Of page views alone; `totaltime` in seconds."""

    pageviews: Big
    visitors: Big
    visits: Big
    bounces: Big
    totaltime: Big


class Expanded(Stats, kw_only=True):
    """A breakdown's row. Under `type=event`, `pageviews` are the events of the name."""

    name: str | None


class Point(msgspec.Struct):
    x: str
    y: Big


class Series(msgspec.Struct):
    """Page views and, under `sessions`, visitors; empty buckets are left out.

    (3.1.0, 2026-05; fixtures/umami/pageviews_by_hour.json.)
    """

    pageviews: list[Point]
    sessions: list[Point]


class Active(msgspec.Struct):
    visitors: Big


class DateRange(msgspec.Struct):
    startDate: str | None = None  # noqa: N815 - the vendor's name


class Sent(msgspec.Struct):
    """The answer to a tracker call; `beep` instead of `cache` says that the sender was taken for a bot."""

    beep: str | None = None


def check(reply: Reply, now: datetime) -> None:
    """Raise what an error's status means; the prose of its body is the vendor's."""
    check_status(reply, STATUSES, now=now, backend=BACKEND)


def number(value: Big) -> int:
    """A count as a number. Raises Unintelligible."""
    try:
        return int(value or 0)
    except ValueError as error:
        raise Unintelligible("A count is no number", backend=BACKEND) from error


def label_of(x: str) -> str:
    """A bucket's wall clock, `2026-06-01` or `2026-06-01 10:00:00`, whichever way this version writes it."""
    text = x.replace("T", " ").removesuffix("Z").partition(".")[0]
    return text if len(text) in (10, 19) else x
