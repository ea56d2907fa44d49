"""The data files: what the refresh makes of the lists, and that what is shipped is described and usable."""

import json
from importlib.resources import files
from pathlib import Path

from adapters.local.enrich import own_sources, warm
from adapters.local.enrich.agent import _parser
from adapters.local.enrich.sources import Category, canonical
from tools.refresh_enrichment_data import refresh_countries, refresh_lists

DATA = files("adapters.local.enrich") / "data"
LISTS = {
    "SearchEngines.yml": "Seek:\n  -\n    urls:\n      - Seek.test\n      - 'seek.{}'\n    params:\n      - q\n",
    "Socials.yml": "Chat%2B:\n  - chat.test\n",
    "AIAssistants.yml": "Robot:\n  - robot.test\n",
    "referrer-spammers.txt": "spam.test\nAds.test\n\n",
}


def test_the_lists_become_names_and_hosts(tmp_path: Path) -> None:
    for name, text in LISTS.items():
        (tmp_path / name).write_text(text)
    refresh_lists(tmp_path, tmp_path)
    assert json.loads((tmp_path / "sources.json").read_text()) == {
        "search": {"Seek": ["seek.test", "seek.{}"]},
        "social": {"Chat+": ["chat.test"]},
        "ai": {"Robot": ["robot.test"]},
    }
    assert (tmp_path / "spam_hosts.txt").read_text() == "ads.test\nspam.test\n"


def test_the_country_table_is_what_the_refresh_makes(tmp_path: Path) -> None:
    refresh_countries(tmp_path)
    assert json.loads((tmp_path / "countries.json").read_text()) == json.loads((DATA / "countries.json").read_text())


def test_every_data_file_has_its_origin_written_down() -> None:
    readme = (DATA / "README.md").read_text()
    shipped = sorted(entry.name for entry in DATA.iterdir() if entry.name != "README.md")
    assert shipped == [
        "cities.tsv.gz",
        "countries.json",
        "country.mmdb",
        "regions.json",
        "sources.json",
        "spam_hosts.txt",
    ]
    assert [name for name in shipped if f"| `{name}` |" not in readme] == []


def test_every_alias_leads_to_a_name_that_stays() -> None:
    assert [name for name in own_sources.ALIASES.values() if canonical(name) != name] == []


def test_our_categories_are_those_of_the_channels() -> None:
    assert set(own_sources.CATEGORIES) <= set(Category)


def test_warming_loads_the_regexes() -> None:
    warm()
    assert _parser.cache_info().currsize == 1
