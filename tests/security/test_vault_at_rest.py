"""Vendors' secrets at rest: found nowhere in the files, opened nowhere else, and carried over to a new key."""

import secrets
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from gateway.catalog import Catalog, sealed
from gateway.catalog import connections as rows
from gateway.catalog.connections import ConnectionRecord
from gateway.catalog.vault import Vault, keys_from
from gateway.settings import Settings
from gateway.tenancy import DEFAULT_TENANT, Tenant
from models.errors import ConfigurationError
from tests.api.conftest import NOW, Api, new_owner
from tests.serving import clean_environment, command, serve

CHECKOUT = Path(__file__).parents[2]
OLD, NEW = bytes(range(32)), bytes(range(32, 64))
PLANTED = "planted-vendor-secret-0123456789"
MANY = 3 * sealed.BATCH
DYING = """
import os, signal
from pathlib import Path
from gateway.catalog import Catalog, sealed
from gateway.catalog.vault import Vault

left = iter(range(sealed.BATCH * 3 // 2))

class Dying(Vault):
    def rewrapped(self, *given):
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().rewrapped(*given)

sealed.rotate(Catalog(Path({folder!r})), Dying([{new!r}, {old!r}]))
"""
"""A rotation that is killed in the middle of its second batch."""


def connect(owner: Api, base_url: str, key: str = PLANTED) -> str:
    body = {"backend": "plausible", "options": {"base_url": base_url}, "credential": {"api_key": key}}
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    return str(owner.ok("POST", "/v1/connections", body, headers=headers)["id"])


