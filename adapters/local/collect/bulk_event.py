"""An event as the bulk path reads it: the fields of `models.event.Event`, decoded without building a model."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from models.event import MAX_PROPS, Event

Name = Annotated[str, Meta(min_length=1, max_length=120)]
Short = Annotated[str, Meta(max_length=500)]
Long = Annotated[str, Meta(max_length=2000)]
PropValue = Annotated[str, Meta(max_length=2000)] | bool | int | float


class BulkRevenue(Struct, forbid_unknown_fields=True, gc=False):
    """`models.event.Revenue`; trackers write amounts as text, which is as good as a number."""

    amount: Annotated[float, Meta(ge=-1e15, le=1e15)] | Annotated[str, Meta(pattern=r"^-?\d{1,15}(\.\d{1,9})?$")]
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")]


class BulkEvent(Struct, forbid_unknown_fields=True, gc=False):
    """One event of a file; `msgspec.json.decode(line, type=BulkEvent)` refuses what `Event` refuses."""

    name: Name
    time: Annotated[datetime, Meta(tz=True)]
    visitor: Annotated[str, Meta(max_length=200)] | None = None
    previous_visitor: Annotated[str, Meta(max_length=200)] | None = None
    ip: Annotated[str, Meta(max_length=64)] | None = None
    user_agent: Long | None = None
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
    country: Annotated[str, Meta(max_length=2)] | None = None
    region: Short | None = None
    city: Annotated[str, Meta(max_length=200)] | int | None = None
    device: Short | None = None
    screen: Short | None = None
    browser: Short | None = None
    browser_version: Short | None = None
    os: Short | None = None
    os_version: Short | None = None
    language: Short | None = None
    props: Annotated[dict[str, PropValue], Meta(max_length=MAX_PROPS)] | None = None
    revenue: BulkRevenue | None = None
    interactive: bool = True
    engagement_ms: Annotated[int, Meta(ge=0, le=2**32 - 1)] | None = None
    scroll_depth: Annotated[int, Meta(ge=0, le=255)] | None = None


Given = Event | BulkEvent
"""An event before anything is derived from it."""
