"""Values of a dimension that occur in a period, for lists to choose filters from."""

from adapters.local.client import StoreClient
from adapters.local.enrich.names import name_of
from adapters.local.sql.dimensions import COLUMNS, known, scope
from adapters.local.sql.filters import column_of
from adapters.local.sql.places import CODED
from models.errors import InvalidRequest, Problem
from models.query import ResolvedQuery
from models.site import Site
from models.vocabulary import Dimension, Scope, prop_key

PROPS = "arrayJoin(mapKeys(props))"


class Values:
    """ListsValues."""

    client: StoreClient

    async def list_values(self, site: Site, query: ResolvedQuery, dimension: str, search: str = "") -> tuple[str, ...]:
        """In order; blanks are no value. Raises InvalidRequest."""
        conditions = await self.client.conditions(site, query)
        of_visits = dimension != Dimension.PROP and not prop_key(dimension) and scope(dimension) is Scope.VISIT
        if dimension == Dimension.PROP:
            column = PROPS
        elif prop_key(dimension) or known(dimension) in COLUMNS:
            column = column_of(dimension, conditions.bind)
        else:
            raise InvalidRequest([Problem("dimension", f"{dimension} has no list of values")])
        table, where = ("sessions FINAL", conditions.visits()) if of_visits else ("events", conditions.events())
        if dimension == Dimension.EVENT:
            where += " AND name != 'pageview'"
        named = CODED.get(dimension)
        found = f"SELECT DISTINCT toString({column}) AS value FROM {table} WHERE {where}"
        part = (
            f" AND positionCaseInsensitiveUTF8(value, {conditions.bind.text(search)}) > 0"
            if search and not named
            else ""
        )
        most = "" if named else f" LIMIT {int(query.limit)}"
        rows = await self.client.rows(
            f"SELECT value FROM ({found}) WHERE value != ''{part} ORDER BY value{most}", conditions
        )
        values = [str(row[0]) for row in rows]
        if named is None:
            return tuple(values)
        names = sorted({name_of(named, code) for code in values})
        return tuple(name for name in names if search.lower() in name.lower())[: query.limit]
