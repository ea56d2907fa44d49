"""What a site's owner sets up, kept in the ledger that the gateway lends."""
