"""What surrounds every request: its id, security headers, the access log, and an answer when the code fails.

Plain ASGI: nothing is wrapped in tasks or buffered, so streams stream and a client that leaves is noticed.
"""

import random
import re
import time
from collections.abc import Iterable, Sequence
from http import HTTPStatus

import structlog
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.http.server.access_log import AccessLog
from gateway.http.server.accounting import Accounting
from gateway.http.server.errors import failure, plain, problem
from gateway.observe import tracing
from models.errors import TooManyRequests

log = structlog.get_logger()

PORT = re.compile(r":\d*$")
GIVEN_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")
REQUEST_ID, FRAMES, POLICY = b"x-request-id", b"x-frame-options", b"content-security-policy"
SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (FRAMES, b"DENY"),
    (POLICY, b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""On every answer that does not set its own."""
PROBED = frozenset({"/healthz", "/readyz"})
"""Asked by whoever runs the process, under whatever address it has: 127.0.0.1 in a container, a pod's in a cluster."""
HSTS = (b"strict-transport-security", b"max-age=31536000")


def security_headers(*, https: bool) -> tuple[tuple[bytes, bytes], ...]:
    """The headers on every answer; transport security is promised only where TLS is what clients meet."""
    return (*SECURITY, HSTS) if https else SECURITY


def secured(given: Iterable[tuple[bytes, bytes]], security: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers with those of ours that are not set, and without the id of a request."""
    headers = [(name, value) for name, value in given if name != REQUEST_ID]
    present = dict(headers)
    embeddable = b"frame-ancestors *" in present.get(POLICY, b"")
    for header in security:
        name = header[0]
        if name not in present and not (embeddable and name is FRAMES):
            headers.append(header)
    return headers


def dressed(
    given: Iterable[tuple[bytes, bytes]], request_id: str, security: Sequence[tuple[bytes, bytes]]
) -> list[tuple[bytes, bytes]]:
    """The same with the id of the request."""
    return [*secured(given, security), (REQUEST_ID, request_id.encode())]


def id_of(given: bytes | None) -> str:
    """A request's id, its sender's if it may be taken; it names a line of the log and opens nothing."""
    return given.decode() if given and GIVEN_ID.fullmatch(given) else f"{random.getrandbits(64):016x}"


def hosted(host: str, hosts: frozenset[str]) -> bool:
    """Whether a Host header names one of these, whatever its port and case."""
    return PORT.sub("", host).lower() in hosts


class Frame:
    """The outermost application. `hosts` limits the Host header; empty for any."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        access: AccessLog | None,
        hosts: tuple[str, ...],
        https: bool,
        accounting: Accounting | None = None,
    ) -> None:
        self.app, self.hosts = app, frozenset(h.lower() for h in hosts)
        self.access, self.accounting = access, accounting
        self.security = security_headers(https=https)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            if self.access is not None:
                self.access.flush()
            return
        headers = Headers(scope=scope)
        given = next((value for name, value in scope["headers"] if name == REQUEST_ID), None)
        request_id = id_of(given)
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.bind_contextvars(request_id=request_id)  # every request is a task: it ends with it
        await self._answered(scope, receive, send, headers)

    async def _answered(self, scope: Scope, receive: Receive, send: Send, headers: Headers) -> None:
        request_id = scope["state"]["request_id"]
        started, status = time.perf_counter(), 0

        async def marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                security = () if status == HTTPStatus.NOT_MODIFIED else self.security  # the client has them
                message["headers"] = dressed(message.get("headers", ()), request_id, security)
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
        if self.accounting is not None:
            self.accounting.close(scope, status, seconds)
        if self.access is not None:
            self.access.note(request_id, scope["method"], scope["path"], status, seconds)

    def _refusal(self, scope: Scope, headers: Headers, request_id: str) -> Response | None:
        """What is refused before anything else is looked at: other hosts, and addresses that ask too often."""
        if self.hosts and scope["path"] not in PROBED and not hosted(headers.get("host", ""), self.hosts):
            return plain(421, "this service does not answer to that host", request_id)
        try:
            if self.accounting is not None:
                self.accounting.admit(scope, headers)
        except TooManyRequests as error:
            return problem(error, request_id)
        return None
