"""How Pirsch words its errors: `{"validation": {field: text}, "error": [text]}` (contracts: Pirsch 3)."""

from collections.abc import Mapping

from starlette.responses import Response

from gateway.http.dialect import Refused
from gateway.http.server.body import answer
from gateway.http.server.errors import retry_after, status_of
from models.errors import (
    ConfigurationError,
    GatewayError,
    InvalidRequest,
    NotAllowed,
    NotAuthenticated,
    UnknownSite,
    UnsupportedQuery,
)

NO_TOKEN = "A valid access token is required."  # noqa: S105 - a text, not a secret
NO_DOMAIN = "Domain not found."
ACCESS_DENIED = "Access denied."
FAILED = "internal server error"


def refused(*texts: str, status: int = 400, validation: Mapping[str, str] | None = None) -> Refused:
    """An error in Pirsch's shape. `validation` names fields of the request."""
    return Refused(status, {"validation": dict(validation or {}), "error": list(texts)})


def invalid(field: str, reason: str) -> Refused:
    """One field is wrong. Clients that only look at `error` find it there too."""
    return refused(f"{field}: {reason}", validation={field: reason})


def worded(error: GatewayError, request_id: str) -> Response:
    """An error of ours in Pirsch's words."""
    validation: dict[str, str] = {}
    match error:
        case NotAuthenticated():
            status, said = 401, [NO_TOKEN]
        case NotAllowed():
            status, said = 403, [ACCESS_DENIED]
        case UnknownSite():
            status, said = 404, [NO_DOMAIN]
        case InvalidRequest():
            validation = {p.field: p.reason for p in error.problems}
            status, said = 400, [f"{p.field}: {p.reason}" for p in error.problems]
        case UnsupportedQuery():
            status, said = 400, list(error.reasons)
        case ConfigurationError():
            status, said = 500, [FAILED]
        case _:
            status, said = status_of(error), [error.detail]
    return answer({"validation": validation, "error": said}, status, retry_after(error))
