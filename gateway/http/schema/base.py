"""Bases of wire models, paging, and the problem document."""

import base64
import binascii
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from models.base import Frozen
from models.errors import InvalidRequest, Problem


class Given(Frozen):
    """What a caller sends: unknown fields are refused."""


class Told(BaseModel):
    """What we answer; later versions may add fields."""

    model_config = ConfigDict(frozen=True)


class PageParams(Given):
    """Paging: `cursor` is the `next` of the page before."""

    cursor: str | None = Field(default=None, max_length=1000)
    limit: int = Field(default=100, ge=1, le=1000)

    @property
    def after(self) -> str:
        """Where the page starts. Raises InvalidRequest for a cursor that is none of ours."""
        return "" if self.cursor is None else read_cursor(self.cursor)


def cursor(after: str) -> str:
    """An opaque cursor."""
    return base64.urlsafe_b64encode(after.encode()).decode().rstrip("=")


def read_cursor(text: str) -> str:
    """Raises InvalidRequest."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest([Problem("cursor", "is not a cursor of this listing")]) from error


class FieldProblem(Told):
    """One thing wrong with a request."""

    field: str
    reason: str
    allowed: list[str] | None = None


class ProblemDocument(Told):
    """`application/problem+json`. `code` is stable; `problems`, `reasons` and `nearest` stand where they help."""

    type: Literal["about:blank"]
    title: str
    status: int
    code: str
    detail: str
    retryable: bool
    request_id: str
    problems: list[FieldProblem] | None = None
    reasons: list[str] | None = None
    nearest: dict[str, Any] | None = None
    backend: str | None = None
    quota: str | None = None
    limit: int | None = None
    retry_after: int | None = Field(default=None, description="Seconds")
