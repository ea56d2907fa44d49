"""Canonical words and Pirsch's, in one table read in both directions: endpoints, filter parameters, names of values."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from models.vocabulary import DIRECT, DIRECT_CHANNEL, NOT_SET, Dimension, Interval


class Field(StrEnum):
    """A number Pirsch counts for a group of visits."""

    VISITORS = "visitors"
    VISITS = "visits"
    VIEWS = "views"
    BOUNCES = "bounces"
    EVENT_COUNT = "event_count"
    DURATION = "duration"
    """Seconds of a visit, mean."""
    TIME_ON_PAGE = "time_on_page"
    REVENUE = "revenue"
    AVERAGE_REVENUE = "average_revenue"


F, D = Field, Dimension
TOTAL_KEYS: Mapping[Field, str] = MappingProxyType(
    {F.VISITORS: "visitors", F.VISITS: "sessions", F.VIEWS: "views", F.BOUNCES: "bounces"}
)
"""What `total` and the series know, by JSON key."""

_PEOPLE = MappingProxyType({F.VISITORS: "visitors"})


@dataclass(frozen=True, slots=True)
class Listing:
    """An endpoint that groups: its path, the JSON keys of the group, and the fields its rows offer."""

    path: str
    keys: tuple[tuple[Dimension, str], ...]
    offers: Mapping[Field, str]
    own_order: bool = True
    """Whether rows come by visitors descending, then by value, so that reading may stop early."""
    params: tuple[tuple[str, str], ...] = ()
    """What has to be asked for besides, for all of `offers`."""

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        return tuple(d for d, _ in self.keys)


def _listing(dimension: Dimension, path: str, key: str, offers: Mapping[Field, str] = _PEOPLE) -> Listing:
    return Listing(path, ((dimension, key),), offers)


_PLACE = ((D.COUNTRY, "country_code"), (D.REGION_NAME, "region"), (D.CITY_NAME, "city"))

LISTINGS: Mapping[Dimension, Listing] = MappingProxyType(
    {
        D.PAGE: _listing(D.PAGE, "page", "path", TOTAL_KEYS),
        # visitors and sessions of these rows are those of everybody who viewed the path, not of those who entered there
        # (2026-07-10, contract section 9; fixtures/pirsch/page_entry.json)
        D.ENTRY_PAGE: Listing("page/entry", ((D.ENTRY_PAGE, "path"),), {F.VISITS: "entries"}, own_order=False),
        D.EXIT_PAGE: Listing("page/exit", ((D.EXIT_PAGE, "path"),), {F.VISITS: "exits"}, own_order=False),
        D.HOSTNAME: _listing(D.HOSTNAME, "hostname", "hostname", TOTAL_KEYS),
        D.EXIT_HOSTNAME: _listing(D.EXIT_HOSTNAME, "hostname", "hostname", TOTAL_KEYS),
        D.SOURCE: _listing(
            D.SOURCE,
            "referrer",
            "referrer_name",
            {F.VISITORS: "visitors", F.VISITS: "sessions", F.BOUNCES: "bounces"},
        ),
        D.CHANNEL: _listing(D.CHANNEL, "channel", "channel", TOTAL_KEYS),
        **{d: _listing(d, f"utm/{d.removeprefix('utm_')}", str(d)) for d in D if d.startswith("utm_")},
        D.SCREEN: _listing(D.SCREEN, "screen", "screen_class"),
        D.BROWSER: _listing(D.BROWSER, "browser", "browser"),
        D.BROWSER_VERSION: Listing(
            "browser/version", ((D.BROWSER, "browser"), (D.BROWSER_VERSION, "browser_version")), _PEOPLE
        ),
        D.OS: _listing(D.OS, "os", "os"),
        # the seed prints /statistics/os twice; every SDK of 2026-07 calls os/version (fixtures/pirsch/os_version.json)
        D.OS_VERSION: Listing("os/version", ((D.OS, "os"), (D.OS_VERSION, "os_version")), _PEOPLE),
        D.COUNTRY: _listing(D.COUNTRY, "country", "country_code"),
        D.REGION_NAME: Listing("region", _PLACE[:2], _PEOPLE),
        D.CITY_NAME: Listing("city", _PLACE, _PEOPLE),
        D.LANGUAGE: _listing(D.LANGUAGE, "language", "language"),
    }
)
"""Dimensions that have a list of their own; `device` (one object) and `event`, `prop`, `goal`, `referrer` do not."""

FILTERS: Mapping[Dimension, str] = MappingProxyType(
    {
        D.PAGE: "path",
        D.HOSTNAME: "hostname",
        D.EXIT_HOSTNAME: "hostname",
        D.EVENT: "event",
        D.SOURCE: "referrer_name",
        D.DEVICE: "platform",
        D.SCREEN: "screen_class",
        D.ENTRY_PAGE: "entry_path",
        D.EXIT_PAGE: "exit_path",
        D.REGION_NAME: "region",
        D.CITY_NAME: "city",
        **{
            d: str(d)
            for d in (
                *(D.REFERRER, D.CHANNEL, D.BROWSER, D.OS, D.COUNTRY, D.LANGUAGE),
                *(d for d in D if d.startswith("utm_")),
            )
        },
    }
)
"""The filter parameter of a dimension."""

SESSION_KEYS: Mapping[Dimension, str] = MappingProxyType(
    {
        D.ENTRY_PAGE: "entry_path",
        D.EXIT_PAGE: "exit_path",
        D.LANGUAGE: "language",
        D.COUNTRY: "country_code",
        D.REGION_NAME: "region",
        D.CITY_NAME: "city",
        D.REFERRER: "referrer",
        D.SOURCE: "referrer_name",
        D.OS: "os",
        D.OS_VERSION: "os_version",
        D.BROWSER: "browser",
        D.BROWSER_VERSION: "browser_version",
        D.DEVICE: "platform",
        D.SCREEN: "screen_class",
        **{d: str(d) for d in D if d.startswith("utm_")},
    }
)
"""What a row of session/list knows; `platform` is made of its two flags. No channel, hostname, path, event or tag."""

SCALES: Mapping[Interval, str] = MappingProxyType({Interval.DAY: "day", Interval.WEEK: "week", Interval.MONTH: "month"})

DEVICES: Mapping[str, str] = MappingProxyType({"desktop": "Desktop", "mobile": "Mobile", "unknown": NOT_SET})
_DEVICES_BACK = {shown: wire for wire, shown in DEVICES.items()}
_BLANKS: Mapping[Dimension, str] = MappingProxyType(
    {
        D.SOURCE: DIRECT,
        D.REFERRER: DIRECT,
        D.CHANNEL: DIRECT_CHANNEL,
        **dict.fromkeys((D.COUNTRY, D.REGION_NAME, D.CITY_NAME, D.PAGE, D.HOSTNAME, D.ENTRY_PAGE, D.EXIT_PAGE), ""),
    }
)

_DIRECT_BLANKS = frozenset({D.SOURCE, D.REFERRER, *(d for d in D if d.startswith("utm_"))})

BLANK = "null"
"""How a filter says empty."""
MARKS = ("!", "~", "^")
"""Prefixes of filter values; a value that begins with one cannot be asked for."""


def blank_of(dimension: Dimension) -> str:
    """How an empty value of the dimension is shown."""
    return _BLANKS.get(dimension, NOT_SET)


def from_wire(dimension: Dimension, value: str) -> str:
    """A value as the canonical model writes it."""
    match dimension:
        case D.DEVICE:
            return DEVICES.get(value, NOT_SET)
        case D.COUNTRY:
            return value.upper()
        case D.REFERRER if value:
            return value.partition("://")[2].removeprefix("www.").rstrip("/") or value
        case D.HOSTNAME | D.EXIT_HOSTNAME:
            return value.removeprefix("www.")
        case _:
            return value or blank_of(dimension)


def to_wire(dimension: Dimension, value: str) -> tuple[str, ...]:
    """The values of a filter that together mean this one; none where no filter can say it."""
    if dimension is D.DEVICE:
        return (_DEVICES_BACK[value],) if value in _DEVICES_BACK else ()
    if means_blank(dimension, value):
        # `country=null` is dropped without a word, and numbers are then unfiltered (2026-07-10, contract section 8)
        return () if dimension is D.COUNTRY else (BLANK,)
    if value.startswith(MARKS) or value.lower() == BLANK:
        return ()
    if dimension is D.COUNTRY:
        # so is everything else but two letters in lower case
        return (value.lower(),) if len(value) == 2 and value.isascii() and value.isalpha() else ()
    if dimension is D.REFERRER:
        hosts = (value, f"www.{value}")
        return tuple(f"{s}://{h}{end}" for s in ("https", "http") for h in hosts for end in ("", "/"))
    return (value,)


def means_blank(dimension: Dimension, value: str) -> bool:
    """Whether a value of a filter stands for "none"."""
    if value == DIRECT:
        return dimension in _DIRECT_BLANKS
    return value in ("", NOT_SET)
