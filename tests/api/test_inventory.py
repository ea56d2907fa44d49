"""The document, the router and the code: nothing undocumented, nothing invented."""

import re
from pathlib import Path

from openapi_spec_validator import validate
from starlette.routing import Route

from gateway.app import create_app
from gateway.http.openapi import PARAMETER, document
from gateway.http.routes import ENDPOINTS
from gateway.settings import Settings
from tests.api.conftest import Api, client

ROOT = Path(__file__).parents[2]


def test_the_document_is_valid_and_is_the_one_that_is_served(owner: Api) -> None:
    served = client().get(f"{owner.base}/openapi.json").json()
    validate(served)
    assert served["openapi"] == "3.1.1"
    assert served == document(ENDPOINTS, served["info"]["version"])


FACADE_ROUTES = Path(__file__).with_name("facade_routes.txt")
"""Every route of the vendor-shaped APIs, one a line; a new one is written down here as well."""
HIDDEN = {
    "OPTIONS /api/event", "GET /openapi.json", "GET /docs", "GET /static/{name}", "GET /js/tallyway.js",
    "GET /js/pa-{tracker}.js", "GET /share/{domain}", "POST /share/{domain}", "GET /invitations/{token}",
    "POST /invitations/{token}", "GET /",
}  # fmt: skip
"""Pages and files for browsers, which are not part of the API."""


def routed(tmp_path: Path) -> set[str]:
    """What the application itself answers, asked of its router."""
    app = create_app(Settings(data=tmp_path))
    found: list[str] = []
    for route in app.routes:
        assert isinstance(route, Route), route  # mounts and sockets would hide routes of their own
        plain = PARAMETER.sub(r"{\1}", route.path)
        found += [f"{method} {plain}" for method in (route.methods or set()) - {"HEAD"}]
    assert len(found) == len(set(found)), "a route that another one hides"
    return set(found)


def test_the_router_has_what_the_document_says_and_the_facades_and_nothing_else(tmp_path: Path) -> None:
    documented = {
        f"{method.upper()} {path}"
        for path, operations in document(ENDPOINTS, "0")["paths"].items()
        for method in operations
    }
    facades = set(FACADE_ROUTES.read_text(encoding="utf-8").split("\n")) - {""}
    assert routed(tmp_path) == documented | HIDDEN | facades
    assert not documented & facades
    assert all(
        line.split()[1].startswith(("/plausible/", "/pirsch/", "/sparklytics/")) for line in facades - AT_THE_ROOT
    )


AT_THE_ROOT = {
    "GET /hit", "POST /event", "OPTIONS /event", "POST /session", "OPTIONS /session",
    "GET /p/pv", "POST /p/e", "OPTIONS /p/e", "POST /p/s", "OPTIONS /p/s",
}  # fmt: skip
"""Addresses that the snippets of vendors have fixed."""


def test_every_documented_operation_is_answered(owner: Api) -> None:
    for path, operations in document(ENDPOINTS, "0")["paths"].items():
        for method in operations:
            answer = client().request(method, owner.base + re.sub(r"\{\w+\}", "x", path), content=b"{}")
            assert answer.status_code not in (404, 405), (method, path)


def test_every_route_but_the_open_ones_asks_for_a_key(owner: Api) -> None:
    paths = document(ENDPOINTS, "0")["paths"]
    for path, operations in paths.items():
        for method, operation in operations.items():
            answer = client().request(method, owner.base + re.sub(r"\{\w+\}", "x", path), content=b"{}")
            assert (answer.status_code == 401) is ("security" not in operation), (method, path)


def test_no_answer_has_a_field_that_sounds_like_a_secret_but_the_new_key() -> None:
    found = {
        (name, field)
        for name, schema in document(ENDPOINTS, "0")["components"]["schemas"].items()
        for field in schema.get("properties", {})
        if re.search(r"secret|token|credential|password|access_key|^key$", field)
    }
    answers = {e.answers.__name__ for e in ENDPOINTS if e.answers is not None}
    assert {(name, field) for name, field in found if name in answers | {"AuditEntry", "ConnectionView"}} == {
        ("NewKey", "key"), ("AuditEntry", "key"), ("ConnectionView", "has_credential"), ("SharedLink", "has_password"),
        ("NewPirschClient", "client_secret"), ("NewPirschClient", "access_key"),
    }  # fmt: skip


def test_operation_ids_are_unique() -> None:
    ids = [o["operationId"] for operations in document(ENDPOINTS, "0")["paths"].values() for o in operations.values()]
    assert len(ids) == len(set(ids))


def test_no_middleware_buffers_requests() -> None:
    named = [p for p in (ROOT / "gateway").rglob("*.py") if "BaseHTTPMiddleware" in p.read_text(encoding="utf-8")]
    assert named == []
