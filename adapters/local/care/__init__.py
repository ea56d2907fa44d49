"""Looking after the store: copies, checks, removal of rows for good."""
