"""The files of the local backend in the data directory, while nobody has them open."""

import asyncio
from collections.abc import Sequence
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

from adapters.local.care.journal_check import check_journal
from adapters.local.options import FOLDER
from adapters.maintenance import Finding


class StoreFiles:
    """OwnStore."""

    folder = FOLDER

    def in_use(self, data: Path) -> bool:
        """chDB locks a file for as long as it lives."""
        try:
            with (data / FOLDER / "events" / "status").open("rb") as status:
                flock(status, LOCK_EX | LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    async def check_closed(self, data: Path, *, repair: bool = False) -> Sequence[Finding]:
        """What is wrong with the journal; there may be none yet. Raises OSError."""
        journal = data / FOLDER / "journal"
        if not await asyncio.to_thread(journal.is_dir):
            return []
        return await asyncio.to_thread(lambda: check_journal(journal, repair=repair))
