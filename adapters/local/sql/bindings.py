"""Values of a statement, kept apart from its text."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

EPOCH, DOOMSDAY = datetime(1970, 1, 1, tzinfo=UTC), datetime(2106, 2, 7, 6, 28, 15, tzinfo=UTC)
"""The first and last second a ClickHouse DateTime can hold; the store holds no event outside."""


class Bindings:
    """Collects values and hands out the placeholders (`{v1:String}`) that stand for them; equal values share one."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}
        self._names: dict[tuple[str, object], str] = {}

    def _bind(self, kind: str, value: object, key: object) -> str:
        name = self._names.setdefault((kind, key), f"v{len(self._names)}")
        self.values[name] = value
        return f"{{{name}:{kind}}}"

    def text(self, value: str) -> str:
        return self._bind("String", value, value)

    def texts(self, values: Sequence[str]) -> str:
        return self._bind("Array(String)", list(values), tuple(values))

    def day(self, value: date) -> str:
        return self._bind("Date", value.isoformat(), value)

    def days(self, values: Sequence[date]) -> str:
        return self._bind("Array(Date)", [v.isoformat() for v in values], tuple(values))

    def moment(self, value: datetime) -> str:
        """An instant, moved into what the column type can hold (whole seconds)."""
        held = max(EPOCH, min(value.astimezone(UTC), DOOMSDAY))
        return self._bind("DateTime('UTC')", held.strftime("%Y-%m-%d %H:%M:%S"), held)

    def moments(self, values: Sequence[datetime]) -> str:
        """Wall-clock times that the statement holds as if they were UTC."""
        written = [v.strftime("%Y-%m-%d %H:%M:%S") for v in values]
        return self._bind("Array(DateTime('UTC'))", written, tuple(values))
