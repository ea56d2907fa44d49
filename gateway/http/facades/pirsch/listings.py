"""Lists by one dimension: pages, hostnames, channels, referrers, UTM, places, devices (contracts: Pirsch 5)."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from gateway.http.facades.pirsch.dialect import PirschAsk
from gateway.http.facades.pirsch.filters import PLATFORMS, event_filters, searched
from gateway.http.facades.pirsch.question import Counts, Key, Question, share
from gateway.http.facades.pirsch.values import Row, shown
from gateway.http.facades.pirsch.wording import invalid
from models.filters import Comparison
from models.query import Order
from models.vocabulary import NOT_SET, Dimension, Metric, Operator

D, M = Dimension, Metric
COUNTS = {"visitors": M.VISITORS, "relative_visitors": M.VISITORS, "views": M.PAGEVIEWS, "relative_views": M.PAGEVIEWS}


@dataclass(frozen=True, slots=True)
class Listing:
    """An endpoint that groups: JSON keys of the group and their dimensions, the searched one first."""

    keys: Mapping[str, Dimension]

    @property
    def dimensions(self) -> tuple[str, ...]:
        return tuple(map(str, self.keys.values()))

    def key(self, found: Key) -> Row:
        return {name: shown(d, value) for (name, d), value in zip(self.keys.items(), found, strict=True)}

    def order(self, ask: PirschAsk, counts: Mapping[str, Metric] = MappingProxyType(COUNTS)) -> Order | None:
        """The asked order; None for the default. Raises Refused for a column that cannot be sorted by."""
        column = ask.given.first("sort")
        if not column:
            return None
        if column in counts:
            return Order(str(counts[column]), ask.given.direction)
        if column in self.keys:
            return Order(str(self.keys[column]), ask.given.direction)
        raise invalid("sort", f"must be one of {', '.join([*counts, *self.keys])}")


def _listing(**keys: Dimension) -> Listing:
    return Listing(MappingProxyType(keys))


PEOPLE: Mapping[str, Listing] = MappingProxyType(
    {
        "utm/source": _listing(utm_source=D.UTM_SOURCE),
        "utm/medium": _listing(utm_medium=D.UTM_MEDIUM),
        "utm/campaign": _listing(utm_campaign=D.UTM_CAMPAIGN),
        "utm/content": _listing(utm_content=D.UTM_CONTENT),
        "utm/term": _listing(utm_term=D.UTM_TERM),
        "language": _listing(language=D.LANGUAGE),
        "country": _listing(country_code=D.COUNTRY),
        "region": _listing(region=D.REGION_NAME, country_code=D.COUNTRY),
        "city": _listing(city=D.CITY_NAME, region=D.REGION_NAME, country_code=D.COUNTRY),
        "os": _listing(os=D.OS),
        "os/version": _listing(os_version=D.OS_VERSION, os=D.OS),
        "browser": _listing(browser=D.BROWSER),
        "browser/version": _listing(browser_version=D.BROWSER_VERSION, browser=D.BROWSER),
        "screen": _listing(screen_class=D.SCREEN),
    }
)
"""Lists that count visitors only."""
VISITS: Mapping[str, Listing] = MappingProxyType(
    {"hostname": _listing(hostname=D.HOSTNAME), "channel": _listing(channel=D.CHANNEL)}
)
"""Lists that count views, sessions and bounces too."""
REFERRER = _listing(referrer=D.REFERRER, referrer_name=D.SOURCE)
PAGE, TITLED = _listing(path=D.PAGE), _listing(path=D.PAGE, title=D.TITLE)
ENTRY, EXIT = _listing(path=D.ENTRY_PAGE), _listing(path=D.EXIT_PAGE)

Handler = Callable[[PirschAsk], Awaitable[Any]]


def people(listing: Listing) -> Handler:
    """Rows of group, visitors, relative_visitors. UTM lists leave out those without a tag, as Pirsch's own do."""

    async def handle(ask: PirschAsk) -> Any:
        question = await _about(ask, listing)
        if listing.dimensions[0].startswith("utm_"):
            question = question.also(Comparison(Operator.IS_NOT, listing.dimensions[0], (NOT_SET,)))
        rows = await question.page((M.VISITORS,), listing.dimensions, listing.order(ask, PEOPLE_COUNTS))
        (whole,) = await question.unfiltered().numbers(M.VISITORS)
        return [
            {**listing.key(key), "visitors": int(count), "relative_visitors": share(count, whole)}
            for key, (count,) in rows
        ]

    return handle


PEOPLE_COUNTS = {name: metric for name, metric in COUNTS.items() if metric is M.VISITORS}


async def _about(ask: PirschAsk, listing: Listing) -> Question:
    return (await Question.about(ask)).also(*searched(ask.given, listing.dimensions[0]))


def visits(listing: Listing) -> Handler:
    """Rows of group, visitors, views, sessions, bounces and their rates."""

    async def handle(ask: PirschAsk) -> Any:
        question = await _about(ask, listing)
        rows = await question.groups(listing.dimensions, listing.order(ask))
        visitors, views = await question.unfiltered().numbers(M.VISITORS, M.PAGEVIEWS)
        return [{**listing.key(key), **_rated(counts, visitors, views)} for key, counts in rows]

    return handle


