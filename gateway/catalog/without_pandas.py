"""Import sqlite-utils without pandas and numpy: it takes them along wherever they are, for nothing we use.

The embedded event store brings both as dependencies and does not need them at start either. They are 60 MB and most of
a second.
"""

import sys

HEAVY = ("pandas", "numpy")
_absent = [name for name in HEAVY if name not in sys.modules]
sys.modules.update(dict.fromkeys(_absent))  # type: ignore[arg-type]  # None makes an import fail; sqlite-utils expects it
try:
    import sqlite_utils  # noqa: F401 - for its effect on sys.modules
finally:
    for name in _absent:
        del sys.modules[name]
