"""Vendor-shaped APIs over any backend: parse the dialect, ask canonically, render the dialect."""

from starlette.routing import BaseRoute

from gateway.http.facades.pirsch import routes as pirsch
from gateway.http.facades.plausible import routes as plausible
from gateway.http.facades.sparklytics import routes as sparklytics
from gateway.services import Services

TRACKING = frozenset(
    {
        "/plausible/api/event", "/sparklytics/api/collect", "/sparklytics/e", "/hit", "/event", "/session",
        "/pirsch/hit", "/pirsch/event", "/pirsch/session", "/p/pv", "/p/e", "/p/s",
    }
)  # fmt: skip
"""Where trackers of vendors send."""


def routes(services: Services) -> list[BaseRoute]:
    """The routes of every facade."""
    return [*plausible.routes(services), *pirsch.routes(services), *sparklytics.routes(services)]
