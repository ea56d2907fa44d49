"""Every route of the service, in one table. The router, the access rules and the OpenAPI document come from it."""

# ruff: noqa: E501 - one route, one line: the table is read downwards

from collections.abc import Iterable

from starlette.routing import Route

from gateway.http import dialect, trackers
from gateway.http.api import (
    accounts,
    backup,
    belongings,
    clients,
    connections,
    history,
    segments,
    service,
    sites,
    stats,
    vendor,
)
from gateway.http.endpoint import Access, Ask, Endpoint, Limit
from gateway.http.pages import invitations, share
from gateway.http.schema import accounts as a
from gateway.http.schema import clients as c
from gateway.http.schema import sites as s
from gateway.http.schema import stats as q
from gateway.http.schema.base import PageParams
from gateway.services import Services
from gateway.tenancy import KeyScope
from models.deletion import Deletion
from models.goal import Goal, GoalDraft
from models.job import ImportJob, ProblemPage
from models.link import SharedLink, SharedLinkDraft
from models.people import Guest, GuestDraft, Team
from models.settings import SiteSettings

READ, SITES, GOALS = KeyScope.READ, KeyScope.MANAGE_SITES, KeyScope.MANAGE_GOALS
INGEST, ADMIN = KeyScope.INGEST, KeyScope.ADMIN
OPEN, KEY, PLATFORM = Access.OPEN, Access.KEY, Access.PLATFORM
E = Endpoint
SITE = "/v1/sites/{site}"
CONNECTION = "/v1/connections/{connection}"
VENDOR = SITE + "/vendor/{backend}/{call}"

# fmt: off
BUSIEST = (
    E("POST", "/api/event", trackers.track, "Take an event of a tracker", OPEN, "Trackers", limit=Limit.EVENT, status=202, media="text/plain", body_media="text/plain"),
    E("OPTIONS", "/api/event", trackers.preflight, "CORS preflight", OPEN, "Trackers", listed=False),
    E("POST", "/v1/query", stats.post_query, "Ask one or several sites", READ, "Statistics", body=q.QueryBody, answers=q.QueryAnswer),
    E("GET", "/v1/query", stats.get_query, "The same question in the address", READ, "Statistics", params=q.QueryParams, answers=q.QueryAnswer),
    E("POST", SITE + "/events", history.send_events, "Send server-side events", INGEST, "Events", body=q.EventBody, params=q.EventParams, answers=q.EventsTaken, status=202, limit=Limit.EVENT, creates=True),
    E("GET", SITE + "/realtime", stats.realtime, "Visitors of the last five minutes", READ, "Statistics", answers=q.RealtimeAnswer),
    E("POST", "/v1/query/plan", stats.plan_query, "What a query would take; asks nobody", READ, "Statistics", body=q.QueryBody, answers=q.QueryPlan),
)

ACCOUNTS = (
    E("GET", "/v1/tenants", accounts.list_tenants, "List tenants", KEY, "Accounts", params=PageParams, answers=a.TenantList),
    E("POST", "/v1/tenants", accounts.create_tenant, "Create a tenant", PLATFORM, "Accounts", body=a.TenantDraft, answers=a.TenantView, status=201, creates=True),
    E("GET", "/v1/keys", accounts.list_keys, "List API keys", ADMIN, "Accounts", params=PageParams, answers=a.KeyList),
    E("POST", "/v1/keys", accounts.create_key, "Create an API key; it is shown once", ADMIN, "Accounts", body=a.KeyDraft, answers=a.NewKey, status=201, creates=True),
    E("DELETE", "/v1/keys/{key}", accounts.revoke_key, "Revoke an API key", ADMIN, "Accounts", status=204),
    E("POST", "/v1/keys/{key}/rotate", accounts.rotate_key, "Replace an API key; the new one is shown once", ADMIN, "Accounts", params=a.RotateParams, answers=a.NewKey, status=201, creates=True),
    E("GET", "/v1/tenants/{tenant}/quotas", accounts.get_quotas, "What a tenant may use", KEY, "Accounts", answers=a.QuotasView, whole=True),
    E("PUT", "/v1/tenants/{tenant}/quotas", accounts.put_quotas, "Replace what a tenant may use", PLATFORM, "Accounts", body=a.QuotasDraft, answers=a.QuotasView),
    E("GET", "/v1/usage", accounts.usage, "What was used, by tenant, site and month", ADMIN, "Accounts", params=a.UsageParams, answers=a.UsageReport, also="text/csv"),
    E("GET", "/v1/audit", accounts.list_audit, "Who changed what", ADMIN, "Accounts", params=PageParams, answers=a.AuditList),
)

