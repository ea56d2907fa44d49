"""Logging: JSON lines on standard output, with the request id and without secrets, addresses or browsers."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import orjson
import structlog

SECRET_NAMES = re.compile(r"authori[sz]ation|cookie|credential|password|secret|token|api_?key", re.IGNORECASE)
SECRET_VALUES = (
    re.compile(r"(?i)(\bbearer\s+)\S+"),
    re.compile(r"()\btw_[A-Za-z0-9]{16,}"),
    re.compile(r"(?i)([?&](?:key|auth|token)=)[^&\s]+"),
    re.compile(r"(/(?:invitations|guests)/)[^/?\s]+"),
    re.compile(r"(//)[^/@\s]+:[^/@\s]+(?=@)"),
)
"""What looks like a secret inside a text, and whom a path names by mail address; the first group stays."""
PERSONAL = frozenset({"ip", "user_agent", "remote_addr", "x_forwarded_for"})
HIDDEN = "[hidden]"
_json_lines = False


def redacted(value: Any) -> Any:
    """The value without what looks like a secret; containers are searched."""
    match value:
        case str():
            for pattern in SECRET_VALUES:
                value = pattern.sub(rf"\1{HIDDEN}", value)
            return value
        case dict():
            return {k: HIDDEN if is_private(str(k)) else redacted(v) for k, v in value.items()}
        case list() | tuple():
            return [redacted(v) for v in value]
        case bytes() | BaseException():
            return redacted(repr(value))  # as the line would have it
        case _:
            return value


def is_private(name: str) -> bool:
    """Whether a field of this name is never logged."""
    return name in PERSONAL or SECRET_NAMES.search(name) is not None


def _redact(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The last processor before rendering, so that tracebacks are searched, too."""
    for name, value in event.items():
        event[name] = HIDDEN if is_private(name) else redacted(value)
    return event


def set_up(level: str, form: str) -> None:
    """Configure logging for the process, the standard library's loggers included."""
    least = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact,
    ]
    global _json_lines  # noqa: PLW0603 - one log for the process
    _json_lines = form != "console"
    renderer: Any = structlog.dev.ConsoleRenderer(colors=False) if form == "console" else _as_json
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stdout),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[_plain, renderer]))
    logging.basicConfig(handlers=[handler], level=max(least, logging.WARNING), force=True)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)


def writes_json() -> bool:
    """Whether `set_up` chose JSON lines."""
    return _json_lines


def _plain(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return structlog.stdlib.ProcessorFormatter.remove_processors_meta(logger, method, event)


def _as_json(logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
    return orjson.dumps({"service": "tallyway", **event}, default=repr).decode()
