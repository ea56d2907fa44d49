"""What is exported makes the same numbers where it is imported, whatever was recorded."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from adapters.local.adapter import LocalAdapter
from models.errors import InvalidRequest
from models.event import Event, Received
from models.goal import GoalDraft
from models.job import JobStatus
from models.query import read_query
from models.result import Row
from models.site import Site
from tests.unit_adapters.local.wiring import CHROME, NOW, started

ZONE = "America/New_York"
HERE = Site(id="site_here", domain="example.com", timezone=ZONE)
THERE = Site(id="site_there", domain="example.com", timezone=ZONE)
SEEDS = range(6)
DAYS = ["2026-11-01", "2026-11-20"]
GOALS = (
    GoalDraft(event_name="Signup"),
    GoalDraft(event_name="Purchase", currency="EUR"),
    GoalDraft(page_path="/docs*"),
    GoalDraft(page_path="/", scroll_threshold=50),
)
VISIT = ["visitors", "visits", "bounce_rate", "visit_duration", "views_per_visit"]
QUERIES: list[dict[str, Any]] = [
    {"metrics": ["visitors", "visits", "pageviews", "events", "bounce_rate", "visit_duration", "views_per_visit"]},
    {"metrics": ["visitors", "visits", "pageviews", "bounce_rate"], "dimensions": ["time:day"]},
    {"metrics": ["visitors", "visits"], "dimensions": ["time:hour"]},
    {"metrics": ["visitors", "pageviews", "time_on_page", "scroll_depth", "bounce_rate"], "dimensions": ["page"]},
    {"metrics": ["visitors", "conversions", "conversion_rate", "total_revenue"], "dimensions": ["goal"]},
    {"metrics": ["visitors", "events"], "dimensions": ["prop:plan"]},
    {"metrics": ["visitors", "events"], "dimensions": ["event"]},
    *({"metrics": VISIT, "dimensions": [name]} for name in (
        "source", "channel", "referrer", "utm_source", "utm_campaign", "country", "region", "city", "device", "browser",
        "browser_version", "os", "os_version", "language", "entry_page", "exit_page", "entry_hostname", "exit_hostname",
    )),
]  # fmt: skip


class Clock:
    """The time at which events arrive."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def adapter(tmp_path: Path, clock: Clock) -> AsyncIterator[LocalAdapter]:
    async with started(tmp_path, now=clock) as made:
        for site in (HERE, THERE):
            for draft in GOALS:
                await made.create_goal(site, draft)
        yield made


async def answers(
    adapter: LocalAdapter, site: Site, queries: list[dict[str, Any]]
) -> list[tuple[str, tuple[Row, ...]]]:
    found = []
    for asked in queries:
        query = read_query({"date_range": DAYS, **asked}, sites_in_body=False)
        answer = await adapter.read(site, query.resolved(zone=ZONE, now=NOW))
        assert answer.rows, asked
        found.append((json.dumps(asked), tuple(sorted(answer.rows, key=repr))))
    return found


async def exported(adapter: LocalAdapter, site: Site, format: str, *days: date) -> bytes:
    return b"".join([piece async for piece in adapter.export(site, format, *days)])


async def moved(adapter: LocalAdapter, tmp_path: Path, format: str) -> bytes:
    content = await exported(adapter, HERE, format)
    path = tmp_path / "moved"
    path.write_bytes(content)
    job = await adapter.start_import(THERE, format, path)
    done = await adapter.get_import(THERE, job.id, wait=True)
    assert (done.status, done.problems) == (JobStatus.COMPLETED, ())
    return content


def drawn(random: Random, time: datetime, *, named: bool) -> Event:
    """An event of any kind, with and without each field."""

    def maybe(*values: Any) -> Any:
        return random.choice((None, *values))

    name = random.choices(("pageview", "engagement", "Signup", "Purchase"), (6, 4, 2, 1))[0]
    page = random.choice(("/", "/docs", "/docs/a,b", '/é"quoted"'))
    fields: dict[str, Any] = {"url": f"https://www.example.com{page}?utm_source={random.choice(('x', ''))}"}
    if named:
        fields = {
            "visitor": f"v{random.randrange(6)}", "path": page, "hostname": maybe("example.com", "shop.example.com"),
            "source": maybe("Google", "Brevo"), "channel": maybe("", "Email"), "utm_campaign": maybe("a", "b"),
            "referrer": maybe("google.com", "web.archive.org/web/1/https://example.org", "https://t.co/x"),
            "country": maybe("EE", "de"), "region": maybe("EE-37"), "city": maybe("588409", "0", "Tallinn"),
            "device": maybe("Mobile"), "browser": maybe("Firefox"), "browser_version": maybe("145"), "os": maybe("iOS"),
            "os_version": maybe("26"), "language": maybe("et"), "title": maybe("Home", 'a "b"'),
        }  # fmt: skip
    return Event(
        name=name, time=time, props=random.choice(({}, {"plan": "pro", "n": 3}, {"plan": "free"})),
        revenue={"amount": random.randrange(10**6) / 1000, "currency": "EUR"} if name == "Purchase" else None,
        interactive=random.random() < 0.8,
        engagement_ms=random.randrange(60_000) if name == "engagement" else None,
        scroll_depth=maybe(10, 60, 100) if name == "engagement" else None,
        **fields,
    )  # fmt: skip


async def record_days(adapter: LocalAdapter, clock: Clock, random: Random, *, named: bool) -> None:
    """Three days of events that arrive as they happen, or a little late, around the clock."""
    at = datetime.fromisoformat("2026-11-17T03:00:00+00:00")
    for _ in range(400):
        at += timedelta(seconds=random.choice((5, 60, 600, 1200, 1860)))
        clock.now = at
        browser = Received(ip=f"192.0.2.{random.randrange(3)}", user_agent=CHROME)
        late = timedelta(seconds=random.choice((0, 0, 0, 400)))
        await adapter.collect(HERE, [drawn(random, at - late, named=named)], None if named else browser)
    clock.now = NOW


