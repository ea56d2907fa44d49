"""Bodies in and out: JSON by orjson, bounded reading, models with every problem at once."""

from collections.abc import Mapping
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from starlette.responses import Response
from starlette.types import Message, Receive

from models.errors import InvalidRequest, Problem, TooLarge
from models.validation import problems_of

Model = TypeVar("Model", bound=BaseModel)
DEEPEST = 200
"""Most arrays and objects inside each other. Models read as many; what writes JSON takes few more."""


def json_bytes(value: Any) -> bytes:
    """A JSON value with times in RFC 3339 UTC; models, dataclasses and tuples are taken as they are."""
    return orjson.dumps(value, default=_dumped, option=orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC)


def _dumped(value: Any) -> Any:
    match value:
        case BaseModel():
            return value.model_dump(mode="json")
        case Mapping():
            return dict(value)
        case set() | frozenset():
            return sorted(value)
        case _:
            raise TypeError(type(value).__name__)


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON response that nobody else may keep, unless the headers say otherwise."""
    return Response(json_bytes(value), status, {"cache-control": "no-store", **(headers or {})}, "application/json")


def nothing() -> Response:
    """204."""
    return Response(status_code=204)


def decoded(text: bytes | str) -> Any:
    """A JSON value. Raises JSONDecodeError, also for NaN, numbers without end, and what is nested too deeply."""
    value = orjson.loads(text)
    raw = text if isinstance(text, bytes) else text.encode()
    if raw.count(b"[") + raw.count(b"{") > DEEPEST and _is_deep(value):
        raise orjson.JSONDecodeError(f"nested more than {DEEPEST} deep", "", 0)
    return value


def _is_deep(value: Any) -> bool:
    """Whether something lies inside so many arrays and objects; level by level, since recursion is what is at stake."""
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [
            child
            for outer in level
            if isinstance(outer, dict | list)
            for child in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def read_json(body: bytes) -> Any:
    """Raises InvalidRequest."""
    if not body:
        raise InvalidRequest([Problem("body", "a JSON body is required")])
    try:
        return decoded(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest([Problem("body", f"is not JSON: {error.msg} at byte {error.pos}")]) from error


def read_model(model: type[Model], value: Any) -> Model:
    """A validated model. Raises InvalidRequest with every problem."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise InvalidRequest(problems_of(error)) from error


def read_body(model: type[Model], body: bytes) -> Model:
    """The model of a JSON body; types are taken at their word: no 0 for false, no "1" for 1, no 0 for a date.

    Raises InvalidRequest with every problem.
    """
    read_json(body)  # says what is no JSON, and refuses what the model's own reader would take, such as NaN
    try:
        return model.model_validate_json(body, strict=True)
    except ValidationError as error:
        raise InvalidRequest(problems_of(error)) from error


def bounded(receive: Receive, limit: int, announced: str | None) -> Receive:
    """The same body, refused as soon as it is known to be over the limit. Raises TooLarge."""
    if announced is not None and announced.isdigit() and int(announced[:20]) > limit:
        raise TooLarge(f"the body may have at most {limit} bytes")
    seen = 0

    async def counting() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise TooLarge(f"the body may have at most {limit} bytes")
        return message

    return counting
