"""Daily salts: one visitor within a day, nobody to trace after two."""

import hashlib
import json
import stat
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.local.enrich.visitor import DailySalts, SaltFileError, Salts, visitor_id, visitor_ids

NOON = datetime(2026, 6, 17, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SALT = bytes(range(16))
WHO = ("Mozilla/5.0", "203.0.113.7", "example.com", "blog.example.com")


def ids(salts: DailySalts) -> tuple[int, int]:
    return visitor_ids(salts.current, salts.previous, *WHO)


def test_the_number_is_a_keyed_blake2b_of_the_length_prefixed_fields() -> None:
    fields = [b"Mozilla/5.0", b"203.0.113.7", b"example.com", b"example.com"]
    message = b"".join(len(field).to_bytes(4, "big") + field for field in fields)
    expected = int.from_bytes(hashlib.blake2b(message, key=SALT, digest_size=8).digest(), "big")
    assert visitor_id(SALT, *WHO) == expected


def test_hosts_of_one_registrable_domain_share_their_visitors() -> None:
    agent, ip, domain, _ = WHO
    assert visitor_id(SALT, agent, ip, domain, "example.com") == visitor_id(SALT, *WHO)
    assert visitor_id(SALT, agent, ip, domain, "other.test") != visitor_id(SALT, *WHO)


@given(st.lists(st.text(max_size=6), min_size=3, max_size=3, unique=True), st.binary(min_size=16, max_size=16))
def test_fields_cannot_run_into_each_other(parts: list[str], salt: bytes) -> None:
    one, two, three = parts
    joined = visitor_id(salt, one + two, three, "d", "h.test")
    assert joined < 2**64
    if (one + two, three) != (one, two + three):
        assert joined != visitor_id(salt, one, two + three, "d", "h.test")


def test_within_a_utc_day_the_salts_stay() -> None:
    salts = Salts()
    first = salts.at(datetime(2026, 6, 17, 0, 0, tzinfo=UTC))
    assert salts.at(datetime(2026, 6, 17, 23, 59, 59, tzinfo=UTC)) == first
    assert first.previous is None


def test_the_day_turns_at_midnight_utc_wherever_the_clock_stands() -> None:
    salts = Salts()
    tokyo = timezone(timedelta(hours=9))
    first = salts.at(datetime(2026, 6, 18, 8, 59, tzinfo=tokyo))
    second = salts.at(datetime(2026, 6, 18, 9, 0, tzinfo=tokyo))
    assert (first.day, second.day) == (date(2026, 6, 17), date(2026, 6, 18))
    assert second.previous == first.current
    assert second.current != first.current


def test_a_visit_over_midnight_is_found_by_the_previous_number() -> None:
    salts = Salts()
    before, _ = ids(salts.at(NOON))
    after, previous = ids(salts.at(NOON + DAY))
    assert previous == before
    assert after != before


def test_without_yesterday_there_is_no_previous_number() -> None:
    _, previous = ids(Salts().at(NOON))
    assert previous == 0


def test_a_clock_that_steps_back_keeps_the_later_salts() -> None:
    salts = Salts()
    later = salts.at(NOON + DAY)
    assert salts.at(NOON) == later


def test_a_naive_clock_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        Salts().at(NOON.replace(tzinfo=None))


@given(st.lists(st.integers(0, 72), min_size=1, max_size=20))
def test_only_todays_and_yesterdays_salts_ever_exist(hours: list[int]) -> None:
    salts, now = Salts(), NOON
    drawn: dict[Any, Any] = {}
    for step in hours:
        now += timedelta(hours=step)
        held = salts.at(now)
        drawn.setdefault(now.date(), held.current)
        assert held.current == drawn[now.date()]
        assert held.previous == drawn.get(now.date() - DAY)


def test_a_restart_reads_the_salts_again(tmp_path: Path) -> None:
    path = tmp_path / "state" / "salts.json"
    first = Salts(path)
    first.at(NOON - DAY)
    held = first.at(NOON)
    assert Salts(path).at(NOON + timedelta(hours=1)) == held


def test_the_file_is_private_whole_and_forgets(tmp_path: Path) -> None:
    path = tmp_path / "salts.json"
    salts = Salts(path)
    oldest = salts.at(NOON).current
    salts.at(NOON + DAY)
    last = salts.at(NOON + 2 * DAY)
    text = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert oldest.hex() not in text
    assert json.loads(text)["current"] == last.current.hex()
    assert [entry.name for entry in tmp_path.iterdir()] == ["salts.json"]


def test_after_a_pause_of_days_the_stored_salts_are_destroyed(tmp_path: Path) -> None:
    path = tmp_path / "salts.json"
    old = Salts(path).at(NOON)
    fresh = Salts(path).at(NOON + 3 * DAY)
    assert fresh.previous is None
    assert old.current.hex() not in path.read_text()


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"day": "2026-06-17", "current": "zz", "previous": null}',
     '{"day": "2026-06-17", "current": "aa", "previous": null}'],
)  # fmt: skip
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "salts.json"
    path.write_text(text)
    with pytest.raises(SaltFileError, match=r"salts\.json"):
        Salts(path)


def test_salts_are_values() -> None:
    assert ids(DailySalts(date(2026, 6, 17), SALT)) == (visitor_id(SALT, *WHO), 0)
