"""Opens couriers: those of the same host and credential share budget, breaker and room, whatever their tenant."""

import hashlib
from collections.abc import Callable
from urllib.parse import urlsplit

from adapters.base import Transport
from gateway.outbound.breaker import Breaker
from gateway.outbound.budget import Budget, BudgetStore, rate_of
from gateway.outbound.bulkhead import ROOM, Bulkhead, Room
from gateway.outbound.courier.courier import REAL, Account, Clocks, Courier
from gateway.outbound.courier.retries import jittered
from models.capability import Limits


class Couriers:
    """The couriers of one process. `pepper` keeps the digests of credentials from being guessed at."""

    def __init__(
        self,
        store: BudgetStore,
        *,
        pepper: bytes,
        clocks: Clocks = REAL,
        room: Room = ROOM,
        jitter: Callable[[int], float] = jittered,
    ) -> None:
        self._store, self._pepper, self._clocks, self._jitter = store, pepper, clocks, jitter
        self._bulkhead = Bulkhead(room)
        self._accounts: dict[str, Account] = {}

    @property
    def bulkhead(self) -> Bulkhead:
        return self._bulkhead

    def open(
        self, transport: Transport, *, tenant: str, base_url: str, credential: bytes, backend: str, limits: Limits
    ) -> Courier:
        """A courier around a transport. Opening one gives a rejected credential another chance."""
        host = urlsplit(base_url).netloc.lower()
        name = hashlib.blake2b(host.encode() + b"\0" + credential, key=self._pepper, digest_size=16).hexdigest()
        account = self._accounts.get(name)
        if account is None:
            account = self._accounts[name] = self._account(name, host, backend, limits)
        account.users += 1
        account.rejected = False
        return Courier(
            transport,
            account,
            tenant,
            self._bulkhead,
            clocks=self._clocks,
            jitter=self._jitter,
            released=self._release,
            backend=backend,
        )

    def _account(self, name: str, host: str, backend: str, limits: Limits) -> Account:
        budget = Budget(
            name,
            rate_of(limits.requests_per_hour, limits.burst),
            self._store,
            now=lambda: self._clocks.now().timestamp(),
            backend=backend,
        )
        return Account(name, host, Breaker(self._clocks.monotonic, backend=backend), budget)

    def _release(self, account: Account) -> None:
        account.users -= 1
        if account.users == 0:
            self._accounts.pop(account.name, None)
