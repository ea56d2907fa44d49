"""The calls to the statistics endpoints about one website, counted."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from adapters.umami.client import UmamiClient
from adapters.umami.filters import Params
from adapters.umami.translate import Counts, counts_of, date_params
from adapters.umami.wire import BACKEND, Active, Expanded, Series, Stats, Website, number
from models.errors import MissingAtBackend
from models.result import Reason
from models.site import Site

Body = TypeVar("Body")
PAGE, MOST_PAGES = 500, 20


class StatsCalls:
    """Reads of one site under one set of filters; `count` and `reasons` grow along the way."""

    def __init__(self, client: UmamiClient, site: Site, filters: Params) -> None:
        self._client, self._site, self._filters = client, site, filters
        self.count = 0
        self.reasons: dict[Reason, None] = {}

    async def _get(self, path: str, shape: type[Body], params: Params) -> Body:
        self.count += 1
        return await self._client.call(
            "GET", self._client.below(self._site, *path.split("/") if path else ()), shape, params
        )

    async def stats(self, first: datetime, last: datetime, more: Params = ()) -> Counts:
        """Of page views alone. The comparison that comes with it is always computed and not used.

        (3.1.0, 2026-05; fixtures/umami/stats.json.)
        """
        return counts_of(await self._get("stats", Stats, (*date_params(first, last), *self._filters, *more)))

    async def series(self, first: datetime, last: datetime, how: Params) -> Series:
        return await self._get("pageviews", Series, (*date_params(first, last), *how, *self._filters))

    async def expanded(self, first: datetime, last: datetime, more: Params) -> list[Expanded]:
        """Every row of a breakdown, 500 a page, at most 20 pages."""
        rows: list[Expanded] = []
        for number_of_page in range(MOST_PAGES):
            window = (("limit", str(PAGE)), ("offset", str(number_of_page * PAGE)))
            params = (*date_params(first, last), *more, *window, *self._filters)
            page = await self._get("metrics/expanded", list[Expanded], params)
            rows += page
            if len(page) < PAGE:
                return rows
        self.reasons[Reason("truncated_values", f"only the first {len(rows)} values were read")] = None
        return rows

    async def events(self, first: datetime, last: datetime, more: Params = ()) -> Counts:
        """Custom events, counted as `pageviews`. Visitors are only right where `more` asks for one name."""
        rows = await self.expanded(first, last, (("type", "event"), *more))
        return _sum([counts_of(row) for row in rows])

    async def active(self) -> int:
        return number((await self._get("active", Active, ())).visitors)

    async def exists(self) -> None:
        """Raise MissingAtBackend when there is no such website.

        An unknown id is answered with zeros rather than 404 (3.1.0, 2026-05; fixtures/umami/stats_of_nobody.json), so
        nothing but an empty answer is doubted.
        """
        if await self._get("", Website | None, ()) is None:  # type: ignore[arg-type] # a union is a msgspec type
            raise MissingAtBackend(backend=BACKEND)


def _sum(parts: Sequence[Counts]) -> Counts:
    whole = Counts()
    for part in parts:
        whole = whole + part
    return whole
