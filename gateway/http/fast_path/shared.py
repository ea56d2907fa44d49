"""What the short ways share. They stand before the router and the frame and answer what is asked most.

A short way authenticates, limits and counts as the ordinary way does, and does for its own answers what the frame does
for all: request id, security headers, bill, figures, access line. Whatever is unusual it leaves to the ordinary way,
before anything was done; that one says what is wrong.
"""

import random
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from gateway.read.cache.responses import block
from gateway.http.server.errors import problem
from gateway.http.server.frame import GIVEN_ID, REQUEST_ID, dressed, hosted
from models.errors import GatewayError

Headers = dict[bytes, bytes]
HOST = b"host"
EXTENSION = "tallyway.answer"
"""Of ASGI, offered by our own server: a message with a whole answer, as `status`, `head` (a block) and `body`."""


class Shortcut(Protocol):
    """The short way of one path."""

    async def answered(self, scope: Scope, receive: Receive, send: Send) -> Receive | None:
        """None when the request was answered; else where the ordinary way reads it from."""
        ...


def id_of(headers: Headers) -> str:
    """The request's id, its sender's if it may be taken; it names a line of the log and opens nothing."""
    given = headers.get(REQUEST_ID)
    return given.decode() if given and GIVEN_ID.fullmatch(given) else f"{random.getrandbits(64):016x}"


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


async def respond(scope: Scope, send: Send, status: int, head: bytes, body: bytes) -> None:
    """Send an answer whose headers are a block already."""
    message = {"type": EXTENSION, "status": status, "head": head, "body": body}
    if EXTENSION in scope.get("extensions", ()):
        await send(message)
        return
    for part in parts(message):
        await send(part)


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


def parts(message: Message) -> Iterator[Any]:
    """The same as any server takes it."""
    lines = message["head"].split(b"\r\n")
    headers = [(name, value) for name, _, value in (line.partition(b": ") for line in lines) if name]
    yield {"type": "http.response.start", "status": message["status"], "headers": headers}
    yield {"type": "http.response.body", "body": message["body"]}
