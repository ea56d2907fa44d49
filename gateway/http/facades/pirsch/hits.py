"""Pirsch's hits, events and keep-alives as canonical events (contracts: Pirsch 4 and 14). Pure.

Tags and event metadata both become properties; metadata wins where both have a key. The duration of an event is kept
as its engaged time. A keep-alive is an engagement of no seconds: it prolongs the visit and is no event.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from pydantic import ValidationError

from gateway.http.facades.pirsch.wording import refused
from models.event import ENGAGEMENT, PAGEVIEW, Event, Received

RESERVED = (PAGEVIEW, ENGAGEMENT)
HINTS = {
    "sec_ch_ua": "sec-ch-ua",
    "sec_ch_ua_mobile": "sec-ch-ua-mobile",
    "sec_ch_ua_platform": "sec-ch-ua-platform",
    "sec_ch_ua_platform_version": "sec-ch-ua-platform-version",
    "sec_ch_width": "sec-ch-width",
    "sec_ch_viewport_width": "sec-ch-viewport-width",
}
SCREENS = (
    (5120, "UHD 5K"), (3840, "UHD 4K"), (2560, "WQHD"), (1920, "Full HD"), (1280, "HD"), (1024, "XL"), (800, "L"),
    (600, "M"), (415, "S"), (1, "XS"),
)  # fmt: skip
"""Least width of each class; the documents print others (core 6.28.3 of 2026-04, contract 7, row 9)."""
MAX_TITLE, MAX_REFERRER = 512, 2000


def screen_class(width: Any) -> str | None:
    """The class of a width in pixels; None when it is not known."""
    if isinstance(width, str) and width.isdecimal():
        width = int(width)
    if not isinstance(width, int) or isinstance(width, bool):
        return None
    return next((name for least, name in SCREENS if width >= least), None)


def hit(fields: Mapping[str, Any], now: datetime) -> Event:
    """A page view. Raises Refused with every field that is wrong."""
    _required(fields, ("url", "ip", "user_agent"))
    return _made({"name": PAGEVIEW, **_page(fields), **_visitor(fields), "props": _texts(fields, "tags")}, fields, now)


def event(fields: Mapping[str, Any], now: datetime) -> Event:
    """A custom event. Raises Refused."""
    _required(fields, ("event_name", "url", "ip", "user_agent"))
    return _made({**_custom(fields), **_page(fields), **_visitor(fields)}, fields, now)


def keep_alive(fields: Mapping[str, Any], now: datetime, domain: str) -> Event:
    """Prolongs a visit; without an address it is one of the site's own. Raises Refused."""
    _required(fields, ("ip", "user_agent"))
    url = fields.get("url") or f"https://{domain}/"
    return _made({"name": ENGAGEMENT, "url": url, "engagement_ms": 0, **_visitor(fields)}, fields, now)


def browser_hit(query: Iterable[tuple[str, str]], now: datetime) -> Event:
    """A page view from the snippet's query string: `url`, `t`, `ref`, `w`, `tag_<key>`. Raises Refused."""
    pairs = dict(query)
    fields = {
        "url": pairs.get("url"),
        "title": pairs.get("t"),
        "referrer": pairs.get("ref"),
        "screen_width": pairs.get("w"),
    }
    tags = {name.removeprefix("tag_"): value for name, value in pairs.items() if name.startswith("tag_")}
    _required(fields, ("url",))
    return _made({"name": PAGEVIEW, **_page(fields), "props": tags}, {}, now)


def browser_event(fields: Mapping[str, Any], now: datetime) -> Event:
    """An event from the snippet's beacon, whose referrer is percent-encoded. Raises Refused.

    (Script of 2023, recorded 2026-11; fixtures/recorded/tracker_requests.json.)
    """
    _required(fields, ("event_name", "url"))
    referrer = fields.get("referrer")
    plain = {**fields, "referrer": unquote(referrer)} if isinstance(referrer, str) else fields
    return _made({**_custom(plain), **_page(plain)}, {}, now)


def browser_keep_alive(url: str, now: datetime) -> Event:
    """Raises Refused."""
    return _made({"name": ENGAGEMENT, "url": url, "engagement_ms": 0}, {}, now)


def received(fields: Mapping[str, Any]) -> Received:
    """The visitor's side of a hit that a server passes on."""
    return Received(
        ip=str(fields["ip"])[:64],
        user_agent=str(fields["user_agent"])[:2000],
        accept_language=_text(fields, "accept_language")[:500],
        headers={header: _text(fields, name)[:500] for name, header in HINTS.items() if fields.get(name)},
    )


def _required(fields: Mapping[str, Any], names: Iterable[str]) -> None:
    missing = [name for name in names if not isinstance(fields.get(name), str) or not fields[name]]
    if missing:
        texts = [f"{name}: is required" for name in missing]
        raise refused(*texts, validation=dict.fromkeys(missing, "is required"))


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _page(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "url": fields["url"],
        "title": _text(fields, "title")[:MAX_TITLE] or None,
        "referrer": _text(fields, "referrer")[:MAX_REFERRER] or None,
        "screen": screen_class(fields.get("screen_width")),
    }


def _visitor(fields: Mapping[str, Any]) -> dict[str, Any]:
    first = _text(fields, "accept_language").partition(",")[0].partition(";")[0].strip()
    return {
        "ip": fields["ip"],
        "user_agent": fields["user_agent"],
        "language": first.partition("-")[0].lower() or None,
    }


def _custom(fields: Mapping[str, Any]) -> dict[str, Any]:
    name = fields["event_name"]
    if name in RESERVED:
        raise refused("event_name: is reserved", validation={"event_name": "is reserved"})
    seconds = fields.get("event_duration") or 0
    if not isinstance(seconds, int) or seconds < 0:
        raise refused("event_duration: must be seconds", validation={"event_duration": "must be seconds"})
    return {
        "name": name,
        "props": _texts(fields, "tags") | _texts(fields, "event_meta"),
        "interactive": fields.get("non_interactive") is not True,
        "engagement_ms": seconds * 1000 or None,
    }


def _texts(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = fields.get(name) or {}
    if not isinstance(value, dict) or not all(isinstance(v, str | int | float) for v in value.values()):
        raise refused(f"{name}: must be an object of texts", validation={name: "must be an object of texts"})
    return value


def _made(values: dict[str, Any], fields: Mapping[str, Any], now: datetime) -> Event:
    """The event at its own time, if it has one."""
    given = fields.get("time")
    try:
        made = Event.model_validate({**values, "time": given or now})
    except ValidationError as error:
        wrong = {str(e["loc"][0]): e["msg"] for e in error.errors()}
        raise refused(*(f"{name}: {said}" for name, said in wrong.items()), validation=wrong) from None
    return made if made.time.tzinfo else made.model_copy(update={"time": made.time.replace(tzinfo=UTC)})
