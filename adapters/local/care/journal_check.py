"""Whether the files of a journal that nobody has open can be read, and cutting off what cannot."""

import os
from pathlib import Path

import msgspec

from adapters.local.collect.journal import CHECKPOINT, SUFFIX, Checkpoint
from adapters.local.collect.journal_frames import records_of
from adapters.maintenance import Finding


def check_journal(folder: Path, *, repair: bool = False) -> list[Finding]:
    """The files of a journal that nobody has open. Blocking. Raises OSError.

    With `repair` a damaged segment is cut where it is still sound, and the rest kept beside it as `.damaged`.
    """
    found = _check_checkpoint(folder / CHECKPOINT)
    segments = sorted((int(p.stem), p) for p in folder.glob(f"*{SUFFIX}") if p.stem.isdecimal())
    last = 0
    for _, path in segments:
        data = path.read_bytes()
        sound = 0
        for record in records_of(data):
            if record.first <= last:
                found.append(Finding("journal_order", f"{path.name}: event {record.first} comes after {last}"))
            sound, last = record.end, max(last, record.last)
        if sound < len(data):
            lost = f"{path.name}: {len(data) - sound} bytes from byte {sound} on cannot be read"
            if repair:
                _cut(path, data, sound)
            found.append(Finding("journal_damaged", lost, repaired=repair))
    return found


def _check_checkpoint(path: Path) -> list[Finding]:
    try:
        held = msgspec.json.decode(path.read_bytes(), type=Checkpoint)
    except FileNotFoundError:
        return []
    except msgspec.DecodeError:
        return [Finding("checkpoint_damaged", f"{path.name} cannot be read")]
    if held.batch < held.done:
        return [Finding("checkpoint_damaged", f"{path.name}: batch {held.batch} lies before {held.done}")]
    return []


def _cut(path: Path, data: bytes, sound: int) -> None:
    path.with_suffix(".damaged").write_bytes(data[sound:])
    with path.open("r+b") as file:
        file.truncate(sound)
        os.fsync(file.fileno())
