"""Every error of the tree has a status and a code of its own."""

import json
from collections.abc import Iterator

import pytest

from gateway.http.server.errors import STATUSES, problem, status_of
from models import errors
from models.errors import (
    ConfigurationError,
    GatewayError,
    InvalidRequest,
    Problem,
    QuotaExceeded,
    RateLimited,
    UnsupportedQuery,
)


def tree(kind: type[GatewayError] = GatewayError) -> Iterator[type[GatewayError]]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from tree(child)


def made_of(kind: type[GatewayError]) -> GatewayError:
    """One of its kind, with what it cannot be made without."""
    if kind is QuotaExceeded:
        return QuotaExceeded("sites", 1)
    return kind([]) if kind in (InvalidRequest, UnsupportedQuery) else kind("x")


@pytest.mark.parametrize("kind", list(dict.fromkeys(tree())), ids=str)
def test_every_error_has_a_status_that_fits_whose_fault_it_is(kind: type[GatewayError]) -> None:
    made = made_of(kind)
    status = status_of(made)
    assert 400 <= status < 600
    if issubclass(kind, errors.RequestError):
        assert status < 500


def test_codes_are_unique() -> None:
    codes = [kind.code for kind in set(tree()) if "code" in vars(kind)]
    assert len(codes) == len(set(codes))
    assert set(STATUSES) <= set(tree())


def test_a_limit_says_when_to_come_back() -> None:
    response = problem(RateLimited("later", retry_after=6.2, backend="vendor"), "request-1")
    document = json.loads(bytes(response.body))
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")
    assert (document["retry_after"], document["backend"], document["retryable"]) == (7, "vendor", True)


def test_all_problems_are_in_the_document() -> None:
    response = problem(InvalidRequest([Problem("a", "x", ("y",)), Problem("b", "z")]), "request-1")
    document = json.loads(bytes(response.body))
    assert document["problems"] == [{"field": "a", "reason": "x", "allowed": ["y"]}, {"field": "b", "reason": "z"}]
    assert document["request_id"] == "request-1"


def test_what_the_operator_must_mend_is_not_told_to_callers() -> None:
    response = problem(ConfigurationError("the path /etc/secret is not readable"), "request-1")
    assert response.status_code == 500
    assert b"/etc/secret" not in response.body
