"""What the fast paths share. They stand before the router and the frame and answer what is asked most.

A fast path authenticates, limits and counts as the ordinary way does, and does for its own answers what the frame does
for all: request id, security headers, bill, counts, access line. Whatever is unusual it leaves to the ordinary way,
before anything was done; that one says what is wrong. `tests/api/test_fast_paths.py` sends every case both ways.
"""

from collections.abc import Sequence
from typing import Protocol

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from gateway.http.server.errors import problem
from gateway.http.server.frame import dressed, hosted
from gateway.http.server.whole_answer import respond
from gateway.read.cache.responses import block
from models.errors import GatewayError

Headers = dict[bytes, bytes]
HOST = b"host"


class FastPath(Protocol):
    """The fast path of one address."""

    async def answered(self, scope: Scope, receive: Receive, send: Send) -> Receive | None:
        """None when the request was answered; else where the ordinary way reads it from."""
        ...


def is_hosted(headers: Headers, hosts: frozenset[str]) -> bool:
    """Whether the request is for one of our hosts."""
    return not hosts or hosted(headers.get(HOST, b"").decode("latin-1"), hosts)


def announced(headers: Headers, limit: int) -> bool:
    """Whether the length of a body is told, and within the limit."""
    length = headers.get(b"content-length", b"")
    return length.isdigit() and len(length) <= 9 and int(length) <= limit


def again(first: Message, receive: Receive) -> Receive:
    """The same request once more, for the ordinary way."""
    read = False

    async def once_more() -> Message:
        nonlocal read
        if read:
            return await receive()
        read = True
        return first

    return once_more


def marked(request_id: str) -> bytes:
    """The line of a block that names the request."""
    return b"x-request-id: %s\r\n" % request_id.encode()


async def refuse(
    scope: Scope, send: Send, error: GatewayError, request_id: str, security: Sequence[tuple[bytes, bytes]]
) -> int:
    """Send the problem of an error; its status."""
    return await respond_dressed(scope, send, problem(error, request_id), request_id, security)


async def respond_dressed(
    scope: Scope, send: Send, response: Response, request_id: str, security: Sequence[tuple[bytes, bytes]]
) -> int:
    """Send an ordinary response with the headers that the frame would add; its status."""
    head = block(dressed(response.raw_headers, request_id, security))
    await respond(scope, send, response.status_code, head, bytes(response.body))
    return response.status_code
