"""Statistics over the demo week, counted by hand (fixtures/events/demo-site.md), in Pirsch's shapes."""

from tests.facades.pirsch.served import Client


def test_totals(demo: Client) -> None:
    assert demo.statistics("total") == {
        "visitors": 7, "views": 15, "sessions": 10, "bounces": 4, "bounce_rate": 0.4, "cr": 1.0,
        "custom_metric_avg": 0.0, "custom_metric_total": 0.0,
    }  # fmt: skip
