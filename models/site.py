"""A site, as the gateway and the adapters speak of it. Who owns it is the gateway's business and not part of it."""

from datetime import datetime

from pydantic import Field

from models.base import Frozen


class Site(Frozen):
    """A site behind one backend. `external_id` is the backend's own name for it (a domain, an opaque id)."""

    id: str
    domain: str
    timezone: str = "Etc/UTC"
    name: str = ""
    external_id: str = ""
    tags: tuple[str, ...] = ()
    created_at: datetime | None = None

    @property
    def ref(self) -> str:
        """What the backend calls the site."""
        return self.external_id or self.domain


class SiteDraft(Frozen):
    """A site to be created at a backend."""

    domain: str = Field(max_length=253)
    timezone: str = "Etc/UTC"
    name: str = Field(default="", max_length=200)
    team: str | None = None


class SiteChange(Frozen):
    """Fields of a site to change; None leaves a field as it is."""

    domain: str | None = None
    timezone: str | None = None
    name: str | None = None


class RemoteSite(Frozen):
    """A site as a backend lists it."""

    ref: str
    domain: str
    timezone: str | None = None
    name: str = ""


class RemotePage(Frozen):
    """One page of a backend's sites; `next` is None on the last."""

    sites: tuple[RemoteSite, ...]
    next: str | None = None
