"""Who visits, without knowing who: a number that only holds for a day.

A visitor is a keyed hash of address, user agent, site and registrable host; the key (salt) is drawn anew at
00:00 UTC and destroyed a day later. Both numbers are looked up so that a visit survives midnight (contract 7.1).
"""

import json
import os
import secrets
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from threading import Lock

from adapters.domain import registrable

SALT_BYTES = 16


def visitor_id(salt: bytes, user_agent: str, ip: str, domain: str, hostname: str) -> int:
    """Unsigned 64-bit number of a visitor; the same for all hosts of one registrable domain.

    `domain` is the site's, `hostname` the page's ("" when the page has none).
    """
    text = _part(user_agent) + _part(ip) + _place(domain, hostname)
    return int.from_bytes(blake2b(text, key=salt, digest_size=8).digest(), "big")


def _part(text: str) -> bytes:
    """A text after its length, so that no two lists of texts are the same bytes."""
    part = text.encode("utf-8", "surrogatepass")
    return len(part).to_bytes(4, "big") + part


@lru_cache(maxsize=4096)
def _place(domain: str, hostname: str) -> bytes:
    return _part(domain) + _part(registrable(hostname))


@dataclass(frozen=True, slots=True)
class DailySalts:
    """The salts in force on a UTC day. `previous` is yesterday's, None when nothing was measured yesterday."""

    day: date
    current: bytes
    previous: bytes | None = None
    begin: datetime = field(init=False, compare=False)
    """00:00 UTC of the day."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "begin", datetime.combine(self.day, time(), UTC))


def visitor_ids(
    current: bytes, previous: bytes | None, user_agent: str, ip: str, domain: str, hostname: str
) -> tuple[int, int]:
    """The visitor under today's salt, and under yesterday's; 0 when there is none."""
    who = (user_agent, ip, domain, hostname)
    return visitor_id(current, *who), visitor_id(previous, *who) if previous else 0


class SaltFileError(ValueError):
    """The salt file cannot be read. Removing it is safe: today's visitors are counted anew."""


class Salts:
    """Daily salts in a file of one process. Rotation happens at the first call of a new UTC day.

    `path` None keeps them in memory: a restart then counts today's visitors anew.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = Lock()
        self._salts: DailySalts | None = None
        self._until = datetime.min.replace(tzinfo=UTC)
        if path and path.exists():
            self._hold(_read(path))

    def _hold(self, salts: DailySalts) -> None:
        self._salts, self._until = salts, salts.begin + timedelta(days=1)

    def at(self, now: datetime) -> DailySalts:
        """The salts for this moment. Writes the file when the day has changed.

        `now` must be aware. A clock that steps back keeps the later day's salts.
        """
        if now.tzinfo is None:
            raise ValueError("now must be an aware datetime")
        held = self._salts
        if held and now < self._until:
            return held
        today = now.astimezone(UTC).date()
        with self._lock:
            held = self._salts
            if held and held.day >= today:
                return held
            kept = held.current if held and held.day == today - timedelta(days=1) else None
            fresh = DailySalts(today, secrets.token_bytes(SALT_BYTES), kept)
            if self._path:
                _write(self._path, fresh)
            self._hold(fresh)
            return fresh


def _read(path: Path) -> DailySalts:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        previous = stored["previous"]
        salts = DailySalts(
            date.fromisoformat(stored["day"]),
            bytes.fromhex(stored["current"]),
            bytes.fromhex(previous) if previous else None,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise SaltFileError(f"{path} does not hold salts; remove it to start afresh") from error
    if {len(salts.current), len(salts.previous or salts.current)} != {SALT_BYTES}:
        raise SaltFileError(f"{path} holds salts of the wrong size; remove it to start afresh")
    return salts


def _write(path: Path, salts: DailySalts) -> None:
    """Replace the file in one step, readable by the owner only, on disk before the old one goes."""
    text = json.dumps({
        "day": salts.day.isoformat(),
        "current": salts.current.hex(),
        "previous": salts.previous.hex() if salts.previous else None,
    })  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
