"""Talk to a running gateway over HTTP, with the standard library: what the other commands are made of."""

import json
import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from models.errors import GatewayError

if TYPE_CHECKING:
    from http.client import HTTPResponse

Url = Annotated[str, typer.Option("--url", envvar="TALLYWAY_URL", help="Where the gateway runs.")]
Key = Annotated[str, typer.Option("--key", envvar="TALLYWAY_KEY", help="API key; better given in the environment.")]
LOCAL = "http://127.0.0.1:8000"
PATIENCE = 600.0
PIECE = 1 << 20


class ApiError(GatewayError):
    """The gateway answered with an error, or not at all; the message is for the terminal."""

    code = "remote"


class Remote:
    """A gateway by its address and an API key."""

    def __init__(self, url: str, key: str) -> None:
        """Raises ApiError for an address that is none."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ApiError(f"{url!r} is not an http or https address")
        self._parts, self.key = parts, key or os.environ.get("TALLYWAY_ADMIN_KEY", "")

    def call(self, method: str, path: str, body: object = None) -> Any:
        """The decoded JSON answer. Raises ApiError."""
        data = None if body is None else json.dumps(body).encode()
        return self.send(method, path, data, "application/json", None if data is None else len(data))

    def send(self, method: str, path: str, body: bytes | Iterable[bytes] | None, media: str, length: int | None) -> Any:
        """The same for a body that may be a stream; a known length makes no chunks."""
        from http.client import HTTPConnection, HTTPException, HTTPSConnection

        kind = HTTPSConnection if self._parts.scheme == "https" else HTTPConnection
        headers = {**self._authorization, "Content-Type": media}
        if length is not None:
            headers["Content-Length"] = str(length)
        host = self._parts.hostname or ""
        with closing(kind(host, self._parts.port, timeout=PATIENCE)) as connection:
            try:
                address = self._parts.path.rstrip("/") + path
                chunked = body is not None and length is None
                connection.request(method, address, body, headers, encode_chunked=chunked)
                return _read(connection.getresponse())
            except (OSError, HTTPException) as error:
                raise ApiError(f"no gateway at {self._parts.geturl()}: {error}") from error

    def download(self, path: str) -> Generator[bytes, None, None]:
        """The body of an answer in pieces. Raises ApiError, also when it is cut off."""
        from http.client import HTTPConnection, HTTPException, HTTPSConnection

        kind = HTTPSConnection if self._parts.scheme == "https" else HTTPConnection
        with closing(kind(self._parts.hostname or "", self._parts.port, timeout=PATIENCE)) as connection:
            try:
                connection.request("GET", self._parts.path.rstrip("/") + path, None, self._authorization)
                response = connection.getresponse()
                if response.status >= 400:
                    _read(response)
                while piece := response.read(PIECE):
                    yield piece
            except (OSError, HTTPException) as error:
                raise ApiError(f"no whole answer from {self._parts.geturl()}: {error}") from error

    @property
    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    def pages(self, path: str, name: str) -> Iterator[Any]:
        """Every entry of a listing."""
        cursor: str | None = ""
        while cursor is not None:
            more = f"{'&' if '?' in path else '?'}cursor={cursor}" if cursor else ""
            page = self.call("GET", path + more)
            yield from page[name]
            cursor = page["next"]


def _read(response: "HTTPResponse") -> Any:
    content = response.read()
    try:
        body = json.loads(content) if content else None
    except ValueError as error:
        raise ApiError(f"the answer is not JSON (status {response.status})") from error
    if response.status >= 400:
        detail = body.get("detail", body) if isinstance(body, dict) else body
        raise ApiError(f"{response.status}: {detail}")
    return body
