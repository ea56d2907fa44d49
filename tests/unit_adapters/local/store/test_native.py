"""Columns of names as inserts write them: one, two and four bytes for a row's place in the dictionary."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from adapters.local.store.event_store import EventStore
from adapters.local.store.schema import IMPORTED

TABLE = "imported_devices"


@pytest.mark.parametrize("distinct", [1, 2, 256, 257, 65_536, 65_537])
async def test_names_come_back_as_they_were_written(tmp_path: Path, distinct: int) -> None:
    rows = distinct + 3
    names = [f"n\u00e4me {number % distinct}" for number in range(rows)]
    columns: dict[str, Any] = {name: [0] * rows for name in IMPORTED[TABLE]}
    store = await EventStore.open(f"chdb://{tmp_path / 'events'}")
    given: dict[str, Any] = {
        "site": names,
        "import": [""] * rows,
        "device": ["d"] * rows,
        "date": [date(2026, 6, 17)] * rows,
    }
    await store.insert(TABLE, {**columns, **given, "visitors": range(rows)}, "token")
    found = await store.query("SELECT site, visitors FROM imported_devices ORDER BY visitors")
    await store.close()
    assert found == list(zip(names, range(rows), strict=True))
