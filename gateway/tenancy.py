"""Who owns what: tenants, the sites they own, and callers with their scopes. Every catalog call takes a `Tenant`."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from models.errors import NotAllowed
from models.site import Site

DEFAULT_TENANT = "default"
"""Id of the tenant that exists from the start; platform keys act on it unless they name another."""

BUILT_IN = "local"
"""Id of the connection that exists from the start, for every tenant: to the store of our own."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """Whoever owns sites, connections and keys; nothing of one tenant is visible to another."""

    id: str
    slug: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class SiteRecord:
    """A site with its owner and backend. `generation` grows when answers kept for the site are no longer true."""

    site: Site
    tenant: str
    connection: str
    backend: str
    generation: int = 0
    team: str | None = None
    """A team of the tenant; teams of vendors' accounts stay with the vendor."""

    @property
    def built_in(self) -> bool:
        """Whether the store of our own serves it."""
        return self.connection == BUILT_IN


class KeyScope(StrEnum):
    """What a key may do."""

    READ = "read"
    """Ask for statistics and read the set-up of sites."""
    MANAGE_SITES = "manage_sites"
    """Create, change and delete sites and what belongs to them, goals excepted."""
    MANAGE_GOALS = "manage_goals"
    INGEST = "ingest"
    """Send events and import history."""
    ADMIN = "admin"
    """Everything of the tenant, its keys and connections included."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a tenant, by one key. `sites` limits the key to site ids; None means all sites of the tenant.

    `platform` marks an administrator of the installation, who stands above tenants.
    """

    tenant: Tenant
    key: str
    scopes: frozenset[KeyScope] = field(default_factory=frozenset)
    sites: frozenset[str] | None = None
    platform: bool = False

    def may(self, scope: KeyScope) -> bool:
        return self.platform or KeyScope.ADMIN in self.scopes or scope in self.scopes

    def sees(self, site: str) -> bool:
        return self.sites is None or site in self.sites

    def require(self, scope: KeyScope) -> None:
        """Raises NotAllowed when the key lacks the scope."""
        if not self.may(scope):
            raise NotAllowed(f"this key lacks the scope {scope}")

    def require_whole(self) -> None:
        """Raises NotAllowed when the key is limited to sites."""
        if self.sites is not None:
            raise NotAllowed("this key is limited to certain sites")

    def visible(self, records: Iterable[SiteRecord]) -> tuple[SiteRecord, ...]:
        """The records that the key may see."""
        return tuple(r for r in records if self.sees(r.site.id))
