"""Which part of a site's history is exported."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from models.site import Site


@dataclass(frozen=True, slots=True)
class Span:
    """Days in the site's zone, ends included; None is open."""

    site: Site
    first: date | None = None
    last: date | None = None

    @property
    def condition(self) -> str:
        """SQL about `site` and `time`; its values are in `values`."""
        parts = ["site = {site:String}"]
        if self.first is not None:
            parts.append("time >= toDateTime({from:Int64}, 'UTC')")
        if self.last is not None:
            parts.append("time < toDateTime({until:Int64}, 'UTC')")
        return " AND ".join(parts)

    @property
    def values(self) -> dict[str, Any]:
        given: dict[str, Any] = {"site": self.site.id}
        if self.first is not None:
            given["from"] = self._midnight(self.first)
        if self.last is not None:
            given["until"] = self._midnight(self.last + timedelta(days=1))
        return given

    def _midnight(self, day: date) -> int:
        return int(datetime.combine(day, time.min, ZoneInfo(self.site.timezone)).astimezone(UTC).timestamp())
