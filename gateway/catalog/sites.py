"""Sites in the catalog: whose they are, which connection serves them, and what the backend calls them."""

import sqlite3
from datetime import datetime

import orjson
from sqlite_utils import Database

from gateway.catalog.base import Record, every, one, packed
from gateway.catalog.text import new_id, read, written
from gateway.tenancy import SiteRecord, Tenant
from models.errors import AlreadyExists, Conflict, UnknownSite
from models.site import Site, SiteChange

ID_MARK = "site_"


def new_site_id() -> str:
    """`site_` and ten random letters or digits."""
    return new_id("site")


def by_ref(db: Database, tenant: Tenant, ref: str) -> SiteRecord:
    """A tenant's site by id, domain, or the domain it had before.

    Raises UnknownSite, and Conflict when sites on several connections share the domain.
    """
    for column in ("id", "domain", "old_domain"):
        rows = every(db, f"SELECT * FROM sites WHERE tenant = ? AND {column} = ? LIMIT 2", tenant.id, ref)  # noqa: S608 - columns of ours
        if len(rows) > 1:
            raise Conflict(f"several sites have the domain {ref}; name one by its id")
        if rows:
            return _record(rows[0])
    raise UnknownSite


def for_tracker(db: Database, name: str) -> SiteRecord | None:
    """The one site of the installation that a tracker means by a domain or id.

    Whoever had the domain first has it: no site of the same domain draws another tenant's events to itself, or keeps
    them from it. Of several of that tenant, the one on our own store. None when there is no such site, or several and
    none on our own store.
    """
    for column in ("domain", "id", "old_domain"):
        rows = every(db, f"SELECT * FROM sites WHERE {column} = ? ORDER BY domain_rank", name)  # noqa: S608 - columns of ours
        theirs = [_record(row) for row in rows if row["tenant"] == rows[0]["tenant"]]
        own = [record for record in theirs if record.built_in]
        if own or len(theirs) == 1:
            return (own or theirs)[0]
        if theirs:
            return None
    return None


def owner_of(db: Database, domain: str) -> str | None:
    """The id of the tenant that had a domain first, of those that have it."""
    row = one(db, "SELECT tenant FROM sites WHERE domain = ? ORDER BY domain_rank LIMIT 1", domain)
    return None if row is None else str(row["tenant"])


def by_tracker_id(db: Database, tracker: str) -> SiteRecord | None:
    """The site whose snippet is `pa-<tracker>.js`: its id without the mark."""
    row = one(db, "SELECT * FROM sites WHERE id = ?", ID_MARK + tracker)
    return None if row is None else _record(row)


def listed(
    db: Database,
    tenant: Tenant,
    *,
    after: str = "",
    limit: int,
    tag: str | None = None,
    connection: str | None = None,
    team: str | None = None,
) -> tuple[SiteRecord, ...]:
    """Sites of a tenant by domain and id; `after` is `domain id` of the last one seen."""
    sql = (
        "SELECT * FROM sites WHERE tenant = ? AND domain || ' ' || id > ? "
        "AND (? IS NULL OR EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)) "
        "AND (? IS NULL OR connection = ?) AND (? IS NULL OR team = ?) ORDER BY domain || ' ' || id LIMIT ?"
    )
    rows = every(db, sql, tenant.id, after, tag, tag, connection, connection, team, team, limit)
    return tuple(_record(row) for row in rows)


def create(db: Database, tenant: Tenant, record: SiteRecord, now: datetime) -> SiteRecord:
    """Raises AlreadyExists when the domain is taken (for our own store: by anyone)."""
    site = record.site
    try:
        db.table("sites").insert(
            {
                "id": site.id,
                "tenant": tenant.id,
                "connection": record.connection,
                "backend": record.backend,
                "domain": site.domain,
                "old_domain": None,
                "name": site.name,
                "timezone": site.timezone,
                "external_id": site.external_id,
                "tags": packed(sorted(site.tags)),
                "generation": 0,
                "created_at": written(now),
                "team": record.team,
                "domain_rank": _next_rank(db),
            }
        )
    except sqlite3.IntegrityError as error:
        raise AlreadyExists(f"the domain {site.domain} is taken on this connection") from error
    _taken_over(db, site.domain, record)
    return by_ref(db, tenant, site.id)


def _next_rank(db: Database) -> int:
    """The place of a site in the line for its domain, from now on."""
    row = one(db, "SELECT coalesce(max(domain_rank), 0) + 1 AS next FROM sites")
    return 0 if row is None else int(row["next"])


def _taken_over(db: Database, domain: str, record: SiteRecord) -> None:
    """The domain means the site that has it now, and no longer one that had it before."""
    db.execute(
        "UPDATE sites SET old_domain = NULL WHERE old_domain = ? AND connection = ? AND id <> ?",
        [domain, record.connection, record.site.id],
    )


def change(db: Database, tenant: Tenant, site_id: str, new: SiteChange, tags: tuple[str, ...] | None) -> SiteRecord:
    """Change what is given; a changed domain leaves the old one valid. Raises UnknownSite, AlreadyExists."""
    found = by_ref(db, tenant, site_id)
    moved = new.domain is not None and new.domain != found.site.domain
    try:
        db.execute(
            "UPDATE sites SET domain = coalesce(?, domain), old_domain = CASE WHEN ? THEN domain ELSE old_domain END, "
            "domain_rank = CASE WHEN ? THEN ? ELSE domain_rank END, "
            "name = coalesce(?, name), timezone = coalesce(?, timezone), tags = coalesce(?, tags), "
            "generation = generation + 1 WHERE tenant = ? AND id = ?",
            [
                new.domain,
                moved,
                moved,
                _next_rank(db),
                new.name,
                new.timezone,
                None if tags is None else packed(sorted(tags)),
                tenant.id,
                found.site.id,
            ],
        )
    except sqlite3.IntegrityError as error:
        raise AlreadyExists(f"the domain {new.domain} is taken on this connection") from error
    if moved and new.domain is not None:
        _taken_over(db, new.domain, found)
    return by_ref(db, tenant, found.site.id)


def renamed_at_backend(db: Database, tenant: Tenant, site_id: str, external_id: str) -> None:
    """Keep what the backend calls the site from now on."""
    db.execute("UPDATE sites SET external_id = ? WHERE tenant = ? AND id = ?", [external_id, tenant.id, site_id])


def bump(db: Database, tenant: Tenant, site_id: str) -> None:
    """Answers kept for the site are no longer true."""
    db.execute("UPDATE sites SET generation = generation + 1 WHERE tenant = ? AND id = ?", [tenant.id, site_id])


def delete(db: Database, tenant: Tenant, site_id: str) -> None:
    """Raises UnknownSite."""
    found = by_ref(db, tenant, site_id)
    db.execute("DELETE FROM sites WHERE tenant = ? AND id = ?", [tenant.id, found.site.id])


def _record(row: Record) -> SiteRecord:
    return SiteRecord(
        site=Site(
            id=row["id"],
            domain=row["domain"],
            timezone=row["timezone"],
            name=row["name"],
            external_id=row["external_id"],
            tags=tuple(orjson.loads(row["tags"])),
            created_at=read(row["created_at"]),
        ),
        tenant=row["tenant"],
        connection=row["connection"],
        backend=row["backend"],
        generation=row["generation"],
        team=row["team"],
    )
