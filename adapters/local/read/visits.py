"""Single visits, and what happened in one of them."""

from collections.abc import Iterable

from adapters.local.client import StoreClient, page_of
from adapters.local.enrich.names import NAMES, name_of
from adapters.local.store.schema import VISIT_ATTRIBUTES
from models.insight import VisitEvent, VisitRow
from models.query import ResolvedQuery
from models.site import Site

ATTRIBUTES = tuple(VISIT_ATTRIBUTES)
PLAIN = ", ".join(f"toString({name})" for name in ATTRIBUTES)
HEAD = (
    "visitor", "session", "start", "time", "duration", "entry_page", "exit_page", "pageviews", "events", "is_bounce",
)  # fmt: skip
MOST_EVENTS = 10_000


class Visits:
    """ListsVisits."""

    client: StoreClient

    async def list_visits(self, site: Site, query: ResolvedQuery) -> tuple[VisitRow, ...]:
        """The latest first. Raises InvalidRequest."""
        conditions = await self.client.conditions(site, query)
        visits = (
            f"SELECT {', '.join(HEAD)}, {PLAIN} FROM sessions FINAL WHERE {conditions.visits()} "
            f"ORDER BY start DESC, session DESC {page_of(query)}"
        )
        rows = await self.client.rows(visits, conditions)
        titles = await _titles(self.client, site, query, [int(row[1]) for row in rows])
        return tuple(_visit(row, titles.get(int(row[1]), ("", ""))) for row in rows)

    async def visit_events(self, site: Site, query: ResolvedQuery, visitor: int, visit: int) -> tuple[VisitEvent, ...]:
        """Every event of one visit but engagement, which is told as the seconds of the page view before it.

        Raises InvalidRequest.
        """
        conditions = await self.client.conditions(site, query)
        bounds = " AND ".join(conditions.window.events_in_period(engagement=True))
        sql = (
            f"SELECT time, name, path, title, props, engagement_ms, {PLAIN} FROM events "
            f"WHERE {bounds} AND visitor = {int(visitor)} AND session = {int(visit)} "
            f"ORDER BY seq LIMIT {MOST_EVENTS}"
        )
        rows = await self.client.rows(sql, conditions)
        return tuple(_event(visitor, visit, row) for row in rows if row[1] != "engagement")


async def _titles(
    client: StoreClient, site: Site, query: ResolvedQuery, visits: list[int]
) -> dict[int, tuple[str, str]]:
    """Titles of the first and last page view of each visit."""
    if not visits:
        return {}
    conditions = await client.conditions(site, query)
    wanted = ", ".join(str(visit) for visit in visits)
    sql = (
        "SELECT session, argMin(title, (time, seq)), argMax(title, (time, seq)) FROM events "
        f"WHERE site = {conditions.bind.text(site.id)} AND name = 'pageview' AND session IN ({wanted}) GROUP BY session"
    )
    return {int(visit): (str(first), str(last)) for visit, first, last in await client.rows(sql, conditions)}


def _visit(row: tuple[object, ...], titles: tuple[str, str]) -> VisitRow:
    visitor, visit, start, end, seconds, entry, leave, pageviews, events, bounced, *attributes = row
    return VisitRow(
        visitor=int(str(visitor)),
        visit=int(str(visit)),
        start=start,  # type: ignore[arg-type]  # the driver gives DateTime as datetime
        end=end,  # type: ignore[arg-type]  # the same
        seconds=int(str(seconds)),
        entry_page=str(entry),
        exit_page=str(leave),
        entry_title=titles[0],
        exit_title=titles[1],
        pageviews=int(str(pageviews)),
        events=int(str(events)),
        is_bounce=bool(bounced),
        attributes=_named(attributes),
    )


def _named(values: Iterable[object]) -> dict[str, str]:
    """Attributes by name, and the names of places beside their codes."""
    found = dict(zip(ATTRIBUTES, map(str, values), strict=True))
    return found | {f"{kind}_name": name_of(kind, found[kind]) if found[kind] else "" for kind in NAMES}


def _event(visitor: int, visit: int, row: tuple[object, ...]) -> VisitEvent:
    time, name, path, title, props, milliseconds, *attributes = row
    return VisitEvent(
        visitor=visitor,
        visit=visit,
        time=time,  # type: ignore[arg-type]  # the driver gives DateTime as datetime
        name=str(name),
        page=str(path),
        title=str(title),
        seconds=int(str(milliseconds)) // 1000,
        props=dict(props),  # type: ignore[call-overload]  # the driver gives Map as dict
        attributes=_named(attributes),
    )
