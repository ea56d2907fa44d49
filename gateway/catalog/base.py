"""The database and the one thread that speaks with it. Each group of tables is a module of functions that take it.

    record = await catalog.run(sites.by_ref, tenant, "example.com")

One call is one transaction. Several processes may open the same file (the command line beside the server): WAL, and a
busy timeout instead of an error.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import orjson
from sqlite_utils import Database

from gateway.catalog.schema import steps

__all__ = ["Catalog", "Database", "Record", "Runs", "every", "one", "packed"]

FILE = "catalog.db"
BUSY_SECONDS = 10.0

P = ParamSpec("P")
T = TypeVar("T")


class Runs(Protocol):
    """The catalog, or what runs its work together with something else."""

    async def run(self, work: Callable[Concatenate[Database, P], T], *args: P.args, **kwargs: P.kwargs) -> T: ...


class Catalog:
    """The open catalog of a data directory."""

    def __init__(self, directory: Path) -> None:
        """Opens or creates the database and brings its tables up to date."""
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / FILE
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, check_same_thread=False)
        path.chmod(0o600)
        self._db = Database(connection)
        self._db.enable_wal()
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.execute("PRAGMA synchronous = FULL")
        steps.apply(self._db)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="catalog")

    async def run(self, work: Callable[Concatenate[Database, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do some work in one transaction, on the catalog's thread."""
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, lambda: self.run_now(work, *args, **kwargs)
        )

    def run_now(self, work: Callable[Concatenate[Database, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same for callers without a running loop, such as the command line."""
        with self._db.atomic():
            return work(self._db, *args, **kwargs)

    def close(self) -> None:
        """Finish what was begun and close the file."""
        self._thread.shutdown(wait=True)
        self._db.close()


Record = dict[str, Any]


def one(db: Database, sql: str, *values: Any) -> Record | None:
    """The first row of a query, or None."""
    return next(iter(db.query(sql, values)), None)


def every(db: Database, sql: str, *values: Any) -> list[Record]:
    """All rows of a query."""
    return list(db.query(sql, values))


def packed(value: Any) -> str:
    """A JSON value as it is kept in a column; keys sorted, so that equal values are equal texts."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
