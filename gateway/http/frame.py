"""What surrounds every request: its id, security headers, the access log, and an answer when the code fails.

Plain ASGI: nothing is wrapped in tasks or buffered, so streams stream and a client that leaves is noticed.
"""

import re
import time

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway import tracing
from gateway.catalog.text import random_text
from gateway.http.books import Books
from gateway.http.errors import failure, plain, problem
from gateway.log import redacted
from models.errors import TooManyRequests

log = structlog.get_logger()

PORT = re.compile(r":\d*$")
GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
SECURITY = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
}
"""On every answer that does not set its own."""
HSTS = "max-age=31536000"


class Frame:
    """The outermost application. `hosts` limits the Host header; empty for any."""

    def __init__(
        self, app: ASGIApp, *, access_log: bool, hosts: tuple[str, ...], https: bool, books: Books | None = None
    ) -> None:
        self.app, self.access_log, self.hosts, self.https = app, access_log, frozenset(h.lower() for h in hosts), https
        self.books = books

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if GIVEN_ID.fullmatch(given) else random_text(16)
        scope.setdefault("state", {})["request_id"] = request_id
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._answered(scope, receive, send, headers)

    async def _answered(self, scope: Scope, receive: Receive, send: Send, headers: Headers) -> None:
        request_id = scope["state"]["request_id"]
        started, status = time.perf_counter(), 0

        async def marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._dress(MutableHeaders(scope=message), request_id)
            await send(message)

        try:
            refusal = self._refusal(scope, headers, request_id)
            with tracing.span("request", {"http.request.method": scope["method"]}):
                await (refusal or self.app)(scope, receive, marked)
                tracing.say("http.response.status_code", status)
        except Exception:
            log.exception("request failed", method=scope["method"])
            if status == 0:
                await failure(request_id)(scope, receive, marked)
        seconds = time.perf_counter() - started
        if self.books is not None:
            self.books.close(scope, status, seconds)
        if self.access_log:
            log.info(
                "request",
                method=scope["method"],
                path=redacted(scope["path"]),
                status=status,
                ms=round(seconds * 1000, 1),
            )

    def _refusal(self, scope: Scope, headers: Headers, request_id: str) -> Response | None:
        """What is refused before anything else is looked at: other hosts, and addresses that ask too often."""
        if self.hosts and PORT.sub("", headers.get("host", "")).lower() not in self.hosts:
            return plain(421, "this service does not answer to that host", request_id)
        try:
            if self.books is not None:
                self.books.admit(scope, headers)
        except TooManyRequests as error:
            return problem(error, request_id)
        return None

    def _dress(self, headers: MutableHeaders, request_id: str) -> None:
        headers["x-request-id"] = request_id
        embeddable = "frame-ancestors *" in headers.get("content-security-policy", "")
        for name, value in SECURITY.items():
            if not (embeddable and name == "x-frame-options"):
                headers.setdefault(name, value)
        if self.https:
            headers.setdefault("strict-transport-security", HSTS)
