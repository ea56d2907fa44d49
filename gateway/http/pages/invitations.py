"""`/invitations/{token}`: somebody who was invited to a site accepts, and gets a personal link to its statistics."""

from starlette.responses import Response

from gateway.http.endpoint import Ask
from gateway.http.pages.rendering import page
from gateway.tenancy import SiteRecord
from models.errors import NotFound
from models.people import Membership

GONE = "This invitation was used or withdrawn. Ask whoever invited you for a new one."


async def show(ask: Ask) -> Response:
    """What accepting means, and a button: following the link alone changes nothing, as mail scanners follow them."""
    found = await _invited(ask)
    if found is None:
        return page("message.html", status=404, title="No such invitation", text=GONE)
    membership, record = found
    return page("invitation.html", domain=record.site.domain, guest=membership.guest)


async def accept(ask: Ask) -> Response:
    """Accepts, once, and shows the personal link, once."""
    found = await _invited(ask)
    if found is None:
        return page("message.html", status=404, title="No such invitation", text=GONE)
    _, record = found
    try:
        accepted = await ask.services.guests.accept(ask.path("token"), record.tenant)
    except NotFound:  # somebody was faster
        return page("message.html", status=404, title="No such invitation", text=GONE)
    link = f"{ask.origin}/share/{record.site.domain}?auth={accepted.token}"
    return page("accepted.html", domain=record.site.domain, guest=accepted.guest, link=link)


async def _invited(ask: Ask) -> tuple[Membership, SiteRecord] | None:
    if not ask.services.connections.own_store_is_open():
        return None  # nobody was ever invited here, and the event store is not started to find that out
    try:
        membership = await ask.services.guests.invitation(ask.path("token"))
    except NotFound:
        return None
    record = await ask.services.sites.for_tracker(membership.site)
    return None if record is None else (membership, record)
