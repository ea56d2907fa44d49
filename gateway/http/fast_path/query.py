"""The fast path of a query that was answered in the same words before: one dictionary look-up from socket to socket.

Key, site, credential and scope are checked at the first request of a second, and again whenever this process changed a
key, a site or a connection; limits and quotas on every request. Whatever is unusual (no answer kept, several headers,
an error) goes the ordinary way, which says what is wrong.
"""

import hashlib
import time
from dataclasses import dataclass
from datetime import datetime

from starlette.types import Receive, Scope, Send

from gateway.catalog.keys import PREFIX
from gateway.http.fast_path.base import Headers, again, announced, is_hosted, marked
from gateway.http.server.access_log import AccessLog
from gateway.http.server.auth import LONGEST_KEY
from gateway.http.server.frame import REQUEST_ID, id_of, security_headers
from gateway.http.server.limits import give_back, takes
from gateway.http.server.visitor import client_of
from gateway.http.server.whole_answer import respond
from gateway.observe import tracing
from gateway.read.cache.responses import Finished, matches
from gateway.services import Services
from gateway.tenancy import Caller, KeyScope, SiteRecord

PATH = "/v1/query"
AUTHORIZATION, CONTENT_LENGTH, IF_NONE_MATCH, TENANT = (
    b"authorization",
    b"content-length",
    b"if-none-match",
    b"tallyway-tenant",
)
TIMEOUT, NO_TENANT = b"request-timeout", b"\n"
"""What no header's value can be stands for a missing one: an empty one names no tenant, not the key's own."""
ATTRIBUTES = {method: {"http.request.method": method} for method in ("GET", "POST")}
CHECKED_SECONDS = 1.0
"""A check holds until the running second ends; look-ups of keys are remembered for so much less."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A finished answer that its caller may have. `prefix` is the key's, under which guesses are counted; `changes`
    what this process had changed before it was checked."""

    caller: Caller
    prefix: str
    record: SiteRecord
    found: Finished
    changes: int


def request_key(method: str, words: bytes) -> bytes:
    """What finds a finished answer: the method and the raw body or query string."""
    return method.encode() + b" " + words


def _named(request: bytes, headers: Headers) -> bytes:
    """The same request by the same caller; a digest, so that no key lies in memory."""
    said = headers.get(AUTHORIZATION, b""), headers.get(TENANT, NO_TENANT), request
    return hashlib.sha256(b"\n".join(said)).digest()


class FastQuery:
    """GET and POST of one path, before anything else sees them."""

    def __init__(self, services: Services, access: AccessLog | None) -> None:
        self.services, self.access = services, access
        settings = services.settings
        self.responses, self.now = services.cache.responses, settings.clock
        self.limit = settings.body_limit
        self.hosts = frozenset(h.lower() for h in settings.hosts)
        self.security = security_headers(https=settings.public_url.startswith("https://"))
        self.limited = services.key_rate.limits or services.address_rate.limits
        self.remembers = settings.key_cache_seconds >= CHECKED_SECONDS
        self._second, self._checked = -1, dict[bytes, Checked]()

    async def answered(self, scope: Scope, receive: Receive, send: Send) -> Receive | None:
        """As `FastPath.answered`."""
        started, method, given = time.perf_counter(), scope["method"], scope["headers"]
        headers: Headers = dict(given)
        if len(headers) != len(given) or TIMEOUT in headers or not is_hosted(headers, self.hosts):
            return receive
        if method == "GET":
            if CONTENT_LENGTH in headers:
                return receive
            words = scope["query_string"]
        else:
            if method != "POST" or scope["query_string"] or not announced(headers, self.limit):
                return receive
            message = await receive()
            words, receive = message.get("body", b""), again(message, receive)
            if message.get("more_body", False) or message["type"] != "http.request":
                return receive
        try:
            now = self.now()
            checked = await self._found(request_key(method, words), headers, scope, now)
        except Exception:
            return receive  # the ordinary way meets the same, and answers or logs it
        if checked is None or not self._admits(checked, scope, now):
            return receive
        request_id = id_of(headers.get(REQUEST_ID))
        with tracing.span("request", ATTRIBUTES[method]):
            status = await self._answer(checked.found, scope, headers, send, request_id, now)
            tracing.say("http.response.status_code", status)
        seconds = time.perf_counter() - started
        self.services.prometheus.request(method, PATH, status, seconds)
        if self.access is not None:
            self.access.note(request_id, method, PATH, status, seconds)
        return None

    def _admits(self, checked: Checked, scope: Scope, now: datetime) -> bool:
        """Whether the request is within limits and quota, and on the bill. If not, nothing was taken or counted."""
        if self.limited and not takes(scope, self.services, checked.caller):
            return False
        if self.services.meter.call_now(checked.caller.tenant.id, checked.record.site.id, now):
            return True
        if self.limited:
            give_back(scope, self.services, checked.caller)
        return False

    async def _answer(
        self, found: Finished, scope: Scope, headers: Headers, send: Send, request_id: str, now: datetime
    ) -> int:
        """The status that was sent."""
        whole, short = found.heads(now, self.security)
        if IF_NONE_MATCH in headers and matches(headers[IF_NONE_MATCH], found.etag):
            await respond(scope, send, 304, short + marked(request_id), b"")
            return 304
        await respond(scope, send, 200, whole + marked(request_id), found.body)
        return 200

    async def _found(self, request: bytes, headers: Headers, scope: Scope, now: datetime) -> Checked | None:
        """The finished answer, when this caller may have it now and nothing changed since."""
        second = int(time.monotonic())  # ours, not the service's clock, which an operator may have stopped
        if second != self._second:
            self._second = second
            self._checked.clear()
        name, changes = _named(request, headers), self._changes()
        checked = self._checked.get(name)
        if checked is None or checked.changes != changes or checked.found.until <= now:
            checked = await self._check(request, headers, changes)
            if checked is None:
                return None
            if self.remembers and second == self._second:
                self._checked[name] = checked
        guesses = self.services.guesses
        if not guesses.quiet:
            guesses.check(f"{client_of(scope, self.services.settings).name} {checked.prefix}")
        return checked

    def _changes(self) -> int:
        services = self.services
        return services.keyring.changes + services.sites.changes + services.connections.changes

    async def _check(self, request: bytes, headers: Headers, changes: int) -> Checked | None:
        """None when there is no such answer, or the ordinary way has to say why not."""
        scheme, _, key = headers.get(AUTHORIZATION, b"").partition(b" ")
        if scheme.lower() != b"bearer" or len(key) > LONGEST_KEY or not key.isascii() or b" " in key:
            return None
        services, tenant, text = self.services, headers.get(TENANT), key.decode()
        caller = await services.keyring.caller(text, None if tenant is None else tenant.decode("latin-1"))
        found = self.responses.get(caller.tenant.id, request)
        if found is None or not caller.may(KeyScope.READ):
            return None
        record = await services.sites.find(caller, found.ref)
        if record is not found.record:
            if record != found.record:
                return None
            found.record = record
        if services.connections.generation(record.tenant, record.connection) != found.generation:
            return None
        return Checked(caller, text[:PREFIX], record, found, changes)
