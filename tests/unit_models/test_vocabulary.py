"""The facts about words hold together."""

import pytest

from models.vocabulary import (
    DIMENSION_SCOPES,
    GOAL_METRICS,
    GOAL_RATES,
    METRICS,
    OF_VISITS,
    REVENUE,
    Dimension,
    Metric,
    Unit,
)


def test_every_word_has_facts() -> None:
    assert set(METRICS) == set(Metric)
    assert set(DIMENSION_SCOPES) == set(Dimension)


def test_people_and_means_are_never_added_up() -> None:
    people = {Metric.VISITORS, Metric.VISITS}
    means = {m for m in Metric if METRICS[m].unit in (Unit.RATIO, Unit.PERCENT, Unit.SECONDS)}
    assert not any(METRICS[m].additive for m in people | means | {Metric.AVERAGE_REVENUE})


@pytest.mark.parametrize("metric", Metric)
def test_a_zero_is_written_like_any_other_value_of_its_metric(metric: Metric) -> None:
    facts = METRICS[metric]

    assert facts.zero is None or (facts.zero == 0 and isinstance(facts.zero, float) == (facts.decimals > 0))
    assert facts.unit is not Unit.COUNT or (facts.zero, facts.decimals) == (0, 0), "a count of nothing is zero"


@pytest.mark.parametrize("metric", [m for m in Metric if METRICS[m].relative])
def test_what_is_relative_is_a_share_and_never_added_up(metric: Metric) -> None:
    assert METRICS[metric].unit is Unit.PERCENT
    assert not METRICS[metric].additive


def test_groups_of_metrics_follow_from_the_facts() -> None:
    assert {Metric.CONVERSIONS, *GOAL_RATES} <= GOAL_METRICS
    assert Metric.CONVERSIONS not in GOAL_RATES
    assert {Metric.CONVERSION_RATE, Metric.GROUP_CONVERSION_RATE} <= GOAL_RATES
    assert {Metric.TOTAL_REVENUE, Metric.AVERAGE_REVENUE} <= REVENUE
    assert {Metric.BOUNCE_RATE, Metric.EXIT_RATE, Metric.VIEWS_PER_VISIT, Metric.VISIT_DURATION} <= OF_VISITS
