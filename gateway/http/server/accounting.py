"""What is kept of every request: a line on its tenant's bill, counts for Prometheus; and the limit of its address."""

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.routing import Route
from starlette.types import Scope

from gateway.http.server.limits import admit_address, admit_tracker
from gateway.observe.prometheus import ELSEWHERE
from gateway.services import Services


class Accounting:
    """Called by the frame before and after each request. `tracking` are the paths that trackers send to."""

    def __init__(self, services: Services, tracking: Collection[str]) -> None:
        self._tracking = tracking
        self._services, self._meter, self._prometheus = services, services.meter, services.prometheus

    def admit(self, scope: Scope, headers: Headers) -> None:
        """Raises TooManyRequests for an address that asks too often."""
        (admit_tracker if scope["path"] in self._tracking else admit_address)(scope, self._services)

    def close(self, scope: Scope, status: int, seconds: float) -> None:
        """The request was answered. Those that were admitted with a key are billed, to the site they concerned."""
        tenant = scope["state"].get("billed")
        if tenant is not None:
            self._meter.api_call(tenant)
        route = scope.get("route")
        pattern = route.path if isinstance(route, Route) else ELSEWHERE
        self._prometheus.request(scope["method"], pattern, status, seconds)
