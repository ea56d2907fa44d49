"""The bucket's arithmetic, by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.outbound.budget.bucket import Bucket, Rate, filled, rate_of, refused, seconds_until, taken

PLAUSIBLE = Rate(0.15, 30)


def test_plausibles_six_hundred_an_hour_leave_a_margin() -> None:
    assert rate_of(600, 60) == PLAUSIBLE
    assert rate_of(600) == PLAUSIBLE
    assert rate_of(600, 10) == Rate(0.15, 10)
    assert rate_of(None) is None
    assert PLAUSIBLE.per_second * 3660 + PLAUSIBLE.burst == pytest.approx(579)


def test_tokens_trickle_in_up_to_the_burst() -> None:
    assert filled(Bucket(0, 0), PLAUSIBLE, 20).level == 3
    assert filled(Bucket(0, 0), PLAUSIBLE, 1e6).level == 30


def test_a_clock_that_goes_backwards_adds_nothing() -> None:
    assert filled(Bucket(2, 1000), PLAUSIBLE, 10) == Bucket(2, 10)


def test_only_whole_tokens_are_taken() -> None:
    assert taken(Bucket(3.5, 0), PLAUSIBLE, 10, 0) == (Bucket(0.5, 0), 3)
    assert taken(None, PLAUSIBLE, 10, 0) == (Bucket(20, 0), 10)


def test_a_refusal_halves_the_rate_and_closes_for_as_long_as_the_vendor_says() -> None:
    once = refused(Bucket(10, 0), PLAUSIBLE, 0, 40)
    assert once == Bucket(0, 0, 0.5, 40)
    assert taken(once, PLAUSIBLE, 1, 39)[1] == 0
    assert taken(once, PLAUSIBLE, 9, 40)[1] == 3  # 40 s at half of 0.15
    assert refused(once, PLAUSIBLE, 0, None) == Bucket(0, 0, 0.25, 40)


def test_the_rate_recovers_a_sixteenth_each_minute() -> None:
    halved = refused(Bucket(10, 0), PLAUSIBLE, 0, 0)

    assert filled(halved, PLAUSIBLE, 60).factor == pytest.approx(0.5625)
    assert filled(halved, PLAUSIBLE, 480).factor == 1


@given(st.floats(0, 30), st.floats(0.1, 1), st.floats(0, 600), st.integers(1, 30))
def test_the_wait_is_long_enough(level: float, factor: float, closed: float, count: int) -> None:
    bucket = Bucket(level, 0, factor, closed)
    wait = seconds_until(bucket, PLAUSIBLE, count, 0)

    assert taken(bucket, PLAUSIBLE, count, wait + 0.01)[1] == count
