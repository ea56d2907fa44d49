"""People who may look at a site: guests of one site, teams that own several."""

from enum import StrEnum

from pydantic import Field

from models.base import Frozen

EMAIL = r"^[^@\s]{1,64}@[^@\s]{1,255}$"


class Role(StrEnum):
    """What a guest may do with the site."""

    VIEWER = "viewer"
    EDITOR = "editor"


class GuestStatus(StrEnum):
    INVITED = "invited"
    ACCEPTED = "accepted"


class Guest(Frozen):
    """A guest or an open invitation; `invitation_url` only where the backend is ours and no mail was just sent."""

    email: str = Field(pattern=EMAIL)
    role: Role
    status: GuestStatus = GuestStatus.INVITED
    invitation_url: str | None = None


class GuestDraft(Frozen):
    """Somebody to invite."""

    email: str = Field(pattern=EMAIL)
    role: Role


class Membership(Frozen):
    """A guest together with the site (its id). `token` is the secret of the guest's personal link, shown once."""

    site: str
    guest: Guest
    token: str = ""


class Team(Frozen):
    """A group that owns sites."""

    id: str
    name: str
    api_available: bool = True
