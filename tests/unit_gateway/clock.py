"""A clock that tests move."""

from datetime import datetime, timedelta

from tests.unit_gateway.tables import NOW


class Clock:
    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def timestamp(self) -> float:
        return self.now.timestamp()

    def pass_(self, **time: float) -> None:
        self.now += timedelta(**time)

    async def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
