"""What every request passes: frame, authentication, limits, bodies, and our own uvicorn protocol."""
