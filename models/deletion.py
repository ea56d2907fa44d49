"""What is left of a site after it was deleted: nothing, and the proof of it."""

from datetime import datetime

from pydantic import Field

from models.base import Frozen


class Deletion(Frozen):
    """A deleted site. It is hidden from `deleted_at` on; at `purged_at` all its rows were gone.

    `rows` are those that were removed, by table; `remaining` is how many were counted after that.
    """

    site: str
    domain: str
    deleted_at: datetime
    purged_at: datetime | None = None
    rows: dict[str, int] = Field(default_factory=dict)
    remaining: int | None = None
