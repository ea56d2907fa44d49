"""Shapes of Pirsch's JSON, sent and received, and how goals are written there (contract sections 6, 7 and 12)."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from models.errors import Unintelligible
from models.goal import Goal, GoalDraft, GoalKind

BACKEND = "pirsch"
REVENUE_KEY, CURRENCY_KEY = "amount", "currency"
"""Metadata of an event that carries money, as in the vendor's own samples."""


def moment(stamp: str) -> datetime:
    """An RFC 3339 time; of up to nine digits of a second six are read. Raises ValueError."""
    found = datetime.fromisoformat(stamp)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def domains(reply: Any) -> list[Mapping[str, Any]]:
    """GET /domain answers an array, null for none, and one object in the printed sample (seed 004, 2026-07-10)."""
    found = [reply] if isinstance(reply, dict) else reply or []
    if not all(isinstance(d, dict) and {"id", "hostname"} <= d.keys() for d in found):
        raise Unintelligible("Pirsch's list of domains is not of the documented shape", backend=BACKEND)
    return found


def goals_of(reply: Any) -> tuple[Goal, ...]:
    """Goals of a listing; those without a canonical form (such as patterns with a single `*`) are left out."""
    found = (goal_of(row) for row in reply or [])
    return tuple(goal for goal in found if goal is not None)


def goal_of(row: Any) -> Goal | None:
    """A goal as the canonical model knows it, or None.

    `path_pattern` and `pattern` change places between endpoints: which one is the regex is seen by its content.
    """
    pattern = next((p for p in (row.get("path_pattern"), row.get("pattern")) if p and not is_regex(p)), None)
    event, meta, value = row.get("event_name"), row.get("event_meta_key"), row.get("event_meta_value")
    if bool(pattern) == bool(event) or (pattern and (path := page_path(pattern)) is None):
        return None
    money = row.get("custom_metric_key") == REVENUE_KEY and meta == CURRENCY_KEY
    currency = value if event and money and re.fullmatch("[A-Z]{3}", value or "") else None
    return Goal(
        id=str(row["id"]),
        display_name=row.get("name") or "",
        event_name=event or None,
        page_path=path if pattern else None,
        currency=currency,
        custom_props={meta: value or ""} if event and meta and not currency else {},
    )


def is_regex(text: str) -> bool:
    return text.startswith(("^", "(?"))


def page_path(pattern: str) -> str | None:
    """Pirsch's `**` is our `*`; a single `*`, which stops at a slash, has no canonical form."""
    if "*" in pattern.replace("**", "") or not pattern.startswith("/"):
        return None
    return pattern.replace("**", "*")


def path_pattern(page: str) -> str:
    """Our `*`, however often, is Pirsch's `**`."""
    return re.sub(r"\*+", "**", page)


def goal_body(domain: str, draft: GoalDraft) -> dict[str, Any]:
    """The body that creates a goal. Callers refuse what Pirsch cannot hold (`goal_problem`)."""
    body: dict[str, Any] = {
        "domain_id": domain, "name": draft.shown_as, "path_pattern": None, "event_name": None, "event_meta_key": None,
        "event_meta_value": None, "custom_metric_key": None, "custom_metric_type": None, "visitors": 0, "cr": 0,
        "custom_metric_total_goal": 0, "custom_metric_avg_goal": 0, "delete_reached": False, "email_reached": False,
    }  # fmt: skip
    if draft.kind is GoalKind.PAGE:
        return body | {"path_pattern": path_pattern(draft.page_path or "")}
    body["event_name"] = draft.event_name
    for key, value in draft.custom_props.items():
        body |= {"event_meta_key": key, "event_meta_value": value}
    if draft.currency:
        body |= {"event_meta_key": CURRENCY_KEY, "event_meta_value": draft.currency}
        body |= {"custom_metric_key": REVENUE_KEY, "custom_metric_type": "float"}
    return body


def goal_problem(draft: GoalDraft) -> str | None:
    """Why Pirsch cannot hold a goal; None when it can."""
    if draft.kind is GoalKind.SCROLL:
        return "Pirsch knows no scroll depth"
    if draft.page_path and "|" in draft.page_path:
        return "`|` in a page path needs one goal for each alternative"
    if len(draft.custom_props) + bool(draft.currency) > 1:
        return "Pirsch's goals hold one property; a currency takes its place"
    return None
