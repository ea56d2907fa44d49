"""A process to be killed: it goes on with the imports of a data folder, or begins one, and says when it is done.

python crashing.py FOLDER FILE
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from models.job import OnError
from tests.unit_adapters.local.imports.conftest import SITE, opened
from tests.unit_adapters.local.wiring import MemoryLedger


class FileLedger(MemoryLedger):
    """Survives the process, as the catalog does: each change is in place or not at all."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        if path.exists():
            held = json.loads(path.read_text())
            self.numbers = held["numbers"]
            self.documents = {(kind, key): value for kind, key, value in held["documents"]}

    def _save(self) -> None:
        draft = self._path.with_suffix(".draft")
        documents = [[kind, key, value] for (kind, key), value in self.documents.items()]
        draft.write_text(json.dumps({"numbers": self.numbers, "documents": documents}))
        draft.replace(self._path)

    async def put(self, kind: str, key: str, value: Any) -> None:
        await super().put(kind, key, value)
        self._save()

    async def delete(self, kind: str, key: str) -> bool:
        found = await super().delete(kind, key)
        self._save()
        return found

    async def change(self, puts: Any, deletes: Any = ()) -> None:
        await super().change(puts, deletes)
        self._save()

    async def next_id(self, kind: str) -> int:
        number = await super().next_id(kind)
        self._save()
        return number


async def main(folder: Path, file: Path) -> None:
    async with opened(folder, FileLedger(folder / "ledger.json")) as desk:
        jobs = await desk.imports.list_imports(SITE)
        if not jobs:
            content = await asyncio.to_thread(file.read_bytes)
            jobs = (await desk.imports.start_import(SITE, "ndjson", desk.spooled(content), OnError.SKIP),)
        print("begun", flush=True)
        done = await desk.imports.get_import(SITE, jobs[0].id, wait=True)
        found = await desk.one(
            "SELECT count(), uniqExact(path), uniqExact(seq), (SELECT toInt64(sum(sign)) FROM sessions) FROM events"
        )
        told = await desk.imports.problems_of(SITE, done.id, 0, 100_000)
        lines = [problem.line for problem in told.problems]
        said = {"status": str(done.status), "rows": done.rows, "found": list(found), "broken": lines}
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
