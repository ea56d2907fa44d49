"""What only Pirsch offers: one table of calls, made into typed ones."""

from adapters.pirsch.vendor.calls import VendorCalls

__all__ = ["VendorCalls"]
