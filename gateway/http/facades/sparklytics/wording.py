"""How Sparklytics words its errors: `{"error": {"code", "message", "field"}}` (contracts: Sparklytics 2)."""

from starlette.responses import Response

from gateway.http.dialect import Refused
from gateway.http.server.body import answer
from gateway.http.server.errors import retry_after, status_of
from models.errors import (
    AlreadyExists,
    GatewayError,
    IdempotencyConflict,
    InvalidRequest,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    RateLimited,
    TooLarge,
    TooManyRequests,
    UnknownSite,
    UnsupportedQuery,
)

CODES: tuple[tuple[type[GatewayError], int, str], ...] = (
    (NotAuthenticated, 401, "unauthorized"),
    (NotAllowed, 403, "forbidden"),
    (NotFound, 404, "not_found"),
    (AlreadyExists, 400, "validation_error"),
    (IdempotencyConflict, 409, "conflict"),
    (UnsupportedQuery, 422, "validation_error"),
    (TooLarge, 400, "payload_too_large"),
    (TooManyRequests, 429, "rate_limited"),
    (RateLimited, 429, "rate_limited"),
)
"""Statuses and codes of the vendor; everything else keeps our status as an internal error."""


def refused(status: int, code: str, message: str, field: str | None = None) -> Refused:
    """An error in Sparklytics' shape; `field` names what is wrong where one field is."""
    return Refused(status, {"error": {"code": code, "message": message, "field": field}})


def invalid(message: str, field: str | None = None) -> Refused:
    """400 validation_error."""
    return refused(400, "validation_error", message, field)


FAILED = refused(500, "internal_error", GatewayError.title)


def worded(error: GatewayError, request_id: str) -> Response:
    """An error of ours in Sparklytics' words."""
    said = _worded(error)
    return answer(said.body, said.status, retry_after(error))


def _worded(error: GatewayError) -> Refused:
    if isinstance(error, InvalidRequest):
        return invalid(error.problems[0].reason, error.problems[0].field)
    if isinstance(error, UnknownSite):
        return refused(404, "not_found", "Website not found")
    for kind, status, code in CODES:
        if isinstance(error, kind):
            return refused(status, code, error.detail)
    status = status_of(error)
    return refused(status, "ingest_overloaded" if status == 503 else "internal_error", error.title)
