"""What a connection to Pirsch is given: its options and its credential."""

from typing import Self

from pydantic import Field, SecretStr, model_validator

from adapters.pirsch.capabilities import FAN_OUT_CALLS, WALK_CALLS
from models.base import Frozen


class PirschOptions(Frozen):
    """Where Pirsch is, and how much one question may cost."""

    base_url: str = Field(default="https://api.pirsch.io", description="Origin of the API, without /api/v1.")
    fan_out_calls: int = Field(default=FAN_OUT_CALLS, ge=1, le=1000, description="Calls of one question.")
    session_walk_calls: int = Field(
        default=WALK_CALLS, ge=2, le=2000, description="Calls of a question that reads every session, 100 a call."
    )


class PirschCredential(Frozen):
    """An OAuth client (id and secret), or an access key, which may only write."""

    client_id: str = Field(
        default="", description="Client ID of a user or domain client, 32 characters.", max_length=64
    )
    client_secret: SecretStr | None = Field(default=None, description="Client secret, 64 characters.")
    access_key: SecretStr | None = Field(default=None, description="Access key `pa_...`: sends traffic, reads nothing.")

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if bool(self.client_id and self.client_secret) == bool(self.access_key):
            raise ValueError("give either client_id and client_secret, or access_key")
        return self