CONNECTIONS = (
    E("GET", "/v1/connections", connections.list_connections, "List connections", READ, "Connections", params=PageParams, answers=a.ConnectionList, whole=True),
    E("POST", "/v1/connections", connections.create_connection, "Connect a backend", ADMIN, "Connections", body=a.ConnectionDraft, answers=a.ConnectionView, status=201, creates=True),
    E("GET", CONNECTION, connections.get_connection, "Show a connection", READ, "Connections", answers=a.ConnectionView, whole=True),
    E("PATCH", CONNECTION, connections.change_connection, "Change a connection", ADMIN, "Connections", body=a.ConnectionChange, answers=a.ConnectionView),
    E("DELETE", CONNECTION, connections.delete_connection, "Delete a connection", ADMIN, "Connections", status=204),
    E("POST", CONNECTION + "/check", connections.check_connection, "Try a connection", SITES, "Connections", answers=a.CheckView, whole=True),
    E("GET", CONNECTION + "/sites", connections.discover_sites, "Sites that the backend lists", SITES, "Connections", params=s.RemoteParams, answers=s.RemoteSiteList, whole=True),
    E("POST", CONNECTION + "/sync", connections.sync_connection, "Make the backend's sites known", SITES, "Connections", answers=s.SyncReport, whole=True),
)

SITES_AND_THEIRS = (
    E("GET", "/v1/sites", sites.list_sites, "List sites", READ, "Sites", params=s.SiteParams, answers=s.SiteList),
    E("POST", "/v1/sites", sites.create_site, "Create a site", SITES, "Sites", body=s.NewSite, answers=s.SiteView, status=201, creates=True),
    E("GET", SITE, sites.get_site, "Show a site", READ, "Sites", answers=s.SiteView),
    E("PATCH", SITE, sites.change_site, "Change a site", SITES, "Sites", body=s.SitePatch, answers=s.SiteView),
    E("DELETE", SITE, sites.delete_site, "Delete a site and its statistics", SITES, "Sites", params=s.DeleteParams, status=204),
    E("GET", "/v1/deletions/{site}", sites.get_deletion, "Proof that nothing is left of a deleted site", ADMIN, "Sites", answers=Deletion),
    E("GET", SITE + "/goals", belongings.list_goals, "List goals", READ, "Goals", answers=s.GoalList),
    E("PUT", SITE + "/goals", belongings.put_goal, "Find or create a goal", GOALS, "Goals", body=GoalDraft, answers=Goal),
    E("GET", SITE + "/goals/{goal}", belongings.get_goal, "Show a goal", READ, "Goals", answers=Goal),
    E("DELETE", SITE + "/goals/{goal}", belongings.delete_goal, "Delete a goal", GOALS, "Goals", status=204),
    E("GET", SITE + "/shared-links", belongings.list_shared_links, "List shared links", SITES, "Sites", answers=s.LinkList),
    E("PUT", SITE + "/shared-links", belongings.put_shared_link, "Find or create a shared link", SITES, "Sites", body=SharedLinkDraft, answers=SharedLink),
    E("DELETE", SITE + "/shared-links/{link}", belongings.delete_shared_link, "Revoke a shared link", SITES, "Sites", status=204),
    E("GET", SITE + "/guests", belongings.list_guests, "List guests", SITES, "Sites", answers=s.GuestList),
    E("PUT", SITE + "/guests", belongings.put_guest, "Invite a guest", SITES, "Sites", body=GuestDraft, answers=Guest),
    E("DELETE", SITE + "/guests/{email}", belongings.delete_guest, "Withdraw a guest", SITES, "Sites", status=204),
    E("GET", SITE + "/pirsch-clients", clients.list_pirsch_clients, "List clients of the Pirsch-shaped API", SITES, "Sites", answers=c.PirschClientList),
    E("POST", SITE + "/pirsch-clients", clients.create_pirsch_client, "Create a client of the Pirsch-shaped API; its secret is shown once", SITES, "Sites", body=c.PirschClientDraft, answers=c.NewPirschClient, status=201, creates=True),
    E("DELETE", SITE + "/pirsch-clients/{client}", clients.delete_pirsch_client, "Delete a client of the Pirsch-shaped API", SITES, "Sites", status=204),
    E("GET", SITE + "/custom-props", belongings.list_custom_props, "List custom properties", READ, "Sites", answers=s.PropList),
    E("PUT", SITE + "/custom-props", belongings.put_custom_prop, "Allow a custom property", SITES, "Sites", body=s.PropDraft, answers=s.PropDraft),
    E("DELETE", SITE + "/custom-props/{property:path}", belongings.delete_custom_prop, "Withdraw a custom property", SITES, "Sites", status=204),
    E("GET", SITE + "/settings", belongings.get_settings, "Show the rules of collection", READ, "Sites", answers=SiteSettings),
    E("PUT", SITE + "/settings", belongings.put_settings, "Replace the rules of collection", SITES, "Sites", body=SiteSettings, answers=SiteSettings),
    E("GET", SITE + "/segments", segments.list_segments, "List segments", READ, "Segments", answers=s.SegmentList),
    E("POST", SITE + "/segments", segments.create_segment, "Save a filter as a segment", SITES, "Segments", body=s.SegmentDraft, answers=s.SegmentView, status=201, creates=True),
    E("GET", SITE + "/segments/{segment}", segments.get_segment, "Show a segment", READ, "Segments", answers=s.SegmentView),
    E("PATCH", SITE + "/segments/{segment}", segments.change_segment, "Change a segment", SITES, "Segments", body=s.SegmentPatch, answers=s.SegmentView),
    E("DELETE", SITE + "/segments/{segment}", segments.delete_segment, "Delete a segment", SITES, "Segments", status=204),
    E("GET", SITE + "/imports", history.list_imports, "List imports", READ, "History", answers=s.ImportList),
    E("POST", SITE + "/imports", history.start_import, "Import history from a file", INGEST, "History", params=s.ImportParams, answers=ImportJob, status=202, limit=Limit.IMPORT, body_media="application/octet-stream"),
    E("GET", SITE + "/imports/{job}", history.get_import, "Show an import", READ, "History", answers=ImportJob),
    E("GET", SITE + "/imports/{job}/problems", history.list_import_problems, "Lines that an import refused", READ, "History", params=s.ProblemParams, answers=ProblemPage),
    E("DELETE", SITE + "/imports/{job}", history.delete_import, "Take an import back", SITES, "History", status=204),
    E("GET", SITE + "/drops", history.list_drops, "Events that were answered but not counted", READ, "Events", params=s.DropParams, answers=s.DropList),
    E("GET", SITE + "/exports", history.export, "Export history", READ, "History", params=s.ExportParams, media="*/*", asks=False),
    E("GET", "/v1/teams", belongings.list_teams, "List teams of a connection", READ, "Connections", params=s.TeamParams, answers=s.TeamList, whole=True),
    E("POST", "/v1/teams", belongings.create_team, "Create a team of sites on our own store", ADMIN, "Sites", body=s.TeamDraft, answers=Team, status=201, creates=True),
    E("DELETE", "/v1/teams/{team}", belongings.delete_team, "Delete a team without sites", ADMIN, "Sites", status=204),
    E("GET", SITE + "/vendor", vendor.list_vendor_calls, "Calls that only this site's backend has", READ, "Backend calls", answers=s.VendorCallList),
    *(E(method, VENDOR, vendor.call_vendor, "Call the backend", KEY, "Backend calls", creates=method == "POST", repeatable=False) for method in ("GET", "POST", "PUT", "PATCH", "DELETE")),
)

