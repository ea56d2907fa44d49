"""The files of the local backend in the data directory, while nobody has them open."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from adapters.local.care.journal_check import check_journal
from adapters.local.folder_lock import FolderLock, holder
from adapters.local.options import FOLDER
from adapters.maintenance import Finding


class StoreFiles:
    """OwnStore."""

    folder = FOLDER

    def in_use(self, data: Path) -> str:
        return holder(data / FOLDER)

    async def check_closed(self, data: Path, *, repair: bool = False) -> Sequence[Finding]:
        """What is wrong with the journal; there may be none yet. Raises ConfigurationError in use, OSError."""
        return await asyncio.to_thread(_checked, data / FOLDER, repair)


def _checked(folder: Path, repair: bool) -> Sequence[Finding]:
    if not (folder / "journal").is_dir():
        return []
    lock = FolderLock.take(folder)
    try:
        return check_journal(folder / "journal", repair=repair)
    finally:
        lock.release()
