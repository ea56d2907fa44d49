"""What Tallyway talks about: sites, goals, events, queries, answers. Pure data; imports pydantic only."""
