"""Answers that are kept while they are true enough: keys, lifetimes, one flight per key, bytes per tenant."""

from gateway.read.cache.results import ResultCache
from gateway.read.cache.serving import GOOD, Served, Standing
from gateway.read.cache.store import Entry

__all__ = ["GOOD", "Entry", "ResultCache", "Served", "Standing"]
