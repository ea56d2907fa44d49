"""What a route is: one line of the table that the router, the access rules and the OpenAPI document are made from."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, TypeVar

from pydantic import BaseModel
from starlette.requests import Request

from gateway.http.server.body import read_body, read_json, read_model
from gateway.http.server.origin import origin_of
from gateway.http.server.work import only_reads
from gateway.services import Services
from gateway.settings import Settings
from gateway.tenancy import Caller, KeyScope, SiteRecord
from models.errors import InvalidRequest, NotAuthenticated, Problem
from models.result import Reason

Model = TypeVar("Model", bound=BaseModel)


class Access(Enum):
    """Who may call a route that asks for no particular scope."""

    OPEN = "open"
    """Anybody, without a key."""
    KEY = "key"
    """Any valid key."""
    PLATFORM = "platform"
    """Administrators of the installation."""
    METRICS = "metrics"
    """The same, or whoever holds the token for metrics."""


class Limit(Enum):
    """Which of the settings bounds the body."""

    BODY = "body_limit"
    EVENT = "event_body_limit"
    IMPORT = "import_body_limit"


@dataclass(frozen=True, slots=True)
class Ask:
    """A request that may be answered: who asks, and what with. Open routes have no caller.

    `reasons` gathers why the answer is not exact, where the answer's shape has no place for it.
    """

    request: Request
    services: Services
    known: Caller | None
    reasons: list[Reason] = field(default_factory=list, kw_only=True)

    @property
    def caller(self) -> Caller:
        """Raises NotAuthenticated on an open route."""
        if self.known is None:
            raise NotAuthenticated
        return self.known

    async def site(self) -> SiteRecord:
        """The site in the path, by id or domain. Raises UnknownSite."""
        return await self.services.sites.find(self.caller, self.request.path_params["site"])

    @property
    def origin(self) -> str:
        """Where browsers reach this service."""
        return origin_of(self.request, self.services.settings)

    def path(self, name: str) -> str:
        return str(self.request.path_params[name])

    async def json(self) -> Any:
        """The JSON body. Raises InvalidRequest, TooLarge."""
        return read_json(await self.request.body())

    async def model(self, model: type[Model]) -> Model:
        """The body as a model. Raises InvalidRequest with every problem."""
        return read_body(model, await self.request.body())

    def query(self, model: type[Model]) -> Model:
        """The query string as a model. Raises InvalidRequest with every problem."""
        pairs = self.request.query_params.multi_items()
        if twice := sorted({name for name, _ in pairs if len(self.request.query_params.getlist(name)) > 1}):
            raise InvalidRequest([Problem(name[:60], "is given twice") for name in twice])
        return read_model(model, dict(pairs))


AnyAsk = TypeVar("AnyAsk", bound=Ask)
"""What a dialect hands to its handlers."""


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[AnyAsk]):
    """One method of one path. `body`, `params` and `answers` are the models of the OpenAPI document.

    The handler gives a response or a JSON value. `creates` marks routes that honour Idempotency-Key. `media` is the
    type of an answer or body that is not JSON. Vendors' dialects have neither summary nor tag.
    """

    method: str
    path: str
    handler: Callable[[AnyAsk], Awaitable[Any]]
    summary: str
    access: KeyScope | Access
    tag: str
    body: type[BaseModel] | None = None
    params: type[BaseModel] | None = None
    answers: type[BaseModel] | None = None
    status: int = 200
    limit: Limit | int = Limit.BODY
    """Which of the settings bounds the body, or the most bytes of it."""
    creates: bool = False
    repeatable: bool = True
    """Whether one that creates finds out by itself what became of an attempt whose answer was lost."""
    also: str = ""
    """Another media type that the answer comes in when it is asked for."""
    whole: bool = False
    """Not for keys that are limited to sites; so is everything that needs the admin scope."""
    media: str = "application/json"
    body_media: str = "application/json"
    listed: bool = True
    """Whether the OpenAPI document shows it; pages and files for browsers are not part of the API."""
    asks: bool | None = None
    """Whether the work ends at the request's deadline and when the client leaves. By default what only reads does,
    but for open routes, which answer from memory."""

    @property
    def name(self) -> str:
        """The operation's id."""
        return self.handler.__name__

    @property
    def reads(self) -> bool:
        """See `asks`."""
        if self.asks is not None:
            return self.asks
        return only_reads(self.method, self.access) and self.access is not Access.OPEN

    def most(self, settings: Settings) -> int:
        """The most bytes of a body."""
        return self.limit if isinstance(self.limit, int) else int(getattr(settings, self.limit.value))
