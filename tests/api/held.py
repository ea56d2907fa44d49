"""A Plausible on a loopback socket that can keep its answers back, and notes who asks and who hangs up."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fixtures.twins.plausible import TwinStore, plausible_twin
from fixtures.twins.serve import serve_in_thread
from tests.api.conftest import Api

KEY = "held-key"
_numbers = count(1)


@dataclass
class HeldVendor:
    """In front of a twin: while `holding`, no call is answered; while `broken`, calls are done and answered by 503.

    `hung_up` holds how many seconds a caller waited before it left.
    """

    app: ASGIApp
    store: TwinStore
    holding: threading.Event = field(default_factory=threading.Event)
    broken: threading.Event = field(default_factory=threading.Event)
    asked: list[tuple[str, str]] = field(default_factory=list)
    hung_up: list[float] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        first = await receive()
        assert not first.get("more_body", False)
        self.asked.append((scope["method"], scope["path"]))
        left, asked = asyncio.create_task(_left(receive)), time.monotonic()
        while self.holding.is_set() and not left.done():
            await asyncio.wait({left}, timeout=0.02)
        if left.done():
            self.hung_up.append(time.monotonic() - asked)
            return
        left.cancel()

        async def again() -> dict[str, object]:
            return dict(first)

        if self.broken.is_set():
            await self.app(scope, again, _nowhere)
            await JSONResponse({}, 503)(scope, again, send)
        else:
            await self.app(scope, again, send)

    def connect(self, owner: Api, base: str) -> str:
        """A new connection of the tenant with one site of the vendor; the site's domain."""
        domain = f"held-{next(_numbers)}.example.com"
        self.store.add_site(domain)
        options = {"base_url": base, "requests_per_hour": 1_000_000}
        body = {"backend": "plausible", "options": options, "credential": {"api_key": KEY}}
        connection = owner.ok("POST", "/v1/connections", body)["id"]
        owner.ok("POST", f"/v1/connections/{connection}/sync")
        self.asked.clear()
        return domain


async def _nowhere(message: Message) -> None:
    """Where answers go that get lost."""


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@contextmanager
def held_vendor() -> Iterator[tuple[HeldVendor, str]]:
    """The vendor and its address; what it still holds is let go at the end."""
    store = TwinStore()
    store.add_key(KEY)
    store.hourly_limit = 1_000_000
    vendor = HeldVendor(plausible_twin(store), store)
    with serve_in_thread(vendor) as base:
        yield vendor, base
        vendor.holding.clear()


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for what another thread brings about."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.002)
