"""The base of every canonical model: frozen, strict about unknown fields."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A value: never changed after it was made, and refused when it carries a field we do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")
