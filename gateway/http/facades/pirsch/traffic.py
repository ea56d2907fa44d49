"""Traffic filters, which are rules of collection here, and the deletion of statistics."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from gateway.http.facades.pirsch.dialect import PirschAsk
from gateway.http.facades.pirsch.documents import EPOCH, documents, key, named_id, now
from gateway.http.facades.pirsch.domains import visible
from gateway.http.facades.pirsch.wording import invalid, refused
from gateway.tenancy import SiteRecord
from models.errors import NotFound, UnsupportedQuery
from models.settings import SiteSettings

FILTERS: Mapping[str, str] = MappingProxyType(
    {"ip": "addresses", "country": "countries", "path": "pages", "hostname": "only_hostnames"}
)
"""Kinds of filters and the rules they are here; a hostname is one of those that alone are counted."""
NOTES = "filter"


async def list_filters(ask: PirschAsk) -> Any:
    """`GET /filter?domain_id=`."""
    record = await ask.named_site("domain_id")
    settings = await ask.services.rules.get(record)
    return [
        await _filter(ask, record, kind, value)
        for kind, name in FILTERS.items()
        for value in getattr(settings.exclude, name)
    ]


async def _filter(ask: PirschAsk, record: SiteRecord, kind: str, value: str) -> dict[str, Any]:
    filter_id = named_id(record.site.id, kind, value)
    note = await documents(ask).get(NOTES, key(record, filter_id)) or {}
    return {
        "id": filter_id,
        "def_time": note.get("def_time", EPOCH),
        "mod_time": note.get("def_time", EPOCH),
        "domain_id": record.site.id,
        "type": kind,
        "description": note.get("description", ""),
        "filter": value,
    }


async def put_filter(ask: PirschAsk) -> Any:
    """`POST /filter`: a new one, or with an id another one in its place."""
    fields = await ask.fields()
    record = await ask.site_of(fields.get("domain_id"))
    kind, value = str(fields.get("type")), fields.get("filter")
    if kind not in FILTERS:
        raise invalid("type", f"must be one of {', '.join(FILTERS)}")
    if not isinstance(value, str) or not value.strip():
        raise invalid("filter", "is required")
    settings = await ask.services.rules.get(record)
    if fields.get("id"):
        settings = _without(record, settings, str(fields["id"]))
    held = getattr(settings.exclude, FILTERS[kind])
    settings = _with(settings, FILTERS[kind], tuple(dict.fromkeys((*held, value.strip()))))
    await ask.services.rules.put(ask.caller, record, settings)
    note = {"description": str(fields.get("description") or "")[:200], "def_time": now(ask)}
    await documents(ask).put(NOTES, key(record, named_id(record.site.id, kind, value.strip())), note)
    return await _filter(ask, record, kind, value.strip())


async def delete_filter(ask: PirschAsk) -> Any:
    """`DELETE /filter?id=`."""
    wanted = ask.given.required("id")
    for record in await visible(ask):
        settings = await ask.services.rules.get(record)
        try:
            left = _without(record, settings, wanted)
        except NotFound:
            continue
        await ask.services.rules.put(ask.caller, record, left)
        await documents(ask).delete(NOTES, key(record, wanted))
        return {}
    raise NotFound("there is no such filter")


def _with(settings: SiteSettings, name: str, values: tuple[str, ...]) -> SiteSettings:
    """Raises Refused."""
    try:
        exclude = type(settings.exclude).model_validate({**settings.exclude.model_dump(), name: values})
    except ValidationError as error:
        raise refused(*(e["msg"] for e in error.errors())) from None
    return settings.model_copy(update={"exclude": exclude})


def _without(record: SiteRecord, settings: SiteSettings, filter_id: str) -> SiteSettings:
    """Raises NotFound."""
    for kind, name in FILTERS.items():
        held: tuple[str, ...] = getattr(settings.exclude, name)
        left = tuple(v for v in held if named_id(record.site.id, kind, v) != filter_id)
        if left != held:
            return _with(settings, name, left)
    raise NotFound("there is no such filter")


async def delete_statistics(ask: PirschAsk) -> Any:
    """`DELETE /statistics`: imports are taken back whole; events of some days alone cannot be deleted."""
    fields = await ask.fields()
    record = await ask.site_of(fields.get("id"))
    if fields.get("kind") != "imported":
        raise UnsupportedQuery(["statistics of some days cannot be deleted here; only imports, and whole domains, can"])
    first, last = (_day(fields, name) for name in ("from", "to"))
    for job in await ask.services.history.listed(record):
        if job.first_date is None or job.last_date is None or job.last_date < first or job.first_date > last:
            continue
        if job.first_date < first or job.last_date > last:
            reach = f"from {job.first_date} to {job.last_date}"
            raise UnsupportedQuery([f"the import {job.id} reaches {reach}: take it back whole"])
        await ask.services.history.delete(ask.caller, record, job.id)
    return {}


def _day(fields: Mapping[str, Any], name: str) -> str:
    """A date as imports write theirs. Raises Refused."""
    try:
        return datetime.fromisoformat(str(fields.get(name, ""))).date().isoformat()
    except ValueError:
        raise invalid(name, "must be a date such as 2024-01-31") from None
