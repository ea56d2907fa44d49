"""The local backend: an event store of our own."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adapters.local.backend import BACKEND as BACKEND


def __getattr__(name: str) -> Any:
    """`BACKEND`, loaded when it is asked for: the parts stay importable one by one."""
    if name == "BACKEND":
        from adapters.local.backend import BACKEND

        return BACKEND
    raise AttributeError(name)