def test_no_file_holds_a_secret_in_the_clear(tmp_path: Path) -> None:
    with serve(tmp_path, NOW=NOW, ALLOW_HTTP="true", ALLOW_PRIVATE_NETWORKS="127.0.0.0/8", LOG_LEVEL="debug") as served:
        owner = new_owner(Api(served.base, served.key))
        connection = connect(owner, "http://127.0.0.1:9")
        made = owner.ok("POST", "/v1/keys", {"name": "k", "scopes": ["read"]}, headers={"Idempotency-Key": "key-1"})
        owner.ok("PATCH", f"/v1/connections/{connection}", {"name": "renamed"})
        owner.ok("POST", f"/v1/connections/{connection}/check")
        shown = owner.send("GET", f"/v1/connections/{connection}").text + owner.send("GET", "/v1/audit").text
        running = [path for path in tmp_path.rglob("*") if path.is_file()]
        texts = {path: path.read_bytes() for path in running}
    texts |= {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert any(path.name == "catalog.db" for path in texts)
    assert PLANTED not in shown
    for secret in (PLANTED, made["key"], served.key):
        assert [path.name for path, content in texts.items() if secret.encode() in content] == []


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(tmp_path)


def stored(catalog: Catalog, vault: Vault, tenant: Tenant, name: str) -> ConnectionRecord:
    connection = rows.new_connection_id()
    credential = vault.seal(orjson.dumps({"api_key": name}), tenant.id, connection, "1")
    record = ConnectionRecord(connection, tenant.id, name, "plausible", {}, credential, 1, None, None)
    return catalog.run_now(rows.create, tenant, record, Settings().clock())


def test_rows_that_changed_places_do_not_open(catalog: Catalog) -> None:
    vault, tenant = Vault([OLD]), Tenant(DEFAULT_TENANT)
    one, two = stored(catalog, vault, tenant, "one"), stored(catalog, vault, tenant, "two")
    assert one.credential is not None
    assert two.credential is not None
    for credential, place in (
        (two.credential, (one.tenant, one.id, "1")),
        (one.credential, (two.tenant, two.id, "1")),
        (one.credential, ("another", one.id, "1")),
        (one.credential, (one.tenant, one.id, "2")),
    ):
        with pytest.raises(ConfigurationError):
            vault.open(credential, *place)
    assert vault.open(one.credential, one.tenant, one.id, "1") == b'{"api_key":"one"}'
    assert catalog.run_now(sealed.unreadable, vault) == ()
    catalog.close()


def environment(folder: Path, *keys: bytes) -> Mapping[str, str]:
    written = ",".join(key.hex() for key in keys)
    return clean_environment() | {"TALLYWAY_DATA": str(folder), "TALLYWAY_VAULT_KEY": written}


def current(folder: Path) -> int:
    """How many credentials the new key has wrapped by now, read beside whoever writes."""
    database = sqlite3.connect(f"file:{folder / 'catalog.db'}?mode=ro", uri=True)
    try:
        held = [row[0] for row in database.execute("SELECT credential FROM connections")]
    finally:
        database.close()
    return sum(Vault([NEW]).is_current(credential) for credential in held)


def test_a_rotation_that_is_killed_is_resumed_and_loses_nothing(tmp_path: Path, catalog: Catalog) -> None:
    old, tenant = Vault([OLD]), Tenant(DEFAULT_TENANT)
    for number in range(MANY):
        stored(catalog, old, tenant, f"secret-{number}")
    dying = DYING.format(folder=str(tmp_path), new=NEW, old=OLD)
    assert subprocess.run([sys.executable, "-c", dying], cwd=CHECKOUT, check=False).returncode == -signal.SIGKILL
    assert current(tmp_path) == sealed.BATCH
    assert catalog.run_now(sealed.unreadable, Vault([NEW, OLD])) == ()
    again = subprocess.run(
        [command(), "vault", "rotate"], env=environment(tmp_path, NEW, OLD), capture_output=True, text=True, check=True
    )
    assert "secrets wrapped anew" in again.stdout
    assert current(tmp_path) == MANY
    only_new = Vault([NEW])
    assert catalog.run_now(sealed.unreadable, only_new) == ()
    listed = catalog.run_now(rows.listed, tenant, "", MANY)
    opened = {only_new.open(r.credential, r.tenant, r.id, "1") for r in listed if r.credential is not None}
    assert opened == {orjson.dumps({"api_key": f"secret-{number}"}) for number in range(MANY)}
    catalog.close()


def test_a_rotation_leaves_alone_what_a_server_wrote_meanwhile(catalog: Catalog) -> None:
    both, tenant = Vault([NEW, OLD]), Tenant(DEFAULT_TENANT)
    record = stored(catalog, Vault([OLD]), tenant, "before")
    read = catalog.run_now(sealed.records)
    anew = both.seal(b'{"api_key":"after"}', tenant.id, record.id, "2")
    changed = replace(record, credential=anew, version=2)
    catalog.run_now(rows.replace, tenant, changed, Settings().clock())

    assert catalog.run_now(sealed._rewrap, both, read, []) == 0
    assert catalog.run_now(rows.get, tenant, record.id).credential == anew
    catalog.close()


def test_a_rotation_without_the_old_key_changes_nothing_and_says_so(tmp_path: Path, catalog: Catalog) -> None:
    record = stored(catalog, Vault([OLD]), Tenant(DEFAULT_TENANT), "one")
    catalog.close()
    done = subprocess.run(
        [command(), "vault", "rotate"], env=environment(tmp_path, NEW), capture_output=True, text=True, check=False
    )
    assert (done.returncode, record.id in done.stderr) == (1, True)
    assert current(tmp_path) == 0


def test_wrapping_again_leaves_the_payload_as_it_is() -> None:
    before = Vault([OLD]).seal(b"s", "t", "c")
    after = Vault([NEW, OLD]).rewrapped(before, "t", "c")
    assert before[-29:] == after[-29:]  # nonce, one byte, tag
    assert Vault([NEW]).open(after, "t", "c") == b"s"
    with pytest.raises(ConfigurationError):
        Vault([NEW, OLD]).rewrapped(before, "other", "c")


def test_the_vaults_key_may_come_from_a_file_or_a_command(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(NEW.hex() + "\n")
    assert keys_from(f"cat '{tmp_path / 'key'}'") == (NEW,)
    with serve(tmp_path, VAULT_KEY_FILE=str(tmp_path / "key")) as served:
        connect(Api(served.base, served.key), "https://stats.example.com")
    assert not (tmp_path / "data" / "vault.key").exists()
    assert current(tmp_path / "data") == 1
    for wrong in ("false", "no-such-command-at-all", "echo short"):
        with pytest.raises(ConfigurationError) as caught:
            keys_from(wrong)
        assert "short" not in caught.value.detail
