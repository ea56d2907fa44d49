"""A site's history out of the store: events (NDJSON, Parquet) and daily aggregates (Plausible's CSV archive)."""
