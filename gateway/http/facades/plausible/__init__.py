"""Plausible's APIs over any backend."""
