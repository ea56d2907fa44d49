"""What calls that only a vendor has have in common: a table of them, and a question's way onto the wire."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from adapters.base import Reply, VendorCall
from adapters.http import json_of
from models.capability import Capabilities
from models.errors import NotFound
from models.site import Site

Params = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Route:
    """A vendor call and where it goes; `{name}` stands for a field of the query, which then is no parameter."""

    call: VendorCall
    path: str


def by_name(table: Iterable[Route]) -> Mapping[str, Route]:
    """Routes by the names of their calls."""
    return MappingProxyType({route.call.name: route for route in table})


class CallsByRoute:
    """PassesThrough, over a table of routes; how a call is sent is the vendor's."""

    can: Capabilities
    routes: Mapping[str, Route]
    vendor_calls: tuple[VendorCall, ...]

    async def call_vendor(self, site: Site, call: VendorCall, query: BaseModel | None, body: BaseModel | None) -> Any:
        """The vendor's answer as JSON values. The site is always the site's own."""
        route = self.routes.get(call.name)
        if route is None:
            raise NotFound(f"no such call: {call.name[:60]!r}", backend=self.can.backend)
        values = _written(query) or {}
        segments = [values.pop(part[1:-1]) if part.startswith("{") else part for part in route.path.split("/")]
        params = tuple((name, str(value)) for name, value in values.items())
        reply = await self._send(site, route.call.method, segments, params, _written(body))
        return json_of(reply, backend=self.can.backend)

    async def _send(self, site: Site, method: str, segments: list[str], params: Params, body: Any) -> Reply:
        raise NotImplementedError


def _written(model: BaseModel | None) -> dict[str, Any] | None:
    return None if model is None else model.model_dump(mode="json", by_alias=True, exclude_none=True)
