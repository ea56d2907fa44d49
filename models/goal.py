"""Goals: what counts as a conversion on a site."""

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from models.base import Frozen

MAX_PROPS = 3


class GoalKind(StrEnum):
    """What completes a goal."""

    EVENT = "event"
    """An event of the given name."""
    PAGE = "page"
    """A page view of a path; `*` stands for any characters, slashes included."""
    SCROLL = "scroll"
    """Scrolling a path to a depth."""


class GoalDraft(Frozen):
    """A goal to find or create. A goal's identity is its event or path, its props and its scroll threshold."""

    event_name: str | None = Field(default=None, max_length=120)
    page_path: str | None = Field(default=None, max_length=2000)
    display_name: str = Field(default="", max_length=500)
    scroll_threshold: int | None = Field(default=None, ge=0, le=100)
    currency: str | None = Field(default=None, pattern="^[A-Z]{3}$")
    custom_props: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if bool(self.event_name) == bool(self.page_path):
            raise ValueError("a goal has either event_name or page_path")
        if self.page_path and not self.page_path.startswith("/"):
            raise ValueError("page_path must start with a /")
        if self.scroll_threshold is not None and not self.page_path:
            raise ValueError("scroll_threshold needs page_path")
        if self.currency and not self.event_name:
            raise ValueError("only event goals carry revenue")
        if len(self.custom_props) > MAX_PROPS:
            raise ValueError(f"at most {MAX_PROPS} custom_props")
        return self

    @property
    def kind(self) -> GoalKind:
        if self.event_name:
            return GoalKind.EVENT
        return GoalKind.PAGE if self.scroll_threshold is None else GoalKind.SCROLL

    @property
    def shown_as(self) -> str:
        """The display name, or the one made from event or path."""
        return self.display_name or self.event_name or f"Visit {self.page_path}"

    @property
    def identity(self) -> tuple[str, str, int, tuple[tuple[str, str], ...]]:
        """What makes two goals the same goal."""
        threshold = -1 if self.scroll_threshold is None else self.scroll_threshold
        return (self.event_name or "", self.page_path or "", threshold, tuple(sorted(self.custom_props.items())))


class Goal(GoalDraft):
    """A goal of a site. `id` is the backend's, as text; `display_name` is never empty."""

    id: str
