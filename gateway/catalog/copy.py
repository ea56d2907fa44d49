"""A copy of the catalog as it is now, while others go on writing."""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlite_utils import Database


def copy_to(db: Database, path: Path) -> None:
    """Write the database to a new file, readable by its owner only. Raises OSError, sqlite3.Error."""
    path.touch(0o600, exist_ok=False)
    with closing(sqlite3.connect(path)) as target:
        db.conn.backup(target)
