"""Everything in the catalog that the vault sealed, and its change from one key-encryption key to the next.

Only data keys are wrapped again; payloads stay as they are. Each batch is one transaction, and a record is replaced
only if it is still the one that was read, so a running server may go on writing. What is current is left alone: a
rotation that was killed is resumed by starting it again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlite_utils import Database

from gateway.catalog.base import Catalog, every
from gateway.catalog.budgets import PEPPER
from gateway.catalog.vault import Vault
from models.errors import ConfigurationError

BATCH = 100


@dataclass(frozen=True, slots=True)
class Sealed:
    """One sealed record: where it is, what it is bound to, and how to put another in its place."""

    name: str
    value: bytes
    bound: tuple[str, ...]
    update: str
    place: tuple[object, ...]
    as_hex: bool = False


@dataclass(frozen=True, slots=True)
class Rotated:
    """How many records were wrapped again, how many were current already, and which do not open."""

    wrapped: int
    current: int
    lost: tuple[str, ...]


def records(db: Database) -> tuple[Sealed, ...]:
    """Every sealed record: credentials, kept answers, and the pepper of the budgets."""
    found = [
        Sealed(
            f"credential of {row['id']}",
            row["credential"],
            (row["tenant"], row["id"], str(row["version"])),
            "UPDATE connections SET credential = ? WHERE id = ? AND credential = ?",
            (row["id"],),
        )
        for row in every(db, "SELECT id, tenant, version, credential FROM connections WHERE credential IS NOT NULL")
    ]
    found += [
        Sealed(
            "kept answer",
            row["answer"],
            (row["tenant"], row["key"], "answer"),
            "UPDATE idempotency SET answer = ? WHERE tenant = ? AND key = ? AND answer = ?",
            (row["tenant"], row["key"]),
        )
        for row in every(db, "SELECT tenant, key, answer FROM idempotency WHERE answer IS NOT NULL")
    ]
    sql = "SELECT value FROM documents WHERE tenant = '' AND connection = '' AND kind = 'budgets' AND key = ?"
    update = (
        "UPDATE documents SET value = ? "
        "WHERE tenant = '' AND connection = '' AND kind = 'budgets' AND key = ? AND value = ?"
    )
    found += [
        Sealed("pepper", bytes.fromhex(row["value"]), (PEPPER,), update, (PEPPER,), as_hex=True)
        for row in every(db, sql, PEPPER)
    ]
    return tuple(found)


def rotate(catalog: Catalog, vault: Vault) -> Rotated:
    """Wrap everything under the vault's first key. Blocking; for the command line."""
    everything = catalog.run_now(records)
    old = [record for record in everything if not vault.is_current(record.value)]
    lost: list[str] = []
    wrapped = sum(catalog.run_now(_rewrap, vault, batch, lost) for batch in _batches(old))
    return Rotated(wrapped, len(everything) - len(old), tuple(lost))


def unreadable(db: Database, vault: Vault) -> tuple[str, ...]:
    """Names of records that no configured key opens."""
    return tuple(record.name for record in records(db) if not _opens(vault, record))


def _batches(found: list[Sealed]) -> Iterator[list[Sealed]]:
    for start in range(0, len(found), BATCH):
        yield found[start : start + BATCH]


def _rewrap(db: Database, vault: Vault, batch: Iterable[Sealed], lost: list[str]) -> int:
    """How many were replaced; what does not open stays as it is and is added to `lost`."""
    done = 0
    for record in batch:
        try:
            anew = vault.rewrapped(record.value, *record.bound)
        except ConfigurationError:
            lost.append(record.name)
            continue
        values = (
            (anew.hex(), *record.place, record.value.hex()) if record.as_hex else (anew, *record.place, record.value)
        )
        done += db.execute(record.update, list(values)).rowcount
    return done


def _opens(vault: Vault, record: Sealed) -> bool:
    try:
        vault.open(record.value, *record.bound)
    except ConfigurationError:
        return False
    return True
