"""Read a tracker's payload in the wire format of Plausible's trackers, old and new, into canonical events. Pure.

Field names, limits and error texts: wire contract of `POST /api/event` (section 6) and what the trackers really send
(section 10.2). The body is JSON whatever its content type, and every tracker of theirs calls it `text/plain` (2026-11;
fixtures/recorded/tracker_requests.json); a short key wins over its long form (2026-07, contract 6).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson
from pydantic import ValidationError

from models.event import ENGAGEMENT, MAX_PROPS, Event, Revenue

MAX_URL_BYTES, MAX_NAME, MAX_REFERRER = 2000, 120, 2000
MAX_PROP_KEY, MAX_PROP_VALUE = 300, 2000
SYSTEM_EVENTS = frozenset({"404", "WP Form Completions", "Form: Submission"})
"""Events that carry their page as the property `path` and always count as interaction."""
MAX_HOST = 500
MAX_DOMAINS, MAX_DOMAIN = 10, 253
"""Sites that one event may be for: each of them is looked up, and the trackers have no key."""
Errors = dict[str, list[str]]
MAX_REMEMBERED = 1024
"""Bytes of a payload that is read once for all who send the same."""
NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
_NO_EVENT = Event(name=ENGAGEMENT, time=NO_TIME)


class BadPayload(ValueError):
    """A payload that cannot be taken; `errors` name the fields as the trackers' own server does."""

    def __init__(self, errors: Errors) -> None:
        super().__init__(", ".join(errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Payload:
    """One event for one or several sites, named by their domains."""

    domains: tuple[str, ...]
    event: Event


def read_payload(body: bytes, now: datetime) -> Payload:
    """The payload of this second. Raises BadPayload with every error found."""
    second = int(now.timestamp())
    return _read_at(body, second) if len(body) <= MAX_REMEMBERED else _dated(_read.__wrapped__(body), second)


@lru_cache(maxsize=4096)
def _read_at(body: bytes, second: int) -> Payload:
    return _dated(_read(body), second)


def _dated(read: Payload, second: int) -> Payload:
    """Events are dated by the second, as they are stored."""
    return Payload(read.domains, read.event.model_copy(update={"time": datetime.fromtimestamp(second, UTC)}))


@lru_cache(maxsize=4096)
def _read(body: bytes) -> Payload:
    """The payload with no time of its own: visitors of one page send the same bytes."""
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadPayload({"request": ["Unable to parse request body as json"]}) from error
    if not isinstance(fields, dict):
        raise BadPayload({"request": ["Unable to parse request body as json"]})
    return _Reader(fields).read()


class _Reader:
    """Reads field by field and collects every error."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.fields, self.errors = fields, Errors()

    def get(self, *names: str) -> Any:
        for name in names:
            if (value := self.fields.get(name)) is not None:
                return value
        return None

    def read(self) -> Payload:
        name, url, props = self.name(), self.url(), self.props()
        host, pathname, fragment = _parts(url) if url else ("", "/", "")
        domains = self.domains(host)
        engagement, depth = self.engagement(name)
        if self.errors:
            raise BadPayload(self.errors)
        hashed = self.get("h", "hashMode") in (1, True, "1", "true") and fragment
        if hashed:
            pathname = f"{pathname}#{fragment}".rstrip()
        system = name in SYSTEM_EVENTS
        referrer = self.get("r", "referrer")
        given = props | {"path": pathname} if system else props
        values = {
            "name": name,
            "time": NO_TIME,
            "url": url,
            "path": pathname if hashed else None,
            "referrer": referrer[:MAX_REFERRER] if isinstance(referrer, str) and referrer else None,
            "props": given,
            "revenue": self.revenue(),
            "interactive": system or self.get("i", "interactive") not in (False, "false"),
            "engagement_ms": engagement,
            "scroll_depth": depth,
        }
        if len(given) <= MAX_PROPS:
            return Payload(domains, _NO_EVENT.model_copy(update=values))  # all limits of the model are held above
        try:
            return Payload(domains, Event.model_validate(values))
        except ValidationError as error:
            raise BadPayload({str(e["loc"][0]): [e["msg"]] for e in error.errors()}) from error

    def name(self) -> str:
        given = self.get("n", "name")
        # Numbers are names too (2026-07, contract 6).
        name = str(given) if isinstance(given, int) and not isinstance(given, bool) else given
        if not isinstance(name, str) or not name.strip():
            self.errors["event_name"] = ["can't be blank"]
            return ""
        if len(name) > MAX_NAME:
            self.errors["event_name"] = [f"should be at most {MAX_NAME} character(s)"]
        return name

    def url(self) -> str:
        url = self.get("u", "url")
        if not isinstance(url, str) or not url:
            self.errors["url"] = ["is required"]
            return ""
        if url.strip().lower().startswith("data:"):
            self.errors["url"] = ["scheme is not allowed"]
            return ""
        # The whole address counts, though the documents except domain and query (2026-07, contract 6).
        if len(url.encode("utf-8", "replace")) > MAX_URL_BYTES:
            self.errors["url"] = [f"should be at most {MAX_URL_BYTES} byte(s)"]
            return ""
        if not 0 < len(_parts(url)[0]) <= MAX_HOST:
            self.errors["url"] = ["must be a valid url"]
            return ""
        return url

    def domains(self, host: str) -> tuple[str, ...]:
        given = self.get("d", "domain")
        if given is None:
            given = host.removeprefix("www.")
            if not given and "url" in self.errors:
                return ()  # the missing url says it all
        parts = given.split(",", 2 * MAX_DOMAINS) if isinstance(given, str) else []
        found = tuple(dict.fromkeys(name for part in parts if (name := part.strip())))
        if not found:
            self.errors["domain"] = ["can't be blank"]
        elif len(found) > MAX_DOMAINS or len(parts) > 2 * MAX_DOMAINS:
            self.errors["domain"] = [f"should have at most {MAX_DOMAINS} item(s)"]
        elif any(len(name) > MAX_DOMAIN for name in found):
            self.errors["domain"] = [f"should be at most {MAX_DOMAIN} character(s)"]
        return found

    def props(self) -> dict[str, str]:
        given = _object(self.get("p", "props", "m", "meta"))
        if not given:
            return {}
        plain = {
            str(k): v
            for k, v in given.items()
            if isinstance(v, str | int | float) and str(v).strip() and str(k).strip()
        }
        texts = {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in plain.items()}
        kept = dict(list(texts.items())[:MAX_PROPS])
        if any(len(k.encode()) > MAX_PROP_KEY or len(v.encode()) > MAX_PROP_VALUE for k, v in kept.items()):
            self.errors["props"] = [f"keys should have at most {MAX_PROP_KEY} bytes and values {MAX_PROP_VALUE} bytes"]
        return kept

    def revenue(self) -> Revenue | None:
        """Money, if it is money.

        Clicks tagged by class send an empty object (tracker 0.4.6, 2026-11; fixtures/recorded/tracker_requests.json).
        """
        given = _object(self.get("$", "revenue"))
        if not given:
            return None
        try:
            return Revenue(amount=given.get("amount"), currency=str(given.get("currency", "")).upper())
        except ValidationError:
            return None

    def engagement(self, name: str) -> tuple[int | None, int | None]:
        """Milliseconds and scroll depth of an engagement event; one of them must be there."""
        if name != ENGAGEMENT:
            return None, None
        engaged, depth = _whole(self.fields.get("e"), 2**32 - 1), _whole(self.fields.get("sd"), 100)
        if engaged is None and depth is None:
            self.errors["event_name"] = [
                "engagement event requires a valid integer value for at least one of 'sd' or 'e' fields"
            ]
        return engaged, depth


def _whole(value: Any, most: int) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most else None


def _object(value: Any) -> Mapping[str, Any]:
    """An object, also when it was sent as a JSON text; nothing for anything else.

    plausible-tracker 0.3.9 writes `p` so (2026-11; fixtures/recorded/tracker_requests.json).
    """
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return {}
    return value if isinstance(value, dict) else {}


@lru_cache(maxsize=4096)
def _parts(url: str) -> tuple[str, str, str]:
    """Host, path and fragment, both decoded (contract 7.1); an empty host when the URL cannot be read."""
    try:
        parts = urlsplit(url)
        return (parts.hostname or ""), (unquote(parts.path).rstrip() or "/"), unquote(parts.fragment)
    except ValueError:
        return "", "/", ""
