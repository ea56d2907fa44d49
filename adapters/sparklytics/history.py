"""The export of a website as CSV, for moving away (source of 2026-04-12, contract 4.2).

It holds no visitor, session, region, city or property, so visitors and visits cannot be rebuilt from it.
"""

import csv
import io
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import date, timedelta
from types import MappingProxyType

from adapters.sparklytics.client import SparklyticsClient, below
from adapters.sparklytics.translate import date_params
from adapters.sparklytics.wire import BACKEND, Website, undefused
from adapters.translate import moment
from models.errors import NotFound, Unintelligible
from models.site import Site

SPAN = timedelta(days=90)
"""The most that one call exports (source of 2026-04-12, contract 4.2)."""
DAY = timedelta(days=1)


class History:
    """ExportsHistory."""

    client: SparklyticsClient
    export_formats: Mapping[str, str] = MappingProxyType({"csv": "text/csv"})

    async def export(
        self, site: Site, format: str, first: date | None = None, last: date | None = None
    ) -> AsyncIterator[bytes]:
        """Events of the period, 90 days a call; by default from the website's creation until today.

        Cells lose the quote that defuses spreadsheet formulas: this file is for programs. Raises NotFound for a format.
        """
        if format not in self.export_formats:
            raise NotFound(f"no such format: {format[:40]!r}", backend=BACKEND)
        last = last or self.client.context.now().date()
        start = first or await self._created(site) or last
        header = True
        for begin, end in spans(start, last):
            params = (("format", "csv"), *date_params(begin, end))
            reply = await self.client.send("GET", below(site, "export"), params)
            if not reply.headers.get("content-type", "").startswith("text/csv"):
                raise Unintelligible("The export is no CSV", backend=BACKEND)
            yield rewritten(reply.body, header=header)
            header = False

    async def _created(self, site: Site) -> date | None:
        found = moment((await self.client.call("GET", below(site), Website)).data.created_at)
        return found.date() if found else None


def spans(first: date, last: date) -> Iterator[tuple[date, date]]:
    """The period in pieces of at most 90 days."""
    while first <= last:
        end = min(first + SPAN - DAY, last)
        yield first, end
        first = end + DAY


def rewritten(body: bytes, *, header: bool) -> bytes:
    """The CSV with its cells as they were stored, with or without the line of names."""
    try:
        rows = csv.reader(io.StringIO(body.decode(), newline=""))
        out = io.StringIO(newline="")
        writer = csv.writer(out)
        for number, row in enumerate(rows):
            if number or header:
                writer.writerow([undefused(cell) for cell in row])
    except (UnicodeDecodeError, csv.Error) as error:
        raise Unintelligible("The export cannot be read", backend=BACKEND) from error
    return out.getvalue().encode()
