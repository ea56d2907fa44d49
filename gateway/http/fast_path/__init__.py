"""What is asked most, answered before the router: tracker events and kept answers."""
