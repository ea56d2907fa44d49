"""The event store: its tables, its client, and how columns are written."""
