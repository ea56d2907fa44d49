"""Teams of a tenant in the catalog: groups of its sites, for clients that ask by team."""

from datetime import datetime
from uuid import uuid4

from sqlite_utils import Database

from gateway.catalog.base import every, one
from gateway.catalog.text import written
from gateway.tenancy import Tenant
from models.errors import Conflict, NotFound
from models.people import Team


def listed(db: Database, tenant: Tenant) -> tuple[Team, ...]:
    """In the order they were made."""
    sql = "SELECT id, name FROM teams WHERE tenant = ? ORDER BY created_at, id"
    return tuple(Team(**row) for row in every(db, sql, tenant.id))


def create(db: Database, tenant: Tenant, name: str, now: datetime) -> Team:
    """A new team; its id is a UUID, as Plausible's clients expect."""
    team = Team(id=str(uuid4()), name=name)
    db.execute("INSERT INTO teams VALUES (?, ?, ?, ?)", [team.id, tenant.id, name, written(now)])
    return team


def get(db: Database, tenant: Tenant, team: str) -> Team:
    """Raises NotFound."""
    row = one(db, "SELECT id, name FROM teams WHERE tenant = ? AND id = ?", tenant.id, team)
    if row is None:
        raise NotFound("there is no such team")
    return Team(**row)


def delete(db: Database, tenant: Tenant, team: str) -> None:
    """Raises NotFound, and Conflict while it has sites."""
    get(db, tenant, team)
    if one(db, "SELECT id FROM sites WHERE team = ?", team) is not None:
        raise Conflict("the team has sites; move or delete them first")
    db.execute("DELETE FROM teams WHERE id = ?", [team])