def _rated(counts: Counts, visitors: float, views: float) -> Row:
    return {
        "visitors": counts.visitors,
        "views": counts.views,
        "sessions": counts.visits,
        "bounces": counts.bounces,
        "relative_visitors": share(counts.visitors, visitors),
        "relative_views": share(counts.views, views),
        "bounce_rate": counts.bounce_rate,
    }


async def referrer(ask: PirschAsk) -> Any:
    """`GET /statistics/referrer`: no views (2026-07; fixtures/pirsch/referrer.json)."""
    rows = await visits(REFERRER)(ask)
    kept = ("referrer", "referrer_name", "visitors", "sessions", "relative_visitors", "bounces", "bounce_rate")
    return [{"referrer_icon": ""} | {name: row[name] for name in kept} for row in rows]


async def page(ask: PirschAsk) -> Any:
    """`GET /statistics/page`; grouped by title too where `include_title` asks for it."""
    listing = TITLED if ask.given.is_on("include_title") else PAGE
    question = await _about(ask, listing)
    return await _pages(question, listing)


async def event_page(ask: PirschAsk) -> Any:
    """`GET /statistics/event/page`: the pages that events fired on; views are those of the same visitors' visits."""
    ask.given.required("event")
    question = (await Question.about(ask, event=False)).also(*event_filters(ask.given), *searched(ask.given, D.PAGE))
    fired = await question.page((M.VISITORS, M.VISITS), (D.PAGE,), PAGE.order(ask, PEOPLE_COUNTS))
    around = await Question.about(ask)
    seen = await around.table((M.PAGEVIEWS,), D.PAGE) if fired else {}
    begun = dict(await around.groups((D.PAGE,))) if fired else {}
    visitors, views = await question.unfiltered().numbers(M.VISITORS, M.PAGEVIEWS)
    rows = [
        (key, Counts(int(people), int(seen.get(key, (0,))[0]), int(count), _bounces(begun, key)))
        for key, (people, count) in fired
    ]
    return [
        {**PAGE.key(key), "title": "", **_rated(counts, visitors, views), "average_time_spent_seconds": 0}
        for key, counts in rows
    ]


def _bounces(begun: Mapping[Key, Counts], key: Key) -> int:
    return begun[key].bounces if key in begun else 0


async def _pages(question: Question, listing: Listing) -> list[Row]:
    ask = question.ask
    rows = await question.groups(listing.dimensions, listing.order(ask))
    visitors, views = await question.unfiltered().numbers(M.VISITORS, M.PAGEVIEWS)
    timed = ask.given.is_on("include_avg_time_on_page") and rows
    seconds = await question.table((M.TIME_ON_PAGE,), *listing.dimensions) if timed else {}
    return [
        {
            "title": "",
            **listing.key(key),
            **_rated(counts, visitors, views),
            "average_time_spent_seconds": round(seconds.get(key, (0.0,))[0]),
        }
        for key, counts in rows
    ]


async def entry(ask: PirschAsk) -> Any:
    """`GET /statistics/page/entry`: visitors and sessions are those of everybody who saw the page.

    (2026-04, contract 9; fixtures/pirsch/page_entry.json.)
    """
    timed = ask.given.is_on("include_avg_time_on_page")
    rows = await _landings(ask, ENTRY, "entries", "entry_rate")
    seconds = await _seconds(ask) if timed and rows else {}
    return [{**row, "average_time_spent_seconds": seconds.get(row["path"], 0)} for row in rows]


async def exit_pages(ask: PirschAsk) -> Any:
    """`GET /statistics/page/exit`."""
    return await _landings(ask, EXIT, "exits", "exit_rate")


async def _seconds(ask: PirschAsk) -> dict[str, int]:
    found = await (await Question.about(ask)).table((M.TIME_ON_PAGE,), D.PAGE)
    return {str(key[0]): round(row[0]) for key, row in found.items()}


async def _landings(ask: PirschAsk, listing: Listing, count: str, rate: str) -> list[Row]:
    question = await _about(ask, listing)
    columns = {count: M.VISITS, rate: M.VISITS}
    rows = await question.page((M.VISITS,), listing.dimensions, listing.order(ask, columns))
    seen = await (await Question.about(ask)).table((M.VISITORS, M.VISITS, M.PAGEVIEWS), D.PAGE) if rows else {}
    (whole,) = await question.unfiltered().numbers(M.VISITS)
    return [
        {
            **listing.key(key),
            "title": "",
            "visitors": int(seen.get(key, (0,))[0]),
            "sessions": int(seen.get(key, (0, 0))[1]),
            count: int(landed),
            rate: share(landed, whole),
        }
        for key, (landed,) in rows
    ]


async def platform(ask: PirschAsk) -> Any:
    """`GET /statistics/platform`: one object. Tablets are mobile; somebody with both counts once."""
    question = await Question.about(ask)
    (whole,) = await question.unfiltered().numbers(M.VISITORS)
    found: Row = {}
    for name, devices in PLATFORMS.items():
        (count,) = await question.also(Comparison(Operator.IS, str(D.DEVICE), devices)).numbers(M.VISITORS)
        found[f"platform_{name}"] = int(count)
        found[f"relative_platform_{name}"] = share(count, whole)
    return found
