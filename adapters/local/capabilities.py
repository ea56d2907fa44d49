"""What the local backend answers: everything but combinations that have no true number.

Rules that depend on what is filtered, and on how filters are nested, are in `adapters.local.sql.checks`.
"""

from models.capability import NATIVE, Capabilities, Conflict, Feature, Limits, Operation, cells, never
from models.query import MAX_DIMENSIONS, MAX_LIMIT
from models.vocabulary import OURS, Dimension, Metric, Operator

D, M = Dimension, Metric

OF_VISITS = frozenset({M.BOUNCE_RATE, M.VISIT_DURATION, M.VIEWS_PER_VISIT, M.EXIT_RATE})

CONFLICTS = (
    Conflict(
        metrics=OF_VISITS,
        grouped=frozenset({D.EVENT, D.GOAL, D.PROP, D.TITLE}),
        reason="bounce_rate, visit_duration, views_per_visit and exit_rate are of whole visits, "
        "and a visit belongs to no single event, goal, property or title",
    ),
    Conflict(
        metrics=OF_VISITS,
        grouped=frozenset({D.HOSTNAME}),
        unless_grouped=frozenset({D.PAGE, D.EXIT_PAGE}),
        reason="metrics of whole visits are grouped by hostname only together with page; "
        "entry_hostname and exit_hostname belong to a visit",
    ),
    Conflict(
        metrics=frozenset({M.EXIT_RATE}),
        unless_grouped=frozenset({D.PAGE, D.EXIT_PAGE}),
        reason="exit_rate is a page's exits over its page views: group by page or exit_page",
    ),
)

LOCAL = Capabilities(
    backend="local",
    title="Local store",
    metrics=cells(NATIVE, Metric),
    dimensions=cells(NATIVE, [d for d in Dimension if d not in OURS]),
    operators=cells(NATIVE, Operator),
    operations=cells(
        NATIVE,
        Operation,
        teams=never("teams of sites on our own store are kept by the gateway itself (/v1/teams)"),
    ),
    features=cells(NATIVE, Feature),
    max_dimensions=MAX_DIMENSIONS,
    conflicts=CONFLICTS,
    limits=Limits(rows=MAX_LIMIT),
)
