"""What `tallyway demo` shows: sample sites and a month of traffic for them. Nothing else of the service uses it."""
