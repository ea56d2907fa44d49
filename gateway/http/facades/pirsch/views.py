"""Views: saved filters, which are segments here."""

from collections.abc import Mapping
from typing import Any

from gateway.http.facades.pirsch.definitions import parameters_of
from gateway.http.facades.pirsch.dialect import Call
from gateway.http.facades.pirsch.documents import key, listed, now, shelf, written
from gateway.http.facades.pirsch.domains import visible
from gateway.http.facades.pirsch.filters import filters_of
from gateway.http.facades.pirsch.wording import invalid
from models.errors import NotFound
from models.filters import to_list

VIEWS = "view"
PAIRS = (("event_meta_key", "event_meta_value", "meta_"), ("tag_key", "tag_value", "tag_"))


async def list_views(call: Call) -> Any:
    """`GET /view?domain_id=`: those that were saved here; a segment of more than lists cannot be shown as a view."""
    record, search = await call.site("domain_id"), call.given.first("search").lower()
    kept = {segment.id for segment in await call.services.segments.listed(record)}
    return [v for v in await listed(call, record, VIEWS) if v["id"] in kept and search in v["name"].lower()]


async def put_view(call: Call) -> Any:
    """`POST /view`: its filter becomes a segment, which other APIs can use too."""
    fields = await call.fields()
    record = await call.site_of(fields.get("domain_id"))
    name = fields.get("name")
    if not isinstance(name, str) or not name.strip():
        raise invalid("name", "is required")
    tree = [to_list(f) for f in filters_of(parameters_of(_with_pairs(fields)))]
    segments, old = call.services.segments, fields.get("id")
    if old:
        segment = await segments.change(call.caller, record, str(old), name, tree)
    else:
        segment = await segments.create(call.caller, record, name, tree)
    value = {**fields, "id": segment.id, "domain_id": record.site.id, "mod_time": now(call)}
    value["def_time"] = written(segment.created_at)
    await shelf(call).put(VIEWS, key(record, segment.id), value)
    return value


def _with_pairs(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A view's filter; keys and values in lists side by side become single parameters."""
    found = {k: v for k, v in fields.items() if k not in ("visitor_id", "session_id")}
    for keys, values, prefix in PAIRS:
        held, wanted = found.get(keys) or [], found.pop(values, None) or []
        if wanted:
            found.pop(keys, None)
        found |= {f"{prefix}{name}": [value] for name, value in zip(held, wanted, strict=False)}
    return found


async def delete_view(call: Call) -> Any:
    """`DELETE /view?id=`."""
    wanted = call.given.required("id")
    for record in await visible(call):
        if wanted in {segment.id for segment in await call.services.segments.listed(record)}:
            await call.services.segments.delete(call.caller, record, wanted)
            await shelf(call).delete(VIEWS, key(record, wanted))
            return {}
    raise NotFound("there is no such view")
