"""The shapes of the wire: what requests may hold and what answers do. Canonical models are used as they are."""
