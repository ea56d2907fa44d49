"""Who goes first when a vendor's budget is short; carried by a context variable that only the budget reads."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import IntEnum


class Priority(IntEnum):
    """Smaller goes first."""

    INTERACTIVE = 0
    DASHBOARD = 1
    """One of many questions of a page."""
    REFRESH = 2
    """A newer answer for one that could be served already."""
    PREFETCH = 3


REFRESH_LEVEL, PREFETCH_LEVEL = 0.2, 0.5
LEVELS = {Priority.REFRESH: REFRESH_LEVEL, Priority.PREFETCH: PREFETCH_LEVEL}
"""Shares of the budget that work which can wait leaves alone."""

_priority: ContextVar[Priority] = ContextVar("priority", default=Priority.INTERACTIVE)


def current() -> Priority:
    return _priority.get()


@contextmanager
def prioritised(priority: Priority) -> Iterator[None]:
    """Calls made in this block, and in tasks it starts, have this priority."""
    token = _priority.set(priority)
    try:
        yield
    finally:
        _priority.reset(token)
