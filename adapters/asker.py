"""For whom work is done and until when, as whoever asks has left it for what works below: fair shares and an end.

Context variables: tasks inherit them. An adapter asks nothing of them but to share its room and to end its work.
"""

import asyncio
from contextvars import ContextVar

tenant: ContextVar[str] = ContextVar("tenant", default="")
"""Whose work this is; empty for the service's own."""
until: ContextVar[float | None] = ContextVar("until", default=None)
"""The moment of the event loop's clock when nobody waits any more; None when there is none."""


def remaining() -> float | None:
    """Seconds until the deadline, 0 when it has passed; None when there is none."""
    moment = until.get()
    return None if moment is None else max(0.0, moment - asyncio.get_running_loop().time())
