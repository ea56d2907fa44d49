"""Answers that are kept while they are true enough: keys, lifetimes, one flight per key, bytes per tenant."""

from gateway.read.cache.results import ResultCache
from gateway.read.cache.serving import Served
from gateway.read.cache.store import Entry

__all__ = ["Entry", "ResultCache", "Served"]
