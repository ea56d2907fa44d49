"""The access log: one line for each request, made by hand and written many at a time.

The general way of the log costs more than a whole cache hit. Lines have the same fields and the same redaction of the
path, and appear within a tenth of a second; where the log is not made of JSON lines they go the general way.
"""

import asyncio
import logging
import sys
from datetime import UTC, datetime
from functools import lru_cache

import orjson
import structlog

from gateway.log import redacted, writes_json

log = structlog.get_logger()

DELAY = 0.1
MOST_LINES = 400
LONGEST_PATH = 500
"""Characters of a path that are logged; longer ones are not remembered in their redacted form."""


@lru_cache(maxsize=1024)
def _redacted(path: str) -> str:
    return str(redacted(path))


def _shown(path: str) -> str:
    return _redacted(path) if len(path) <= LONGEST_PATH else str(redacted(path))[:LONGEST_PATH]


class AccessLog:
    """Notes requests. `flush` before the process ends."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []

    def note(self, request_id: str, method: str, path: str, status: int, seconds: float) -> None:
        """A request was answered."""
        ms = round(seconds * 1000, 1)
        if not writes_json():
            log.info("request", method=method, path=_shown(path), status=status, ms=ms)
            return
        if not self._lines:
            asyncio.get_running_loop().call_later(DELAY, self.flush)
        line = {
            "service": "tallyway", "method": method, "path": _shown(path), "status": status, "ms": ms,
            "event": "request", "request_id": request_id, "level": "info", "timestamp": datetime.now(UTC),
        }  # fmt: skip
        self._lines.append(orjson.dumps(line, option=orjson.OPT_UTC_Z))
        if len(self._lines) >= MOST_LINES:
            self.flush()

    def flush(self) -> None:
        """Write what was noted."""
        if self._lines:
            lines, self._lines = self._lines, []
            sys.stdout.write(b"\n".join([*lines, b""]).decode())
            sys.stdout.flush()


def access_log(*, wanted: bool) -> AccessLog | None:
    """The access log, when it is wanted and the log takes lines of its level."""
    return AccessLog() if wanted and log.is_enabled_for(logging.INFO) else None
