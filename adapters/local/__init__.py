"""The native backend: stores and aggregates events itself."""
