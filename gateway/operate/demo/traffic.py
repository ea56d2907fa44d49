"""A month, or a year, of believable traffic as canonical events: seeded, streaming, in order of time.

    python -m gateway.operate.demo.traffic --days 30 --visits-per-day 400 --seed 7 --start 2026-05-18 > events.jsonl

Every event names its visitor and all attributes, so any backend stores the same thing. Shape: more visits on weekdays
and in the daytime, people who come back, articles that are read longer than landing pages, a few who sign up and buy.
"""

from __future__ import annotations

import argparse
import heapq
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Any, NamedTuple

HOSTNAME = "shop.example.com"
WEEKDAY_SHARE = (1.15, 1.2, 1.2, 1.15, 1.0, 0.65, 0.65)
HOUR_WEIGHTS = (2, 1, 1, 1, 1, 2, 4, 7, 10, 12, 13, 13, 12, 12, 12, 11, 10, 9, 9, 10, 10, 8, 5, 3)
RETURNING = 0.25
REMEMBERED = 5_000


class Choice:
    """A weighted choice, made ready once."""

    def __init__(self, options: dict[Any, float]) -> None:
        self.values = list(options)
        self.weights = list(accumulate(options.values()))

    def pick(self, random: Random) -> Any:
        return random.choices(self.values, cum_weights=self.weights)[0]


class Source(NamedTuple):
    source: str
    channel: str
    referrer: str
    utm: tuple[str, str, str] | None = None


class Device(NamedTuple):
    device: str
    browser: str
    browser_version: str
    os: str
    os_version: str


class Place(NamedTuple):
    country: str
    region: str
    city: str


SOURCES = Choice({
    Source("", "Direct", ""): 34, Source("Google", "Organic Search", "google.com"): 30,
    Source("Bing", "Organic Search", "bing.com"): 4, Source("DuckDuckGo", "Organic Search", "duckduckgo.com"): 4,
    Source("Twitter", "Organic Social", "t.co"): 6, Source("Facebook", "Organic Social", "facebook.com"): 5,
    Source("Hacker News", "Organic Social", "news.ycombinator.com"): 3,
    Source("github.com", "Referral", "github.com/example/shop"): 5,
    Source("newsletter", "Email", "", ("newsletter", "email", "june-issue")): 5,
    Source("Google", "Paid Search", "google.com", ("google", "cpc", "summer-sale")): 4,
})  # fmt: skip
DEVICES = Choice({
    Device("Desktop", "Chrome", "138.0", "Windows", "11"): 24,
    Device("Desktop", "Firefox", "140.0", "Windows", "11"): 7, Device("Desktop", "Chrome", "138.0", "Mac", "15.5"): 10,
    Device("Desktop", "Safari", "18.5", "Mac", "15.5"): 9,
    Device("Desktop", "Firefox", "140.0", "GNU/Linux", ""): 4, Device("Mobile", "Safari", "18.5", "iOS", "18.5"): 22,
    Device("Mobile", "Chrome", "138.0", "Android", "16"): 20, Device("Tablet", "Safari", "18.4", "iPadOS", "18.4"): 4,
})  # fmt: skip
PLACES = Choice({
    Place("US", "US-CA", "5391959"): 24, Place("GB", "GB-LND", "2643743"): 12, Place("DE", "DE-BE", "2950159"): 14,
    Place("FR", "FR-IDF", "2988507"): 8, Place("IN", "IN-KA", "1277333"): 8, Place("CA", "CA-ON", "6167865"): 6,
    Place("NL", "NL-NH", "2759794"): 5, Place("EE", "EE-37", "588409"): 2, Place("BR", "", ""): 4, Place("", "", ""): 2,
})  # fmt: skip
ENTRIES = Choice(
    {"/": 45, "/blog/faster-pages": 14, "/pricing": 9, "/blog/privacy-first": 12, "/docs": 12, "/about": 3}
)
ONWARD = Choice(
    {"/": 12, "/pricing": 22, "/docs": 16, "/docs/install": 14, "/blog/faster-pages": 8, "/about": 5, "/signup": 9}
)
READING_SECONDS = {"/": 25, "/pricing": 45, "/docs": 70, "/docs/install": 110, "/about": 20, "/signup": 40}
ARTICLE_SECONDS = 130
PLANS = Choice({("starter", "9.00"): 60, ("pro", "29.00"): 32, ("team", "99.00"): 8})


@dataclass(frozen=True)
class Visitor:
    name: str
    device: Device
    place: Place


