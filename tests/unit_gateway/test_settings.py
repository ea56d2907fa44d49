"""Settings: read once, every problem at once, secrets never repeated."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.operate.settings_reference import configuration_markdown
from gateway.settings import Settings, read_settings
from models.errors import ConfigurationError

KEY = "tw_an-invented-admin-key"


def test_an_empty_environment_gives_the_defaults() -> None:
    assert read_settings({"PATH": "/bin"}) == Settings()


def test_values_come_from_the_environment() -> None:
    read = read_settings(
        {
            "TALLYWAY_DATA": "/var/lib/tallyway",
            "TALLYWAY_NOW": "2026-06-17T14:00:00+02:00",
            "TALLYWAY_ALLOW_PRIVATE_NETWORKS": "10.1.2.3/8, 192.168.0.0/16",
            "TALLYWAY_ALLOW_HTTP": "true",
            "TALLYWAY_PUBLIC_URL": "https://stats.example.com/",
        }
    )
    assert read.data == Path("/var/lib/tallyway")
    assert read.clock() == datetime(2026, 6, 17, 12, tzinfo=UTC)
    assert read.allow_private_networks == ("10.0.0.0/8", "192.168.0.0/16")
    assert read.allow_http is True
    assert read.public_url == "https://stats.example.com"


def test_a_clock_that_is_not_frozen_moves() -> None:
    before = datetime.now(UTC)
    assert before <= Settings().clock() <= datetime.now(UTC)


def test_nobody_is_trusted_when_the_operator_says_none() -> None:
    assert read_settings({"TALLYWAY_TRUSTED_PROXIES": "none"}).trusted_proxies == ()


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n", encoding="utf-8")
    read = read_settings({"TALLYWAY_ADMIN_KEY_FILE": str(tmp_path / "key")})
    assert read.admin_key is not None
    assert read.admin_key.get_secret_value() == KEY


def test_a_secret_and_its_file_are_not_both_taken(tmp_path: Path) -> None:
    """Which of the two counted would be for the order of the environment to say."""
    (tmp_path / "key").write_text(f"{KEY}x\n", encoding="utf-8")
    both = {"TALLYWAY_ADMIN_KEY": KEY, "TALLYWAY_ADMIN_KEY_FILE": str(tmp_path / "key")}
    for given in (both, dict(reversed(both.items()))):
        with pytest.raises(ConfigurationError, match="TALLYWAY_ADMIN_KEY and TALLYWAY_ADMIN_KEY_FILE are both set"):
            read_settings(given)
    assert read_settings(both | {"TALLYWAY_ADMIN_KEY": ""}).admin_key is not None


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="TALLYWAY_ADMIN_KEY_FILE: cannot read"):
        read_settings({"TALLYWAY_ADMIN_KEY_FILE": str(tmp_path / "none")})


def test_the_environment_wins_over_the_toml_file(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text('log_level = "debug"\nmax_sites = 7\n', encoding="utf-8")
    read = read_settings({"TALLYWAY_CONFIG": str(tmp_path / "t.toml"), "TALLYWAY_LOG_LEVEL": "error"})
    assert (read.log_level, read.max_sites) == ("error", 7)


def test_every_problem_is_named_and_no_secret_repeated() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_settings({"TALLYWAY_ADMIN_KEY": "sesame", "TALLYWAY_NOW": "yesterday", "TALLYWAY_COLOUR": "red"})
    for name in ("TALLYWAY_ADMIN_KEY", "TALLYWAY_NOW", "TALLYWAY_COLOUR"):
        assert name in caught.value.detail
    assert "sesame" not in caught.value.detail


def test_what_kubernetes_says_of_a_service_called_tallyway_is_no_setting() -> None:
    links = {"TALLYWAY_SERVICE_HOST": "10.0.0.1", "TALLYWAY_PORT": "tcp://10.0.0.1:80", "TALLYWAY_PORT_80_TCP": "x"}
    assert read_settings(links) == Settings()


def test_secrets_do_not_show_in_the_settings_text() -> None:
    assert KEY not in repr(read_settings({"TALLYWAY_ADMIN_KEY": KEY, "TALLYWAY_EVENTS": f"clickhouse://u:{KEY}@h"}))


def test_the_reference_names_every_setting_with_a_meaning() -> None:
    page = configuration_markdown()
    for name, field in Settings.model_fields.items():
        assert f"| `TALLYWAY_{name.upper()}`" in page
        assert field.description, name


def test_the_reference_in_the_docs_is_current() -> None:
    page = Path(__file__).parents[2] / "docs" / "configuration.md"
    assert page.read_text(encoding="utf-8") == configuration_markdown(), (
        "tallyway check --reference > docs/configuration.md"
    )
