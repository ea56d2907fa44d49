"""Tracking scripts under the names Plausible gives them: one for each site, and the classic ones.

They are Plausible's published tracker (npm `@plausible-analytics/tracker`, MIT, unchanged in `static/plausible`) with a
start of ours, so pages keep `plausible(...)`, `plausible.init(...)`, tagged elements and all options.
"""

from functools import lru_cache
from typing import Any

import orjson
from starlette.responses import Response

from gateway.catalog.documents import DocumentLedger
from gateway.http.endpoint import Ask
from gateway.http.facades.plausible.sites import CONFIGURATION, LEDGER
from gateway.http.static import STATIC
from gateway.http.trackers import JAVASCRIPT, SCRIPT
from gateway.tenancy import SiteRecord
from models.errors import UnknownSite

CLASSIC = frozenset({"script", "plausible", "analytics"})
EXTENSIONS: dict[str, dict[str, Any]] = {
    "hash": {"hashBasedRouting": True},
    "outbound-links": {"outboundLinks": True},
    "file-downloads": {"fileDownloads": True},
    "local": {"captureOnLocalhost": True},
    "manual": {"autoCapturePageviews": False},
    "pageview-props": {"pageviewProps": True},
    "exclusions": {"exclusions": True},
    "tagged-events": {},
    "revenue": {},
    "compat": {},
}
"""What the parts of a classic name (`script.hash.outbound-links.js`) mean; tags and revenue are always on today."""
CONFIGURED = {
    "hash_based_routing": "hashBasedRouting",
    "outbound_links": "outboundLinks",
    "file_downloads": "fileDownloads",
    "form_submissions": "formSubmissions",
    "pageview_props": "pageviewProps",
}
EXPORTS = b"export {"


async def script(ask: Ask) -> Response:
    """`/js/pa-<id>.js` and `/js/script[.extension...].js`. Raises UnknownSite."""
    name = ask.path("name")
    if name.startswith("pa-"):
        record = await ask.services.sites.by_tracker_id(name.removeprefix("pa-"))
        site = await _configured(ask, record)
    else:
        site = _classic(name)
    head = b"(() => {\nconst element = document.currentScript\nconst site = " + orjson.dumps(site) + b"\n"
    return Response(head + _tracker() + b"\n})()\n", headers=SCRIPT, media_type=JAVASCRIPT)


async def _configured(ask: Ask, record: SiteRecord) -> dict[str, Any]:
    documents = DocumentLedger(ask.services.catalog, record.tenant, LEDGER)
    kept = await documents.get(CONFIGURATION, record.site.id) or {}
    return {"domain": record.site.domain} | {word: True for name, word in CONFIGURED.items() if kept.get(name)}


def _classic(name: str) -> dict[str, Any]:
    first, *extensions = name.split(".")
    if first not in CLASSIC or not all(part in EXTENSIONS for part in extensions):
        raise UnknownSite("there is no such script")
    return {key: value for part in extensions for key, value in EXTENSIONS[part].items()}


@lru_cache(maxsize=1)
def _tracker() -> bytes:
    """The module without its exports, and its start."""
    module, _, _ = (STATIC / "plausible" / "tracker.js").read_bytes().rpartition(EXPORTS)
    return module + (STATIC / "plausible" / "boot.js").read_bytes()
