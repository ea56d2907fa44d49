"""The one place that names backends: name -> options, credential, editions, factory.

Backends outside this tree join through the entry point group `tallyway.adapters`; each entry is a `Backend`.
"""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from types import MappingProxyType

from adapters.base import Backend
from adapters.maintenance import OwnStore
from models.capability import Capabilities
from models.errors import ConfigurationError

GROUP = "tallyway.adapters"
IN_TREE = ("local", "plausible", "pirsch", "sparklytics", "umami")


@cache
def backends() -> Mapping[str, Backend]:
    """Every known backend by name; ours first, then those of other distributions.

    Raises ConfigurationError when another distribution claims a taken name.
    """
    found: dict[str, Backend] = {name: import_module(f"adapters.{name}").BACKEND for name in IN_TREE}
    for entry in entry_points(group=GROUP):
        backend = entry.load()
        if not isinstance(backend, Backend) or backend.name in found:
            raise ConfigurationError(f"entry point {entry.name!r} of group {GROUP} is no backend of its own name")
        found[backend.name] = backend
    return MappingProxyType(found)


def editions() -> tuple[Capabilities, ...]:
    """The declaration of every edition of every backend, in order."""
    return tuple(can for backend in backends().values() for can in backend.editions.values())


def built_in() -> Backend:
    """The backend that stores events itself: its one connection exists from the start."""
    return next(backend for backend in backends().values() if backend.own_store is not None)


def own_store() -> OwnStore:
    """Its files."""
    return next(backend.own_store for backend in backends().values() if backend.own_store is not None)
