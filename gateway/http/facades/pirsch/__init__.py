"""Pirsch-shaped API (`/pirsch/api/v1`, and what its snippet calls) over any backend (contracts: Pirsch; seed 004)."""
