"""Rules of collection a site's owner sets: what is not counted, how long it is kept, which signals are respected."""

from pydantic import Field

from models.base import Frozen

MOST_EVENTS = 10**9
"""A minute; more is as good as no limit."""


class Exclusions(Frozen):
    """Events that are answered but not counted. Addresses are IPs or networks; pages and hosts may carry `*`."""

    addresses: tuple[str, ...] = Field(default=(), max_length=500)
    countries: tuple[str, ...] = Field(default=(), max_length=300)
    pages: tuple[str, ...] = Field(default=(), max_length=500)
    hostnames: tuple[str, ...] = Field(default=(), max_length=500)
    only_hostnames: tuple[str, ...] = Field(default=(), max_length=500)
    """If any is given, events on other hosts are not counted."""


class SiteSettings(Frozen):
    """Settings of one site. `retention_days` None keeps events for ever; `events_per_minute` None sets no limit.

    Days are those of the site's zone, and a visit goes with its last one.
    """

    exclude: Exclusions = Exclusions()
    retention_days: int | None = Field(default=None, ge=1, le=36500)
    respect_do_not_track: bool = False
    respect_global_privacy_control: bool = False
    events_per_minute: int | None = Field(default=None, ge=1, le=MOST_EVENTS)
    events_per_minute_and_address: int | None = Field(default=None, ge=1, le=MOST_EVENTS)
