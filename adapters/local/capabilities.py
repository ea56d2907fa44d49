"""What the local backend answers: everything but combinations that have no true number.

Rules that depend on what is filtered, and on how filters are nested, are in `adapters.local.sql.checks`.
"""

from models.capability import NATIVE, Capabilities, Conflict, Feature, Limits, Operation, cells, never
from models.query import MAX_DIMENSIONS, MAX_LIMIT
from models.vocabulary import OF_VISITS, Dimension, Metric, Operator

D, M = Dimension, Metric

CONFLICTS = (
    Conflict(
        metrics=OF_VISITS,
        grouped=frozenset({D.EVENT, D.GOAL, D.PROP, D.TITLE}),
        reason=f"{', '.join(sorted(OF_VISITS))}: of whole visits, "
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
    metrics=cells(
        Metric,
        {
            "visitors visits pageviews events views_per_visit bounce_rate visit_duration": NATIVE,
            "time_on_page scroll_depth exit_rate": NATIVE,
            "conversions conversion_rate group_conversion_rate percentage": NATIVE,
            "total_revenue average_revenue": NATIVE,
        },
    ),
    dimensions=cells(
        Dimension,
        {
            "page hostname title entry_page exit_page entry_hostname exit_hostname": NATIVE,
            "event goal prop": NATIVE,
            "source channel referrer utm_source utm_medium utm_campaign utm_content utm_term": NATIVE,
            "device screen browser browser_version os os_version language": NATIVE,
            "country region city country_name region_name city_name": NATIVE,
            "time:minute time:hour time:day time:week time:month": NATIVE,
        },
    ),
    operators=cells(
        Operator,
        {"is is_not contains contains_not matches matches_not wildcard wildcard_not": NATIVE},
    ),
    operations=cells(
        Operation,
        {
            "list_sites create_site update_site delete_site list_goals create_goal delete_goal": NATIVE,
            "shared_links manage_shared_links guests custom_props settings": NATIVE,
            "teams": never("teams of sites on our own store are kept by the gateway itself (/v1/teams)"),
            "record_events backdate_events import_history export_history": NATIVE,
            "realtime funnels visit_list value_lists event_tables": NATIVE,
        },
    ),
    features=cells(
        Feature,
        {
            "or not has_done nested_goal case_insensitive": NATIVE,
            "any_zone part_of_day order_by total_rows": NATIVE,
        },
    ),
    max_dimensions=MAX_DIMENSIONS,
    conflicts=CONFLICTS,
    limits=Limits(rows=MAX_LIMIT),
)
