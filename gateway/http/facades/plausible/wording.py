"""How Plausible words its errors: the exception the facade raises, and values as Plausible prints them."""

from typing import Any


class Refused(Exception):
    """An answer of the facade that is an error, in Plausible's shape `{"error": text}`."""

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.text, self.status = text, status


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
