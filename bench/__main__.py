"""`python -m bench` runs every benchmark, `python -m bench NAME...` those, each with the options that follow."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from itertools import takewhile
from types import MappingProxyType

NAMES: Mapping[str, str] = MappingProxyType(
    {
        "accept": "events accepted over a socket",
        "cache": "CPU of kept answers",
        "miss": "CPU of a call to a backend",
        "pools": "our connections to a backend over the library's",
        "imports": "events of a file, until they are queryable",
        "footprint": "memory and disk of an import, a minute after it, and of the next start",
        "ingest": "parts of taking events in, without a server",
        "enrich": "steps of enrichment",
        "queries": "queries on ten million events",
        "start": "start, idle memory, how soon an event is queryable",
    }
)


def _main_of(name: str) -> Callable[[], None]:
    main: Callable[[], None] = import_module(f"bench.{name}").main
    return main


def main() -> None:
    given = sys.argv[1:]
    named = list(takewhile(lambda word: not word.startswith("-"), given))
    if unknown := [name for name in named if name not in NAMES]:
        listed = "\n".join(f"  {name:<10}{what}" for name, what in NAMES.items())
        raise SystemExit(f"no benchmark {unknown[0]!r}; there are\n{listed}")
    for name in named or NAMES:
        sys.argv = [f"bench {name}", *given[len(named) :]]
        _main_of(name)()


if __name__ == "__main__":
    main()
