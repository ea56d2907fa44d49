"""The Sites API: sites themselves (contracts: Plausible 3; seeds 000 and 001)."""

from typing import Any

from adapters.domain import DomainError, loose_domain
from gateway.catalog.audit_trail import Note
from gateway.catalog.base import Runs
from gateway.catalog.documents import DocumentLedger
from gateway.http.facades.plausible.dialect import PlausibleAsk
from gateway.http.facades.plausible.paging import page
from gateway.http.facades.plausible.wording import refused
from gateway.tenancy import SiteRecord
from models.errors import AlreadyExists, NotFound, UnsupportedQuery
from models.period import is_zone
from models.site import SiteChange, SiteDraft

CONFIGURATION = "tracker_script_configuration"
INSTALLATIONS = (None, "manual", "wordpress", "gtm", "npm")
OPTIONS = (
    "track_404_pages", "hash_based_routing", "outbound_links", "file_downloads", "revenue_tracking", "tagged_events",
    "form_submissions", "pageview_props",
)  # fmt: skip
TAKEN = (
    "domain: This domain cannot be registered. Perhaps one of your colleagues registered it? "
    "If that's not the case, please contact support@plausible.io\n"
)
DOMAIN_TEXTS = {
    "blank": "domain: can't be blank",
    "reserved": "domain: must not contain URI reserved characters : ? # [ ] @ ! $ & ' ( ) * + , ; =",
    "characters": "domain: only letters, numbers, slashes, underscores and period allowed",
}
LEDGER = "facade.plausible"
"""Where documents of this facade lie, in place of a connection."""
MANY = 100_000


async def list_sites(ask: PlausibleAsk) -> Any:
    """`GET /api/v1/sites`, newest first."""
    found = (await ask.services.sites.listed(ask.caller, limit=MANY, team=ask.text("team_id") or None)).sites
    newest = sorted(found, key=_age, reverse=True)
    part = page(newest, ask.given, lambda record: record.site.id)
    sites = [{"domain": r.site.domain, "timezone": r.site.timezone} for r in part.items]
    return {"sites": sites, "meta": part.meta}


def _age(record: SiteRecord) -> tuple[str, str]:
    created = record.site.created_at
    return (created.isoformat() if created else "", record.site.id)


async def get_site(ask: PlausibleAsk) -> Any:
    """`GET /api/v1/sites/:site_id`."""
    return await shown(ask, await _site(ask))


async def create_site(ask: PlausibleAsk) -> Any:
    """`POST /api/v1/sites`; not idempotent: a taken domain is refused."""
    domain = _domain(ask.given.get("domain"))
    timezone = ask.text("timezone") or "Etc/UTC"
    if not is_zone(timezone):
        raise refused("timezone: is invalid")
    configuration = _configuration(ask, {})
    draft = SiteDraft(domain=domain, timezone=timezone, team=ask.text("team_id") or None)
    try:
        record = await ask.services.site_changes.create_as_written(ask.caller, draft)
    except AlreadyExists:
        raise refused(TAKEN) from None
    except NotFound:
        raise refused("You can't add sites to the selected team.", 403) from None
    await _keep(ask, record, configuration)
    return await shown(ask, record)


async def update_site(ask: PlausibleAsk) -> Any:
    """`PUT /api/v1/sites/:site_id`: the domain, the tracker's configuration, or both."""
    record = await _site(ask)
    if "domain" not in ask.given and CONFIGURATION not in ask.given:
        raise refused("Payload must contain at least one of the parameters 'domain', 'tracker_script_configuration'")
    configuration = _configuration(ask, await _kept(ask, record))
    if "domain" in ask.given:
        domain = _domain(ask.given["domain"])
        if domain == record.site.domain:
            raise refused("domain: New domain must be different than the current one")
        try:
            record = await ask.services.site_changes.change(ask.caller, record, SiteChange(domain=domain))
        except AlreadyExists:
            raise refused(TAKEN) from None
    await _keep(ask, record, configuration)
    return await shown(ask, record)


async def delete_site(ask: PlausibleAsk) -> Any:
    """`DELETE /api/v1/sites/:site_id`."""
    record = await _site(ask)
    await ask.services.site_changes.delete(ask.caller, record)
    await _documents(ask).delete(CONFIGURATION, record.site.id)
    return {"deleted": True}


async def shown(ask: PlausibleAsk, record: SiteRecord) -> dict[str, Any]:
    """The site object."""
    try:
        props = list(await ask.services.props.listed(record))
    except UnsupportedQuery:
        props = []  # a backend that does not tell its properties
    kept = await _kept(ask, record)
    return {
        "domain": record.site.domain,
        "timezone": record.site.timezone,
        "custom_properties": props,
        CONFIGURATION: {
            "id": f"pa-{record.site.id.removeprefix('site_')}",
            "installation_type": kept.get("installation_type"),
            **{name: kept.get(name, False) for name in OPTIONS},
        },
    }


async def _site(ask: PlausibleAsk) -> SiteRecord:
    """The site of the path. Raises UnknownSite."""
    return await ask.services.sites.find(ask.caller, ask.path("site_id"))


def _domain(value: Any) -> str:
    if value is not None and not isinstance(value, str):
        raise refused("domain: is invalid")
    try:
        return loose_domain(value or "")
    except DomainError as error:
        raise refused(DOMAIN_TEXTS.get(error.code, f"domain: {error}")) from None


def _configuration(ask: PlausibleAsk, kept: dict[str, Any]) -> dict[str, Any]:
    """The configuration with the given options; those not named keep their value."""
    given = ask.given.get(CONFIGURATION)
    if given is None:
        return kept
    if not isinstance(given, dict):
        raise refused(f"{CONFIGURATION}: is invalid")
    changed = dict(kept)
    for name, value in given.items():
        if name == "installation_type":
            valid = value in INSTALLATIONS
        elif name in OPTIONS:
            valid = isinstance(value, bool)
        else:
            continue
        if not valid:
            raise refused(f"{CONFIGURATION}.{name}: is invalid")
        changed[name] = value
    return changed


def _documents(ask: PlausibleAsk, catalog: Runs | None = None) -> DocumentLedger:
    """Where the facade keeps what only its dialect knows. `catalog` runs changes together with their audit row."""
    return DocumentLedger(catalog or ask.services.catalog, ask.caller.tenant.id, LEDGER)


async def _kept(ask: PlausibleAsk, record: SiteRecord) -> dict[str, Any]:
    return await _documents(ask).get(CONFIGURATION, record.site.id) or {}


async def _keep(ask: PlausibleAsk, record: SiteRecord, configuration: dict[str, Any]) -> None:
    """Keep a configuration that is not the kept one."""
    before = await _kept(ask, record)
    if configuration == before:
        return
    note = Note(record.site.id, before=before or None, after=configuration)
    noting = ask.services.audit.noting(ask.caller, CONFIGURATION, note)
    await _documents(ask, noting).put(CONFIGURATION, record.site.id, configuration)
