"""Microseconds per call of every enrichment step, cold (each input new) and warm (inputs repeat, as in traffic).

python bench/enrich.py [--calls 20000]
"""

import argparse
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from time import perf_counter
from typing import Any

from adapters.local.enrich import warm
from adapters.local.enrich.agent import parse_agent
from adapters.local.enrich.bots import bot_reason
from adapters.local.enrich.channel import channel
from adapters.local.enrich.geo import Geo
from adapters.local.enrich.page import read_page
from adapters.local.enrich.place import language
from adapters.local.enrich.referrer import is_spam, read_source
from adapters.local.enrich.visitor import Salts, visitor_ids

REPEATED = 500


def agents(count: int, draw: random.Random) -> list[str]:
    return [
        f"Mozilla/5.0 (Linux; Android 14; SM-{draw.randrange(10**6)}) AppleWebKit/537.36 (KHTML, like Gecko) "
        f"Chrome/{draw.randrange(90, 150)}.0.0.0 Mobile Safari/537.36"
        for _ in range(count)
    ]


def measure(name: str, step: Callable[..., object], inputs: Sequence[tuple[Any, ...]], calls: int) -> None:
    started = perf_counter()
    for values in inputs:
        step(*values)
    cold = (perf_counter() - started) / len(inputs)
    few = inputs[:REPEATED]
    for values in few:
        step(*values)
    started = perf_counter()
    for position in range(calls):
        step(*few[position % len(few)])
    print(f"{name:14} {cold * 1e6:8.2f} us cold {(perf_counter() - started) / calls * 1e6:8.2f} us warm")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000)
    calls = parser.parse_args().calls
    draw = random.Random(1)
    started = perf_counter()
    warm()
    print(f"warm() {(perf_counter() - started) * 1e3:.0f} ms")
    count = min(calls, 5_000)
    strings = agents(count, draw)
    ips = [".".join(str(draw.randrange(1, 224)) for _ in range(4)) for _ in range(count)]
    referrers = [f"https://site{draw.randrange(10**6)}.test/page" for _ in range(count)]
    urls = [f"https://www.example.com/p/{draw.randrange(10**6)}?utm_source=fb&utm_medium=cpc" for _ in range(count)]
    salts = Salts().at(datetime.now(UTC))
    with Geo.open() as geo:
        measure("parse_agent", parse_agent, [(agent,) for agent in strings], calls)
        measure("bot_reason", bot_reason, [(agent,) for agent in strings], calls)
        measure("read_page", read_page, [(url,) for url in urls], calls)
        measure("read_source", read_source, [({}, referrer, "example.com") for referrer in referrers], calls)
        measure("is_spam", is_spam, [(referrer,) for referrer in referrers], calls)
        measure("channel", channel, [(f"site{number}.test", "cpc", "x") for number in range(count)], calls)
        measure("locate", geo.locate, [(ip,) for ip in ips], calls)
        measure("language", language, [(f"de-DE,de;q=0.{number % 10},en;q=0.8",) for number in range(count)], calls)
        people = list(zip(strings, ips, strict=True))
        inputs = [(agent, ip, "example.com", "example.com") for agent, ip in people]
        measure("visitor_ids", partial(visitor_ids, salts.current, salts.previous), inputs, calls)


if __name__ == "__main__":
    main()
