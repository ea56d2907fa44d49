"""One call to a backend: its connection, deadline, budget, circuit, place, repeats, and what is counted of it."""
