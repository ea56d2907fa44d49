"""History from files: events (NDJSON) and daily aggregates (Plausible CSV), as jobs that survive a restart."""
