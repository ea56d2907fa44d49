"""Files for browsers: our script, the scripts of vendors' shape, the documentation page."""

from pathlib import Path

STATIC = Path(__file__).parent
