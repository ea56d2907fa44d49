"""Rounding of changes: half away from zero, as people and the vendors round them; `round` of Python goes to even."""

from decimal import ROUND_HALF_UP, Decimal


def half_away(value: float, places: int = 0) -> Decimal:
    """The number rounded to decimal places; a tie goes away from zero: 12.5 is 13, -12.5 is -13."""
    return Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP) + 0  # no zero is negative
