"""Renew the free data of `adapters/local/enrich/data/` before a release.

    git clone --depth 1 https://github.com/matomo-org/searchengine-and-social-list lists
    git clone --depth 1 https://github.com/matomo-org/referrer-spam-list spam
    cp spam/spammers.txt lists/referrer-spammers.txt
    python tools/refresh_enrichment_data.py --lists lists --countries --geo

Every part is optional. Needs the development dependencies (pyyaml, tzdata) and, for `--geo`, npm. Look at the diff
before committing it: a renamed source splits its history in two.
"""

import argparse
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import yaml

DATA = Path(__file__).resolve().parents[1] / "adapters" / "local" / "enrich" / "data"
GEO_PACKAGE = "@ip-location-db/geo-whois-asn-country-mmdb"
GEO_MEMBER = "package/geo-whois-asn-country.mmdb"
LISTS = {"search": "SearchEngines.yml", "social": "Socials.yml", "ai": "AIAssistants.yml"}

# tz abbreviates names for its menus; these are the short names people read in a report.
COUNTRY_NAMES = {
    "AS": "American Samoa",
    "BQ": "Caribbean Netherlands",
    "CD": "Democratic Republic of the Congo",
    "CF": "Central African Republic",
    "CG": "Republic of the Congo",
    "CZ": "Czechia",
    "GB": "United Kingdom",
    "HM": "Heard and McDonald Islands",
    "KP": "North Korea",
    "KR": "South Korea",
    "MF": "Saint Martin (French part)",
    "MO": "Macao",
    "SX": "Sint Maarten (Dutch part)",
    "SZ": "Eswatini",
    "TC": "Turks and Caicos Islands",
    "TF": "French Southern Territories",
    "TL": "Timor-Leste",
    "TR": "Türkiye",
    "UM": "United States Minor Outlying Islands",
    "VC": "Saint Vincent and the Grenadines",
    "VG": "British Virgin Islands",
    "VI": "United States Virgin Islands",
    "WS": "Samoa",
    "XK": "Kosovo",
}


def hosts_of(entry: Any) -> Iterator[str]:
    """Hosts of one source: the search list nests them in groups with query parameters, the others are plain."""
    for item in entry:
        if isinstance(item, Mapping):
            yield from item.get("urls", ())
        else:
            yield item


def write_json(path: Path, value: object) -> None:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, indent=0)
    path.write_text(text + "\n", encoding="utf-8")


def refresh_lists(folder: Path, out: Path) -> None:
    """Source names with their hosts, by category, and the referrer spam hosts."""
    sources = {}
    for category, filename in LISTS.items():
        entries = yaml.safe_load((folder / filename).read_text(encoding="utf-8"))
        sources[category] = {
            unquote(str(name)): sorted({host.lower() for host in hosts_of(entry)}) for name, entry in entries.items()
        }
    write_json(out / "sources.json", sources)
    spam = {
        line.strip().lower() for line in (folder / "referrer-spammers.txt").read_text(encoding="utf-8").splitlines()
    }
    (out / "spam_hosts.txt").write_text("\n".join(sorted(spam - {""})) + "\n", encoding="utf-8")


def refresh_countries(out: Path) -> None:
    """ISO 3166-1 alpha-2 codes with English short names, from the public domain table of the tz database."""
    table = (files("tzdata") / "zoneinfo" / "iso3166.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines() if line and not line.startswith("#"))
    names = {code: name.replace(" & ", " and ").replace("St ", "Saint ") for code, name in rows}
    write_json(out / "countries.json", names | COUNTRY_NAMES)


def refresh_geo(out: Path) -> None:
    """The newest country ranges from npm."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is needed to fetch " + GEO_PACKAGE)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([npm, "pack", "--silent", GEO_PACKAGE], cwd=folder, check=True)  # noqa: S603  fixed arguments
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as package:
            member = package.extractfile(GEO_MEMBER)
            if member is None:
                raise SystemExit(f"{GEO_MEMBER} is missing in {archive.name}")
            (out / "country.mmdb").write_bytes(member.read())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lists", type=Path, metavar="DIR", help="folder with the three YAML lists and the spam list")
    parser.add_argument("--countries", action="store_true", help="country names from tzdata")
    parser.add_argument("--geo", action="store_true", help="country ranges from npm")
    parser.add_argument("--out", type=Path, metavar="DIR", default=DATA, help="where the data goes")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.lists:
        refresh_lists(options.lists, options.out)
    if options.countries:
        refresh_countries(options.out)
    if options.geo:
        refresh_geo(options.out)


if __name__ == "__main__":
    main()
