"""The service's own API: a file for each resource; handlers read, ask a service, and show."""
