"""The catalog's tables, as numbered steps that are applied once and never edited afterwards.

Times are RFC 3339 texts in UTC. `tenant` and `connection` are part of every key that could cross between owners.
"""

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from gateway.tenancy import DEFAULT_TENANT

steps = Migrations("tallyway.catalog")


@steps(name="0001_tenants_and_keys")
def _tenants_and_keys(db: Database) -> None:
    db.execute(
        "CREATE TABLE tenants (id TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, name TEXT NOT NULL, "
        "created_at TEXT NOT NULL) STRICT"
    )
    db.execute(
        "INSERT INTO tenants VALUES (?, ?, 'Default', strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))",
        [DEFAULT_TENANT, DEFAULT_TENANT],
    )
    db.execute(
        "CREATE TABLE keys (id TEXT PRIMARY KEY, tenant TEXT NOT NULL REFERENCES tenants(id), name TEXT NOT NULL, "
        "prefix TEXT NOT NULL UNIQUE, digest BLOB NOT NULL, scopes TEXT NOT NULL, sites TEXT, "
        "platform INTEGER NOT NULL, "
        "created_at TEXT NOT NULL, expires_at TEXT, last_used_at TEXT, revoked_at TEXT) STRICT"
    )
    db.execute("CREATE INDEX keys_of_tenant ON keys (tenant, id)")


@steps(name="0002_connections_and_sites")
def _connections_and_sites(db: Database) -> None:
    db.execute(
        "CREATE TABLE connections (id TEXT PRIMARY KEY, tenant TEXT NOT NULL REFERENCES tenants(id), "
        "name TEXT NOT NULL, "
        "backend TEXT NOT NULL, options TEXT NOT NULL, credential BLOB, version INTEGER NOT NULL, "
        "created_at TEXT NOT NULL, updated_at TEXT NOT NULL) STRICT"
    )
    db.execute("CREATE INDEX connections_of_tenant ON connections (tenant, id)")
    db.execute(
        "CREATE TABLE sites (id TEXT PRIMARY KEY, tenant TEXT NOT NULL REFERENCES tenants(id), "
        "connection TEXT NOT NULL, "
        "backend TEXT NOT NULL, domain TEXT NOT NULL, old_domain TEXT, name TEXT NOT NULL, timezone TEXT NOT NULL, "
        "external_id TEXT NOT NULL, tags TEXT NOT NULL, generation INTEGER NOT NULL, created_at TEXT NOT NULL) STRICT"
    )
    db.execute("CREATE UNIQUE INDEX site_of_connection ON sites (tenant, connection, domain)")
    # Trackers name a site by its domain alone, so our own store knows each domain once for all tenants.
    db.execute("CREATE UNIQUE INDEX site_of_installation ON sites (domain) WHERE connection = 'local'")
    db.execute("CREATE INDEX site_by_domain ON sites (domain)")
    db.execute("CREATE INDEX site_by_old_domain ON sites (old_domain) WHERE old_domain IS NOT NULL")


@steps(name="0003_documents")
def _documents(db: Database) -> None:
    db.execute(
        "CREATE TABLE documents (tenant TEXT NOT NULL, connection TEXT NOT NULL, kind TEXT NOT NULL, "
        "key TEXT NOT NULL, "
        "value TEXT NOT NULL, PRIMARY KEY (tenant, connection, kind, key)) STRICT, WITHOUT ROWID"
    )
    db.execute(
        "CREATE TABLE counters (tenant TEXT NOT NULL, connection TEXT NOT NULL, kind TEXT NOT NULL, "
        "last INTEGER NOT NULL, PRIMARY KEY (tenant, connection, kind)) STRICT, WITHOUT ROWID"
    )


@steps(name="0004_segments")
def _segments(db: Database) -> None:
    db.execute(
        "CREATE TABLE segments (id TEXT PRIMARY KEY, tenant TEXT NOT NULL REFERENCES tenants(id), "
        "site TEXT NOT NULL REFERENCES sites(id) ON DELETE CASCADE, name TEXT NOT NULL, filters TEXT NOT NULL, "
        "created_at TEXT NOT NULL, UNIQUE (tenant, site, name)) STRICT"
    )


@steps(name="0005_requests_remembered")
def _requests_remembered(db: Database) -> None:
    db.execute(
        "CREATE TABLE idempotency (tenant TEXT NOT NULL, key TEXT NOT NULL, digest TEXT NOT NULL, status INTEGER, "
        "answer BLOB, created_at TEXT NOT NULL, PRIMARY KEY (tenant, key)) STRICT, WITHOUT ROWID"
    )
    db.execute(
        "CREATE TABLE audit (id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, at TEXT NOT NULL, key TEXT NOT NULL, "
        "action TEXT NOT NULL, object TEXT NOT NULL, before TEXT, after TEXT) STRICT"
    )
    db.execute("CREATE INDEX audit_of_tenant ON audit (tenant, id)")
    for change in ("UPDATE", "DELETE"):
        db.execute(
            f"CREATE TRIGGER audit_is_kept_{change.lower()} BEFORE {change} ON audit "
            "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
        )


