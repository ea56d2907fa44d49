"""Places from MMDB files of three schemas, and from the bundled countries."""

from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.local.enrich.geo import Geo, GeoFileError, Place, country_names

MmdbFile = Callable[..., Path]

MAXMIND = {
    "country": {"iso_code": "DE", "geoname_id": 2921044, "names": {"en": "Germany"}},
    "subdivisions": [
        {"iso_code": "BY", "names": {"de": "Bayern", "en": "Bavaria"}},
        {"iso_code": "M", "names": {"en": "Upper Bavaria"}},
    ],
    "city": {"geoname_id": 2867714, "names": {"en": "Munich", "de": "München"}},
}
DBIP = {
    "country": {"iso_code": "FR", "names": {"en": "France"}},
    "subdivisions": [{"names": {"en": "Brittany"}}],
    "city": {"names": {"en": "Brest"}},
}
IPINFO = {"country": "US", "region": "California", "region_code": "CA", "city": "Oakland", "geoname_id": "5378538"}
FLAT_DBIP = {"country_code": "GB", "state1": "England", "city": "Leeds"}
IPINFO_LITE = {"country": "Japan", "country_code": "JP", "continent": "Asia"}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (MAXMIND, Place("DE", "DE-BY", "2867714", "Bavaria", "Munich")),
        (DBIP, Place("FR", "", "Brest", "Brittany", "Brest")),
        (IPINFO, Place("US", "US-CA", "5378538", "California", "Oakland")),
        (FLAT_DBIP, Place("GB", "", "Leeds", "England", "Leeds")),
        (IPINFO_LITE, Place("JP")),
        ({"country_code": "ZZ"}, Place()),
        ({"country": {"iso_code": "XX"}}, Place()),
        ({"country": "T1", "city": "Nowhere"}, Place()),
        ({"autonomous_system": "AS1"}, Place()),
    ],
)
def test_each_schema_gives_a_place(mmdb_file: MmdbFile, record: dict[str, object], expected: Place) -> None:
    with Geo.open(mmdb_file({"203.0.113.0/24": record})) as geo:
        assert geo.locate("203.0.113.7") == expected


def test_addresses_of_both_kinds_are_found_and_others_are_nowhere(mmdb_file: MmdbFile) -> None:
    with Geo.open(mmdb_file({"203.0.113.0/24": MAXMIND, "2001:db8::/32": DBIP})) as geo:
        assert geo.locate("203.0.113.255").country == "DE"
        assert geo.locate("2001:db8::1").country == "FR"
        assert geo.locate("203.0.114.1") == Place()
        assert geo.locate("no address") == Place()
        assert geo.locate("") == Place()


@pytest.mark.parametrize(
    ("about", "word"),
    [
        ({"database_type": "DBIP-City-Lite"}, "db-ip.com"),
        ({"description": "DB-IP City Lite 2026-06"}, "db-ip.com"),
        ({"name": "dbip-city.mmdb"}, "db-ip.com"),
        ({"database_type": "GeoLite2-City"}, "maxmind.com"),
        ({"database_type": "ipinfo lite.mmdb"}, "ipinfo.io"),
    ],
)
def test_a_licence_that_asks_for_it_is_named(mmdb_file: MmdbFile, about: dict[str, str], word: str) -> None:
    with Geo.open(mmdb_file({"203.0.113.0/24": MAXMIND}, **about)) as geo:
        assert word in geo.attribution


def test_an_unknown_file_needs_no_name_unless_the_operator_gives_one(mmdb_file: MmdbFile) -> None:
    path = mmdb_file({"203.0.113.0/24": MAXMIND})
    with Geo.open(path) as geo, Geo.open(path, attribution="Data by us") as told:
        assert geo.attribution == ""
        assert told.attribution == "Data by us"


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.mmdb").write_bytes(b"no database")
    with pytest.raises(GeoFileError, match="broken"):
        Geo.open(tmp_path / "broken.mmdb")
    with pytest.raises(GeoFileError, match="missing"):
        Geo.open(tmp_path / "missing.mmdb")


def test_the_bundled_file_knows_countries_and_names_its_origin() -> None:
    with Geo.open() as geo:
        assert geo.locate("193.99.144.80") == Place("DE")  # heise.de, Hannover
        assert geo.locate("2a02:2e0:3fe:1001:302::") == Place("DE")  # the same by IPv6
        assert geo.locate("133.11.0.1") == Place("JP")  # University of Tokyo
        assert geo.locate("127.0.0.1") == Place()
        assert "nro.net" in geo.attribution


def test_countries_have_names() -> None:
    names = country_names()
    assert names["DE"] == "Germany"
    assert names["TR"] == "Türkiye"
    assert "ZZ" not in names


def test_a_file_that_is_written_anew_in_its_place_does_no_harm(mmdb_file: MmdbFile, tmp_path: Path) -> None:
    """`cp` and `curl -o` cut the old file to nothing first, and a mapped one must not lose its pages."""
    file, copy = mmdb_file({"203.0.113.0/24": MAXMIND}), tmp_path / "copy.mmdb"
    with Geo.open(file, copy=copy) as geo:
        whole = file.read_bytes()
        file.write_bytes(b"")
        assert geo.locate("203.0.113.7").country == "DE"
        file.write_bytes(whole.replace(b"Munich", b"Minich"))
        with Geo.open(file, copy=copy) as newer:
            assert newer.locate("203.0.113.7").city_name == "Minich"
        assert geo.locate("203.0.113.8").city_name == "Munich"


def test_a_damaged_part_of_a_file_leaves_addresses_without_a_place(mmdb_file: MmdbFile) -> None:
    file = mmdb_file({"203.0.113.0/24": MAXMIND})
    data = bytearray(file.read_bytes())
    data[: len(data) // 8] = b"\xfe" * (len(data) // 8)
    file.write_bytes(data)
    with Geo.open(file) as geo:
        assert geo.locate("203.0.113.7") == Place()
