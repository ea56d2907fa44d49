"""How each backend speaks. Imports models only; no adapter imports another; only `adapters.registry` names them."""
