"""Views: saved filters, which are segments here."""

from collections.abc import Mapping
from typing import Any

from gateway.http.facades.pirsch.definitions import parameters_of
from gateway.http.facades.pirsch.dialect import PirschAsk
from gateway.http.facades.pirsch.documents import documents, key, listed, now, written
from gateway.http.facades.pirsch.domains import visible
from gateway.http.facades.pirsch.filters import filters_of
from gateway.http.facades.pirsch.wording import invalid
from models.errors import NotFound
from models.filters import to_list

VIEWS = "view"
PAIRS = (("event_meta_key", "event_meta_value", "meta_"), ("tag_key", "tag_value", "tag_"))


async def list_views(ask: PirschAsk) -> Any:
    """`GET /view?domain_id=`: those that were saved here; a segment of more than lists cannot be shown as a view."""
    record, search = await ask.named_site("domain_id"), ask.given.first("search").lower()
    kept = {segment.id for segment in await ask.services.segments.listed(record)}
    return [v for v in await listed(ask, record, VIEWS) if v["id"] in kept and search in v["name"].lower()]


async def put_view(ask: PirschAsk) -> Any:
    """`POST /view`: its filter becomes a segment, which other APIs can use too."""
    fields = await ask.fields()
    record = await ask.site_of(fields.get("domain_id"))
    name = fields.get("name")
    if not isinstance(name, str) or not name.strip():
        raise invalid("name", "is required")
    tree = [to_list(f) for f in filters_of(parameters_of(_with_pairs(fields)))]
    segments, old = ask.services.segments, fields.get("id")
    if old:
        segment = await segments.change(ask.caller, record, str(old), name, tree)
    else:
        segment = await segments.create(ask.caller, record, name, tree)
    value = {**fields, "id": segment.id, "domain_id": record.site.id, "mod_time": now(ask)}
    value["def_time"] = written(segment.created_at)
    await documents(ask).put(VIEWS, key(record, segment.id), value)
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


async def delete_view(ask: PirschAsk) -> Any:
    """`DELETE /view?id=`."""
    wanted = ask.given.required("id")
    for record in await visible(ask):
        if wanted in {segment.id for segment in await ask.services.segments.listed(record)}:
            await ask.services.segments.delete(ask.caller, record, wanted)
            await documents(ask).delete(VIEWS, key(record, wanted))
            return {}
    raise NotFound("there is no such view")
