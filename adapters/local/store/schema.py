"""Tables of the event store, and the order of their columns in inserts.

Times are UTC, whole seconds. Text that is missing is empty; `scroll_depth` 255 means none; revenue is NULL without
amount. `seq` is the event's position in the journal: it orders events of one second, and marks what a checkpoint
covers.
"""

from collections.abc import Mapping
from types import MappingProxyType

TEXT, NAME = "String", "LowCardinality(String)"
PROPS, MONEY = "Map(LowCardinality(String), String)", "Nullable(Decimal(18, 3))"

VISIT_ATTRIBUTES: Mapping[str, str] = MappingProxyType(
    {
        "source": NAME,
        "channel": NAME,
        "referrer": TEXT,
        "utm_source": NAME,
        "utm_medium": NAME,
        "utm_campaign": NAME,
        "utm_content": NAME,
        "utm_term": NAME,
        "country": NAME,
        "region": NAME,
        "city": NAME,
        "device": NAME,
        "screen": NAME,
        "browser": NAME,
        "browser_version": NAME,
        "os": NAME,
        "os_version": NAME,
        "language": NAME,
    }
)
"""What the first event of a visit decides; stored with every event and with the visit."""

EVENTS: Mapping[str, str] = MappingProxyType(
    {
        "site": NAME,
        "time": "DateTime('UTC')",
        "seq": "UInt64",
        "visitor": "UInt64",
        "session": "UInt64",
        "name": NAME,
        "hostname": NAME,
        "path": TEXT,
        "title": TEXT,
        "props": PROPS,
        "revenue": MONEY,
        "currency": NAME,
        "interactive": "UInt8",
        "engagement_ms": "UInt32",
        "scroll_depth": "UInt8",
        **VISIT_ATTRIBUTES,
    }
)

SESSIONS: Mapping[str, str] = MappingProxyType(
    {
        "site": NAME,
        "session": "UInt64",
        "visitor": "UInt64",
        "sign": "Int8",
        "start": "DateTime('UTC')",
        "time": "DateTime('UTC')",
        "is_bounce": "UInt8",
        "duration": "UInt32",
        "pageviews": "UInt32",
        "events": "UInt32",
        "entry_page": TEXT,
        "exit_page": TEXT,
        "entry_hostname": NAME,
        "exit_hostname": NAME,
        **VISIT_ATTRIBUTES,
    }
)
"""A visit is a +1 row; an update writes its old row again with sign -1 and the new one with +1."""

_COUNTS = {
    "visitors": "UInt64",
    "visits": "UInt64",
    "visit_duration": "UInt64",
    "bounces": "UInt64",
    "pageviews": "UInt64",
}
_HEAD = {"site": NAME, "import": NAME, "date": "Date"}

IMPORTED: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "imported_visitors": {**_HEAD, **_COUNTS},
        "imported_sources": {
            **_HEAD,
            **dict.fromkeys(("source", "channel", "referrer", "utm_source", "utm_medium", "utm_campaign"), TEXT),
            **dict.fromkeys(("utm_content", "utm_term"), TEXT),
            **_COUNTS,
        },
        "imported_pages": {
            **_HEAD,
            "hostname": TEXT,
            "page": TEXT,
            "visitors": "UInt64",
            "visits": "UInt64",
            "pageviews": "UInt64",
            "total_scroll_depth": "UInt64",
            "total_scroll_depth_visits": "UInt64",
            "total_time_on_page": "UInt64",
            "total_time_on_page_visits": "UInt64",
        },
        "imported_entry_pages": {
            **_HEAD,
            "entry_page": TEXT,
            "visitors": "UInt64",
            "entrances": "UInt64",
            "visit_duration": "UInt64",
            "bounces": "UInt64",
            "pageviews": "UInt64",
        },
        "imported_exit_pages": {
            **_HEAD,
            "exit_page": TEXT,
            "visitors": "UInt64",
            "visit_duration": "UInt64",
            "exits": "UInt64",
            "bounces": "UInt64",
            "pageviews": "UInt64",
        },
        "imported_custom_events": {
            **_HEAD,
            "name": TEXT,
            "link_url": TEXT,
            "path": TEXT,
            "visitors": "UInt64",
            "events": "UInt64",
        },
        "imported_locations": {**_HEAD, "country": TEXT, "region": TEXT, "city": TEXT, **_COUNTS},
        "imported_devices": {**_HEAD, "device": TEXT, **_COUNTS},
        "imported_browsers": {**_HEAD, "browser": TEXT, "browser_version": TEXT, **_COUNTS},
        "imported_operating_systems": {**_HEAD, "operating_system": TEXT, "operating_system_version": TEXT, **_COUNTS},
    }
)
"""Daily aggregates of another system, in the layout of Plausible's CSV export (contracts: Plausible, section 8)."""
