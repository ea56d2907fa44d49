"""Ids and times as they stand in the catalog."""

import secrets
import string
from datetime import UTC, datetime

LETTERS = string.ascii_lowercase + string.digits
ID_LENGTH = 10


def new_id(kind: str, length: int = ID_LENGTH) -> str:
    """A new random id such as `site_a1b2c3d4e5`."""
    return f"{kind}_{random_text(length)}"


def random_text(length: int) -> str:
    """Letters and digits from the system's source of secrets, drawn at once: every request has such an id."""
    number = secrets.randbelow(len(LETTERS) ** length)
    letters = []
    for _ in range(length):
        number, at = divmod(number, len(LETTERS))
        letters.append(LETTERS[at])
    return "".join(letters)


def written(moment: datetime) -> str:
    """An aware time as an RFC 3339 text in UTC; texts sort as the times do."""
    # strftime does not pad years before 1000.
    return moment.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat() + "Z"


def read(text: str | None) -> datetime | None:
    """The time in a text, None for none."""
    return None if text is None else datetime.fromisoformat(text)
