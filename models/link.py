"""Shared links: a site's statistics for somebody without an account."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from models.base import Frozen


class LinkState(StrEnum):
    """What somebody finds who follows a link."""

    OPEN = "open"
    LOCKED = "locked"
    """It has a password, which was not given yet."""
    CLOSED = "closed"
    """There is no such link any more, or not yet."""


class SharedLinkDraft(Frozen):
    """A link to find or create by name. `password` is never read back."""

    name: str = Field(min_length=1, max_length=255)
    password: str | None = Field(default=None, min_length=1, max_length=200)
    expires_at: datetime | None = None


class SharedLink(Frozen):
    """A link and where it leads."""

    id: str
    name: str
    url: str
    has_password: bool = False
    expires_at: datetime | None = None
