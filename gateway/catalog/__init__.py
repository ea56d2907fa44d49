"""The control plane: tenants, keys, connections, sites and what else must be remembered, in one SQLite database."""

from gateway.catalog.base import Catalog

__all__ = ["Catalog"]