def generate(days: int, visits_per_day: int, seed: int, start: date) -> Iterator[dict[str, Any]]:
    """Canonical events of `days` days from `start` (UTC), in order of time. The same arguments give the same events."""
    random = Random(seed)  # noqa: S311 - the same seed must give the same traffic; nothing here is secret
    known: list[Visitor] = []
    waiting: list[tuple[str, int, dict[str, Any]]] = []
    number = 0
    for day in range(days):
        midnight = datetime.combine(start + timedelta(days=day), datetime.min.time(), UTC)
        count = round(visits_per_day * WEEKDAY_SHARE[midnight.weekday()] * random.uniform(0.9, 1.1))
        for begin in sorted(_moment(random, midnight) for _ in range(count)):
            edge = begin.isoformat()
            while waiting and waiting[0][0] < edge:
                yield _written(heapq.heappop(waiting)[2])
            for event in _visit(random, _visitor(random, known, len(known) + number, seed), begin):
                number += 1
                heapq.heappush(waiting, (event["time"].isoformat(), number, event))
    while waiting:
        yield _written(heapq.heappop(waiting)[2])


def _written(event: dict[str, Any]) -> dict[str, Any]:
    return event | {"time": event["time"].strftime("%Y-%m-%dT%H:%M:%SZ")}


def _moment(random: Random, midnight: datetime) -> datetime:
    hour = random.choices(range(24), HOUR_WEIGHTS)[0]
    return midnight + timedelta(hours=hour, seconds=random.randrange(3600))


def _visitor(random: Random, known: list[Visitor], number: int, seed: int) -> Visitor:
    if known and random.random() < RETURNING:
        return random.choice(known)
    visitor = Visitor(f"v{seed}-{number}", DEVICES.pick(random), PLACES.pick(random))
    if len(known) < REMEMBERED:
        known.append(visitor)
    else:
        known[random.randrange(REMEMBERED)] = visitor
    return visitor


def _visit(random: Random, visitor: Visitor, begin: datetime) -> Iterator[dict[str, Any]]:
    source: Source = SOURCES.pick(random)
    shared = _shared(visitor, source)
    time, path = begin, ENTRIES.pick(random)
    pages = 1 + (random.random() < 0.55) * min(9, int(random.expovariate(0.6)) + 1)
    for _ in range(pages):
        yield {"name": "pageview", "time": time, "path": path, **shared}
        seconds = max(2, round(random.expovariate(1 / READING_SECONDS.get(path, ARTICLE_SECONDS))))
        time += timedelta(seconds=min(seconds, 1500))
        depth = min(100, round(random.triangular(5, 100, 70)))
        yield {
            "name": "engagement", "time": time, "path": path, "engagement_ms": min(seconds, 1500) * 1000,
            "scroll_depth": depth, **shared,
        }  # fmt: skip
        yield from _actions(random, path, time, shared)
        path = ONWARD.pick(random)


def _actions(random: Random, path: str, time: datetime, shared: dict[str, Any]) -> Iterator[dict[str, Any]]:
    chance = random.random()
    base = {"time": time, "path": path, **shared}
    if path == "/signup" and chance < 0.5:
        plan, price = PLANS.pick(random)
        yield {"name": "Signup", **base, "props": {"plan": plan}}
        if chance < 0.22:
            yield {"name": "Purchase", **base, "props": {"plan": plan, "yearly": chance < 0.08},
                   "revenue": {"amount": price, "currency": "EUR"}}  # fmt: skip
    elif path == "/docs/install" and chance < 0.3:
        yield {"name": "File Download", **base, "props": {"url": "https://shop.example.com/files/setup.zip"}}
    elif path.startswith("/blog/") and chance < 0.12:
        yield {"name": "Outbound Link: Click", **base, "props": {"url": "https://example.org/study"}}
    elif path == "/" and chance < 0.1:
        yield {"name": "Video played", **base, "interactive": False}


def _shared(visitor: Visitor, source: Source) -> dict[str, Any]:
    utm = dict(zip(("utm_source", "utm_medium", "utm_campaign"), source.utm, strict=True)) if source.utm else {}
    found = {
        "visitor": visitor.name, "hostname": HOSTNAME, "source": source.source, "channel": source.channel,
        "referrer": source.referrer, **utm, **visitor.device._asdict(), **visitor.place._asdict(),
    }  # fmt: skip
    return {key: value for key, value in found.items() if value}


def main() -> None:
    parser = argparse.ArgumentParser(description="Write believable canonical events, one a line.")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--visits-per-day", type=int, default=400)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--start", type=date.fromisoformat, required=True)
    args = parser.parse_args()
    for event in generate(args.days, args.visits_per_day, args.seed, args.start):
        sys.stdout.write(json.dumps(event) + "\n")


if __name__ == "__main__":
    main()
