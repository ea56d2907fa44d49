"""The one place that names backends: name -> options, credential, editions, factory.

Backends outside this tree join through the entry point group `tallyway.adapters`; each entry is a `Backend`.
"""

from collections.abc import Mapping, Sequence
from fcntl import LOCK_EX, LOCK_NB, flock
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType

from adapters.base import Backend
from adapters.maintenance import Finding
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


def in_use(data: Path) -> bool:
    """Whether a running service has our own store open: its engine locks a file for as long as it lives."""
    try:
        with (data / "local" / "events" / "status").open("rb") as status:
            flock(status, LOCK_EX | LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


async def check_closed(data: Path, *, repair: bool = False) -> Sequence[Finding]:
    """What is wrong with the files of our own store while nobody has them open. Raises OSError."""
    found: Sequence[Finding] = await import_module("adapters.local.care.fsck").check_closed(
        data / "local", repair=repair
    )
    return found
