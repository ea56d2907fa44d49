"""Pages for people without a key: shared statistics and invitations. Server-rendered, without scripts."""
