"""How Pirsch words its errors: `{"validation": {field: text}, "error": [text]}` (contracts: Pirsch 3)."""

from collections.abc import Mapping
from typing import Any


class Refused(Exception):
    """An answer of the facade that is an error. `validation` names fields of the request."""

    def __init__(self, *texts: str, status: int = 400, validation: Mapping[str, str] | None = None) -> None:
        super().__init__("; ".join(texts))
        self.texts, self.status, self.validation = texts, status, dict(validation or {})

    def body(self) -> dict[str, Any]:
        return {"validation": self.validation, "error": list(self.texts)}


def invalid(field: str, reason: str) -> Refused:
    """One field is wrong. Clients that only look at `error` find it there too."""
    return Refused(f"{field}: {reason}", validation={field: reason})


NO_TOKEN = "A valid access token is required."  # noqa: S105 - a text, not a secret
NO_DOMAIN = "Domain not found."
ACCESS_DENIED = "Access denied."
