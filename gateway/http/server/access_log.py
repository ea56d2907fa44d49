"""The access log: one line for each request, made by hand and written many at a time.

The general way of the log costs more than a whole cache hit. Lines have the same fields and the same redaction of the
path, and appear within a tenth of a second; where the log is not made of JSON lines they go the general way.
"""

import asyncio
import logging
import sys
import time
from datetime import UTC, datetime
from functools import lru_cache

import orjson
import structlog

from gateway.observe.log import redacted, writes_json

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


@lru_cache(maxsize=1024)
def _begun(method: str, path: str, status: int) -> str:
    """A line up to the value of `ms`, of a path as it is shown."""
    fields = {"service": "tallyway", "method": method, "path": path, "status": status}
    return orjson.dumps(fields).decode()[:-1] + ',"ms":'


@lru_cache(maxsize=8)
def _second(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")


Noted = tuple[float, str, str, str, int, float]
"""A request that was answered: Unix time, id (of `[A-Za-z0-9._-]`), method, path as it is shown, status, seconds."""


def _line(noted: Noted) -> str:
    at, request_id, method, path, status, seconds = noted
    second = int(at)
    return (
        f'{_begun(method, path, status)}{seconds * 1000:.1f},"event":"request","request_id":"{request_id}",'
        f'"level":"info","timestamp":"{_second(second)}.{int((at - second) * 1e6):06d}Z"}}\n'
    )


class AccessLog:
    """Notes requests. `flush` before the process ends."""

    def __init__(self) -> None:
        self._noted: list[Noted] = []

    def note(self, request_id: str, method: str, path: str, status: int, seconds: float) -> None:
        """A request was answered."""
        if not writes_json():
            ms = round(seconds * 1000, 1)
            log.info("request", method=method, path=_shown(path), status=status, ms=ms)
            return
        if not self._noted:
            asyncio.get_running_loop().call_later(DELAY, self.flush)
        self._noted.append((time.time(), request_id, method, _shown(path), status, seconds))
        if len(self._noted) >= MOST_LINES:
            self.flush()

    def flush(self) -> None:
        """Write what was noted."""
        if self._noted:
            noted, self._noted = self._noted, []
            sys.stdout.write("".join(map(_line, noted)))
            sys.stdout.flush()


def access_log(*, wanted: bool) -> AccessLog | None:
    """The access log, when it is wanted and the log takes lines of its level."""
    return AccessLog() if wanted and log.is_enabled_for(logging.INFO) else None
