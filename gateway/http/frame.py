"""What surrounds every request: its id, security headers, the access log, and an answer when the code fails.

Plain ASGI: nothing is wrapped in tasks or buffered, so streams stream and a client that leaves is noticed.
"""

import re
import time

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.catalog.text import random_text
from gateway.http.errors import failure, plain
from gateway.log import redacted

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

    def __init__(self, app: ASGIApp, *, access_log: bool, hosts: tuple[str, ...], https: bool) -> None:
        self.app, self.access_log, self.hosts, self.https = app, access_log, frozenset(hosts), https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if GIVEN_ID.fullmatch(given) else random_text(16)
        scope.setdefault("state", {})["request_id"] = request_id
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._answered(scope, receive, send, request_id, headers.get("host", ""))

    async def _answered(self, scope: Scope, receive: Receive, send: Send, request_id: str, host: str) -> None:
        started, status = time.perf_counter(), 0

        async def marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._dress(MutableHeaders(scope=message), request_id)
            await send(message)

        try:
            if self.hosts and PORT.sub("", host) not in self.hosts:
                await plain(421, "this service does not answer to that host", request_id)(scope, receive, marked)
            else:
                await self.app(scope, receive, marked)
        except Exception:
            log.exception("request failed", method=scope["method"])
            if status == 0:
                await failure(request_id)(scope, receive, marked)
        if self.access_log:
            log.info(
                "request",
                method=scope["method"],
                path=redacted(scope["path"]),
                status=status,
                ms=round((time.perf_counter() - started) * 1000, 1),
            )

    def _dress(self, headers: MutableHeaders, request_id: str) -> None:
        headers["x-request-id"] = request_id
        for name, value in SECURITY.items():
            headers.setdefault(name, value)
        if self.https:
            headers.setdefault("strict-transport-security", HSTS)
