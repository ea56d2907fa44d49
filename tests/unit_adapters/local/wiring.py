"""A local backend on a folder of the test, with a ledger in memory and a clock that stands."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapters.base import Context, Reply, Request
from adapters.local.adapter import LocalAdapter, LocalOptions
from models.site import Site

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SITE = Site(id="site_1", domain="example.com")
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
)


class MemoryLedger:
    """The ledger's contract over a dictionary."""

    def __init__(self) -> None:
        self.documents: dict[tuple[str, str], dict[str, Any]] = {}
        self.numbers: dict[str, int] = {}

    async def get(self, kind: str, key: str) -> dict[str, Any] | None:
        return self.documents.get((kind, key))

    async def put(self, kind: str, key: str, value: Mapping[str, Any]) -> None:
        self.documents[kind, key] = dict(value)

    async def delete(self, kind: str, key: str) -> bool:
        return self.documents.pop((kind, key), None) is not None

    async def list(self, kind: str, prefix: str = "") -> tuple[tuple[str, dict[str, Any]], ...]:
        found = {key: value for (held, key), value in self.documents.items() if held == kind and key.startswith(prefix)}
        return tuple(sorted(found.items()))

    async def next_id(self, kind: str) -> int:
        self.numbers[kind] = self.numbers.get(kind, 0) + 1
        return self.numbers[kind]


class NoTransport:
    """The local backend calls nobody."""

    async def send(self, request: Request) -> Reply:
        raise AssertionError(f"called {request.path}")

    async def close(self) -> None:
        return None


def local_adapter(
    folder: Path, ledger: MemoryLedger | None = None, now: Callable[[], datetime] = lambda: NOW, **options: Any
) -> LocalAdapter:
    """Not started yet."""
    context = Context(NoTransport(), ledger or MemoryLedger(), now, folder, "https://stats.example.com")
    return LocalAdapter(LocalOptions(**options), context)
