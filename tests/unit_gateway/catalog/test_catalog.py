"""The catalog: whose things are whose, what is unique, and what is never kept."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.catalog import Catalog, audit, connections, idempotency, keys, sites, tenants
from gateway.catalog.connections import ConnectionRecord
from gateway.catalog.documents import DocumentLedger
from gateway.tenancy import DEFAULT_TENANT, KeyScope, SiteRecord, Tenant
from models.errors import AlreadyExists, Conflict, IdempotencyConflict, NotFound, UnknownConnection, UnknownSite
from models.site import Site, SiteChange

NOW = datetime(2026, 6, 17, 12, tzinfo=UTC)
DEFAULT = Tenant(DEFAULT_TENANT)


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    opened = Catalog(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def other(catalog: Catalog) -> Tenant:
    return catalog.run_now(tenants.create, "Other", "other", NOW)


def site(domain: str, *, connection: str = "local", site_id: str = "") -> SiteRecord:
    made = Site(id=site_id or sites.new_site_id(), domain=domain)
    return SiteRecord(made, "", connection, "local" if connection == "local" else "vendor")


def connected(catalog: Catalog, tenant: Tenant, name: str = "c") -> ConnectionRecord:
    draft = ConnectionRecord(connections.new_connection_id(), tenant.id, name, "vendor", {}, b"sealed", 1, None, None)
    return catalog.run_now(connections.create, tenant, draft, NOW)


def test_the_default_tenant_is_there_from_the_start_and_the_file_its_owners_alone(
    catalog: Catalog, tmp_path: Path
) -> None:
    assert catalog.run_now(tenants.get, DEFAULT_TENANT).slug == "default"
    assert (tmp_path / "catalog.db").stat().st_mode & 0o077 == 0


def test_a_catalog_is_opened_again_with_what_it_held(catalog: Catalog, tmp_path: Path) -> None:
    catalog.run_now(sites.create, DEFAULT, site("example.com"), NOW)
    again = Catalog(tmp_path)
    assert again.run_now(sites.by_ref, DEFAULT, "example.com").site.domain == "example.com"
    again.close()


def test_a_key_is_found_by_itself_and_never_kept(catalog: Catalog, tmp_path: Path) -> None:
    record, key = catalog.run_now(keys.create, DEFAULT, name="k", scopes=[KeyScope.READ], now=NOW)
    found = catalog.run_now(keys.matching, key)
    assert found is not None
    assert (found[0].id, found[1].id) == (record.id, DEFAULT_TENANT)
    assert catalog.run_now(keys.matching, key[:-1] + "!") is None
    assert catalog.run_now(keys.matching, "tw_nobody00" + "0" * 32) is None
    catalog.close()
    kept = b"".join(p.read_bytes() for p in tmp_path.iterdir())
    assert key[len(record.prefix) :].encode() not in kept


def test_a_revoked_key_keeps_the_time_of_its_first_revocation(catalog: Catalog) -> None:
    record, _ = catalog.run_now(keys.create, DEFAULT, name="k", scopes=[KeyScope.READ], now=NOW)
    catalog.run_now(keys.revoke, DEFAULT, record.id, NOW)
    assert catalog.run_now(keys.revoke, DEFAULT, record.id, NOW + timedelta(days=1)).revoked_at == NOW


def test_nothing_of_one_tenant_is_there_for_another(catalog: Catalog, other: Tenant) -> None:
    record, _ = catalog.run_now(keys.create, DEFAULT, name="k", scopes=[KeyScope.READ], now=NOW)
    made = catalog.run_now(sites.create, DEFAULT, site("example.com"), NOW)
    connection = connected(catalog, DEFAULT)
    with pytest.raises(NotFound):
        catalog.run_now(keys.revoke, other, record.id, NOW)
    for ref in (made.site.id, "example.com"):
        with pytest.raises(UnknownSite):
            catalog.run_now(sites.by_ref, other, ref)
        with pytest.raises(UnknownSite):
            catalog.run_now(sites.change, other, ref, SiteChange(name="x"), None)
        with pytest.raises(UnknownSite):
            catalog.run_now(sites.delete, other, ref)
    with pytest.raises(UnknownConnection):
        catalog.run_now(connections.delete, other, connection.id)
    assert catalog.run_now(sites.listed, other, limit=10) == ()


def test_our_own_store_knows_a_domain_once_for_all_tenants(catalog: Catalog, other: Tenant) -> None:
    catalog.run_now(sites.create, DEFAULT, site("example.com"), NOW)
    with pytest.raises(AlreadyExists):
        catalog.run_now(sites.create, other, site("example.com"), NOW)


def test_of_a_tenants_sites_with_one_domain_a_tracker_means_our_own(catalog: Catalog) -> None:
    first, second = connected(catalog, DEFAULT), connected(catalog, DEFAULT)
    only = catalog.run_now(sites.create, DEFAULT, site("a.example.com", connection=first.id), NOW)
    assert catalog.run_now(sites.for_tracker, "a.example.com") == only
    catalog.run_now(sites.create, DEFAULT, site("a.example.com", connection=second.id), NOW)
    assert catalog.run_now(sites.for_tracker, "a.example.com") is None
    own = catalog.run_now(sites.create, DEFAULT, site("a.example.com"), NOW)
    assert catalog.run_now(sites.for_tracker, "a.example.com") == own
    with pytest.raises(Conflict):
        catalog.run_now(sites.by_ref, DEFAULT, "a.example.com")


def test_a_domain_is_to_trackers_whoever_had_it_first(catalog: Catalog, other: Tenant) -> None:
    theirs = connected(catalog, other)
    moving = catalog.run_now(sites.create, other, site("b.example.com", connection=theirs.id), NOW)
    mine = catalog.run_now(sites.create, DEFAULT, site("a.example.com", connection=connected(catalog, DEFAULT).id), NOW)
    # Neither by a site of the vendor, which is older, nor by one on our own store.
    catalog.run_now(sites.change, other, moving.site.id, SiteChange(domain="a.example.com"), None)
    own = catalog.run_now(sites.create, other, site("a.example.com"), NOW)

    assert catalog.run_now(sites.for_tracker, "a.example.com") == mine
    assert catalog.run_now(sites.owner_of, "a.example.com") == DEFAULT_TENANT
    catalog.run_now(sites.delete, DEFAULT, mine.site.id)
    assert catalog.run_now(sites.for_tracker, "a.example.com") == own


def test_an_old_domain_stays_valid_until_somebody_takes_it(catalog: Catalog) -> None:
    made = catalog.run_now(sites.create, DEFAULT, site("old.example.com"), NOW)
    changed = catalog.run_now(sites.change, DEFAULT, made.site.id, SiteChange(domain="new.example.com"), None)
    assert changed.generation == made.generation + 1
    assert catalog.run_now(sites.by_ref, DEFAULT, "old.example.com").site.domain == "new.example.com"
    taken = catalog.run_now(sites.create, DEFAULT, site("old.example.com"), NOW)
    assert catalog.run_now(sites.by_ref, DEFAULT, "old.example.com").site.id == taken.site.id


def test_a_listing_goes_on_where_it_stopped(catalog: Catalog) -> None:
    for n in range(5):
        catalog.run_now(sites.create, DEFAULT, site(f"s{n}.example.com"), NOW)
    page = catalog.run_now(sites.listed, DEFAULT, limit=2)
    after = f"{page[-1].site.domain} {page[-1].site.id}"
    rest = catalog.run_now(sites.listed, DEFAULT, after=after, limit=9)
    assert [r.site.domain[:2] for r in (*page, *rest)] == ["s0", "s1", "s2", "s3", "s4"]


def test_a_connection_in_use_is_not_deleted_and_a_late_change_is_refused(catalog: Catalog) -> None:
    made = connected(catalog, DEFAULT)
    catalog.run_now(sites.create, DEFAULT, site("a.example.com", connection=made.id), NOW)
    with pytest.raises(Conflict):
        catalog.run_now(connections.delete, DEFAULT, made.id)
    catalog.run_now(connections.replace, DEFAULT, replace(made, version=2), NOW)
    with pytest.raises(Conflict):
        catalog.run_now(connections.replace, DEFAULT, replace(made, version=2), NOW)


async def test_documents_of_one_connection_are_not_on_another_shelf(catalog: Catalog) -> None:
    mine, theirs = DocumentLedger(catalog, "t", "c1"), DocumentLedger(catalog, "t", "c2")
    await mine.put("goals", "site_a/1", {"n": 1})
    await mine.put("goals", "site_a%/2", {"n": 2})
    assert await theirs.get("goals", "site_a/1") is None
    assert await mine.list("goals", "site_a/") == (("site_a/1", {"n": 1}),)
    assert [await mine.next_id("goals"), await mine.next_id("goals"), await theirs.next_id("goals")] == [1, 2, 1]
    assert await mine.delete("goals", "site_a/1") is True
    assert await mine.delete("goals", "site_a/1") is False


def test_a_request_is_remembered_for_a_day(catalog: Catalog) -> None:
    claim = idempotency.claim
    assert catalog.run_now(claim, DEFAULT, "k", "d1", NOW) is None
    with pytest.raises(IdempotencyConflict):
        catalog.run_now(claim, DEFAULT, "k", "d1", NOW)
    catalog.run_now(idempotency.keep, DEFAULT, "k", idempotency.Remembered(201, b"sealed"))
    assert catalog.run_now(claim, DEFAULT, "k", "d1", NOW) == idempotency.Remembered(201, b"sealed")
    with pytest.raises(IdempotencyConflict):
        catalog.run_now(claim, DEFAULT, "k", "d2", NOW)
    assert catalog.run_now(claim, DEFAULT, "k", "d2", NOW + timedelta(hours=25)) is None


def test_the_audit_log_holds_digests_and_cannot_be_changed(catalog: Catalog, other: Tenant) -> None:
    catalog.run_now(audit.add, DEFAULT, "key_1", "goal.put", "site/1", NOW, after={"secret": "s3cr3t"})
    (row,) = catalog.run_now(audit.listed, DEFAULT, 2**62, 10)
    assert (row.action, row.before, len(row.after or "")) == ("goal.put", None, 64)
    assert catalog.run_now(audit.listed, other, 2**62, 10) == ()
    for statement in ("DELETE FROM audit", "UPDATE audit SET action = 'x'"):
        with pytest.raises(Exception, match="append-only"):
            catalog.run_now(lambda db, sql: db.execute(sql), statement)


def test_a_domain_that_another_site_took_over_means_that_site_for_good(catalog: Catalog, other: Tenant) -> None:
    """Also after the other one has moved on: found by the catalog's machine."""
    first, second = (
        catalog.run_now(sites.create, tenant, site(domain), NOW)
        for tenant, domain in ((DEFAULT, "old.example.com"), (other, "new.example.com"))
    )
    catalog.run_now(sites.change, DEFAULT, first.site.id, SiteChange(domain="moved.example.com"), None)
    catalog.run_now(sites.change, other, second.site.id, SiteChange(domain="old.example.com"), None)
    with pytest.raises(UnknownSite):
        catalog.run_now(sites.by_ref, DEFAULT, "old.example.com")
    catalog.run_now(sites.change, other, second.site.id, SiteChange(domain="newer.example.com"), None)
    found = catalog.run_now(sites.for_tracker, "old.example.com")

    assert found is not None
    assert found.site.id == second.site.id
