"""The page of an event: address to hostname and path, and the limits of what is taken (contract section 6)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from adapters.domain import NO_HOST

MAX_URL_BYTES = 2000
MAX_REFERRER = 2000
MAX_NAME = 120
MAX_QUERY_FIELDS = 100
REFUSED_SCHEMES = frozenset({"data", "javascript"})


class EventFieldError(ValueError):
    """A field of an event that cannot be taken. `field` and `reason` are what the answer names."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} {reason}")
        self.field = name
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Page:
    """Where an event happened: `hostname` without `www.` or "(none)", `query` with the first value of each name."""

    hostname: str
    pathname: str
    query: Mapping[str, str] = field(default_factory=dict)


def read_page(url: object, *, hash_mode: bool = False) -> Page:
    """Read a page's address. With `hash_mode` the fragment belongs to the path.

    Raises EventFieldError when it is missing, over 2000 bytes, not an address, or a `data:` one.
    """
    if url is None or (isinstance(url, str) and not url.strip()):
        raise EventFieldError("url", "is required")
    if not isinstance(url, str):
        raise EventFieldError("url", "must be a valid url")
    text = url.strip()
    if len(text.encode("utf-8", "replace")) > MAX_URL_BYTES:
        raise EventFieldError("url", f"should be at most {MAX_URL_BYTES} byte(s)")
    parts = _split(text)
    if parts.scheme in REFUSED_SCHEMES:
        raise EventFieldError("url", "scheme is not allowed")
    host = strip_www((parts.hostname or "").rstrip("."))
    return Page(host or NO_HOST, _pathname(parts, hash_mode=hash_mode), query_params(parts.query))


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018  a port that is no number raises here
    except ValueError as error:
        raise EventFieldError("url", "must be a valid url") from error
    if not parts.scheme:
        raise EventFieldError("url", "must be a valid url")
    return parts


def _pathname(parts: SplitResult, *, hash_mode: bool) -> str:
    path = unquote(parts.path or "/").rstrip() or "/"
    return f"{path}#{unquote(parts.fragment)}".rstrip() if hash_mode and parts.fragment else path


def query_params(query: str) -> dict[str, str]:
    """Parameters of a query string, the first of each name."""
    params: dict[str, str] = {}
    for name, value in parse_qsl("&".join(query.split("&")[:MAX_QUERY_FIELDS])):
        params.setdefault(name, value)
    return params


def strip_www(host: str) -> str:
    """A host in lower case without a leading `www.`"""
    return host.lower().removeprefix("www.")


def event_name(value: object) -> str:
    """Name of an event; whole numbers become text.

    Raises EventFieldError when blank or longer than 120 characters.
    """
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not text.strip():
        raise EventFieldError("event_name", "can't be blank")
    if len(text) > MAX_NAME:
        raise EventFieldError("event_name", f"should be at most {MAX_NAME} character(s)")
    return text.strip()
