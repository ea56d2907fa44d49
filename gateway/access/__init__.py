"""Who may, and how much: keys, clients of vendor-shaped APIs, rate limits, quotas and bills."""
