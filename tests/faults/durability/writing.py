"""A process that records events at full rate and says, by number, which were acknowledged.

    python writing.py <folder> <prefix> [check]

Each line on stdout is the number of an acknowledged event; its `title` is `<prefix>-<number>`. With `check` it writes
nothing: it starts, flushes, and prints one JSON line of what the store holds.
"""

import asyncio
import itertools
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from models.event import Event
from tests.unit_adapters.local.wiring import SITE, local_adapter

WRITERS = 40


async def write(folder: Path, prefix: str) -> None:
    adapter = local_adapter(folder, now=lambda: datetime.now(UTC))
    await adapter.start()
    print("started", flush=True)
    numbers = itertools.count()

    async def one() -> None:
        for number in numbers:
            event = Event(
                name="pageview", time=datetime.now(UTC), visitor=f"{prefix}{number // 3}", path=f"/{number % 50}",
                hostname="example.com", title=f"{prefix}-{number}",
            )  # fmt: skip
            (drop,) = await adapter.collect(SITE, [event])
            assert drop is None
            print(number, flush=True)

    await asyncio.gather(*[one() for _ in range(WRITERS)])


async def check(folder: Path) -> None:
    adapter = local_adapter(folder, now=lambda: datetime.now(UTC))
    await adapter.start()
    await adapter.flush()
    query = adapter.engine.store.query
    titles = await query("SELECT title, count() FROM events GROUP BY title")
    ((events, numbers, visits, by_events),) = await query(
        "SELECT (SELECT count() FROM events), (SELECT uniqExact(seq) FROM events),"
        " (SELECT sum(sign) FROM sessions), (SELECT sum(sign * events) FROM sessions)"
    )
    ((opened,),) = await query("SELECT uniqExact(session) FROM events")
    told = {
        "titles": dict(titles), "events": events, "numbers": numbers, "visits": visits, "by_visits": by_events,
        "opened": opened,
    }  # fmt: skip
    await adapter.close()
    print(json.dumps(told))


if __name__ == "__main__":
    place, given = Path(sys.argv[1]), sys.argv[2]
    asyncio.run(check(place) if sys.argv[3:] == ["check"] else write(place, given))
