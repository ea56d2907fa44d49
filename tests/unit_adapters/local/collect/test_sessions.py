"""Visits, by hand-counted cases and against the independent reference."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from adapters.local.collect.hit import NO_DEPTH, Hit, pack_attributes, unpack_attributes
from adapters.local.collect.sessions import KEPT_EVENTS, Outcome, Sessions, Visit
from adapters.local.store.schema import VISIT_ATTRIBUTES
from fixtures.reference.sessions import sessionize

T0 = 1_800_000_000
NONE = ("",) * len(VISIT_ATTRIBUTES)


def hit(at: int, name: str = "pageview", visitor: int = 1, path: str = "/", **fields: Any) -> Hit:
    source = fields.pop("source", "")
    given: dict[str, Any] = {
        "site": "s", "time": T0 + at, "visitor": visitor, "earlier": 0, "name": name, "interactive": True,
        "hostname": "example.com", "path": path, "title": "", "attributes": pack_attributes((source, *NONE[1:])),
        "scroll_depth": NO_DEPTH,
    }  # fmt: skip
    return Hit(**given | fields)


def applied(*hits: Hit, sessions: Sessions | None = None, first: int = 1) -> Outcome:
    return (Sessions() if sessions is None else sessions).apply([(first, T0, hits)])


def ids(outcome: Outcome) -> list[int]:
    return [visit.id for visit in outcome.visits]


def final(outcome: Outcome) -> list[Visit]:
    return [state for sign, state in zip(outcome.signs, outcome.states, strict=True) if sign > 0]


def test_a_visit_goes_on_for_thirty_minutes_and_fifty_nine_seconds() -> None:
    assert ids(applied(hit(0), hit(30 * 60 + 59))) == [1, 1]
    assert ids(applied(hit(0), hit(31 * 60))) == [1, 2]


def test_engagement_keeps_a_visit_alive_and_moves_no_number() -> None:
    outcome = applied(hit(0), hit(1800, "engagement"), hit(3600, path="/b"))
    assert ids(outcome) == [1, 1, 1]
    (state,) = final(outcome)
    assert (state.events, state.pageviews, state.duration, state.time) == (2, 2, 3600, T0 + 3600)
    (alone,) = final(applied(hit(0), hit(600, "engagement")))
    assert (alone.events, alone.duration, alone.time, alone.is_bounce) == (1, 0, T0, True)


def test_engagement_without_a_visit_is_dropped() -> None:
    outcome = applied(hit(0, "engagement"), hit(10))
    assert (outcome.dropped, outcome.seqs) == ([("s", T0)], [2])


def test_entry_and_exit_are_page_views() -> None:
    (state,) = final(
        applied(hit(0, "signup", path="/x"), hit(5, path="/in"), hit(9, path="/out"), hit(12, "buy", path="/y"))
    )
    assert (state.entry_page, state.exit_page, state.events, state.pageviews) == ("/in", "/out", 4, 2)


def test_bounces() -> None:
    def bounced(*hits: Hit) -> bool:
        return final(applied(*hits))[0].is_bounce

    assert bounced(hit(0))
    assert not bounced(hit(0), hit(1))
    assert not bounced(hit(0), hit(1, "signup"))
    assert bounced(hit(0), hit(1, "seen", interactive=False))
    assert not bounced(hit(0, "signup"))
    assert bounced(hit(0, "seen", interactive=False))


def test_every_event_bears_the_attributes_of_the_first() -> None:
    outcome = applied(hit(0, source="Google"), hit(5, source="Bing"))
    assert [unpack_attributes(visit.attributes)[0] for visit in outcome.visits] == ["Google", "Google"]


def test_an_update_takes_the_stored_state_back() -> None:
    sessions = Sessions()
    before = applied(hit(0), sessions=sessions)
    after = applied(hit(60, path="/b"), sessions=sessions, first=2)
    assert (before.signs, after.signs) == ([1], [-1, 1])
    assert after.states[0] == before.states[0]
    assert after.states[1].exit_page == "/b"


def test_a_visit_over_midnight_goes_on_under_the_new_number() -> None:
    sessions = Sessions()
    outcome = applied(hit(0, visitor=10), hit(60, visitor=20, earlier=10), hit(90, visitor=20), sessions=sessions)
    assert ids(outcome) == [1, 1, 1]
    assert [h.visitor for h in outcome.hits] == [10, 20, 20]


def test_late_events_within_the_window_belong_to_the_visit() -> None:
    outcome = applied(hit(600), hit(0), hit(1200))
    assert ids(outcome) == [1, 1, 1]
    assert final(outcome)[0].duration == 1200


def test_history_imported_later_opens_visits_of_its_own() -> None:
    assert ids(applied(hit(0), hit(-86400 * 30), hit(-86400 * 30 + 60))) == [1, 2, 2]


def test_live_visits_outlive_any_number_of_other_events_and_old_ones_are_forgotten() -> None:
    sessions = Sessions()
    applied(hit(0, visitor=1), hit(-7200, visitor=2), sessions=sessions)
    many = [hit(-86400, "x", visitor=3)] * (KEPT_EVENTS + 2)
    applied(*many, sessions=sessions, first=3)
    assert len(sessions) == 2
    after = applied(hit(5, visitor=1), hit(-7195, visitor=2), sessions=sessions, first=KEPT_EVENTS + 5)
    assert ids(after) == [1, KEPT_EVENTS + 6]


EVENTS = st.lists(
    st.tuples(
        st.integers(0, 50 * 60),
        st.sampled_from(["pageview", "pageview", "engagement", "signup"]),
        st.integers(1, 3),
        st.booleans(),
        st.sampled_from(["/", "/a", "/b"]),
    ),
    max_size=40,
)


@given(EVENTS, st.integers(1, 7))
def test_streams_give_the_visits_of_the_reference(stream: list[tuple[int, str, int, bool, str]], batch: int) -> None:
    at, hits, events = 0, [], []
    for gap, name, visitor, interactive, path in stream:
        at += gap
        hits.append(hit(at, name, visitor, path, interactive=interactive))
        moment = datetime.fromtimestamp(T0 + at, UTC).isoformat()
        events.append({
            "name": name, "time": moment, "visitor": str(visitor), "path": path, "hostname": "example.com",
            "interactive": interactive,
        })  # fmt: skip
    expected_hits, expected = sessionize(events)
    sessions, kept = Sessions(), 0
    states: dict[Any, Any] = {}
    for start in range(0, len(hits), batch):
        outcome = sessions.apply([(start + 1, T0, hits[start : start + batch])])
        kept += len(outcome.hits)
        states |= {state.id: state for state in final(outcome)}
    assert kept == len(expected_hits)
    found = [
        (s.start - T0, s.time - T0, s.events, s.pageviews, s.is_bounce, s.duration, s.entry_page, s.exit_page)
        for _, s in sorted(states.items())
    ]
    assert found == [
        (
            int(s.start.timestamp()) - T0, int(s.last.timestamp()) - T0, s.events, s.pageviews, s.bounce, s.duration,
            s.entry_page, s.exit_page,
        )
        for s in expected
    ]  # fmt: skip


def test_a_late_event_in_the_middle_moves_neither_end_nor_exit() -> None:
    """10:00 /a, 10:20 /c, then late 10:10 /b, 10:45 /d: one visit of 45 minutes that leaves by /d."""
    outcome = applied(hit(0, path="/a"), hit(1200, path="/c"), hit(600, path="/b"), hit(2700, path="/d"))
    assert ids(outcome) == [1, 1, 1, 1]
    (state,) = final(outcome)
    assert (state.duration, state.time - T0, state.entry_page, state.exit_page) == (2700, 2700, "/a", "/d")
    (without,) = final(applied(hit(0, path="/a"), hit(1200, path="/c"), hit(600, path="/b")))
    assert (without.duration, without.exit_page) == (1200, "/c")


def test_an_event_from_before_the_start_becomes_the_start() -> None:
    (state,) = final(applied(hit(600, path="/b"), hit(0, path="/a"), hit(1200, path="/c")))
    assert (state.start - T0, state.duration, state.entry_page, state.exit_page) == (0, 1200, "/a", "/c")


def test_an_event_hours_late_does_not_end_the_visit_that_goes_on() -> None:
    assert ids(applied(hit(7200), hit(0), hit(7260), hit(60))) == [1, 2, 1, 2]


def test_imported_history_is_not_ended_by_a_live_visit() -> None:
    sessions = Sessions()
    history = [hit(-86400), hit(-86340), hit(0), hit(-86280), hit(3600), hit(-86220), hit(3660)]
    assert ids(applied(*history, sessions=sessions)) == [1, 1, 3, 1, 5, 1, 5]


def test_visits_read_back_are_the_ones_that_were_known() -> None:
    before = Sessions()
    outcome = applied(hit(7200), hit(0), hit(7260), sessions=before)
    visits = sorted({v.id: v for v in outcome.visits}.values(), key=lambda v: v.last_seq)
    after = Sessions(visits)
    more = (hit(60), hit(7300))
    assert ids(applied(*more, sessions=after, first=4)) == ids(applied(*more, sessions=before, first=4)) == [2, 1]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["pageview", "pageview", "engagement", "signup"]),
            st.booleans(),
            st.sampled_from(["/", "/a", "/b"]),
        ),
        min_size=1,
        max_size=12,
    ),
    st.randoms(use_true_random=False),
    st.integers(1, 4),
)
def test_a_visit_is_the_same_in_whatever_order_its_events_arrive(
    kinds: list[tuple[str, bool, str]], draw: Any, batch: int
) -> None:
    """All within half an hour; only what arrives first may not be engagement, which would be dropped."""
    whole = [("pageview", True, "/first"), *kinds]
    times = sorted(draw.sample(range(1800), len(whole)))
    hits = [hit(at, name, path=path, interactive=act) for at, (name, act, path) in zip(times, whole, strict=True)]
    events = [
        {
            "name": h.name, "time": datetime.fromtimestamp(h.time, UTC).isoformat(), "visitor": "1", "path": h.path,
            "hostname": "example.com", "interactive": h.interactive,
        }
        for h in hits
    ]  # fmt: skip
    _, (expected,) = sessionize(events)
    draw.shuffle(hits)
    first = next(i for i, h in enumerate(hits) if h.name != "engagement")
    hits.insert(0, hits.pop(first))
    sessions, states = Sessions(), list[Visit]()
    for start in range(0, len(hits), batch):
        states = final(sessions.apply([(start + 1, T0, hits[start : start + batch])])) or states
    (found,) = states
    assert (found.start, found.time) == (int(expected.start.timestamp()), int(expected.last.timestamp()))
    assert (found.events, found.pageviews, found.is_bounce) == (expected.events, expected.pageviews, expected.bounce)
    assert (found.duration, found.entry_page, found.exit_page) == (
        expected.duration, expected.entry_page, expected.exit_page,
    )  # fmt: skip
