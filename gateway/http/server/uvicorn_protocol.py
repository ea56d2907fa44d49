"""uvicorn's reading of requests, for as long as they arrive at a reasonable pace.

uvicorn ends connections that are idle between requests, and no others: half a request line, header or body stays open
for ever. A request may take so many seconds, and one more for every 16 KB that came, so that a large import is read to
its end over a slow line while a client that drips bytes is not.
"""

import json
from asyncio import TimerHandle, Transport
from collections.abc import Sized
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gateway.http.server import uvicorn_cycle
from gateway.http.server.errors import PROBLEM
from gateway.http.server.frame import SECURITY, dressed, id_of
from gateway.http.server.whole_answer import EXTENSION
from gateway.read.cache.responses import block

LEAST_RATE = 16 * 1024
"""Bytes in a second that are never too slow."""
AT_ONCE = 16 * 1024
"""Bytes that are taken apart at once. A request of forty becomes an object of three thousand."""
LONGEST_HEAD = 64 * 1024
"""Bytes of a request line and headers."""

OFFERED: dict[str, dict[object, object]] = {EXTENSION: {}}

DETAILS = {
    HTTPStatus.REQUEST_TIMEOUT: "the request did not arrive in time",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: f"a request line and its headers may have {LONGEST_HEAD} bytes",
}


class Flow(FlowControl):
    """Reads no more of a connection while requests of it wait that are read already.

    uvicorn stops at the second request and goes on at every answer, and whenever a handler asks for a body: one more
    read may bring thousands of requests, and fifteen megabytes of them fill a gigabyte.
    """

    def __init__(self, transport: Transport, waiting: Sized) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        if not self._waiting:
            super().resume_reading()


class PacedHttpProtocol(HttpToolsProtocol):
    """A connection that is closed when a request does not arrive. `patience`: seconds, 0 for no end."""

    patience = 30.0
    _answering: RequestResponseCycle | None = None
    _held: bytearray
    """What was read and is not taken apart yet, because requests wait."""
    _timer: TimerHandle | None = None
    _since, _got = 0.0, 0

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle
        cycle.__class__ = uvicorn_cycle.Cycle  # uvicorn makes the object, and has no place to say of what kind
        cycle.scope["extensions"] = OFFERED
        super()._start_asgi_task(cycle, app)

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self.flow, self._held = Flow(transport, self.pipeline), bytearray()
        self._begin(0)

    def connection_lost(self, exc: Exception | None) -> None:
        """uvicorn tells it to the request that came last; the one that is being answered may be another."""
        self._end()
        self.pipeline.clear()
        self._held.clear()
        if self._answering is not None and not self._answering.response_complete:
            self._answering.disconnected = True
            self._answering.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.pipeline or len(data) > AT_ONCE:
            self._held += data
            self._go_on()
            return
        scope, cycle = self.scope, self.cycle
        between = scope is None or self._has_arrived()  # type: ignore[redundant-expr]  # None at first
        super().data_received(data)
        if self._has_arrived():
            if self._timer is not None:
                self._end()
            return
        if self.scope is scope:
            self._got += len(data)
        else:  # a request began, perhaps behind others that end in the same bytes
            self._end()
            self._begin(len(data) if between and self.cycle is cycle else 0)
        if self._got > LONGEST_HEAD and not self._has_head() and not self.transport.is_closing():
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large")

    def _go_on(self) -> None:
        while self._held and not self.pipeline and not self.transport.is_closing():
            piece = bytes(self._held[:AT_ONCE])
            del self._held[:AT_ONCE]
            self.data_received(piece)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._held:
            self._go_on()

    def send_400_response(self, msg: str) -> None:
        """As uvicorn says it, where it will not be taken for another request's answer or a part of it."""
        if self._is_answering() or (self._has_head() and self._is_midway()):
            self.transport.close()
        else:
            super().send_400_response(msg)

    def _is_midway(self) -> bool:
        return self.cycle.response_started and not self.cycle.response_complete

    def _has_head(self) -> bool:
        """Whether the request that came last is one: until then the last cycle, if there is any, is of another."""
        return self.cycle is not None and self.cycle.scope is self.scope  # type: ignore[redundant-expr]  # None at first

    def _has_arrived(self) -> bool:
        """Whether nothing of a request is missing; what follows an answer that came too soon is still awaited."""
        return self._has_head() and not self.cycle.more_body

    def _is_answering(self) -> bool:
        """Whether requests that came before the one that is awaited have no whole answer yet."""
        if self._has_head():
            return bool(self.pipeline)
        return self.cycle is not None and not self.cycle.response_complete  # type: ignore[redundant-expr]  # None at first

    def _begin(self, got: int) -> None:
        self._since, self._got = self.loop.time(), got
        if self.patience:
            self._timer = self.loop.call_later(self.patience, self._look)

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        """The time is over, unless enough came for more of it, or it is us who do not read, or not answer."""
        left = self._since + self.patience + self._got / LEAST_RATE - self.loop.time()
        if self.flow.read_paused or self._is_answering():
            left = self.patience
        if left > 0:
            self._timer = self.loop.call_later(left, self._look)
            return
        self._timer = None
        self._refuse(HTTPStatus.REQUEST_TIMEOUT, "request_timeout")

    def _refuse(self, status: HTTPStatus, code: str) -> None:
        """Say why, where it will not be taken for another request's answer or a part of it, and close."""
        self._end()
        begun = self.scope is not None  # None before the first byte of a request
        if begun and not self._is_answering() and not (self._has_head() and self.cycle.response_started):
            self.transport.write(_problem(status, code))
        self.transport.close()


def _problem(status: HTTPStatus, code: str) -> bytes:
    request_id = id_of(None)
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "code": code,
        "detail": DETAILS[status],
        "retryable": status == HTTPStatus.REQUEST_TIMEOUT,
        "request_id": request_id,
    }
    body = json.dumps(document).encode()
    own = (
        (b"content-type", PROBLEM.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
    )
    head = block(dressed(own, request_id, SECURITY))
    return f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() + head + b"\r\n" + body
