"""Calls to vendors that neither overrun a limit nor pile up behind a failure."""

from gateway.outbound.courier.courier import Account, Clocks, Courier
from gateway.outbound.courier.couriers import Couriers

__all__ = ["Account", "Clocks", "Courier", "Couriers"]
