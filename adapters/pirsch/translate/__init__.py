"""Queries as plans of calls to Pirsch, replies as answers. Pure: nothing here does I/O."""
