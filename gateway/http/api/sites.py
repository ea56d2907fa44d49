"""Sites."""

from starlette.responses import Response

from gateway.http.endpoint import Ask
from gateway.http.schema.base import cursor
from gateway.http.schema.sites import DeleteParams, NewSite, SiteList, SiteParams, SitePatch, SiteView
from gateway.http.server.body import answer, nothing
from gateway.tenancy import SiteRecord
from models.errors import InvalidRequest, Problem
from models.site import SiteChange, SiteDraft


def _view(ask: Ask, record: SiteRecord) -> SiteView:
    return SiteView.of(record, ask.origin)


async def list_sites(ask: Ask) -> Response:
    params = ask.query(SiteParams)
    page = await ask.services.sites.listed(
        ask.caller,
        after=params.after,
        limit=params.limit,
        tag=params.tag,
        connection=params.connection,
        team=params.team,
    )
    following = None if page.next is None else cursor(page.next)
    return answer(SiteList(sites=[_view(ask, r) for r in page.sites], next=following))


async def create_site(ask: Ask) -> Response:
    new = await ask.model(NewSite)
    draft = SiteDraft(domain=new.domain, timezone=new.timezone, name=new.name, team=new.team)
    changes, tags = ask.services.site_changes, tuple(dict.fromkeys(new.tags))
    if new.existing:
        ref = new.external_id or new.domain
        found = await changes.attach(ask.caller, draft, ref, connection=new.connection, tags=tags)
        return answer(_view(ask, found), 201)
    if new.external_id is not None:
        raise InvalidRequest([Problem("external_id", "only an existing site has one")])
    made = await changes.create(ask.caller, draft, connection=new.connection, tags=tags)
    return answer(_view(ask, made), 201)


async def get_site(ask: Ask) -> Response:
    return answer(_view(ask, await ask.site()))


async def change_site(ask: Ask) -> Response:
    patch, record = await ask.model(SitePatch), await ask.site()
    if not patch.model_fields_set:
        raise InvalidRequest([Problem("body", "name a field to change", tuple(SitePatch.model_fields))])
    change = SiteChange(domain=patch.domain, timezone=patch.timezone, name=patch.name)
    tags = None if patch.tags is None else tuple(dict.fromkeys(patch.tags))
    return answer(_view(ask, await ask.services.site_changes.change(ask.caller, record, change, tags)))


async def delete_site(ask: Ask) -> Response:
    params = ask.query(DeleteParams)
    await ask.services.site_changes.delete(ask.caller, await ask.site(), here_only=params.keep_data)
    return nothing()


async def get_deletion(ask: Ask) -> Response:
    return answer(await ask.services.site_changes.deletion(ask.caller, ask.path("site")))
