"""`/share/{domain}?auth=...`: the statistics of a site for whoever has the link.

A link may have a password: giving it sets a cookie that opens this one link for a day. Guests come by a personal link.
"""

from http import HTTPStatus
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from gateway.http.endpoint import Ask
from gateway.http.pages.overview import PERIODS, overview, selected
from gateway.http.pages.rendering import Look, page
from gateway.http.server.auth import counted_guesses
from gateway.tenancy import SiteRecord
from models.errors import NotAuthenticated, TooManyRequests
from models.link import LinkState

COOKIE = "tallyway_link"
LONGEST_PASSWORD = 200
DAY_SECONDS = 86_400
LATER = "The password was tried too often from here. Wait a minute."
GONE = "This link does not lead anywhere. It may have been revoked, or its time is over."
CHOICES = ("period", "from", "to", "page")


async def show(ask: Ask) -> Response:
    """The page, the question for the password, or 404: dead links and unknown sites look alike."""
    look, record, slug = Look(ask.request.query_params), await _site(ask), _slug(ask)
    opened = ask.request.cookies.get(COOKIE, "")
    state = await ask.services.links.state(record, slug, opened) if record and slug else LinkState.CLOSED
    if record is None or state is LinkState.CLOSED:
        return page("message.html", look, 404, title="No such page", text=GONE)
    if state is LinkState.LOCKED:
        return page("password.html", look, domain=record.site.domain, action=_address(ask), wrong=False)
    params = ask.request.query_params
    selection = selected(*(params.get(name, "")[:2000] for name in CHOICES))
    kept = {"auth": slug, **look.kept} | ({"page": params["page"]} if params.get("page") else {})
    return page(
        "stats.html",
        look,
        domain=record.site.domain,
        zone=record.site.timezone,
        shown=await overview(ask.services, record, selection),
        periods=[(name, title, "?" + urlencode({**kept, "period": name})) for name, title in PERIODS],
        chosen=selection.dates if isinstance(selection.dates, str) else "",
        dates=("", "") if isinstance(selection.dates, str) else selection.dates,
        kept=kept,
        path=params.get("page", ""),
        without_path="?" + urlencode({k: v for k, v in kept.items() if k != "page"}),
    )


async def unlock(ask: Ask) -> Response:
    """Takes the password of the form; leads back to the page, or asks again."""
    look, record, slug = Look(ask.request.query_params), await _site(ask), _slug(ask)
    async with ask.request.form(max_files=0, max_fields=4) as form:
        password = form.get("password")
    try:
        with counted_guesses(ask.request, ask.services, f"link {slug}"):
            opened = await _opened(ask, record, slug, password)
    except TooManyRequests:
        return page("message.html", look, 429, title="Too many attempts", text=LATER)
    except NotAuthenticated:
        return page("password.html", look, 403, domain=ask.path("domain"), action=_address(ask), wrong=True)
    response = RedirectResponse(_address(ask), HTTPStatus.SEE_OTHER)
    https = ask.origin.startswith("https://")
    response.set_cookie(
        COOKIE,
        opened,
        max_age=DAY_SECONDS,
        path=ask.request.url.path,
        secure=https,
        httponly=True,
        samesite="none" if https and look.embedded else "lax",
    )
    return response


async def _opened(ask: Ask, record: SiteRecord | None, slug: str, password: object) -> str:
    """What the cookie says. Raises NotAuthenticated."""
    if record is None or not slug or not isinstance(password, str):
        raise NotAuthenticated
    opened = await ask.services.links.unlock(record, slug, password[:LONGEST_PASSWORD])
    if opened is None:
        raise NotAuthenticated
    return opened


async def _site(ask: Ask) -> SiteRecord | None:
    return await ask.services.sites.for_tracker(ask.path("domain"))


def _slug(ask: Ask) -> str:
    return ask.request.query_params.get("auth", "")[:200]


def _address(ask: Ask) -> str:
    """The same page, relative to itself, so that it also works behind a path of a proxy."""
    return "?" + ask.request.url.query
