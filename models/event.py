"""An event as clients send it: one line of NDJSON, one server-side call, or what a tracker's payload becomes."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator, Field

from models.base import Frozen

PAGEVIEW = "pageview"
ENGAGEMENT = "engagement"
MAX_PROPS = 30


class Revenue(Frozen):
    """Money that came with an event."""

    amount: float = Field(ge=-1e15, le=1e15, allow_inf_nan=False)
    currency: str = Field(pattern="^[A-Z]{3}$")


def _text(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


Texted = BeforeValidator(_text, json_schema_input_type=str | float | bool)
PropValue = Annotated[str, Texted, Field(max_length=2000)]
Short = Annotated[str, Field(max_length=500)]
Long = Annotated[str, Field(max_length=2000)]


class Event(Frozen):
    """One event. Given fields are kept as given; missing ones are derived (path from url, source from referrer, ...).

    A visitor is either an id of the sender's own or an address and user agent, from which a daily rotating id is made
    and which are then forgotten. A sender whose ids rotate names the id before in `previous_visitor`, so that a visit
    begun under it goes on. `engagement_ms` and `scroll_depth` (percent) belong to `engagement` events.
    """

    name: str = Field(min_length=1, max_length=120)
    time: datetime
    visitor: str | None = Field(default=None, max_length=200)
    previous_visitor: str | None = Field(default=None, max_length=200)
    ip: str | None = Field(default=None, max_length=64)
    user_agent: str | None = Field(default=None, max_length=2000)
    hostname: Short | None = None
    path: Long | None = None
    url: Long | None = None
    title: Long | None = None
    referrer: Long | None = None
    source: Long | None = None
    channel: Short | None = None
    utm_source: Long | None = None
    utm_medium: Long | None = None
    utm_campaign: Long | None = None
    utm_content: Long | None = None
    utm_term: Long | None = None
    country: str | None = Field(default=None, max_length=2)
    region: Short | None = None
    city: Annotated[str, Texted, Field(max_length=200)] | None = None
    device: Short | None = None
    screen: Short | None = None
    browser: Short | None = None
    browser_version: Short | None = None
    os: Short | None = None
    os_version: Short | None = None
    language: Short | None = None
    props: dict[str, PropValue] = Field(default_factory=dict, max_length=MAX_PROPS)
    revenue: Revenue | None = None
    interactive: bool = True
    engagement_ms: int | None = Field(default=None, ge=0, le=2**32 - 1)
    scroll_depth: int | None = Field(default=None, ge=0, le=255)


class Received(NamedTuple):
    """What the edge adds to a tracker's request: where it came from. Never stored, never logged."""

    ip: str
    user_agent: str = ""
    accept_language: str = ""
    headers: Mapping[str, str] = MappingProxyType({})


class Drop(Frozen):
    """An event that was answered but not counted, and why (`bot`, `spam_referrer`, `unknown_site`, ...)."""

    reason: str
    detail: str = ""
