"""A store of ten million events on 20 sites over a year, made inside the engine and kept between runs.

python -m bench.store [--visits 4600000]

Visits are drawn by hashes of their number, so every run makes the same rows: the largest site has 28 % of them, a visit
2.2 events, pages follow a power law, attributes skewed lists. Stored visits are those that the events make up.
Events are numbered without gaps, as a journal numbers them: a start reads back as much as in a real store.
"""

import argparse
import asyncio
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

from adapters.local.store.event_store import EventStore
from adapters.local.store.schema import EVENTS, SESSIONS, VISIT_ATTRIBUTES

SITE = "site_1"
"""The largest."""
FIRST, LAST = date(2025, 11, 1), date(2026, 10, 31)
NOW = datetime(2026, 10, 31, 12, 0, tzinfo=UTC)
VISITS = 4_600_000
PART = 200_000
STEP = 47
"""Seconds between two events of a visit."""


def folder_of(visits: int) -> Path:
    return Path(tempfile.gettempdir()) / f"tallyway-bench-dense-{visits}"


def dsn_of(visits: int) -> str:
    return f"chdb://{folder_of(visits)}"


def _drawn(salt: int, among: int) -> str:
    return f"(cityHash64(v, {salt}) % {among})"


def _skewed(salt: int, values: list[str]) -> str:
    """The first value for half of the visits, the second for a quarter, and so on."""
    listed = ", ".join(f"'{value}'" for value in values)
    halvings = f"toUInt64(floor(-log2(({_drawn(salt, 65536)} + 1) / 65537)))"
    return f"[{listed}][least(toUInt64({len(values)}), 1 + {halvings})]"


ATTRIBUTES = {
    "source": _skewed(1, ["", "Google", "Facebook", "Bing", "Twitter", "Hacker News", "newsletter", "Reddit"]),
    "channel": "multiIf(source = '', 'Direct', source IN ('Google', 'Bing'), 'Organic Search', 'Organic Social')",
    "referrer": "if(source = '', '', concat(lower(source), '.com'))",
    "country": _skewed(2, ["DE", "US", "FR", "GB", "ES", "IT", "PL", "NL", "AT", "CH", "SE", "BR"]),
    "device": _skewed(3, ["Desktop", "Mobile", "Tablet"]),
    "browser": _skewed(4, ["Chrome", "Safari", "Firefox", "Microsoft Edge", "Opera"]),
    "browser_version": f"toString(130 + {_drawn(5, 12)})",
    "os": _skewed(6, ["Windows", "iOS", "Android", "Mac", "GNU/Linux"]),
    "os_version": f"toString(10 + {_drawn(7, 6)})",
    "language": _skewed(8, ["de", "en", "fr", "es"]),
}
SHARES = [280, 420, 510, 580, 635, 680, 718, 751, 780, 806, 830, 852, 873, 893, 912, 930, 947, 963, 979, 1001]
"""Visits of each site and those before it, in thousandths."""
VISIT = f"""
  SELECT v, concat('site_', toString(arrayFirstIndex(x -> x > {_drawn(10, 1000)}, {SHARES}))) AS site,
    toDateTime('{FIRST} 00:00:00', 'UTC') + {_drawn(11, 364 * 86400 + 80000)} AS start,
    cityHash64(site, {_drawn(12, 3_200_000)}, 13) AS visitor,
    [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4, 5, 9][1 + {_drawn(14, 20)}] AS count,
    {{before:UInt64}} + 1 + sum(count) OVER (ORDER BY v) - count AS session,
    arrayMap(k -> if(k > 0 AND cityHash64(v, k, 15) % 10 = 0, 'signup', 'pageview'), range(count)) AS names,
    arrayMap(k -> concat('/blog/post-', toString(least(2000,
      toUInt32(pow((cityHash64(v, k, 16) % 1000003 + 1) / 1000004, -0.9))))), range(count)) AS paths,
    concat(site, '.example') AS host, {", ".join(f"{e} AS {n}" for n, e in ATTRIBUTES.items())}
  FROM (SELECT number AS v FROM numbers({{first:UInt64}}, {{count:UInt64}}))
"""  # noqa: S608 - constants of this module
EVENT = {
    "time": f"start + k * {STEP}", "seq": "session + k", "name": "names[k + 1]", "hostname": "host",
    "path": "paths[k + 1]", "title": "''", "revenue": "NULL", "currency": "''", "interactive": "1",
    "props": "if(name = 'signup', map('plan', ['free', 'pro', 'team'][1 + session % 3]), map())",
    "engagement_ms": "0", "scroll_depth": "255",
}  # fmt: skip
SESSION = {
    "sign": "1", "time": f"start + (count - 1) * {STEP}", "is_bounce": "count = 1", "duration": f"(count - 1) * {STEP}",
    "pageviews": "countEqual(names, 'pageview')", "events": "count", "entry_page": "paths[1]",
    "exit_page": "arrayLast((p, n) -> n = 'pageview', paths, names)", "entry_hostname": "host", "exit_hostname": "host",
}  # fmt: skip


def _insert(table: str, columns: dict[str, str], more: str) -> str:
    known = {**dict.fromkeys(VISIT_ATTRIBUTES, "''"), **{n: n for n in ATTRIBUTES}, **columns}
    order = EVENTS if table == "events" else SESSIONS
    shown = ", ".join(f"{known.get(name, name)} AS {name}" for name in order)
    return f"INSERT INTO {table} SELECT {shown} FROM ({VISIT}) {more}"  # noqa: S608 - constants of this module


async def opened(visits: int) -> EventStore:
    """The store, made when it is not there; a year of it takes a few minutes."""
    ready = folder_of(visits) / "complete"
    store = await EventStore.open(dsn_of(visits))
    if ready.exists():
        return store
    for first in range(0, visits, PART):
        before = (await store.query("SELECT max(seq) FROM events"))[0][0]
        given = {"first": first, "count": min(PART, visits - first), "before": before}
        await store.command(_insert("events", EVENT, "ARRAY JOIN range(count) AS k"), given)
        await store.command(_insert("sessions", SESSION, ""), given)
        print(f"\r  {first + given['count']:,} of {visits:,} visits", end="", flush=True)
    for table in ("events", "sessions"):
        await store.command(f"OPTIMIZE TABLE {table} FINAL")
    ready.touch()
    print()
    return store


async def _made(visits: int) -> None:
    store = await opened(visits)
    print((await store.query("SELECT count(), countIf(site = 'site_1') FROM events"))[0])
    await store.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=VISITS)
    asyncio.run(_made(parser.parse_args().visits))
