"""The OpenAPI 3.1 document, written from the table of routes and the models they name."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway.http.endpoint import Access, Ask, Endpoint
from gateway.http.schema.base import ProblemDocument
from gateway.http.server.body import json_bytes
from gateway.http.server.errors import PROBLEM
from gateway.tenancy import KeyScope

REF = "#/components/schemas/{model}"
PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
EXPLAINED = {
    "site": "Id or domain of a site",
    "backend": "Name of the site's backend",
    "call": "Name of the call, as listed",
    "connection": "Id of a connection; `local` exists from the start",
    "tenant": "Id or slug of a tenant",
}
OPEN_STATUSES = (400, 408, 413, 431)
CLOSED_STATUSES = (400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 431, 502, 503, 504)
INTRODUCTION = (
    "One API in front of several web analytics backends. Errors are `application/problem+json` with a stable `code`; "
    "`{site}` is an id or a domain. Platform keys name the tenant they act on in the header `Tallyway-Tenant`."
)


@cache
def document_bytes(endpoints: Sequence[Endpoint[Ask]], version: str) -> bytes:
    """The document as JSON."""
    return json_bytes(document(endpoints, version))


def document(endpoints: Sequence[Endpoint[Ask]], version: str) -> dict[str, Any]:
    """The whole document of the listed endpoints."""
    listed = [e for e in endpoints if e.listed]
    names = Counter(e.name for e in endpoints)
    schemas = _schemas(listed)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in listed:
        plain = PARAMETER.sub(r"{\1}", endpoint.path)
        paths.setdefault(plain, {})[endpoint.method.lower()] = _operation(
            endpoint, schemas, several=names[endpoint.name] > 1
        )
    return {
        "openapi": "3.1.1",
        "info": {"title": "Tallyway", "version": version, "description": INTRODUCTION},
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "tags": [{"name": name} for name in dict.fromkeys(e.tag for e in listed)],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "An API key, `tw_...`"}},
            "responses": {"Problem": {"description": "What went wrong", "content": _content(PROBLEM, ProblemDocument)}},
        },
    }


def _schemas(listed: list[Endpoint[Ask]]) -> dict[str, Any]:
    """Schemas of every model that a listed endpoint names, by class name."""
    models: dict[tuple[type[BaseModel], str], None] = {(ProblemDocument, "serialization"): None}
    for endpoint in listed:
        for model in (endpoint.body, endpoint.params):
            if model is not None:
                models[model, "validation"] = None
        if endpoint.answers is not None:
            # An answer that is also sent by callers is described as it is sent.
            mode = "validation" if endpoint.answers in {e.body for e in listed} else "serialization"
            models[endpoint.answers, mode] = None
    _, schema = models_json_schema(list(models), ref_template=REF)  # type: ignore[arg-type]  # modes are a Literal there
    return dict(schema["$defs"])


def _operation(endpoint: Endpoint[Ask], schemas: dict[str, Any], *, several: bool) -> dict[str, Any]:
    operation: dict[str, Any] = {  # a handler of several methods is told apart by the method
        "operationId": f"{endpoint.name}_{endpoint.method.lower()}" if several else endpoint.name,
        "summary": endpoint.summary,
        "tags": [endpoint.tag],
        "responses": _responses(endpoint),
    }
    if description := _needs(endpoint):
        operation["description"] = description
    if endpoint.access is Access.OPEN:
        operation["security"] = []
    parameters = [*_path_parameters(endpoint), *_query_parameters(endpoint, schemas), *_headers(endpoint)]
    if parameters:
        operation["parameters"] = parameters
    if endpoint.body is not None:
        operation["requestBody"] = {"required": True, "content": _body(endpoint.body)}
    elif endpoint.body_media != "application/json":
        operation["requestBody"] = {"required": True, "content": {endpoint.body_media: {"schema": {}}}}
    return operation


def _needs(endpoint: Endpoint[Ask]) -> str:
    match endpoint.access:
        case KeyScope() as scope:
            return f"Needs the scope `{scope}`."
        case Access.PLATFORM:
            return "For administrators of the installation."
        case _:
            return ""


def _body(model: type[BaseModel]) -> dict[str, Any]:
    one = {"$ref": REF.format(model=model.__name__)}
    if model.__name__ == "EventBody":
        return {"application/json": {"schema": {"oneOf": [one, {"type": "array", "items": one, "minItems": 1}]}}}
    return {"application/json": {"schema": one}}


def _responses(endpoint: Endpoint[Ask]) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "Done" if endpoint.status == 204 else "The answer"}
    if endpoint.answers is not None:
        good["content"] = _content(endpoint.media, endpoint.answers)
    elif endpoint.status != 204:
        good["content"] = {endpoint.media: {"schema": {}}}
    if endpoint.also:
        good["content"][endpoint.also] = {"schema": {"type": "string"}}
    statuses = OPEN_STATUSES if endpoint.access is Access.OPEN else CLOSED_STATUSES
    responses = {str(endpoint.status): good}
    if endpoint.name == "start_import":
        responses["200"] = good
    if endpoint.name == "track":
        wrong = {"type": "object", "properties": {"errors": {"type": "object"}}, "required": ["errors"]}
        problem = {"$ref": REF.format(model=ProblemDocument.__name__)}
        content = {"application/json": {"schema": wrong}, PROBLEM: {"schema": problem}}
        responses["400"] = {"description": "What is wrong, field by field", "content": content}
    if endpoint.name == "readyz":
        responses["503"] = good
    for status in statuses:
        responses.setdefault(str(status), {"$ref": "#/components/responses/Problem"})
    return responses


def _content(media: str, model: type[BaseModel]) -> dict[str, Any]:
    return {media: {"schema": {"$ref": REF.format(model=model.__name__)}}}


def _path_parameters(endpoint: Endpoint[Ask]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string"},
            **({"description": EXPLAINED[name]} if name in EXPLAINED else {}),
        }
        for name in PARAMETER.findall(endpoint.path)
    ]


def _query_parameters(endpoint: Endpoint[Ask], schemas: dict[str, Any]) -> list[dict[str, Any]]:
    if endpoint.params is None:
        return []
    described = schemas[endpoint.params.__name__]
    required = described.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": schema}
        for name, schema in described["properties"].items()
    ]


def _headers(endpoint: Endpoint[Ask]) -> list[dict[str, Any]]:
    if not endpoint.creates:
        return []
    explained = "Sent again with the same key, the request is not done again"
    return [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
            "description": explained,
        }
    ]
