"""The short way of a query that was answered in the same words before: one dictionary look-up from socket to socket.

It stands before the frame and does for its own answers what the frame does for all: hosts, limits, request id, security
headers, bill, figures, access line. It authenticates, authorises and compares generations on every request; whatever
is unusual (no answer kept, several headers, an error) goes the ordinary way, which says what is wrong.
"""

import random
import time
from collections.abc import Sequence

from starlette.types import Message, Receive, Scope, Send

from gateway import tracing
from gateway.cache.responses import Finished, matches
from gateway.catalog.keys import PREFIX
from gateway.http.access import AccessLog
from gateway.http.auth import LONGEST_KEY
from gateway.http.frame import GIVEN_ID, REQUEST_ID, hosted, security_headers
from gateway.http.limits import admit_address, admit_key
from gateway.http.visitor import client_of
from gateway.services import Services
from gateway.tenancy import Caller, KeyScope

PATH = "/v1/query"
AUTHORIZATION, LENGTH, KNOWN, TENANT = b"authorization", b"content-length", b"if-none-match", b"tallyway-tenant"
HOST, TIMEOUT = b"host", b"request-timeout"
INTERESTING = frozenset({AUTHORIZATION, LENGTH, KNOWN, TENANT, HOST, TIMEOUT, REQUEST_ID})
Headers = dict[bytes, bytes]


def request_key(method: str, words: bytes) -> bytes:
    """What finds a finished answer: the method and the raw body or query string."""
    return method.encode() + b" " + words


class LeanQuery:
    """GET and POST of one path, before anything else sees them."""

    def __init__(self, services: Services, access: AccessLog | None) -> None:
        self.services, self.access = services, access
        settings = services.settings
        self.responses, self.now = services.cache.responses, settings.clock
        self.limit = settings.body_limit
        self.hosts = frozenset(h.lower() for h in settings.hosts)
        self.security = security_headers(https=settings.public_url.startswith("https://"))
        self.limited = services.key_rate.limits or services.address_rate.limits

    async def answered(self, scope: Scope, receive: Receive, send: Send) -> Receive | None:
        """None when the request was answered; else where the ordinary way reads it from."""
        started, method = time.perf_counter(), scope["method"]
        headers = self._headers(scope["headers"])
        if headers is None or (method != "POST" and method != "GET"):
            return receive
        if method == "GET":
            if LENGTH in headers:
                return receive
            words = scope["query_string"]
        else:
            length = headers.get(LENGTH, b"")
            if scope["query_string"] or not length.isdigit() or len(length) > 9 or int(length) > self.limit:
                return receive
            message = await receive()
            words = message.get("body", b"")
            if message.get("more_body", False) or message["type"] != "http.request":
                return _from(message, receive)
            receive = _from(message, receive)
        try:
            caller, found = await self._found(request_key(method, words), headers, scope)
        except Exception:
            return receive  # the ordinary way meets the same, and answers or logs it
        if caller is None or found is None:
            return receive
        with tracing.span("request", {"http.request.method": method}):
            request_id, status = await self._send(found, headers, send)
            tracing.say("http.response.status_code", status)
        seconds = time.perf_counter() - started
        self.services.meter.api_call(caller.tenant.id)
        self.services.figures.request(method, PATH, status, seconds)
        if self.access is not None:
            self.access.note(request_id, method, PATH, status, seconds)
        return None

    async def _send(self, found: Finished, headers: Headers, send: Send) -> tuple[str, int]:
        """The request's id and the status that was sent."""
        given = headers.get(REQUEST_ID, b"")
        request_id = given.decode() if given and GIVEN_ID.fullmatch(given) else new_id()
        whole, short = found.headers(self.now(), self.security)
        body, status, ready = found.body, 200, whole
        if KNOWN in headers and matches(headers[KNOWN], found.etag):
            body, status, ready = b"", 304, short
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [*ready, (REQUEST_ID, request_id.encode())],
            }
        )
        await send({"type": "http.response.body", "body": body})
        return request_id, status

    async def _found(self, request: bytes, headers: Headers, scope: Scope) -> tuple[Caller | None, Finished | None]:
        """The finished answer, when this caller may have it now and nothing changed since."""
        scheme, _, key = headers.get(AUTHORIZATION, b"").partition(b" ")
        if scheme.lower() != b"bearer" or len(key) > LONGEST_KEY or not key.isascii() or b" " in key:
            return None, None
        services, tenant, text = self.services, headers.get(TENANT), key.decode()
        if not services.guesses.quiet:
            services.guesses.check(f"{self._address(scope)} {text[:PREFIX]}")
        caller = await services.keyring.caller(text, tenant.decode("latin-1") if tenant else None)
        found = self.responses.get(caller.tenant.id, request)
        if found is None or not caller.may(KeyScope.READ):
            return caller, None
        record = await services.sites.find(caller, found.ref)
        if record is not found.record:
            if record != found.record:
                return caller, None
            found.record = record
        if services.connections.generation(record.tenant, record.connection) != found.generation:
            return caller, None
        if self.limited:
            admit_address(scope, services)
            admit_key(caller, services)
        await services.meter.admit_call(caller.tenant.id)
        return caller, found

    def _headers(self, raw: Sequence[tuple[bytes, bytes]]) -> Headers | None:
        """The headers that matter here; None when one comes twice or is for the ordinary way to judge."""
        found: Headers = {}
        for name, value in raw:
            if name in INTERESTING:
                if name in found:
                    return None
                found[name] = value
        if TIMEOUT in found or (self.hosts and not hosted(found.get(HOST, b"").decode("latin-1"), self.hosts)):
            return None
        return found

    def _address(self, scope: Scope) -> str:
        return client_of(scope, self.services.settings).name


def new_id() -> str:
    """A request's id; it names a line of the log and opens nothing."""
    return f"{random.getrandbits(64):016x}"


def _from(first: Message, receive: Receive) -> Receive:
    """The same request once more, for the ordinary way."""
    read = False

    async def again() -> Message:
        nonlocal read
        if read:
            return await receive()
        read = True
        return first

    return again
