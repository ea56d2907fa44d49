"""An ASGI extension: an answer in one message, whose headers are a block of bytes already."""

from collections.abc import Iterator
from typing import Any

from starlette.types import Message, Scope, Send

EXTENSION = "tallyway.answer"
"""Of ASGI, offered by our own server: a message with a whole answer, as `status`, `head` (a block) and `body`."""


async def respond(scope: Scope, send: Send, status: int, head: bytes, body: bytes) -> None:
    """Send an answer whose headers are a block already."""
    message = {"type": EXTENSION, "status": status, "head": head, "body": body}
    if EXTENSION in scope.get("extensions", ()):
        await send(message)
        return
    for part in parts(message):
        await send(part)


def parts(message: Message) -> Iterator[Any]:
    """The same as any server takes it."""
    lines = message["head"].split(b"\r\n")
    headers = [(name, value) for name, _, value in (line.partition(b": ") for line in lines) if name]
    yield {"type": "http.response.start", "status": message["status"], "headers": headers}
    yield {"type": "http.response.body", "body": message["body"]}
