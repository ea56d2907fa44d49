"""How a question is answered: resolved, planned, kept or asked, and laid out."""
