"""Connections to backends."""

from dataclasses import replace

from starlette.responses import Response

from gateway.catalog.connections import ConnectionRecord
from gateway.http.endpoint import Ask
from gateway.http.schema.accounts import CheckView, ConnectionChange, ConnectionDraft, ConnectionList, ConnectionView
from gateway.http.schema.base import PageParams, cursor
from gateway.http.schema.sites import RemoteParams, RemoteSiteList, SiteView, SyncReport
from gateway.http.server.body import answer, nothing


def _view(ask: Ask, record: ConnectionRecord) -> ConnectionView:
    """A connection as it is shown; the options of the local one are the operator's, not a tenant's."""
    shown = replace(record, options={}) if record.built_in else record
    return ConnectionView.of(shown, ask.services.connections.capabilities(record).edition)


async def list_connections(ask: Ask) -> Response:
    page = ask.query(PageParams)
    found = await ask.services.connections.listed(ask.caller.tenant, page.after, page.limit + 1)
    shown = found[: page.limit]
    following = cursor(shown[-1].id) if len(found) > page.limit else None
    return answer(ConnectionList(connections=[_view(ask, r) for r in shown], next=following))


async def create_connection(ask: Ask) -> Response:
    draft = await ask.model(ConnectionDraft)
    made = await ask.services.enrolment.create(
        ask.caller,
        name=draft.name or draft.backend,
        backend=draft.backend,
        options=draft.options,
        credential=draft.credential,
    )
    return answer(_view(ask, made), 201)


async def get_connection(ask: Ask) -> Response:
    return answer(_view(ask, await ask.services.connections.get(ask.caller.tenant, ask.path("connection"))))


async def change_connection(ask: Ask) -> Response:
    change = await ask.model(ConnectionChange)
    changed = await ask.services.enrolment.change(
        ask.caller, ask.path("connection"), name=change.name, options=change.options, credential=change.credential
    )
    return answer(_view(ask, changed))


async def delete_connection(ask: Ask) -> Response:
    await ask.services.enrolment.delete(ask.caller, ask.path("connection"))
    return nothing()


async def check_connection(ask: Ask) -> Response:
    found = await ask.services.connections.check(ask.caller.tenant, ask.path("connection"))
    operations = {str(name): works for name, works in found.operations.items()}
    return answer(CheckView(ok=found.ok, account=found.account, operations=operations, reasons=list(found.reasons)))


async def discover_sites(ask: Ask) -> Response:
    params = ask.query(RemoteParams)
    page = await ask.services.discovery.discover(ask.caller, ask.path("connection"), params.cursor, params.limit)
    return answer(RemoteSiteList(sites=list(page.sites), next=page.next))


async def sync_connection(ask: Ask) -> Response:
    found = await ask.services.discovery.sync(ask.caller, ask.path("connection"))
    return answer(SyncReport(added=[SiteView.of(r, ask.origin) for r in found.added], known=found.known))
