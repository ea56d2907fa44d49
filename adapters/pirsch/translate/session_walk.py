"""The session walk: read every session of a selection and count here. Exact for any filter tree over visits. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from adapters.pirsch.translate.matching import fits
from adapters.pirsch.translate.question import Question
from adapters.pirsch.translate.selection import Selection, combined
from adapters.pirsch.translate.statistics import ROWS, Grouped, Key, Script, Span, Tally, listed, paged, refuse
from adapters.pirsch.vocabulary import SESSION_KEYS, Field, from_wire
from models.period import day_label
from models.result import Reason
from models.vocabulary import Dimension, Interval, interval_of

F = Field
_LATE = Reason("late_data", "the range is not over; sessions may have moved while they were read")


def walk(question: Question) -> Script[Grouped]:
    """Tallies by group from session/list, 100 sessions a call, after asking how many there are.

    Raises UnsupportedQuery when they would cost more calls than the question may.
    """
    span, selection = question.span, question.selection
    sessions = yield from _sessions(question, selection)
    for inner in selection.without:
        done = yield from _sessions(question, combined(selection, inner))
        sessions = {key: session for key, session in sessions.items() if key not in done}
    groups: dict[Key, list[dict[str, Any]]] = {}
    for session in sessions.values():
        row = _attributes(session)
        if all(fits(node, row) for node in selection.residual):
            groups.setdefault(tuple(_value(d, session, row, span) for d in question.dimensions), []).append(session)
    if not question.dimensions:
        groups.setdefault((), [])
    return Grouped({key: _tally(found) for key, found in groups.items()}, [_LATE] if span.running else [])


def _sessions(question: Question, selection: Selection) -> Script[dict[tuple[str, int], dict[str, Any]]]:
    """Every session by its ids; pages may repeat one when traffic comes in between them."""
    (total,) = yield (question.span.call("total", selection.query),)
    wanted, most = -(-total["sessions"] // ROWS), question.at_most - 1
    if wanted > most:
        raise refuse(
            f"{total['sessions']} sessions would have to be read in {wanted} calls, at most {most}; "
            "ask for a shorter range"
        )
    call = question.span.call("session/list", selection.query)
    replies = (yield tuple(paged(call, page) for page in range(wanted))) if wanted else []
    return {(s["visitor_id"], s["session_id"]): s for rows in replies for s in listed(rows)}


def _attributes(session: dict[str, Any]) -> dict[str, str]:
    """A session's canonical attributes by dimension."""
    flags = "desktop" if session["desktop"] else "mobile" if session["mobile"] else "unknown"
    known = {**session, "platform": flags}
    return {str(d): from_wire(d, known.get(key) or "") for d, key in SESSION_KEYS.items()}


def _value(name: str, session: dict[str, Any], row: dict[str, str], span: Span) -> str:
    """A session belongs to the time of its last activity."""
    interval = interval_of(name)
    if interval is None:
        return row[Dimension(name)]
    local = datetime.fromisoformat(session["time"].replace("Z", "+00:00")).astimezone(ZoneInfo(span.zone))
    match interval:
        case Interval.HOUR:
            return local.strftime("%Y-%m-%d %H:00:00")
        case Interval.MINUTE:
            return local.strftime("%Y-%m-%d %H:%M:00")
        case _:
            return day_label(local.date(), interval, span.first)


def _tally(sessions: Sequence[dict[str, Any]]) -> Tally:
    seconds = sum(int(s["duration_seconds"]) for s in sessions)
    return {
        F.VISITORS: len({s["visitor_id"] for s in sessions}),
        F.VISITS: len(sessions),
        F.VIEWS: sum(s["page_views"] for s in sessions),
        F.BOUNCES: sum(bool(s["is_bounce"]) for s in sessions),
        F.DURATION: seconds / len(sessions) if sessions else None,
    }
