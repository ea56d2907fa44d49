"""What only Pirsch offers: one table of calls, made into typed ones."""