SERVICE = (
    E("GET", "/v1/capabilities", service.capabilities, "What each backend can answer", KEY, "Service", params=q.CapabilityParams, answers=q.CapabilityList),
    E("GET", "/v1/backup", backup.backup, "A copy of the whole installation", PLATFORM, "Service", media="application/x-tar", asks=False),
    E("GET", "/healthz", service.healthz, "The process lives", OPEN, "Service", answers=q.Health),
    E("GET", "/readyz", service.readyz, "The service can answer", OPEN, "Service", answers=q.Health),
    E("GET", "/version", service.version, "Name and version", OPEN, "Service", answers=q.Version),
    E("GET", "/metrics", service.metrics, "Metrics for Prometheus", Access.METRICS, "Service", media="text/plain"),
    E("GET", "/openapi.json", service.openapi, "This document", OPEN, "Service", listed=False),
    E("GET", "/docs", service.docs, "The documentation page", OPEN, "Service", listed=False),
    E("GET", "/static/{name:path}", service.docs_file, "A file of the documentation page", OPEN, "Service", listed=False),
    E("GET", "/js/tallyway.js", trackers.script, "The tracking script", OPEN, "Trackers", listed=False),
    E("GET", "/js/pa-{tracker}.js", trackers.site_script, "The tracking script of a site", OPEN, "Trackers", listed=False),
    E("GET", "/share/{domain:path}", share.show, "The public statistics page behind a shared link", OPEN, "Pages", listed=False, asks=True),
    E("POST", "/share/{domain:path}", share.unlock, "The password of a shared link", OPEN, "Pages", listed=False),
    E("GET", "/invitations/{token}", invitations.show, "An invitation", OPEN, "Pages", listed=False),
    E("POST", "/invitations/{token}", invitations.accept, "Accept an invitation", OPEN, "Pages", listed=False),
    E("GET", "/", service.root, "To the documentation", OPEN, "Service", listed=False),
)
# fmt: on

ENDPOINTS: tuple[Endpoint[Ask], ...] = (*BUSIEST, *ACCOUNTS, *CONNECTIONS, *SITES_AND_THEIRS, *SERVICE)


def routes(services: Services, endpoints: Iterable[Endpoint[Ask]] = ENDPOINTS) -> list[Route]:
    """The routes of the table."""
    return dialect.routes(dialect.NATIVE, services, endpoints)
