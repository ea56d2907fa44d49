"""Secrets at rest: each record under a data key of its own, that key under a key-encryption key (AES-256-GCM twice).

The associated data bind a record to its tenant, its owner and its version: moved elsewhere, it does not open.
Recipe: design notes on envelope encryption; the first key writes, all keys read, so keys can be rotated.
"""

import base64
import binascii
import hashlib
import os
import secrets
import shlex
import subprocess
from collections.abc import Iterable
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from models.errors import ConfigurationError

KEY_BYTES, NONCE_BYTES, ID_BYTES, TAG_BYTES = 32, 12, 8, 16
WRAPPED_BYTES = NONCE_BYTES + KEY_BYTES + TAG_BYTES
FORMAT = b"\x01"
KEY_FILE = "vault.key"
COMMAND_SECONDS = 30


class Vault:
    """Seals and opens secrets. `bound` names the place a secret belongs to: tenant, owner, version."""

    def __init__(self, keys: Iterable[bytes]) -> None:
        self._keys = {key_id(key): AESGCM(key) for key in keys}
        if not self._keys:
            raise ConfigurationError("the vault needs a key")
        self._writer = next(iter(self._keys))

    def seal(self, plaintext: bytes, *bound: str) -> bytes:
        """format | key id | wrapped data key | nonce | ciphertext."""
        data_key, nonce, wrap_nonce = secrets.token_bytes(KEY_BYTES), os.urandom(NONCE_BYTES), os.urandom(NONCE_BYTES)
        context = _context(bound)
        wrapped = wrap_nonce + self._keys[self._writer].encrypt(wrap_nonce, data_key, context)
        return FORMAT + self._writer + wrapped + nonce + AESGCM(data_key).encrypt(nonce, plaintext, context)

    def open(self, sealed: bytes, *bound: str) -> bytes:
        """Raises ConfigurationError when no key fits, or the record is not where it belongs."""
        writer, rest = sealed[1 : 1 + ID_BYTES], sealed[1 + ID_BYTES :]
        if sealed[:1] != FORMAT or writer not in self._keys:
            raise ConfigurationError("a stored secret was written with a key that is not configured")
        wrapped, nonce, body = (
            rest[:WRAPPED_BYTES],
            rest[WRAPPED_BYTES : WRAPPED_BYTES + NONCE_BYTES],
            rest[WRAPPED_BYTES + NONCE_BYTES :],
        )
        context = _context(bound)
        try:
            data_key = self._keys[writer].decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], context)
            return AESGCM(data_key).decrypt(nonce, body, context)
        except (InvalidTag, ValueError) as error:  # the latter of a record that was cut off
            raise ConfigurationError("a stored secret does not belong where it was found") from error

    def is_current(self, sealed: bytes) -> bool:
        """Whether the key that writes today has wrapped it."""
        return sealed[: 1 + ID_BYTES] == FORMAT + self._writer

    def rewrapped(self, sealed: bytes, *bound: str) -> bytes:
        """The same record with its data key under the key that writes; the payload stays as it is, byte for byte.

        Raises ConfigurationError like `open`.
        """
        self.open(sealed, *bound)  # a record that would not open must not look mended
        writer, start, end = sealed[1 : 1 + ID_BYTES], 1 + ID_BYTES, 1 + ID_BYTES + WRAPPED_BYTES
        wrapped, context = sealed[start:end], _context(bound)
        data_key = self._keys[writer].decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], context)
        nonce = os.urandom(NONCE_BYTES)
        anew = nonce + self._keys[self._writer].encrypt(nonce, data_key, context)
        return FORMAT + self._writer + anew + sealed[end:]


def key_id(key: bytes) -> bytes:
    """A name for a key that tells nothing of it."""
    return hashlib.sha256(b"tallyway vault key id" + key).digest()[:ID_BYTES]


def _context(bound: tuple[str, ...]) -> bytes:
    return "|".join(f"{len(part)}:{part}" for part in bound).encode()


def read_keys(text: str) -> tuple[bytes, ...]:
    """Keys as an operator writes them: hex or base64, comma-separated. Raises ConfigurationError."""
    return tuple(_read_key(part.strip()) for part in text.split(",") if part.strip())


def keys_from(command: str) -> tuple[bytes, ...]:
    """Keys that a command prints. Raises ConfigurationError without repeating anything the command said."""
    try:
        told = subprocess.run(shlex.split(command), capture_output=True, timeout=COMMAND_SECONDS, check=True)  # noqa: S603 - the operator's own command, without a shell
        return read_keys(told.stdout.decode("ascii"))
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise ConfigurationError(f"TALLYWAY_VAULT_KEY_COMMAND failed: {type(error).__name__}") from None


def _read_key(text: str) -> bytes:
    try:
        key = bytes.fromhex(text) if len(text) == 2 * KEY_BYTES else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigurationError(f"TALLYWAY_VAULT_KEY: each key must be {KEY_BYTES} bytes in base64 or hex")
    return key


def key_in(directory: Path) -> tuple[bytes, bool]:
    """The key file's key, and whether it was generated just now. The file is readable by its owner only."""
    path = directory / KEY_FILE
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read_key(path.read_text(encoding="ascii").strip()), False
    key = secrets.token_bytes(KEY_BYTES)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(base64.b64encode(key).decode() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return key, True
