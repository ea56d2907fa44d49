"""The document, the router and the code: nothing undocumented, nothing invented."""

import re
from pathlib import Path

from openapi_spec_validator import validate

from gateway.http.openapi import PARAMETER, document
from gateway.http.routes import ENDPOINTS
from tests.api.conftest import Api, client

ROOT = Path(__file__).parents[2]


def test_the_document_is_valid_and_is_the_one_that_is_served(owner: Api) -> None:
    served = client().get(f"{owner.base}/openapi.json").json()
    validate(served)
    assert served["openapi"] == "3.1.1"
    assert served == document(served["info"]["version"])


def test_every_documented_operation_is_routed_and_every_route_of_the_api_documented(owner: Api) -> None:
    documented = {
        (method.upper(), path) for path, operations in document("0")["paths"].items() for method in operations
    }
    table = {(e.method, PARAMETER.sub(r"{\1}", e.path)) for e in ENDPOINTS if e.listed}
    assert documented == table
    for method, path in sorted(documented):
        answer = client().request(method, owner.base + re.sub(r"\{\w+\}", "x", path), content=b"{}")
        assert answer.status_code not in (404, 405), (method, path)


def test_every_route_but_the_open_ones_asks_for_a_key(owner: Api) -> None:
    paths = document("0")["paths"]
    for path, operations in paths.items():
        for method, operation in operations.items():
            answer = client().request(method, owner.base + re.sub(r"\{\w+\}", "x", path), content=b"{}")
            assert (answer.status_code == 401) is ("security" not in operation), (method, path)


def test_no_answer_has_a_field_that_sounds_like_a_secret_but_the_new_key() -> None:
    found = {
        (name, field)
        for name, schema in document("0")["components"]["schemas"].items()
        for field in schema.get("properties", {})
        if re.search(r"secret|token|credential|password|^key$", field)
    }
    answers = {e.answers.__name__ for e in ENDPOINTS if e.answers is not None}
    assert {(name, field) for name, field in found if name in answers | {"AuditEntry", "ConnectionView"}} == {
        ("NewKey", "key"), ("AuditEntry", "key"), ("ConnectionView", "has_credential"), ("SharedLink", "has_password"),
    }  # fmt: skip


def test_operation_ids_are_unique() -> None:
    ids = [o["operationId"] for operations in document("0")["paths"].values() for o in operations.values()]
    assert len(ids) == len(set(ids))


def test_no_middleware_buffers_requests() -> None:
    named = [p for p in (ROOT / "gateway").rglob("*.py") if "BaseHTTPMiddleware" in p.read_text(encoding="utf-8")]
    assert named == []
