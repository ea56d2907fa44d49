"""The one place that turns errors into statuses: `application/problem+json` (RFC 9457) with stable codes."""

from collections.abc import Mapping
from http import HTTPStatus
from math import ceil
from types import MappingProxyType
from typing import Any

from starlette.responses import Response

from gateway.http.body import json_bytes
from models import errors as e

PROBLEM = "application/problem+json"

STATUSES: Mapping[type[e.GatewayError], int] = MappingProxyType(
    {
        e.InvalidRequest: 400,
        e.UnsupportedQuery: 422,
        e.NotAuthenticated: 401,
        e.NotAllowed: 403,
        e.QuotaExceeded: 402,
        e.NotFound: 404,
        e.IdempotencyConflict: 409,
        e.Conflict: 409,
        e.TooLarge: 413,
        e.TooManyRequests: 429,
        e.RequestError: 400,
        e.Unreachable: 503,
        e.TimedOut: 504,
        e.RejectedCredentials: 502,
        e.RateLimited: 429,
        e.RefusedByBackend: 422,
        e.MissingAtBackend: 404,
        e.Unintelligible: 502,
        e.BackendError: 502,
        e.Overloaded: 503,
        e.ConfigurationError: 500,
        e.GatewayError: 500,
    }
)
"""Status of each error; a class without a line of its own has its parent's."""


def status_of(error: e.GatewayError) -> int:
    """The status of the nearest class in the table."""
    return next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)


def problem(error: e.GatewayError, request_id: str) -> Response:
    """The problem document of an error. What the operator must mend is not told to callers."""
    if isinstance(error, e.ConfigurationError):
        return failure(request_id, code=error.code)
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": error.title,
        "status": status_of(error),
        "code": error.code,
        "detail": error.detail,
        "retryable": error.retryable,
        **{k: v for k, v in error.members().items() if v is not None},
        "request_id": request_id,
    }
    if error.backend is not None:
        document["backend"] = error.backend
    if error.retry_after is not None:
        document["retry_after"] = ceil(error.retry_after)
    return _response(document, _headers(error))


def _headers(error: e.GatewayError) -> dict[str, str]:
    headers = {} if error.retry_after is None else {"retry-after": str(ceil(error.retry_after))}
    if isinstance(error, e.NotAuthenticated):
        headers["www-authenticate"] = 'Bearer realm="tallyway"'
    return headers


def failure(request_id: str, code: str = e.GatewayError.code) -> Response:
    """The document of an error of ours; the log has the rest, under the request id."""
    return _response(
        {
            "type": "about:blank",
            "title": e.GatewayError.title,
            "status": 500,
            "code": code,
            "detail": "The log has more under this request id.",
            "retryable": False,
            "request_id": request_id,
        },
        {},
    )


def plain(status: int, detail: str, request_id: str, headers: Mapping[str, str] | None = None) -> Response:
    """A problem that has no class of its own: no such route, method not allowed."""
    phrase = HTTPStatus(status).phrase
    document = {
        "type": "about:blank",
        "title": phrase,
        "status": status,
        "code": phrase.lower().replace(" ", "_").replace("-", "_"),
        "detail": detail,
        "retryable": False,
        "request_id": request_id,
    }
    return _response(document, dict(headers or {}))


def _response(document: dict[str, Any], headers: dict[str, str]) -> Response:
    return Response(json_bytes(document), document["status"], headers | {"cache-control": "no-store"}, PROBLEM)
