"""Everything that can go wrong, as one tree.

    GatewayError(code, message)
    |- RequestError               the caller can mend it
    |  |- InvalidRequest          problems[]: field, reason, allowed
    |  |- UnsupportedQuery        reasons[], nearest; refused before any call
    |  |- NotAuthenticated        NotAllowed          QuotaExceeded
    |  |- NotFound                UnknownSite, UnknownGoal, UnknownConnection, ...
    |  |- Conflict                AlreadyExists, IdempotencyConflict
    |  `- TooLarge                TooManyRequests(retry_after)
    |- BackendError               the backend behind the site failed
    |  |- Unreachable             CircuitOpen
    |  |- TimedOut                RejectedCredentials
    |  |- RateLimited(retry_after)                    RefusedByBackend
    |  `- Unintelligible
    |- Overloaded(retry_after)    we are full; nothing was taken
    `- ConfigurationError         the operator can mend it

`code` is stable and public; HTTP statuses appear only in `gateway/http/server/errors.py` and the facades.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a request: where, why, and what is allowed there."""

    field: str
    reason: str
    allowed: tuple[str, ...] = ()
    value: Any = None

    def as_json(self) -> dict[str, Any]:
        body: dict[str, Any] = {"field": self.field, "reason": self.reason}
        if self.allowed:
            body["allowed"] = list(self.allowed)
        return body


class GatewayError(Exception):
    """Root of the tree. `detail` is for the caller: no secret, no vendor prose, no address."""

    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Something went wrong on our side"
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str = "", *, retry_after: float | None = None, backend: str | None = None) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.retry_after = retry_after
        self.backend = backend

    def members(self) -> Mapping[str, Any]:
        """Further members of the problem document this error carries."""
        return {}


class RequestError(GatewayError):
    """The caller can mend it."""

    code = "bad_request"
    title = "The request cannot be served as it is"


class InvalidRequest(RequestError):
    """The request is malformed; carries every problem found, not only the first."""

    code = "invalid_request"
    title = "The request has invalid fields"

    def __init__(self, problems: Iterable[Problem], detail: str = "") -> None:
        self.problems = tuple(problems)
        super().__init__(detail or "; ".join(f"{p.field}: {p.reason}" for p in self.problems))

    def members(self) -> Mapping[str, Any]:
        return {"problems": [p.as_json() for p in self.problems]}


class UnsupportedQuery(RequestError):
    """The site's backend cannot answer this truthfully; nobody was asked. `nearest` is a question it can answer."""

    code = "unsupported_query"
    title = "The site's backend cannot answer this truthfully"

    def __init__(
        self,
        reasons: Iterable[str],
        *,
        nearest: Mapping[str, Any] | None = None,
        backend: str | None = None,
    ) -> None:
        self.reasons = tuple(reasons)
        self.nearest = dict(nearest) if nearest else None
        super().__init__("; ".join(self.reasons), backend=backend)

    def members(self) -> Mapping[str, Any]:
        return {"reasons": list(self.reasons), "nearest": self.nearest}


class NotAuthenticated(RequestError):
    """No key, or a key that is unknown, expired or revoked."""

    code = "unauthenticated"
    title = "A valid API key is required"


class NotAllowed(RequestError):
    """The key is good but may not do this."""

    code = "forbidden"
    title = "This key may not do that"


class QuotaExceeded(RequestError):
    """The tenant's quota is used up; `quota` names it, `limit` is what the tenant may have of it."""

    code = "quota_exceeded"
    title = "The tenant's quota is used up"

    def __init__(self, quota: str, limit: int, *, retry_after: float | None = None, detail: str = "") -> None:
        super().__init__(detail or f"the quota {quota} is used up: {limit}", retry_after=retry_after)
        self.quota, self.limit = quota, limit

    def members(self) -> Mapping[str, Any]:
        return {"quota": self.quota, "limit": self.limit}


class NotFound(RequestError):
    """There is no such thing for this tenant; another tenant's things look the same."""

    code = "not_found"
    title = "There is no such thing here"


class UnknownSite(NotFound):
    code = "unknown_site"
    title = "There is no such site"

    @classmethod
    def problem(cls, field: str, ref: str) -> Problem:
        """The same as what is wrong with a field that names a site."""
        return Problem(field, f"{cls.title[0].lower()}{cls.title[1:]}: {ref[:60]!r}")


class UnknownGoal(NotFound):
    code = "unknown_goal"
    title = "There is no such goal"


class UnknownConnection(NotFound):
    code = "unknown_connection"
    title = "There is no such connection"


class Conflict(RequestError):
    """The request contradicts what is already there."""

    code = "conflict"
    title = "The request conflicts with the present state"


class AlreadyExists(Conflict):
    code = "already_exists"
    title = "It exists already"


class IdempotencyConflict(Conflict):
    """The same Idempotency-Key with another body, or while the first request still runs."""

    code = "idempotency_conflict"
    title = "This Idempotency-Key was used for another request"


class TooLarge(RequestError):
    code = "too_large"
    title = "The request is larger than allowed"


class TooManyRequests(RequestError):
    """Our own rate limit; `retry_after` in seconds."""

    code = "rate_limited"
    title = "Too many requests"
    retryable = True


class BackendError(GatewayError):
    """The backend behind the site failed; `backend` names it."""

    code = "backend_error"
    title = "The site's backend failed"
    retryable = True


class Unreachable(BackendError):
    """No connection, or the circuit is open."""

    code = "backend_unavailable"
    title = "The site's backend cannot be reached"


class CircuitOpen(Unreachable):
    """Not asked, because the last calls failed; `retry_after` is when the next probe may go."""


class TimedOut(BackendError):
    code = "backend_timeout"
    title = "The site's backend did not answer in time"


class RejectedCredentials(BackendError):
    """The backend refuses the connection's credential; stop calling until it is replaced."""

    code = "backend_credentials"
    title = "The site's backend rejects the connection's credential"
    retryable = False


class RateLimited(BackendError):
    """The backend's limit, or our budget for it, is used up; `retry_after` in seconds."""

    code = "backend_rate_limited"
    title = "The backend's request limit is used up"


class RefusedByBackend(BackendError):
    """The backend refuses by policy (plan, permission) or finds the request invalid; asking again changes nothing."""

    code = "backend_refused"
    title = "The site's backend refuses this request"
    retryable = False


class MissingAtBackend(BackendError):
    """The backend does not know the site or thing any more."""

    code = "backend_not_found"
    title = "The site's backend does not know this"
    retryable = False


class Unintelligible(BackendError):
    """The backend answered something that is not what it documents."""

    code = "backend_bad_response"
    title = "The site's backend answered something unintelligible"


OUTCOME_UNKNOWN = (Unreachable, TimedOut, Unintelligible)
"""Errors after which the backend may or may not have done what was asked."""


def leaves_outcome_unknown(error: BaseException) -> bool:
    """Whether the backend may have done what was asked, although there was this error."""
    if not isinstance(error, GatewayError):
        return True
    return isinstance(error, OUTCOME_UNKNOWN) and not isinstance(error, CircuitOpen)


class Overloaded(GatewayError):
    """We are full (queue, journal, disk); nothing was taken. `retry_after` in seconds."""

    code = "overloaded"
    title = "The service is at its limit"
    retryable = True


class ConfigurationError(GatewayError):
    """The operator can mend it; the service does not start, or the connection is refused."""

    code = "configuration"
    title = "The configuration is not usable"
