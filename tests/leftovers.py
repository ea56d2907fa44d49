"""A test leaves nothing to the next, least of all a failing one: event stores that it opened are closed behind it.

The embedded engine is one a process, on one path: where a test ended before it came to `close`, every later test met
the engine of the failed one.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from adapters.local.store.event_store import EventStore

FAILED = pytest.StashKey[bool]()


class Leftovers:
    """Knows the event stores that are open; those of a module's fixtures are there before its tests are."""

    def __init__(self) -> None:
        self._made: list[EventStore] = []
        make = EventStore.__init__

        def noted(store: EventStore, *arguments: Any, **options: Any) -> None:
            self._made.append(store)
            make(store, *arguments, **options)

        EventStore.__init__ = noted  # type: ignore[method-assign, assignment] # by whomever it is made

    @property
    def open(self) -> list[EventStore]:
        self._made = [store for store in self._made if store._clients or not store._pool._shutdown]
        return [store for store in self._made if store._clients]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        item.stash[FAILED] = True
        yield
        item.stash[FAILED] = False

    @pytest.fixture(autouse=True)
    def nothing_stays_open(self, request: pytest.FixtureRequest) -> Iterator[None]:
        """Close what the test left open, after all of its fixtures; a test that passed has to do it by itself."""
        before = self.open
        yield
        left = [store for store in self.open if store not in before]
        for store in left:
            store._pool.shutdown()
            for client in store._clients:
                client.close()
            store._clients.clear()
        assert not left or request.node.stash.get(FAILED, True), "an event store is still open"
