"""The fixtures of the API's own tests, over a gateway of this folder's own."""

from tests.api.conftest import owner, platform, served, site

__all__ = ["owner", "platform", "served", "site"]
