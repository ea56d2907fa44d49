"""Where a visit came from: tags of the page's address first, then the referrer (contract 7.11)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from urllib.parse import SplitResult, urlsplit

from adapters.local.enrich.sources import CACHE_SIZE, DATA, canonical, name_of_host

SCHEMES = frozenset({"http", "https", "android-app"})
SOURCE_TAGS = ("utm_source", "source", "ref")
MAX_REFERRER = 2000
MAX_TAG = 2000
PAID_CLICKS = {"gclid": "Google", "msclkid": "Bing"}
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Source:
    """The origin of a visit; "" where there is none. `click_id` names the parameter (`gclid`), never its value."""

    source: str = ""
    referrer: str = ""
    utm_source: str = ""
    utm_medium: str = ""
    utm_campaign: str = ""
    utm_content: str = ""
    utm_term: str = ""
    click_id: str = ""


def read_source(url_query_params: Mapping[str, str], referrer: str, hostname: str) -> Source:
    """Read the source of a page view. `hostname` is the page's own; referrers of that host do not count."""

    def tag(name: str) -> str:
        return url_query_params.get(name, "").strip()[:MAX_TAG]

    host, path = _outside(referrer[:MAX_REFERRER], hostname)
    tagged = next(filter(None, map(tag, SOURCE_TAGS)), "")
    if tagged:
        source = canonical(tagged)
    else:
        source = (name_of_host(host, path) or host.removeprefix("www.")) if host else ""
    click_id = next((name for name in PAID_CLICKS if tag(name)), "")
    medium = tag("utm_medium")
    if not medium and click_id and source == PAID_CLICKS[click_id]:
        medium = f"({click_id})"
    return Source(
        source=source,
        referrer=(host.removeprefix("www.") + path).rstrip("/") if host else "",
        utm_source=tagged,
        utm_medium=medium,
        utm_campaign=tag("utm_campaign"),
        utm_content=tag("utm_content"),
        utm_term=tag("utm_term"),
        click_id=click_id,
    )


def _split(referrer: str) -> SplitResult | None:
    try:
        parts = urlsplit(referrer.strip())
        parts.port  # noqa: B018  a port that is no number raises here
    except ValueError:
        return None
    return parts if parts.scheme in SCHEMES and parts.hostname else None


@lru_cache(maxsize=CACHE_SIZE)
def _outside(referrer: str, hostname: str) -> tuple[str, str]:
    """Host and path of a referrer from elsewhere, ("", "") for none, our own host, or this machine."""
    parts = _split(referrer) if referrer else None
    if parts is None or parts.hostname is None:
        return "", ""
    host = parts.hostname.rstrip(".")
    own = hostname.lower().removeprefix("www.")
    if not host or host in LOCAL_HOSTS or host.removeprefix("www.") == own:
        return "", ""
    return host, parts.path


@cache
def _spammers() -> frozenset[str]:
    return frozenset((DATA / "spam_hosts.txt").read_text(encoding="utf-8").split())


def warm() -> None:
    """Load the spam list now instead of at the first event."""
    _spammers()


@lru_cache(maxsize=CACHE_SIZE)
def is_spam(referrer: str) -> bool:
    """True when the referrer, or a domain it lies in, stands in the public list of referrer spammers."""
    parts = _split(referrer[:MAX_REFERRER]) if referrer else None
    if parts is None or parts.hostname is None:
        return False
    labels = parts.hostname.rstrip(".").split(".")
    return any(".".join(labels[start:]) in _spammers() for start in range(len(labels)))
