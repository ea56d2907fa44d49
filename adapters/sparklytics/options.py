"""What a connection to Sparklytics is given: its options and its credential."""

from pydantic import Field, SecretStr

from models.base import Frozen


class SparklyticsOptions(Frozen):
    """Where the server is."""

    base_url: str = Field(description="Address of the Sparklytics server, such as https://analytics.example.com")


class SparklyticsCredential(Frozen):
    """An API key, or the server's password; a server with SPARKLYTICS_AUTH=none needs neither.

    Only the password may manage API keys (source of 2026-04-12); keys carry no scopes and never expire.
    """

    api_key: SecretStr | None = None
    password: SecretStr | None = None
