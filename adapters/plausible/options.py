"""What a connection to Plausible is given: its options and its credential."""

from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from models.base import Frozen

CLOUD_URL = "https://plausible.io"


class PlausibleOptions(Frozen):
    """How a Plausible server is reached: which edition it is, and the newest stats API it has."""

    base_url: str = Field(default=CLOUD_URL, max_length=500)
    edition: Literal["cloud", "ce"] = "cloud"
    stats_api: Literal["v2", "v1"] = "v2"
    team_id: str | None = Field(default=None, max_length=100)
    """Sites are listed and created in this team; without it, wherever the key reaches."""
    requests_per_hour: int | None = Field(default=None, ge=60, le=10_000_000)
    """What the server grants this key, where it is not the edition's usual number (it is agreed by contract there)."""

    @model_validator(mode="after")
    def _the_cloud_is_current(self) -> Self:
        if self.edition == "cloud" and self.stats_api == "v1":
            raise ValueError("the cloud has stats v2; stats_api v1 is for older servers of edition ce")
        return self


class PlausibleCredential(Frozen):
    """A key made in the settings of a Plausible account; type "Sites API" where sites are to be managed."""

    api_key: SecretStr = Field(min_length=1, max_length=500)
