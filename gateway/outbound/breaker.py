"""Stop calling a vendor that fails, and find out with single calls whether it is back. Pure but for its clock.

closed --5 failures in a row, or half of 20 within 30 s--> open --15 s, doubling to 5 min--> one probe
probe succeeds --> closed;  probe fails --> open, for twice as long
"""

from collections import deque
from collections.abc import Callable
from enum import StrEnum

from models.errors import CircuitOpen

IN_A_ROW = 5
WINDOW_SECONDS, WINDOW_CALLS, WINDOW_SHARE = 30.0, 20, 0.5
OPEN_SECONDS, LONGEST_OPEN_SECONDS = 15.0, 300.0


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    """The time is up; one probe may go, or is under way."""


class Breaker:
    """Of one host and credential. `admit` gives a number, with which the call ends: `succeeded`, `failed`, `abandoned`.

    A call says something about the time that it was admitted in. One from before the circuit opened or closed says
    nothing: slow ones end while a probe is under way, and are not taken for it.
    """

    def __init__(self, now: Callable[[], float], *, backend: str | None = None) -> None:
        self._now, self._backend = now, backend
        self._calls: deque[tuple[float, bool]] = deque()
        self._row = 0
        self._open_until: float | None = None
        self._open_for = OPEN_SECONDS
        self._probing = False
        self._turn = 0
        """Grows whenever the circuit opens or closes."""

    @property
    def state(self) -> State:
        if self._open_until is None:
            return State.CLOSED
        return State.OPEN if self._now() < self._open_until else State.HALF_OPEN

    def check(self) -> None:
        """Raises CircuitOpen when a call would not be admitted now; claims nothing."""
        if self._open_until is None:
            return
        wait = self._open_until - self._now()
        if wait > 0 or self._probing:
            raise CircuitOpen(
                "The site's backend failed several times and is left alone for a while",
                retry_after=max(1.0, round(wait, 1)),
                backend=self._backend,
            )

    def admit(self) -> int:
        """Begin a call; after the pause, only one. Raises CircuitOpen."""
        self.check()
        self._probing = self._open_until is not None
        return self._turn

    def succeeded(self, call: int) -> None:
        if call != self._turn:
            return
        if self._probing:
            self._turned(None)
            self._open_for = OPEN_SECONDS
            return
        self._calls.append((self._now(), True))
        self._row = 0

    def failed(self, call: int) -> None:
        if call != self._turn:
            return
        if self._probing:
            self._open_for = min(LONGEST_OPEN_SECONDS, 2 * self._open_for)
            self._turned(self._now() + self._open_for)
            return
        self._calls.append((self._now(), False))
        self._row += 1
        if self._row >= IN_A_ROW or self._mostly_failing():
            self._turned(self._now() + self._open_for)

    def abandoned(self, call: int) -> None:
        """The call ended without saying anything about the vendor."""
        if call == self._turn:
            self._probing = False

    def _turned(self, open_until: float | None) -> None:
        """The circuit opens until then, or closes: what was counted is of another time."""
        self._open_until, self._probing, self._row = open_until, False, 0
        self._turn += 1
        self._calls.clear()

    def _mostly_failing(self) -> bool:
        while self._calls and self._calls[0][0] <= self._now() - WINDOW_SECONDS:
            self._calls.popleft()
        failures = sum(not ok for _, ok in self._calls)
        return len(self._calls) >= WINDOW_CALLS and failures >= WINDOW_SHARE * len(self._calls)