@steps(name="0006_budgets")
def _budgets(db: Database) -> None:
    db.execute(
        "CREATE TABLE budgets (credential TEXT PRIMARY KEY, level REAL NOT NULL, at REAL NOT NULL, "
        "factor REAL NOT NULL, closed REAL NOT NULL) STRICT, WITHOUT ROWID"
    )


@steps(name="0006_site_clients")
def _site_clients(db: Database) -> None:
    db.execute(
        "CREATE TABLE clients (id TEXT PRIMARY KEY, tenant TEXT NOT NULL REFERENCES tenants(id), "
        "site TEXT REFERENCES sites(id) ON DELETE CASCADE, kind TEXT NOT NULL, digest BLOB UNIQUE, "
        "scopes TEXT NOT NULL, description TEXT NOT NULL, created_at TEXT NOT NULL, last_used_at TEXT) STRICT"
    )
    db.execute("CREATE INDEX clients_of_site ON clients (tenant, site, id)")
    db.execute("CREATE UNIQUE INDEX code_of_site ON clients (site) WHERE kind = 'code'")


@steps(name="0007_quotas_and_usage")
def _quotas_and_usage(db: Database) -> None:
    db.execute(
        "CREATE TABLE quotas (tenant TEXT PRIMARY KEY REFERENCES tenants(id), sites INTEGER, events_per_month INTEGER, "
        "api_calls_per_hour INTEGER) STRICT, WITHOUT ROWID"
    )
    # Rows outlive their sites: what was used is still to be billed.
    db.execute(
        "CREATE TABLE usage (tenant TEXT NOT NULL, site TEXT NOT NULL, month TEXT NOT NULL, events INTEGER NOT NULL, "
        "api_calls INTEGER NOT NULL, vendor_calls INTEGER NOT NULL, "
        "PRIMARY KEY (tenant, site, month)) STRICT, WITHOUT ROWID"
    )
    db.execute(
        "CREATE TABLE usage_hours (tenant TEXT NOT NULL, hour TEXT NOT NULL, api_calls INTEGER NOT NULL, "
        "PRIMARY KEY (tenant, hour)) STRICT, WITHOUT ROWID"
    )


@steps(name="0007_teams")
def _teams(db: Database) -> None:
    db.execute(
        "CREATE TABLE teams (id TEXT PRIMARY KEY, tenant TEXT NOT NULL REFERENCES tenants(id), name TEXT NOT NULL, "
        "created_at TEXT NOT NULL) STRICT"
    )
    db.execute("ALTER TABLE sites ADD COLUMN team TEXT REFERENCES teams(id)")
    db.execute("CREATE INDEX sites_of_team ON sites (team) WHERE team IS NOT NULL")


@steps(name="0008_audit_outcomes")
def _audit_outcomes(db: Database) -> None:
    db.execute("ALTER TABLE audit ADD COLUMN outcome TEXT NOT NULL DEFAULT 'done'")
    # Changes at backends that were begun; what stays here was cut off, and nobody knows what became of it.
    db.execute(
        "CREATE TABLE audit_begun (id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, at TEXT NOT NULL, key TEXT NOT NULL, "
        "action TEXT NOT NULL, object TEXT NOT NULL, before TEXT) STRICT"
    )


@steps(name="0009_import_bills")
def _import_bills(db: Database) -> None:
    # Rows outlive jobs and sites: what was taken is billed, once.
    db.execute(
        "CREATE TABLE import_bills (number INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, "
        "site TEXT NOT NULL, job TEXT NOT NULL, month TEXT NOT NULL, rows INTEGER NOT NULL, open INTEGER NOT NULL, "
        "begun_at TEXT NOT NULL) STRICT"
    )
    db.execute("CREATE UNIQUE INDEX bill_of_import ON import_bills (site, job) WHERE job <> ''")
    db.execute("CREATE INDEX bills_open ON import_bills (number) WHERE open = 1")


@steps(name="0010_domain_ranks")
def _domain_ranks(db: Database) -> None:
    # Who had a domain first, across tenants; times of creation do not say, since sites change their domains.
    db.execute("ALTER TABLE sites ADD COLUMN domain_rank INTEGER NOT NULL DEFAULT 0")
    db.execute(
        "UPDATE sites SET domain_rank = (SELECT count(*) FROM sites AS other "
        "WHERE (other.created_at, other.rowid) <= (sites.created_at, sites.rowid))"
    )


@steps(name="0011_domains_without_sites")
def _domains_without_sites(db: Database) -> None:
    # A creation or renaming that was cut off between two writes left its domain to nobody, or a site without its own.
    # Both are one transaction since.
    ours = "tenant = '' AND connection = 'local' AND kind = 'sites'"
    db.execute(
        f"DELETE FROM documents WHERE {ours} AND key NOT IN (SELECT domain FROM sites WHERE connection = 'local')"  # noqa: S608 - words of ours
    )
    db.execute(
        "INSERT OR IGNORE INTO documents SELECT '', 'local', 'sites', domain, "
        "json_object('name', name, 'timezone', timezone) FROM sites WHERE connection = 'local'"
    )
    db.execute("UPDATE sites SET external_id = domain WHERE connection = 'local'")
