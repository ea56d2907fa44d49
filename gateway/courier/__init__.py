"""Calls to vendors that neither overrun a limit nor pile up behind a failure."""

from gateway.courier.courier import Account, Clocks, Courier
from gateway.courier.couriers import Couriers

__all__ = ["Account", "Clocks", "Courier", "Couriers"]
