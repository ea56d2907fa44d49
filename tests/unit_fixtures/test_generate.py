"""The generator of demo traffic: repeatable, in order, and sound visits."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime

from fixtures.reference import Site
from gateway.operate.demo.traffic import generate

ARGUMENTS = (14, 60, 7, date(2026, 6, 1))


def test_the_same_seed_gives_the_same_events_and_another_seed_others() -> None:
    again = list(generate(*ARGUMENTS))
    assert list(generate(*ARGUMENTS)) == again
    assert list(generate(14, 60, 8, date(2026, 6, 1))) != again


def test_events_come_in_order_of_time_and_begin_with_the_first_day() -> None:
    times = [event["time"] for event in generate(*ARGUMENTS)]
    assert times == sorted(times)
    assert times[0].startswith("2026-06-01")


def test_two_weeks_look_like_a_site_with_visitors() -> None:
    events = list(generate(*ARGUMENTS))
    names = Counter(event["name"] for event in events)
    assert names["pageview"] == names["engagement"]
    assert {"Signup", "Purchase", "File Download", "Outbound Link: Click", "Video played"} <= set(names)
    site = Site("Etc/UTC", (), events, now=datetime(2026, 6, 17, tzinfo=UTC))
    (row,) = site.query(["visits", "visitors", "bounce_rate", "views_per_visit"])["results"]
    visits, visitors, bounce_rate, views = row["metrics"]
    assert 14 * 40 < visits < 14 * 80
    assert visitors < visits
    assert 25 < bounce_rate < 65
    assert 1 < views < 5
