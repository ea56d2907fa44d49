"""Keeping the local store in order while the engine runs: a consistent copy of it, and what does not fit together."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from adapters.base import Context
from adapters.local.care import backup, fsck
from adapters.local.engine import Engine
from adapters.maintenance import Finding


class Maintenance:
    """MaintainsStore."""

    context: Context
    engine: Engine

    async def copy_to(self, folder: Path, beside: Callable[[], Awaitable[None]]) -> None:
        """Raises UnsupportedQuery when the events lie on a server."""
        engine = self.engine
        backup.refuse_server(engine.store)
        async with engine.imports.ending, engine.writer.paused(changing=False):
            await beside()
            await backup.copy(engine.store, engine.journal, engine.folder / "imports", folder)

    async def inspect(self, *, repair: bool = False) -> tuple[Finding, ...]:
        """Drains the journal first; nothing is stored meanwhile."""
        engine = self.engine
        await engine.writer.flush()
        async with engine.writer.paused():
            return await fsck.inspect(engine.store, engine.journal, self.context.ledger, repair=repair)
