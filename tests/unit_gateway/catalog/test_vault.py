"""The vault: what it seals opens only where it belongs, and only with a key that is configured."""

import base64
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.catalog.vault import Vault, key_in, read_keys
from models.errors import ConfigurationError

OLD, NEW = bytes(range(32)), bytes(range(32, 64))


@given(st.binary(max_size=200), st.text(max_size=20), st.text(max_size=20))
def test_what_is_sealed_opens_in_its_place_and_nowhere_else(secret: bytes, tenant: str, owner: str) -> None:
    vault = Vault([OLD])
    sealed = vault.seal(secret, tenant, owner)
    assert vault.open(sealed, tenant, owner) == secret
    for elsewhere in ((tenant, f"{owner}x"), (f"{tenant}x", owner), (tenant + owner,), (tenant, owner, "")):
        with pytest.raises(ConfigurationError):
            vault.open(sealed, *elsewhere)
    with pytest.raises(ConfigurationError):  # nor where the names, one after the other, read the same
        vault.open(vault.seal(secret, f"{tenant}|{owner}", "c"), tenant, f"{owner}|c")


def test_the_sealed_form_shows_nothing_and_differs_each_time() -> None:
    vault = Vault([OLD])
    first, second = vault.seal(b"vendor-key-123", "t"), vault.seal(b"vendor-key-123", "t")
    assert first != second
    assert b"vendor-key" not in first


@pytest.mark.parametrize("at", [0, 1, 9, 21, 60, 75, 90])
def test_a_changed_byte_is_noticed(at: int) -> None:
    vault = Vault([OLD])
    sealed = bytearray(vault.seal(b"vendor-key-123", "t"))
    sealed[at] ^= 1
    with pytest.raises(ConfigurationError):
        vault.open(bytes(sealed), "t")


@pytest.mark.parametrize("kept", [0, 1, 5, 9, 21, 68, 69, 75, 81, 90])
def test_a_record_that_was_cut_off_is_refused_like_any_other(kept: int) -> None:
    vault = Vault([OLD])
    with pytest.raises(ConfigurationError):
        vault.open(vault.seal(b"vendor-key-123", "t")[:kept], "t")


def test_a_new_first_key_writes_and_the_old_one_still_reads() -> None:
    before = Vault([OLD]).seal(b"s", "t")
    both = Vault([NEW, OLD])
    assert both.open(before, "t") == b"s"
    assert Vault([NEW]).open(both.seal(b"s", "t"), "t") == b"s"
    with pytest.raises(ConfigurationError, match="not configured"):
        Vault([NEW]).open(before, "t")


def test_keys_are_read_as_hex_and_base64() -> None:
    assert read_keys(f"{OLD.hex()}, {base64.b64encode(NEW).decode()}") == (OLD, NEW)


@pytest.mark.parametrize("text", ["short", "zz" * 32, base64.b64encode(bytes(31)).decode()])
def test_a_key_of_another_length_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_keys(text)
    assert text not in caught.value.detail


def test_the_generated_key_file_is_kept_and_its_owners_alone(tmp_path: Path) -> None:
    key, is_new = key_in(tmp_path)
    assert is_new
    assert key_in(tmp_path) == (key, False)
    assert stat.S_IMODE((tmp_path / "vault.key").stat().st_mode) == 0o600
