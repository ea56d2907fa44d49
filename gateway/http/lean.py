"""The short way of a query that was answered in the same words before: one dictionary look-up from socket to socket.

Plain ASGI in front of the ordinary endpoint. It authenticates, authorises and compares generations on every request;
whatever is unusual (no answer kept, several headers, an error) goes the ordinary way, which says what is wrong.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.cache.responses import Finished, matches
from gateway.http.auth import LONGEST_KEY, admit
from gateway.services import Services
from gateway.tenancy import KeyScope
from models.errors import GatewayError

INTERESTING = frozenset({b"authorization", b"content-length", b"if-none-match", b"tallyway-tenant"})


def request_key(method: str, words: bytes) -> bytes:
    """What finds a finished answer: the method and the raw body or query string."""
    return method.encode() + b" " + words


class LeanQuery:
    """An ASGI endpoint for GET and POST of one path."""

    def __init__(self, services: Services, ordinary: ASGIApp) -> None:
        self.services, self.ordinary = services, ordinary
        self.responses, self.now = services.cache.responses, services.settings.clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _headers(scope)
        words = await self._words(scope, headers, receive) if headers is not None else None
        if headers is None or words is None:
            await self.ordinary(scope, receive, send)
            return
        found = await self._found(request_key(scope["method"], words), headers, scope)
        if found is None:
            await self.ordinary(scope, _replayed(words if scope["method"] == "POST" else b"", receive), send)
            return
        whole, short = found.headers(self.now())
        if b"if-none-match" in headers and matches(headers[b"if-none-match"], found.etag):
            await send({"type": "http.response.start", "status": 304, "headers": list(short)})
            await send({"type": "http.response.body", "body": b""})
            return
        await send({"type": "http.response.start", "status": 200, "headers": list(whole)})
        await send({"type": "http.response.body", "body": found.body})

    async def _words(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive) -> bytes | None:
        """The raw question; None, nothing read, when the request is not of the plain kind."""
        query: bytes = scope["query_string"]
        if scope["method"] == "GET":
            return query if b"content-length" not in headers else None
        length = headers.get(b"content-length", b"")
        if scope["method"] != "POST" or query or not length.isdigit():
            return None
        if len(length) > 9 or int(length) > self.services.settings.body_limit:
            return None
        message = await receive()
        body: bytes = message.get("body", b"")
        while message["type"] == "http.request" and message.get("more_body", False):
            message = await receive()
            body += message.get("body", b"")
        return body

    async def _found(self, request: bytes, headers: dict[bytes, bytes], scope: Scope) -> Finished | None:
        """The finished answer, when this caller may have it and nothing changed since."""
        scheme, _, key = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer" or len(key) > LONGEST_KEY or not key.isascii():
            return None
        tenant = headers.get(b"tallyway-tenant")
        services = self.services
        try:
            caller = await services.keyring.caller(key.decode(), tenant.decode("latin-1") if tenant else None)
            found = self.responses.get(caller.tenant.id, request)
            if found is None or not caller.may(KeyScope.READ):
                return None
            record = await services.sites.find(caller, found.ref)
            if record is not found.record and record != found.record:
                return None
            if services.connections.generation(record.tenant, record.connection) != found.generation:
                return None
            await admit(scope["state"], services, caller)
        except GatewayError:
            return None
        return found


def _headers(scope: Scope) -> dict[bytes, bytes] | None:
    """The headers that matter here; None when one of them comes twice."""
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in INTERESTING:
            if name in found:
                return None
            found[name] = value
    return found


def _replayed(body: bytes, receive: Receive) -> Receive:
    """The same request once more, for the ordinary way."""
    read = False

    async def again() -> Message:
        nonlocal read
        if read:
            return await receive()
        read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
