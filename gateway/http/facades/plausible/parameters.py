"""Parameters of a request: query string and body merged, whatever the body's form (contracts: Plausible 3.3)."""

from typing import Any

import orjson
from starlette.datastructures import UploadFile
from starlette.requests import Request

from gateway.http.facades.plausible.wording import refused
from gateway.http.server.body import decoded

Parameters = dict[str, Any]
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
MAX_FIELDS = 100


async def parameters(request: Request) -> Parameters:
    """JSON, urlencoded or multipart; the body wins over the query string.

    The documents' `curl -F 'x="y"'` means y without the quotes (2026-07, contract 3.3).
    """
    given: Parameters = dict(request.query_params)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in FORMS:
        await request.body()  # kept, so that whoever waits for the request to end can still read it
        async with request.form(max_files=0, max_fields=MAX_FIELDS) as form:
            given |= {name: _unquoted(value) for name, value in form.items() if not isinstance(value, UploadFile)}
    elif kind == "application/json" or not kind:
        given |= _json(await request.body())
    return given


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def _json(body: bytes) -> Parameters:
    if not body:
        return {}
    try:
        value = decoded(body)
    except orjson.JSONDecodeError:
        raise refused("The request body is not valid JSON.") from None
    return value if isinstance(value, dict) else {"_json": value}


def text(given: Parameters, name: str) -> str:
    """A parameter as text; empty when it is missing, blank or no text."""
    value = given.get(name)
    return value.strip() if isinstance(value, str) else ""
