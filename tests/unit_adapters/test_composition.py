"""Every adapter is composed in one way: the same parts in files of the same names (docs/decisions/0007)."""

import inspect
from collections.abc import Iterator
from importlib import import_module
from itertools import combinations
from pathlib import Path

import pytest

import adapters
from adapters.registry import IN_TREE

ROOT = Path(adapters.__file__).parent
EVERYWHERE = frozenset({"adapter", "capabilities", "client", "management", "options", "reports"})
VENDORS = EVERYWHERE | {"collect", "translate", "vocabulary", "wire"}
FILES = {
    "pirsch": VENDORS | {"history", "period_checks", "token", "vendor"},
    "plausible": VENDORS | {"checking", "reports_v1", "rules", "translate_v1"},
    "sparklytics": VENDORS | {"calendar", "history", "stats_calls", "vendor"},
    "umami": VENDORS | {"filters", "goals", "stats_calls", "vendor"},
    # Our own store speaks no wire and has rooms of its own; events come in through `collect/`, of which
    # `collection` is the part.
    "local": EVERYWHERE
    | {"collection", "engine", "folder_lock", "history", "maintenance"}
    | {"care", "collect", "enrich", "exports", "imports", "manage", "read", "sql", "store"},
}
"""Files and folders of each adapter; what is beside the common ones is what only this one has."""
PARTS = {
    "reports": "Reports",
    "collect": "Collection",
    "collection": "Collection",
    "management": "Management",
    "vendor": "VendorCalls",
    "history": "History",
    "maintenance": "Maintenance",
}
LONGEST = 60
"""Lines of an `adapter.py`: it composes, and hands nothing on."""
BACKENDS = sorted(IN_TREE)


def modules(backend: str) -> set[str]:
    """Modules and packages of an adapter."""
    found = [path for path in (ROOT / backend).iterdir() if not path.name.startswith("_")]
    return {path.stem for path in found if path.suffix == ".py" or (path / "__init__.py").exists()}


def adapter_classes(backend: str) -> list[type]:
    module = import_module(f"adapters.{backend}.adapter")
    return [kind for _, kind in inspect.getmembers(module, inspect.isclass) if kind.__module__ == module.__name__]


def carried(part: type) -> Iterator[str]:
    """What a part brings itself; annotations of what it stands on are no part of it."""
    yield from (name for name in vars(part) if not name.startswith("__"))


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_adapters_files_have_the_common_names(backend: str) -> None:
    assert modules(backend) == FILES[backend]


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_part_is_in_the_file_of_its_name_and_the_adapter_is_made_of_it(backend: str) -> None:
    made_of = {base for kind in adapter_classes(backend) for base in kind.__mro__}
    names = PARTS.keys() & modules(backend)
    for name in names - ({"collect"} if "collection" in names else set()):
        part = getattr(import_module(f"adapters.{backend}.{name}"), PARTS[name])
        assert part in made_of, part


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_adapter_itself_only_composes(backend: str) -> None:
    text = (ROOT / backend / "adapter.py").read_text()
    assert len(text.splitlines()) <= LONGEST


@pytest.mark.parametrize("backend", BACKENDS)
def test_no_part_hides_what_another_carries(backend: str) -> None:
    """Parts share one object: of two with the same name, even a private one, only the first would be called."""
    for kind in adapter_classes(backend):
        bases = [base for base in kind.__mro__[1:] if base.__module__.startswith("adapters.")]
        for one, other in combinations(bases, 2):
            if not issubclass(one, other):
                assert set(carried(one)) & set(carried(other)) == set(), (one, other)
