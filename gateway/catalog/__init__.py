"""The control plane: tenants, keys, connections, sites and what else must be remembered, in one SQLite database."""

from gateway.catalog import without_pandas  # noqa: F401 - before anything imports sqlite-utils
from gateway.catalog.base import Catalog

__all__ = ["Catalog"]
