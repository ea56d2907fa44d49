"""Country, region and city of an address, from an MMDB file.

The bundled file knows countries only (NRO statistics, see `data/README.md`). A file of the operator's may follow the
schema of MaxMind, DB-IP or IPinfo.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import maxminddb
import structlog

from adapters.local.enrich.sources import DATA
from models.errors import ConfigurationError

log = structlog.get_logger(__name__)

BUNDLED = "country.mmdb"
NO_COUNTRY = frozenset({"ZZ", "XX", "T1"})

NRO = "Country of addresses: statistics of the Number Resource Organization (https://www.nro.net), CC BY 4.0"
NAMED_BY_GEONAMES = "City names: GeoNames (https://www.geonames.org), CC BY 4.0"
# Words in the file's name, type or description -> what its licence asks to be shown.
ATTRIBUTIONS = (
    (("db-ip", "dbip"), "IP Geolocation by DB-IP (https://db-ip.com)"),
    (("geolite",), "This product includes GeoLite data created by MaxMind, available from https://www.maxmind.com"),
    (("ipinfo",), "IP address data powered by IPinfo (https://ipinfo.io)"),
    (("ip2location",), "This site uses IP2Location LITE data (https://lite.ip2location.com)"),
)


class GeoFileError(ConfigurationError):
    """The file of addresses is missing or is no MMDB."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an address is; "" where the file does not say.

    `country` ISO 3166-1 alpha-2, `region` ISO 3166-2 (`DE-BE`), `city` GeoNames id, else the city's name.
    """

    country: str = ""
    region: str = ""
    city: str = ""
    region_name: str = ""
    city_name: str = ""


NOWHERE = Place()


class Geo:
    """An open MMDB. Make it with `Geo.open`; close it, or use it in a `with`."""

    def __init__(self, reader: maxminddb.Reader, attribution: str) -> None:
        self._reader = reader
        self.attribution = attribution
        self._is_sound = True

    @classmethod
    def open(cls, path: Path | str | None = None, *, attribution: str | None = None, copy: Path | None = None) -> Self:
        """Open a file, or the bundled one for None. `attribution` overrides the text its licence asks for.

        With `copy` the file is copied there, and the copy is opened. Raises GeoFileError.
        """
        file = Path(str(DATA / BUNDLED)) if path is None else Path(path)
        try:
            reader = maxminddb.open_database(file if path is None or copy is None else _copied(file, copy))
        except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
            raise GeoFileError(f"{file} cannot be read as an MMDB") from error
        if attribution is None:
            attribution = NRO if path is None else _attribution(file, reader)
        return cls(reader, attribution)

    def locate(self, ip: str) -> Place:
        """The place of an IPv4 or IPv6 address; an empty one for private, unknown and malformed addresses.

        Where the file is damaged as well: an event counts without its place.
        """
        try:
            record = self._reader.get(ip)
        except ValueError:
            return NOWHERE
        except maxminddb.InvalidDatabaseError as error:
            if self._is_sound:
                log.warning("geo_file_damaged", error=type(error).__name__)
            self._is_sound = False
            return NOWHERE
        return _place(record) if isinstance(record, dict) else NOWHERE

    def close(self) -> None:
        """Close the file; `locate` must not be called after."""
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _copied(file: Path, copy: Path) -> Path:
    """A file nobody else writes to. It is read as mapped memory: cut short meanwhile, it would end the process.

    Raises OSError.
    """
    found, held = file.stat(), copy.stat() if copy.exists() else None
    if held is None or (held.st_size, held.st_mtime_ns) != (found.st_size, found.st_mtime_ns):
        draft = copy.with_name(f".{copy.name}")
        shutil.copy2(file, draft)
        draft.replace(copy)
    return copy


def _attribution(file: Path, reader: maxminddb.Reader) -> str:
    about = reader.metadata()
    said = " ".join([file.name, about.database_type, *map(str, (about.description or {}).values())]).lower()
    return next((text for words, text in ATTRIBUTIONS if any(word in said for word in words)), "")


def _place(record: Mapping[str, Any]) -> Place:
    if len(record) == 1 and isinstance(said := record.get("country"), dict) and len(said) == 1:
        return _somewhere_in(said.get("iso_code"))  # the bundled file says nothing else
    country = _country(record)
    if not country:
        return NOWHERE
    region, region_name = _region(record, country)
    city, city_name = _city(record)
    return Place(country, region, city, region_name, city_name)


@lru_cache(maxsize=512)
def _somewhere_in(code: object) -> Place:
    return Place(_country({"country": {"iso_code": code}}))


def _country(record: Mapping[str, Any]) -> str:
    """`country.iso_code` (MaxMind, DB-IP), `country_code` (flat DB-IP, IPinfo Lite) or `country` (IPinfo)."""
    said = record.get("country")
    code = said.get("iso_code") if isinstance(said, dict) else record.get("country_code") or said
    if not isinstance(code, str) or len(code) != 2 or code.upper() in NO_COUNTRY:
        return ""
    return code.upper()


def _region(record: Mapping[str, Any], country: str) -> tuple[str, str]:
    """The largest subdivision: ISO 3166-2 code, when the file has one, and name."""
    if subdivisions := record.get("subdivisions"):
        code, name = subdivisions[0].get("iso_code", ""), _english(subdivisions[0])
    else:
        code, name = record.get("region_code") or "", record.get("region") or record.get("state1") or ""
    return (f"{country}-{code}" if code else ""), name


def _city(record: Mapping[str, Any]) -> tuple[str, str]:
    said = record.get("city")
    if isinstance(said, dict):
        number, name = said.get("geoname_id"), _english(said)
    else:
        number, name = record.get("geoname_id"), said or ""
    return (str(number) if number and name else name), name


def _english(named: Mapping[str, Any]) -> str:
    names = named.get("names") or {}
    return str(names.get("en") or next(iter(names.values()), ""))


@cache
def country_names() -> Mapping[str, str]:
    """English short names of the ISO 3166-1 alpha-2 codes."""
    names: dict[str, str] = json.loads((DATA / "countries.json").read_text(encoding="utf-8"))
    return names
