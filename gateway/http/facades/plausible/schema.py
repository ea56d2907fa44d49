"""JSON Schema of the v2 query as this facade reads it; made from the same tables that read it."""

from typing import Any

from adapters.plausible.vocabulary import DIMENSIONS_READ, METRICS_READ, PROPS
from gateway.http.facades.plausible.filters import MODIFIED, OPERATORS
from gateway.http.facades.plausible.query_shape import INCLUDES, MAX_ROWS
from models.period import RANGES

DIMENSIONS = sorted({*DIMENSIONS_READ, "time"} - {"visit:screen", "time:minute"})
NAMED_RANGES = [name for name in RANGES if name not in ("realtime", "yesterday")]


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/$defs/{name}"}


def _comparison(operators: list[str], *extra: dict[str, Any]) -> dict[str, Any]:
    items = [{"enum": operators}, {"type": "string"}, {"type": "array", "minItems": 1}, *extra]
    return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}


def _pair(words: list[str], second: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "prefixItems": [{"enum": words}, second], "minItems": 2, "maxItems": 2}


MODIFIERS = {"type": "object", "properties": {"case_sensitive": {"type": "boolean"}}, "additionalProperties": False}

QUERY: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Query",
    "type": "object",
    "required": ["site_id", "metrics", "date_range"],
    "additionalProperties": False,
    "properties": {
        "site_id": {"type": "string"},
        "metrics": {"type": "array", "items": {"enum": sorted(METRICS_READ)}, "minItems": 1, "uniqueItems": True},
        "date_range": _ref("date_range"),
        "dimensions": {"type": "array", "items": _ref("dimension"), "uniqueItems": True},
        "filters": {"type": "array", "items": _ref("filter")},
        "order_by": {"type": "array", "items": _ref("order")},
        "include": {
            "type": "object",
            "properties": {name: {"type": "boolean"} for name in INCLUDES},
            "additionalProperties": False,
        },
        "pagination": {
            "type": "object",
            "properties": {
                "limit": {"type": "integer", "minimum": 1, "maximum": MAX_ROWS},
                "offset": {"type": "integer", "minimum": 0},
            },
            "additionalProperties": False,
        },
    },
    "$defs": {
        "date_range": {
            "anyOf": [
                {"enum": NAMED_RANGES},
                {"type": "string", "pattern": r"^\d+(d|mo)$"},
                {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2},
            ]
        },
        "dimension": {"anyOf": [{"enum": DIMENSIONS}, {"type": "string", "pattern": f"^{PROPS}.+"}]},
        "order": {
            "type": "array",
            "prefixItems": [
                {"anyOf": [{"enum": sorted(METRICS_READ)}, _ref("dimension")]},
                {"enum": ["asc", "desc"]},
            ],
            "minItems": 2,
            "maxItems": 2,
        },
        "filter": {
            "anyOf": [
                _comparison(sorted(OPERATORS)),
                _comparison(sorted(MODIFIED), MODIFIERS),
                _pair(["and", "or"], {"type": "array", "items": _ref("filter"), "minItems": 1}),
                _pair(["not", "has_done", "has_not_done"], _ref("filter")),
            ]
        },
    },
}
