"""Who may ask, and how the answer is found."""
