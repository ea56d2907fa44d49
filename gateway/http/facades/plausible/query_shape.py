"""What the vendor's JSON schema refuses of a v2 query, all errors at once (contracts: Plausible 4.5)."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from adapters.plausible.vocabulary import METRICS_READ, canonical_dimension
from gateway.http.facades.plausible.filters import kind_of
from gateway.http.facades.plausible.wording import inspected
from models.period import problem_with

KEYS = ("site_id", "metrics", "date_range", "dimensions", "filters", "order_by", "include", "pagination")
INCLUDES = ("imports", "time_labels", "total_rows", "trim_relative_date_range")
MAX_ROWS = 10_000


def _keys(body: Mapping[str, Any]) -> Iterator[str]:
    missing = [key for key in ("site_id", "metrics", "date_range") if key not in body]
    if len(missing) == 1:
        yield f"#: Required property {missing[0]} was not present."
    elif missing:
        yield f"#: Required properties {', '.join(missing)} were not present."
    for key in body:
        if key not in KEYS:
            yield f"#/{key}: Schema does not allow additional properties."


def _site_id(body: Mapping[str, Any]) -> Iterator[str]:
    if "site_id" in body and not isinstance(body["site_id"], str):
        yield f"#/site_id: Type mismatch. Expected String but got {kind_of(body['site_id'])}."


def _names(
    key: str, word: str, known: Callable[[str], bool], least: int
) -> Callable[[Mapping[str, Any]], Iterator[str]]:
    def check(body: Mapping[str, Any]) -> Iterator[str]:
        value = body.get(key)
        if value is None and (not least or key not in body):
            return
        if not isinstance(value, list):
            yield f"#/{key}: Type mismatch. Expected Array but got {kind_of(value)}."
            return
        if len(value) < least:
            yield f"#/{key}: Expected a minimum of {least} items but got {len(value)}."
        for i, name in enumerate(value):
            if not isinstance(name, str) or not known(name):
                yield f"#/{key}/{i}: Invalid {word} {inspected(name)}"
        if len({inspected(v) for v in value}) < len(value):
            yield f"#/{key}: Expected items to be unique but they were not."

    return check


def _date_range(body: Mapping[str, Any]) -> Iterator[str]:
    if "date_range" not in body:
        return
    value = body["date_range"]
    pair = isinstance(value, list) and len(value) == 2 and all(isinstance(v, str) and _MOMENT.match(v) for v in value)
    unknown = value in ("realtime", "yesterday") or not isinstance(value, str | list)
    if unknown or (isinstance(value, list) and not pair) or _problem(value) is not None:
        yield f"#/date_range: Invalid date range {inspected(value)}"


_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}(?=$|[T ])")
"""How a date starts, or is; ISO 8601 has more spellings, the vendor reads this one."""


def _problem(value: Any) -> str | None:
    if isinstance(value, str):
        return problem_with(value)
    return problem_with((value[0], value[1])) and problem_with((value[1], value[0]))


def _order_by(body: Mapping[str, Any]) -> Iterator[str]:
    value = body.get("order_by")
    if value is None:
        return
    if not isinstance(value, list):
        yield f"#/order_by: Type mismatch. Expected Array but got {kind_of(value)}."
        return
    for i, entry in enumerate(value):
        if not isinstance(entry, list) or len(entry) != 2:
            yield f"#/order_by/{i}: Invalid value in order_by {inspected(entry)}"
        elif not isinstance(entry[0], str) or not (entry[0] in METRICS_READ or _is_dimension(entry[0])):
            yield f"#/order_by/{i}/0: Invalid value in order_by {inspected(entry[0])}"
        elif entry[1] not in ("asc", "desc"):
            yield f"#/order_by/{i}/1: Invalid value in order_by {inspected(entry[1])}"


def _include(body: Mapping[str, Any]) -> Iterator[str]:
    value = body.get("include", {})
    if not isinstance(value, dict):
        yield f"#/include: Type mismatch. Expected Object but got {kind_of(value)}."
        return
    for key, chosen in value.items():
        if key not in INCLUDES:
            yield f"#/include/{key}: Schema does not allow additional properties."
        elif not isinstance(chosen, bool):
            yield f"#/include/{key}: Type mismatch. Expected Boolean but got {kind_of(chosen)}."


def _pagination(body: Mapping[str, Any]) -> Iterator[str]:
    value = body.get("pagination", {})
    if not isinstance(value, dict):
        yield f"#/pagination: Type mismatch. Expected Object but got {kind_of(value)}."
        return
    for key, number in value.items():
        if key not in ("limit", "offset"):
            yield f"#/pagination/{key}: Schema does not allow additional properties."
        elif not isinstance(number, int) or isinstance(number, bool):
            yield f"#/pagination/{key}: Type mismatch. Expected Integer but got {kind_of(number)}."
        elif number < (least := 1 if key == "limit" else 0):
            yield f"#/pagination/{key}: Expected the value to be >= {least}"
        elif key == "limit" and number > MAX_ROWS:
            yield f"#/pagination/limit: Expected the value to be <= {MAX_ROWS}"


def _is_dimension(name: str) -> bool:
    if name == "time":
        return True
    return name != "visit:screen" and canonical_dimension(name) is not None


SHAPES: tuple[Callable[[Mapping[str, Any]], Iterator[str]], ...] = (
    _keys,
    _site_id,
    _names("metrics", "metric", METRICS_READ.__contains__, 1),
    _date_range,
    _names("dimensions", "dimension", _is_dimension, 0),
    _order_by,
    _include,
    _pagination,
)
