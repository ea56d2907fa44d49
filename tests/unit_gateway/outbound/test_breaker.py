"""The circuit breaker: when it opens, how it probes, and that it moves only along its arrows."""

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.outbound.breaker import IN_A_ROW, LONGEST_OPEN_SECONDS, OPEN_SECONDS, Breaker, State
from models.errors import CircuitOpen


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def state(breaker: Breaker) -> State:
    return breaker.state


def opened() -> tuple[Breaker, Seconds]:
    clock = Seconds()
    breaker = Breaker(clock)
    for _ in range(5):
        breaker.failed(breaker.admit())
    return breaker, clock


def test_five_failures_in_a_row_open_it_for_fifteen_seconds() -> None:
    breaker, clock = opened()

    assert state(breaker) is State.OPEN
    with pytest.raises(CircuitOpen) as caught:
        breaker.admit()
    assert caught.value.retry_after == 15
    clock.now = 15
    assert state(breaker) is State.HALF_OPEN


def test_a_success_between_failures_keeps_it_closed() -> None:
    breaker = Breaker(Seconds())
    for ok in [False] * 4 + [True] + [False] * 4:
        (breaker.succeeded if ok else breaker.failed)(breaker.admit())

    assert state(breaker) is State.CLOSED


@pytest.mark.parametrize(("pause", "expected"), [(1.0, State.OPEN), (1.6, State.CLOSED)])
def test_half_of_twenty_within_thirty_seconds_open_it(pause: float, expected: State) -> None:
    clock = Seconds()
    breaker = Breaker(clock)
    for number in range(20):
        clock.now = number * pause
        (breaker.failed if number % 2 else breaker.succeeded)(breaker.admit())

    assert state(breaker) is expected


def test_one_probe_at_a_time_and_its_failure_doubles_the_pause() -> None:
    breaker, clock = opened()
    clock.now = 15
    probe = breaker.admit()
    with pytest.raises(CircuitOpen):
        breaker.admit()
    breaker.failed(probe)
    clock.now = 15 + 29
    assert state(breaker) is State.OPEN
    clock.now = 15 + 30
    breaker.succeeded(breaker.admit())
    assert state(breaker) is State.CLOSED


def test_a_probe_that_is_given_up_leaves_room_for_the_next() -> None:
    breaker, clock = opened()
    clock.now = 15
    breaker.abandoned(breaker.admit())
    breaker.succeeded(breaker.admit())

    assert state(breaker) is State.CLOSED


@pytest.mark.parametrize("how", ["succeeded", "failed", "abandoned"])
def test_a_call_from_before_is_not_taken_for_the_probe(how: str) -> None:
    clock = Seconds()
    breaker = Breaker(clock)
    slow, *others = [breaker.admit() for _ in range(6)]
    for call in others:
        breaker.failed(call)
    getattr(breaker, how)(slow)
    assert state(breaker) is State.OPEN
    clock.now = 15
    probe = breaker.admit()
    getattr(breaker, how)(slow)

    assert state(breaker) is State.HALF_OPEN
    with pytest.raises(CircuitOpen):
        breaker.admit()
    breaker.succeeded(probe)
    assert state(breaker) is State.CLOSED


class BreakerMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.clock = Seconds()
        self.breaker = Breaker(self.clock)
        self.before = State.CLOSED
        self.under_way: list[tuple[int, int]] = []
        self.era = 0
        self.since_open = 0.0
        self.row = 0

    def moved(self, *allowed: tuple[State, State]) -> None:
        after = self.breaker.state
        assert after is self.before or (self.before, after) in allowed
        if after is State.OPEN and self.before is not State.OPEN:
            self.since_open = self.clock.now
        if after is not self.before and after is not State.HALF_OPEN:
            self.era, self.row = self.era + 1, 0
        self.before = after

    @rule()
    def call(self) -> None:
        try:
            call = self.breaker.admit()
        except CircuitOpen as error:
            assert 1 <= (error.retry_after or 0) <= LONGEST_OPEN_SECONDS  # noqa: PT017 - a refusal is one of two ways
            assert self.before is not State.CLOSED
        else:
            assert self.before is not State.OPEN
            assert self.before is State.CLOSED or self.era not in {era for _, era in self.under_way}, "a second probe"
            self.under_way.append((call, self.era))
        self.moved()

    @precondition(lambda self: self.under_way)
    @rule(how=st.sampled_from(["succeeded", "failed", "abandoned"]), which=st.integers(0, 9))
    def call_ends(self, how: str, which: int) -> None:
        call, era = self.under_way.pop(which % len(self.under_way))
        if era == self.era and self.before is State.CLOSED:
            self.row = {"succeeded": 0, "failed": self.row + 1, "abandoned": self.row}[how]
        end: Any = getattr(self.breaker, how)
        end(call)
        if self.before is State.CLOSED and self.row >= IN_A_ROW:
            assert state(self.breaker) is State.OPEN
        if era != self.era:
            self.moved()
        self.moved((State.CLOSED, State.OPEN), (State.HALF_OPEN, State.OPEN), (State.HALF_OPEN, State.CLOSED))

    @rule(seconds=st.sampled_from([1.0, 10.0, 15.0, 60.0, 300.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.now += seconds
        self.moved((State.OPEN, State.HALF_OPEN))

    @invariant()
    def open_for_a_bounded_time(self) -> None:
        if state(self.breaker) is State.OPEN:
            assert self.clock.now - self.since_open < LONGEST_OPEN_SECONDS
        if state(self.breaker) is State.HALF_OPEN:
            assert self.clock.now - self.since_open >= OPEN_SECONDS


TestBreakerMachine = BreakerMachine.TestCase
