"""Vendor-shaped APIs over any backend: parse the dialect, ask canonically, render the dialect."""
