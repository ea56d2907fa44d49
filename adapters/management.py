"""What the management of sites has in common at vendors that check neither domains nor whether one is taken."""

from adapters.base import Check
from adapters.domain import DomainError, clean_domain
from adapters.protocols import ListsSites
from models.errors import InvalidRequest, Problem, RejectedCredentials


def checked_domain(text: str) -> str:
    """A domain as it is registered. Raises InvalidRequest."""
    try:
        return clean_domain(text)
    except DomainError as error:
        raise InvalidRequest([Problem("domain", str(error))]) from error


async def is_taken(sites: ListsSites, domain: str) -> bool:
    """Whether a site has the domain; every page of the list is read."""
    cursor, more = None, True
    while more:
        page = await sites.list_sites(cursor)
        if any(site.domain == domain for site in page.sites):
            return True
        cursor, more = page.next, page.next is not None
    return False


async def check_by_listing(sites: ListsSites) -> Check:
    """A credential that may list sites is good."""
    try:
        await sites.list_sites(limit=1)
    except RejectedCredentials as error:
        return Check(ok=False, reasons=(error.detail,))
    return Check(ok=True)
