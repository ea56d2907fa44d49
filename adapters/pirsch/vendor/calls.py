"""Vendor calls made of the table: typed query and body, the site filled in, toggles that read before they write."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from adapters.base import Request, VendorCall
from adapters.http import json_of
from adapters.pirsch.client import PirschClient
from adapters.pirsch.management import invalid
from adapters.pirsch.vendor.table import MANAGEMENT, STATISTICS, SWITCHES
from adapters.pirsch.wire import BACKEND
from models.site import Site

DOCS = "https://docs.pirsch.io/api-sdks/api-v1"
UPLOAD = "zip_base64"
FORMS = ("theme", "domain/theme")
"""Calls whose JSON goes into the field `data` of a form."""
_TYPES: Mapping[str, Any] = {
    "": str, "int": int, "number": float, "bool": bool, "texts": list[str], "map": dict[str, Any],
    "maps": list[dict[str, Any]], "date": date,
}  # fmt: skip


class Typed(BaseModel):
    """Parameters of a vendor call; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Route:
    """Where a call goes: path below /api/v1, and the parameter that takes the site (`q.id`, `b.domain_id`, none)."""

    call: VendorCall
    path: str
    site: str = ""
    switch: str = ""


def _model(name: str, fields: str) -> type[BaseModel] | None:
    """A model of fields written as in the table; None without any."""
    if not fields:
        return None
    made: dict[str, Any] = {}
    for text in fields.split():
        key, _, kind = text.removesuffix("?").partition(":")
        optional = text.endswith("?")
        alias = key.removesuffix("_") if key.endswith("_") else None
        if optional:
            made[key] = (_TYPES[kind] | None, Field(default=None, alias=alias))
        else:
            made[key] = (_TYPES[kind], Field(alias=alias))
    return create_model(name, __base__=Typed, **made)


def _routes() -> Mapping[str, Route]:
    found: dict[str, Route] = {}
    for line in (STATISTICS + MANAGEMENT).strip().splitlines():
        name, where, title, site, query, body = (part.strip() for part in line.split("|"))
        method, path = where.split()
        shown = "".join(part.title() for part in name.split("_"))
        writes = method != "GET" and name != "test_goal_regex"
        call = VendorCall(
            name, method, title, writes, _model(f"{shown}Query", query), _model(f"{shown}Body", body), DOCS
        )
        found[name] = Route(call, path, site)
    for line in SWITCHES.strip().splitlines():
        name, where, title, field = (part.strip() for part in line.split("|"))
        method, path = where.split()
        body_model = _model("".join(p.title() for p in name.split("_")) + "Body", "enabled:bool")
        found[name] = Route(VendorCall(name, method, title, True, None, body_model, DOCS), path, "b.domain_id", field)
    return found


ROUTES: Mapping[str, Route] = _routes()
VENDOR_CALLS: tuple[VendorCall, ...] = tuple(route.call for route in ROUTES.values())


class VendorCalls:
    """PassesThrough."""

    client: PirschClient
    vendor_calls: tuple[VendorCall, ...] = VENDOR_CALLS

    async def call_vendor(self, site: Site, call: VendorCall, query: BaseModel | None, body: BaseModel | None) -> Any:
        """The vendor's JSON, or bytes for a file; an empty answer is None."""
        route = ROUTES[call.name]
        if route.switch:
            return await self._switched(site, route, body)
        reply = await self.client.send(_request(route, site, query, body))
        if reply.headers.get("content-type", "").startswith("application/zip"):
            return reply.body
        return json_of(reply, backend=BACKEND) if reply.body.strip() else None

    async def _switched(self, site: Site, route: Route, body: BaseModel | None) -> Any:
        """The vendor only toggles: read, compare, toggle."""
        wanted = bool(body is not None and body.model_dump()["enabled"])
        changed = bool((await self.client.domain(site.ref)).get(route.switch)) != wanted
        if changed:
            await self.client.call(route.call.method, route.path, json={"domain_id": site.ref})
        return {"enabled": wanted, "changed": changed}


def _request(route: Route, site: Site, query: BaseModel | None, body: BaseModel | None) -> Request:
    params = _params(query)
    sent = body.model_dump(mode="json", by_alias=True, exclude_none=True) if body is not None else {}
    where, _, key = route.site.partition(".")
    if where == "q":
        params = ((key, site.ref), *params)
    elif where == "b":
        sent = {key: site.ref, **sent}
    path, reads = f"/api/v1/{route.path}", not route.call.writes
    if UPLOAD in sent:
        files = {"file": ("import.zip", _decoded(sent.pop(UPLOAD)), "application/zip")}
        return Request(route.call.method, path, params, form=sent, files=files, idempotent=False)
    if route.path in FORMS and route.call.method == "POST":
        return Request(route.call.method, path, params, form={"data": json.dumps(sent)}, idempotent=False)
    return Request(route.call.method, path, params, json=sent or None, idempotent=reads)


def _params(query: BaseModel | None) -> tuple[tuple[str, str], ...]:
    """Lists repeat their key, metadata and tags become `meta_<k>` and `tag_<k>`."""
    if query is None:
        return ()
    found: list[tuple[str, str]] = []
    for key, value in query.model_dump(mode="json", by_alias=True, exclude_none=True).items():
        match value:
            case dict():
                found += [(f"{key.removesuffix('s')}_{k}", str(v)) for k, v in value.items()]
            case list():
                found += [(key, str(v)) for v in value]
            case bool():
                found.append((key, "true" if value else "false"))
            case _:
                found.append((key, str(value)))
    return tuple(found)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise invalid(UPLOAD, "must be base64") from error
