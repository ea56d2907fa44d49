"""Lists of values to choose filters from, and the archive of everything as CSV."""

import csv
import io
import zipfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from starlette.responses import Response

from gateway.http.facades.pirsch import behaviour, listings, totals
from gateway.http.facades.pirsch.dialect import PirschAsk
from gateway.http.facades.pirsch.filters import event_filters, signed
from gateway.http.facades.pirsch.question import Question
from gateway.http.facades.pirsch.values import shown
from gateway.http.facades.pirsch.wording import invalid
from models.vocabulary import PROP_PREFIX, Dimension

D = Dimension
MOST = 200
OPTIONS: Mapping[str, Dimension] = MappingProxyType(
    {
        "hostname": D.HOSTNAME,
        "page": D.PAGE,
        "referrer": D.REFERRER,
        "referrer/name": D.SOURCE,
        "channel": D.CHANNEL,
        "event": D.EVENT,
        "country": D.COUNTRY,
        "region": D.REGION_NAME,
        "city": D.CITY_NAME,
        "language": D.LANGUAGE,
        "browser": D.BROWSER,
        "os": D.OS,
        "metadata/keys": D.PROP,
        "tag": D.PROP,
        "utm/source": D.UTM_SOURCE,
        "utm/medium": D.UTM_MEDIUM,
        "utm/campaign": D.UTM_CAMPAIGN,
        "utm/content": D.UTM_CONTENT,
        "utm/term": D.UTM_TERM,
    }
)
Handler = Callable[[PirschAsk], Awaitable[Any]]


def options(dimension: str) -> Handler:
    """`GET /statistics/options/...`: at most 200 texts."""

    async def handle(ask: PirschAsk) -> Any:
        return await _values(await Question.about(ask), dimension)

    return handle


async def _values(question: Question, dimension: str) -> list[str]:
    query = replace(question.query(), limit=MOST, offset=0)
    search = question.ask.given.first("search")
    found = await question.ask.services.insights.values(question.record, query, dimension, search)
    return [shown(dimension, value) for value in found]


async def tag_values(ask: PirschAsk) -> Any:
    """`GET /statistics/options/tag/value`: values of exactly one tag."""
    given = ask.given.all("tag")
    if len(given) != 1:
        raise invalid("tag", "exactly one is required")
    return await _values(await Question.about(ask), f"{PROP_PREFIX}{signed(given[0])[1]}")


async def metadata(ask: PirschAsk) -> Any:
    """`GET /statistics/options/metadata`: values of `event_meta_key`, or without it the keys."""
    question = (await Question.about(ask, event=False)).also(*event_filters(ask.given))
    key = ask.given.first("event_meta_key")
    return await _values(question, f"{PROP_PREFIX}{signed(key)[1]}" if key else str(D.PROP))


EXPORTED: Mapping[str, Mapping[str, Handler]] = MappingProxyType(
    {
        "visitors": {"visitors": totals.visitor},
        "pages": {"pages": listings.page},
        "entry_pages": {"entry_pages": listings.entry},
        "exit_pages": {"exit_pages": listings.exit_pages},
        "session_duration": {"session_duration": totals.session_duration},
        "growth": {"growth": totals.growth},
        "languages": {"languages": listings.people(listings.PEOPLE["language"])},
        "referrer": {"referrer": listings.referrer},
        "os": {"os": listings.people(listings.PEOPLE["os"])},
        "browser": {"browser": listings.people(listings.PEOPLE["browser"])},
        "country": {"country": listings.people(listings.PEOPLE["country"])},
        "region": {"region": listings.people(listings.PEOPLE["region"])},
        "city": {"city": listings.people(listings.PEOPLE["city"])},
        "platform": {"platform": listings.platform},
        "screen": {"screen": listings.people(listings.PEOPLE["screen"])},
        "utm": {
            f"utm_{part}": listings.people(listings.PEOPLE[f"utm/{part}"])
            for part in ("source", "medium", "campaign", "content", "term")
        },
        "conversion_goals": {"conversion_goals": behaviour.goals},
        "events": {"events": behaviour.events},
        "tags": {"tags": behaviour.tags},
        "hostname": {"hostname": listings.visits(listings.VISITS["hostname"])},
    }
)
"""Flags of the archive, and the files that each one brings."""


async def archive(ask: PirschAsk) -> Response:
    """`GET /statistics`: a zip of CSV files, one for each asked list, with the columns of its JSON rows."""
    wanted = [files for flag, files in EXPORTED.items() if ask.given.is_on(flag)]
    if not wanted:
        raise invalid("visitors", f"choose at least one of {', '.join(EXPORTED)}")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as out:
        for name, handler in (pair for files in wanted for pair in files.items()):
            out.writestr(f"{name}.csv", written(await handler(ask)))
    headers = {"content-disposition": 'attachment; filename="statistics.zip"', "cache-control": "no-store"}
    return Response(packed.getvalue(), media_type="application/zip", headers=headers)


def written(value: Any) -> str:
    """Rows (or one object) as CSV; nested objects become columns joined by a dot, formulas are defused."""
    rows = [flat(row) for row in (value if isinstance(value, list) else [value])]
    text = io.StringIO()
    if rows:
        out = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
        out.writeheader()
        out.writerows(rows)
    return text.getvalue()


def flat(row: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = _cell(value)
    return found


def _cell(value: Any) -> Any:
    """A spreadsheet would run a text that starts like a formula."""
    if isinstance(value, list):
        value = " ".join(map(str, value))
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t") else value