@pytest.mark.parametrize("named", [True, False], ids=["named visitors", "daily visitors"])
@pytest.mark.parametrize("seed", SEEDS)
async def test_property_exported_events_make_equal_numbers_elsewhere(
    adapter: LocalAdapter, clock: Clock, tmp_path: Path, seed: int, named: bool
) -> None:
    await record_days(adapter, clock, Random(seed), named=named)
    await moved(adapter, tmp_path, "ndjson")
    assert await answers(adapter, THERE, QUERIES) == await answers(adapter, HERE, QUERIES)


async def test_tags_of_any_length_that_is_counted_come_back(adapter: LocalAdapter, tmp_path: Path) -> None:
    url = "https://example.com/?" + "&".join(
        f"utm_{name}={letter * 900}" for name, letter in (("source", "s"), ("term", "t"))
    )
    await adapter.collect(HERE, [Event(name="pageview", time=NOW, visitor="v", url=url)])
    await moved(adapter, tmp_path, "ndjson")
    asked = [{"metrics": ["visitors"], "dimensions": ["source", "utm_source", "utm_term"]}]
    assert await answers(adapter, THERE, asked) == await answers(adapter, HERE, asked)


async def test_an_archive_makes_equal_daily_numbers_elsewhere(
    adapter: LocalAdapter, clock: Clock, tmp_path: Path
) -> None:
    """Visits of one day that begin with a page view. Archives know no channels, and drop rows without a page view."""
    random, noon = Random(1), datetime.fromisoformat("2026-11-10T17:00:00+00:00")
    events = []
    for number in range(120):
        start = noon + timedelta(days=random.randrange(8), minutes=random.randrange(200))
        for step in range(random.randrange(1, 5)):
            event = drawn(random, start + timedelta(minutes=7 * step), named=True)
            plain = {"visitor": f"v{number}", "hostname": "example.com", "channel": None}
            seen = {} if step else {"name": "pageview", "revenue": None}
            events.append(event.model_copy(update=plain | seen))
    await adapter.collect(HERE, events)
    content = await moved(adapter, tmp_path, "plausible")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert len(archive.namelist()) == 11
    imports = {"include": {"imports": True}}
    metrics = ["visitors", "visits", "pageviews", "bounce_rate", "visit_duration"]
    visits = ["visitors", "visits", "bounce_rate", "visit_duration"]
    asked: list[dict[str, Any]] = [{"metrics": metrics, "dimensions": ["time:day"]}]
    asked += [
        {"metrics": visits, "dimensions": ["time:day", name]}
        for name in ("source", "channel", "device", "browser", "os", "entry_page", "exit_page")
    ]
    asked += [
        {"metrics": ["visitors"], "dimensions": ["time:day", "page"]},
        {"metrics": ["pageviews"], "dimensions": ["time:day", "page"]},
        {"metrics": ["scroll_depth"], "dimensions": ["time:day", "page"]},
        {"metrics": ["visitors", "events"], "dimensions": ["time:day", "goal"],
         "filters": [["is", "goal", ["Signup", "Purchase"]]]},
    ]  # fmt: skip
    there = await answers(adapter, THERE, [query | imports for query in asked])
    here = await answers(adapter, HERE, [query | imports for query in asked])
    for one, other in zip(there, here, strict=True):
        assert one == (other[0], tuple(row for row in other[1] if row[-1] or 'pageviews"]' not in other[0]))


async def test_only_the_asked_days_are_exported_in_the_zone_of_the_site(adapter: LocalAdapter) -> None:
    """New York is five hours behind UTC in November."""
    times = ("2026-11-10T04:59:59Z", "2026-11-10T05:00:00Z", "2026-11-11T04:59:59Z", "2026-11-11T05:00:00Z")
    await adapter.collect(
        HERE, [Event(name="pageview", time=datetime.fromisoformat(t), visitor="a", path=f"/{t}") for t in times]
    )
    content = await exported(adapter, HERE, "ndjson", date(2026, 11, 10), date(2026, 11, 10))
    assert [json.loads(line)["time"] for line in content.splitlines()] == list(times[1:3])


async def test_a_parquet_file_holds_the_events(adapter: LocalAdapter, tmp_path: Path) -> None:
    await adapter.collect(HERE, [Event(name="pageview", time=NOW, visitor=str(n), path=f"/{n}") for n in range(3)])
    path = tmp_path / "events.parquet"
    path.write_bytes(await exported(adapter, HERE, "parquet"))
    sql = "SELECT path, time FROM file({file:String}, 'Parquet') ORDER BY seq"
    rows = await adapter.engine.store.query(sql, {"file": str(path)})
    assert [row[0] for row in rows] == ["/0", "/1", "/2"]
    assert {row[1] for row in rows} == {NOW}


async def test_an_empty_site_exports_empty_files(adapter: LocalAdapter) -> None:
    assert await exported(adapter, HERE, "ndjson") == b""
    with zipfile.ZipFile(io.BytesIO(await exported(adapter, HERE, "plausible"))) as archive:
        name = next(n for n in archive.namelist() if n.startswith("imported_visitors_"))
        header = archive.read(name).decode()
    assert header.replace('"', "").strip() == "date,visitors,pageviews,bounces,visits,visit_duration"


async def test_an_unknown_format_is_refused(adapter: LocalAdapter) -> None:
    with pytest.raises(InvalidRequest, match="format"):
        await exported(adapter, HERE, "xlsx")
