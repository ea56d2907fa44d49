"""What changes things: sites and what belongs to them, connections, history, each change audited."""
