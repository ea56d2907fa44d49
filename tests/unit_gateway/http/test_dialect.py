"""The one way from a request to its answer: each step of security has one place, and each dialect words every error."""

import ast
from collections.abc import Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette

from gateway.app import build
from gateway.http import dialect
from gateway.http.application import application
from gateway.http.dialect import Dialect
from gateway.http.endpoint import Access, Ask, Endpoint
from gateway.http.facades.pirsch.dialect import PIRSCH
from gateway.http.facades.plausible.dialect import SITES, STATS
from gateway.http.facades.sparklytics.dialect import SPARKLYTICS
from gateway.settings import Settings
from models.errors import ConfigurationError

HTTP = Path(__file__).parents[3] / "gateway" / "http"
FAST = "fast_path/query.py"
ONCE: Mapping[str, set[str]] = MappingProxyType(
    {
        "bounded": {"dialect.py"},
        "keyring.caller": {"server/auth.py", FAST},
        "clients.caller": {"facades/pirsch/dialect.py"},
        "clients.token": {"facades/pirsch/tokens.py"},
        "guesses.check": {"server/auth.py", FAST},
        "guesses.note": {"server/auth.py"},
        "guesses.take": set(),
        "admit": {"dialect.py"},
        "admit_key": {"server/auth.py"},
        "admit_address": set(),  # the frame's accounting chooses between this one and the next
        "admit_tracker": set(),
        "takes": {FAST},
        "takes_tracker": {"fast_path/event.py"},
        "address_rate.take": set(),  # limits.py is told which limit
        "key_rate.take": {"server/limits.py"},
        "event_rate.take": set(),
        "accounting.admit": {"server/frame.py"},
        "meter.admit_call": {"server/auth.py"},
        "meter.call_now": {FAST},
        "_meter.api_call": {"server/accounting.py"},
        "caller.require": {"dialect.py"},
        "hosted": {"server/frame.py", "server/origin.py", "fast_path/base.py"},
        "perform": {"dialect.py"},
        "once": {"server/work.py"},
    }
)
"""Calls that are a step of security, or lead to one, and all files that make them."""


def called(tree: ast.AST) -> set[str]:
    """Names of what is called, and of attributes with the last part of what they belong to."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)):
                found.add(name)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner) | ast.Attribute(attr=owner), attr=name)):
                found.add(f"{owner}.{name}")
            case _:
                pass
    return found


def test_every_step_of_security_has_one_place() -> None:
    files = {
        p.relative_to(HTTP).as_posix(): called(ast.parse(p.read_text(encoding="utf-8"))) for p in HTTP.rglob("*.py")
    }
    assert {step: {file for file, names in files.items() if step in names} for step in ONCE} == ONCE


SHAPES: Mapping[str, tuple[Dialect[Any], Callable[[Any], bool]]] = MappingProxyType(
    {
        "native": (dialect.NATIVE, lambda body: body["title"] == "Something went wrong on our side"),
        "plausible stats": (STATS, lambda body: body == {"error": "internal server error"}),
        "plausible sites": (SITES, lambda body: body == {"error": "internal server error"}),
        "pirsch": (PIRSCH, lambda body: body == {"validation": {}, "error": ["internal server error"]}),
        "sparklytics": (SPARKLYTICS, lambda body: body["error"]["code"] == "internal_error"),
    }
)


async def broken(ask: Ask) -> Any:
    raise RuntimeError("a secret of ours")


async def misconfigured(ask: Ask) -> Any:
    raise ConfigurationError("a secret of the operator")


@pytest.mark.parametrize("handler", [broken, misconfigured])
@pytest.mark.parametrize("name", SHAPES)
async def test_what_fails_on_our_side_is_said_in_every_dialect_and_tells_nothing(
    tmp_path: Path, name: str, handler: Callable[[Ask], Any]
) -> None:
    spoken, has_shape = SHAPES[name]
    services = build(Settings(data=tmp_path, log_level="error"))
    endpoint: Endpoint[Any] = Endpoint("GET", "/broken", handler, "", Access.OPEN, "")

    @asynccontextmanager
    async def lifespan(app: Starlette) -> Any:
        yield
        await services.close()

    app = application(services, lifespan, dialect.routes(spoken, services, [endpoint]))
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with app.router.lifespan_context(app), httpx2.AsyncClient(transport=transport, base_url="http://x") as client:
        answer = await client.get("/broken")
    assert (answer.status_code, "secret" in answer.text) == (500, False)
    assert has_shape(answer.json()), answer.text
