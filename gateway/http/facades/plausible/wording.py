"""How Plausible words its errors, `{"error": text}`, and values as its texts print them."""

from typing import Any

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
    NotFound,
    UnknownGoal,
    UnknownSite,
    UnsupportedQuery,
)


def refused(text: str, status: int = 400) -> Refused:
    """An error in Plausible's shape."""
    return Refused(status, {"error": text})


DEEPEST = 50


def inspected(value: Any, depth: int = 0) -> str:
    """A JSON value as Plausible's error texts print it (contracts: Plausible 4.5); what lies too deep is left out."""
    if depth > DEEPEST:
        return "..."
    match value:
        case None:
            return "nil"
        case bool():
            return "true" if value else "false"
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case dict():
            return "%{" + ", ".join(f"{inspected(k)} => {inspected(v, depth + 1)}" for k, v in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(inspected(v, depth + 1) for v in value) + "]"
        case _:
            return str(value)


STATS_KEY = (
    "Invalid API key or site ID. "
    "Please make sure you're using a valid API key with access to the site you've requested."
)
SITES_KEY = (
    "Invalid API key. Please make sure you're using a valid API key with access to the resource you've requested."
)
MISSING_KEY = "Missing API key. Please use a valid Plausible API key as a Bearer Token."
MISSING_SITE = "Missing site ID. Please provide the required site_id parameter with your request."
FAILED = "internal server error"
NO_SITE = "Site could not be found"
NO_GOAL = "Goal could not be found"
_NOT_CONFIGURED = (
    "is not configured for this site. "
    "Find out how to configure goals here: https://plausible.io/docs/stats-api#filtering-by-goals"
)


def unknown_goal(name: str) -> str:
    """The text of v2 for a goal filter that names no goal of the site."""
    return f"Invalid filters. The goal `{name}` {_NOT_CONFIGURED}"


def unknown_goal_v1(name: str) -> str:
    """The text of v1, which tells page goals from others."""
    if name.startswith("Visit "):
        return f"The pageview goal for the pathname `{name.removeprefix('Visit ')}` {_NOT_CONFIGURED}"
    return f"The goal `{name}` {_NOT_CONFIGURED}"


def worded(error: GatewayError, request_id: str, *, stats: bool) -> Response:
    """An error of ours in Plausible's words; `stats` for those of its Stats API."""
    match error:
        case NotAuthenticated() | NotAllowed():
            status, said = 401, STATS_KEY if stats else SITES_KEY
        case UnknownSite():  # 2026-07: Plausible answers 401 here; fixtures/plausible/error_unknown_site.json
            status, said = (401, STATS_KEY) if stats else (404, NO_SITE)
        case UnknownGoal():
            status, said = 404, NO_GOAL
        case NotFound():
            status, said = 404, error.detail
        case InvalidRequest():
            status, said = 400, ", ".join(f"{p.field}: {p.reason}" for p in error.problems)
        case UnsupportedQuery():
            status, said = 400, "; ".join(error.reasons)
        case ConfigurationError():
            status, said = 500, FAILED
        case _:
            status, said = status_of(error), error.detail
    return answer({"error": said}, status, retry_after(error))
