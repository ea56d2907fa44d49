"""Two small loopback web servers: one with the pages of a shop, one that records what trackers send."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SNIPPET = Path(__file__).parents[2] / "gateway" / "http" / "static" / "tallyway.js"

PAGE = """<!doctype html>
<title>Shop</title>
<body style="height: 4000px">
<a id="pricing" href="pricing">Pricing</a>
<a id="elsewhere" href="{elsewhere}">Elsewhere</a>
<a id="download" href="price-list.pdf" download>Price list</a>
<button id="signup" onclick="signUp()">Sign up</button>
{scripts}
<script>
  document.getElementById("pricing").addEventListener("click", (event) => {{
    event.preventDefault()
    history.pushState({{}}, "", "pricing")
  }})
</script>
"""


@contextmanager
def running(server: ThreadingHTTPServer) -> Iterator[int]:
    """Serve in a thread; the block gets the port."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Pages(ThreadingHTTPServer):
    """A shop whose every path is one page; `scripts` is the mark-up that brings the tracker, by folder."""

    def __init__(self, bundles: Mapping[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), PageHandler)
        self.bundles = bundles
        self.scripts: dict[str, str] = {}


class PageHandler(BaseHTTPRequestHandler):
    """GET of /bundles/<name>.js, or of a page."""

    server: Pages

    def do_GET(self) -> None:
        """Answer with a bundle or with the page of the folder asked for."""
        path = self.path.partition("?")[0]
        if path.startswith("/bundles/"):
            self.answer(self.server.bundles[path.removeprefix("/bundles/").removesuffix(".js")], "text/javascript")
            return
        host = self.headers["Host"]
        elsewhere = f"http://elsewhere.example.test:{host.partition(':')[2]}/"
        page = PAGE.format(elsewhere=elsewhere, scripts=self.server.scripts.get(path.split("/")[1], ""))
        self.answer(page.encode(), "text/html; charset=utf-8")

    def answer(self, body: bytes, kind: str) -> None:
        """Send 200 with a body."""
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet; a failing test shows what it needs."""


class Recorder(ThreadingHTTPServer):
    """A collector that keeps every event it is sent, in order, and serves the snippet."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), RecorderHandler)
        self.events: list[dict[str, Any]] = []
        self.methods: list[str] = []

    def named(self, *names: str) -> list[dict[str, Any]]:
        """The events of these names, in order of arrival."""
        return [event for event in list(self.events) if event["n"] in names]

    def wait_for(self, name: str, count: int = 1, seconds: float = 60.0) -> list[dict[str, Any]]:
        """The events of this name once `count` have arrived; fails with all that arrived otherwise."""
        deadline = time.monotonic() + seconds
        while len(found := self.named(name)) < count:
            assert time.monotonic() < deadline, f"{count} x {name!r} wanted, arrived: {self.events}"
            time.sleep(0.02)
        return found


class RecorderHandler(PageHandler):
    """POST /api/event and GET /js/tallyway.js."""

    server: Recorder  # type: ignore[assignment]  # the same answers, another server

    def do_GET(self) -> None:
        """The snippet as it is shipped."""
        self.answer(SNIPPET.read_bytes(), "text/javascript")

    def do_POST(self) -> None:
        """Keep the event and answer as the gateway does."""
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.events.append(event | {"content_type": self.headers["Content-Type"]})
        self.send_response(202)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_OPTIONS(self) -> None:
        """A preflight means the tracker's request is not simple; it is refused and remembered."""
        self.server.methods.append("OPTIONS")
        self.send_response(405)
        self.send_header("Content-Length", "0")
        self.end_headers()
