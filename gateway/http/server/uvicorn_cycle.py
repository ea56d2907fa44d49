"""Answers that are ready as bytes: written at once, where the server is ours.

uvicorn looks at every header of every answer, which costs a kept answer more than finding it. An application that sees
`EXTENSION` in its scope may send one message of that type instead of two; on another server it does not see it.
"""

from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from gateway.http.server.whole_answer import EXTENSION, parts
from gateway.read.cache.responses import block


class Cycle(RequestResponseCycle):
    """uvicorn's request and response, which also takes prepared answers: status, a block of headers, a body."""

    _dated: tuple[object, bytes] = (None, b"")
    """uvicorn's own headers, which it makes anew every second, and their block; of all connections."""

    async def send(self, message: Any) -> None:
        if message["type"] != EXTENSION:
            await super().send(message)
        elif self.disconnected:
            return
        elif self.response_started or self.flow.write_paused or not self.keep_alive or self.scope["method"] == "HEAD":
            for part in parts(message):
                await super().send(part)
        else:
            self._write(message["status"], message["head"], message["body"])

    def _write(self, status: int, head: bytes, body: bytes) -> None:
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        if Cycle._dated[0] is not self.default_headers:
            Cycle._dated = self.default_headers, block(self.default_headers)
        self.transport.write(b"".join((STATUS_LINE[status], Cycle._dated[1], head, b"\r\n", body)))
        self.message_event.set()
        self.on_response()
