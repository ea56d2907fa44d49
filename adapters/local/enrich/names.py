"""Names of places by their codes: countries, ISO 3166-2 regions, GeoNames cities; and codes by name.

Loaded by the first question (the cities take 150 ms and 25 MB), not by ingest. A code without a known name is its own
name.
"""

import gzip
import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from adapters.local.enrich.geo import country_names

DATA = Path(__file__).parent / "data"


@cache
def region_names() -> Mapping[str, str]:
    """ISO 3166-2 code to local name (`EE-37` -> `Harjumaa`)."""
    names: dict[str, str] = json.loads((DATA / "regions.json").read_text(encoding="utf-8"))
    return MappingProxyType(names)


@cache
def city_names() -> Mapping[str, str]:
    """GeoNames id to name, for places of a thousand people and more."""
    with gzip.open(DATA / "cities.tsv.gz", "rt", encoding="utf-8") as lines:
        return MappingProxyType(dict(line.rstrip("\n").split("\t", 1) for line in lines))


NAMES: Mapping[str, Callable[[], Mapping[str, str]]] = MappingProxyType(
    {"country": country_names, "region": region_names, "city": city_names}
)
"""Kind of place to its table of names."""


def name_of(kind: str, code: str) -> str:
    """The name of a place; the code itself where no name is known."""
    return NAMES[kind]().get(code, code)


@cache
def _by_name(kind: str) -> Mapping[str, tuple[str, ...]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for code, name in NAMES[kind]().items():
        found[name].append(code)
    return MappingProxyType({name: tuple(codes) for name, codes in found.items()})


def codes_of(kind: str, name: str) -> tuple[str, ...]:
    """Every code that bears the name, and the name itself, which may be a code without a name."""
    return (*_by_name(kind).get(name, ()), name)
