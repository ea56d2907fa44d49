"""The ledger the gateway lends to adapters, in memory."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any


class MemoryLedger:
    """Satisfies `adapters.base.Ledger`."""

    def __init__(self) -> None:
        self._kinds: defaultdict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        self._ids: Counter[str] = Counter()

    async def get(self, kind: str, key: str) -> dict[str, Any] | None:
        return self._kinds[kind].get(key)

    async def put(self, kind: str, key: str, value: Mapping[str, Any]) -> None:
        self._kinds[kind][key] = dict(value)

    async def delete(self, kind: str, key: str) -> bool:
        return self._kinds[kind].pop(key, None) is not None

    async def change(
        self, puts: Mapping[tuple[str, str], Mapping[str, Any]], deletes: Iterable[tuple[str, str]] = ()
    ) -> None:
        for kind, key in deletes:
            self._kinds[kind].pop(key, None)
        for (kind, key), value in puts.items():
            self._kinds[kind][key] = dict(value)

    async def list(self, kind: str, prefix: str = "") -> tuple[tuple[str, dict[str, Any]], ...]:
        return tuple(sorted((k, v) for k, v in self._kinds[kind].items() if k.startswith(prefix)))

    async def next_id(self, kind: str) -> int:
        self._ids[kind] += 1
        return self._ids[kind]
