"""What a connection to Umami is given: its options and its credential."""

from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from models.base import Frozen

CLOUD_URL = "https://api.umami.is/v1"


class UmamiOptions(Frozen):
    """Where Umami is: a server of one's own, or its cloud (whose `base_url` is https://api.umami.is/v1)."""

    base_url: str = Field(default=CLOUD_URL, max_length=500)
    edition: Literal["self-hosted", "cloud"] = "self-hosted"
    team_id: str | None = Field(default=None, max_length=100, description="Websites are created in this team.")
    share_url: str = Field(default="", max_length=500, description="Where shared pages are, if not at base_url.")

    @property
    def share_base(self) -> str:
        """The address that shared pages stand under, without a trailing slash."""
        return (self.share_url or ("https://cloud.umami.is" if self.edition == "cloud" else self.base_url)).rstrip("/")


class UmamiCredential(Frozen):
    """An API key, or user name and password. Servers of one's own have API keys since 3.4 (umami issue 4454)."""

    api_key: SecretStr | None = None
    username: str | None = Field(default=None, max_length=255)
    password: SecretStr | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.api_key is None and (self.username is None or self.password is None):
            raise ValueError("give api_key, or username and password")
        return self
