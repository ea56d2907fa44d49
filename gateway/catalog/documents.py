"""The small document store that the gateway lends to adapters, one shelf for each connection."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

import orjson
from sqlite_utils import Database

from adapters.base import Place
from gateway.catalog.base import Runs, every, one, packed

Write = Callable[[Database], object]
_held: ContextVar[list[Write] | None] = ContextVar("held", default=None)


@contextmanager
def held() -> Iterator[list[Write]]:
    """Hold back what is put and changed in this block, for the transaction of which it is a part.

    What our own store keeps of a site and the site's row are one fact: the caller runs both at once.
    """
    writes: list[Write] = []
    token = _held.set(writes)
    try:
        yield writes
    finally:
        _held.reset(token)


class DocumentLedger:
    """`adapters.base.Ledger` on the catalog. The local connection's shelf belongs to no tenant."""

    def __init__(self, catalog: Runs, tenant: str, connection: str) -> None:
        self._catalog, self._shelf = catalog, (tenant, connection)

    async def get(self, kind: str, key: str) -> dict[str, Any] | None:
        return await self._catalog.run(_get, self._shelf, kind, key)

    async def put(self, kind: str, key: str, value: Mapping[str, Any]) -> None:
        await self.change({(kind, key): value})

    async def change(self, puts: Mapping[Place, Mapping[str, Any]], deletes: Iterable[Place] = ()) -> None:
        work = partial(_change, shelf=self._shelf, puts=dict(puts), deletes=tuple(deletes))
        waiting = _held.get()
        if waiting is None:
            await self._catalog.run(work)
        else:
            waiting.append(work)

    async def delete(self, kind: str, key: str) -> bool:
        return await self._catalog.run(_delete, self._shelf, kind, key)

    async def list(self, kind: str, prefix: str = "") -> tuple[tuple[str, dict[str, Any]], ...]:
        return await self._catalog.run(_list, self._shelf, kind, prefix)

    async def last_id(self, kind: str) -> int:
        """The number that `next_id` gave last; 0 before the first."""
        return await self._catalog.run(_last_id, self._shelf, kind)

    async def next_id(self, kind: str) -> int:
        return await self._catalog.run(_next_id, self._shelf, kind)


Shelf = tuple[str, str]


def _get(db: Database, shelf: Shelf, kind: str, key: str) -> dict[str, Any] | None:
    sql = "SELECT value FROM documents WHERE tenant = ? AND connection = ? AND kind = ? AND key = ?"
    row = one(db, sql, *shelf, kind, key)
    return None if row is None else orjson.loads(row["value"])


def _put(db: Database, shelf: Shelf, kind: str, key: str, value: Mapping[str, Any]) -> None:
    db.execute("INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?)", [*shelf, kind, key, packed(dict(value))])


def _change(db: Database, shelf: Shelf, puts: Mapping[Place, Mapping[str, Any]], deletes: Iterable[Place]) -> None:
    for kind, key in deletes:
        _delete(db, shelf, kind, key)
    for (kind, key), value in puts.items():
        _put(db, shelf, kind, key, value)


def _delete(db: Database, shelf: Shelf, kind: str, key: str) -> bool:
    sql = "DELETE FROM documents WHERE tenant = ? AND connection = ? AND kind = ? AND key = ?"
    return db.execute(sql, [*shelf, kind, key]).rowcount == 1


def _list(db: Database, shelf: Shelf, kind: str, prefix: str) -> tuple[tuple[str, dict[str, Any]], ...]:
    sql = (
        "SELECT key, value FROM documents WHERE tenant = ? AND connection = ? AND kind = ? "
        "AND substr(key, 1, ?) = ? AND key >= ? ORDER BY key"
    )
    rows = every(db, sql, *shelf, kind, len(prefix), prefix, prefix)
    return tuple((row["key"], orjson.loads(row["value"])) for row in rows)


def _next_id(db: Database, shelf: Shelf, kind: str) -> int:
    db.execute(
        "INSERT INTO counters VALUES (?, ?, ?, 1) ON CONFLICT (tenant, connection, kind) DO UPDATE SET last = last + 1",
        [*shelf, kind],
    )
    return _last_id(db, shelf, kind)


def _last_id(db: Database, shelf: Shelf, kind: str) -> int:
    sql = "SELECT last FROM counters WHERE tenant = ? AND connection = ? AND kind = ?"
    row = one(db, sql, *shelf, kind)
    return 0 if row is None else int(row["last"])
