"""What the local store tells beside metrics by dimensions: funnels, visits, tables by the clock, lists of values."""
