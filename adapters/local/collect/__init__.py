"""Taking events: rules, enrichment, journal, visits, and the way into the store."""
