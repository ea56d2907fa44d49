"""The HTTP surface, and the only room that knows Starlette."""
