"""The log: JSON lines without secrets, addresses or browsers, whatever is logged."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.server.access_log import AccessLog, _redacted
from gateway.observe.log import HIDDEN, redacted, set_up


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """What the log was set up to write to ends with its test."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


SECRETS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=24, max_size=40)


@given(SECRETS)
def test_what_looks_like_a_secret_is_hidden_wherever_it_stands(secret: str) -> None:
    texts = [
        f"Authorization: Bearer {secret}",
        f"GET /v1/sites?key={secret}&x=1",
        f"https://user:{secret}@example.com/",
        f"the key tw_{secret} was refused",
        {"api_key": secret, "deep": [{"password": secret}]},
        {"error": ValueError(f"Bearer {secret}"), "body": f"?key={secret}".encode()},
        f"/v1/sites/example.com/guests/{secret}@example.com",
        f"/plausible/api/v1/sites/guests/{secret}%40example.com",
    ]
    assert secret not in str(redacted(texts))


def test_what_is_no_secret_stays() -> None:
    assert redacted({"path": "/v1/sites/example.com", "ms": 1.5, "ip": "198.51.100.7"}) == {
        "path": "/v1/sites/example.com", "ms": 1.5, "ip": HIDDEN,
    }  # fmt: skip


def test_lines_are_json_and_a_traceback_is_searched_too(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("info", "json")
    log = structlog.get_logger()
    try:
        raise ValueError("tw_" + "a" * 32)
    except ValueError:
        log.exception("failed", user_agent="Firefox", site="example.com")
    log.debug("not shown")
    (line,) = capsys.readouterr().out.splitlines()
    document = json.loads(line)
    assert (document["service"], document["event"], document["level"]) == ("tallyway", "failed", "error")
    assert (document["user_agent"], document["site"]) == (HIDDEN, "example.com")
    assert "tw_aaa" not in line
    assert "ValueError" in document["exception"]


async def test_requests_are_written_together_and_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("info", "json")
    access = AccessLog()
    access.note("id-1", "GET", "/v1/sites", 200, 0.0123)
    access.note("id-2", "GET", "/x/tw_" + "a" * 32, 404, 0.001)
    assert capsys.readouterr().out == ""
    access.flush()
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (first["event"], first["method"], first["path"], first["status"], first["ms"], first["request_id"]) == (
        "request", "GET", "/v1/sites", 200, 12.3, "id-1",
    )  # fmt: skip
    assert (first["service"], first["level"]) == ("tallyway", "info")
    assert "tw_aaa" not in second["path"]


async def test_a_path_without_end_is_neither_remembered_nor_written_whole(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("info", "json")
    access, before = AccessLog(), _redacted.cache_info().currsize
    for n in range(100):
        access.note("id", "GET", "/" + "x" * 485 + "/tw_" + "a" * 32 + "y" * 100_000 + str(n), 404, 0.001)
    access.flush()
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) < 1000
    assert "tw_aaa" not in "".join(lines)
    assert _redacted.cache_info().currsize <= before
