"""Every operation of the OpenAPI document, asked by schemathesis: no 5xx, and answers as the document says.

TALLYWAY_FUZZ_EXAMPLES is the number of examples for each operation; the seed is fixed.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, seed, settings
from schemathesis import Case
from schemathesis.checks import CHECKS

from gateway.http.openapi import document
from gateway.http.routes import ENDPOINTS
from tests.api.conftest import NOW, Api, new_owner, new_site
from tests.serving import serve

EXAMPLES = int(os.environ.get("TALLYWAY_FUZZ_EXAMPLES", "0")) or 25
REFUSALS = ["400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428", "429", "5xx"]
"""Answers to what breaks the document; it is also too large now and then, which is found first."""
KEYLESS = {name: part for name, part in document(ENDPOINTS, "0").items() if name != "security"}
"""A drawn key would count among what is wrong with a request, although ours is sent. Without one ask other tests."""
SCHEMA = schemathesis.openapi.from_dict(
    KEYLESS,
    config=schemathesis.Config.from_dict({"checks": {"negative_data_rejection": {"expected-statuses": REFUSALS}}}),
)
NOT_HELD: Any = CHECKS.get_by_names(["positive_data_acceptance"])
"""The document leaves rules out that no schema can say: known domains, names of metrics, what a backend can answer."""
KEPT = frozenset({("DELETE", "/v1/sites/{site}"), ("PATCH", "/v1/sites/{site}")})
"""Operations that would take the site away from the others: these meet invented ones."""
NOT_HTTP = b"Invalid HTTP request received."
TOO_LONG = "headers_too_large"
PLATFORM = ("/v1/tenants", "/metrics")


@dataclass(frozen=True)
class Ground:
    """Who is asking, and a site with something to find."""

    platform: Api
    owner: Api
    site: str


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A gateway that does not mind many wrong keys from one address."""
    with serve(
        tmp_path_factory.mktemp("fuzz"),
        NOW=NOW,
        ACCESS_LOG="false",
        AUTH_FAILURE_LIMIT="0",
        KEY_RATE_LIMIT="0",
        CREATION_RATE_LIMIT="0",
    ) as running:
        platform = Api(running.base, running.key)
        owner = new_owner(platform)
        yield Ground(platform, owner, new_site(owner))


@SCHEMA.parametrize()
@seed(20260617)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=False,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
@pytest.mark.timeout(0)
def test_fuzz(case: Case[Any], ground: Ground) -> None:
    asker = ground.platform if case.path.startswith(PLATFORM) else ground.owner
    parameters: dict[str, Any] = case.path_parameters or {}
    # Half of the examples meet a site that is there, chosen by what was drawn.
    if "site" in parameters and (case.method, case.path) not in KEPT and len(str(parameters["site"])) % 2:
        parameters["site"] = ground.site
    # A header of no meaning makes no request a bad one.
    for name in [name for name in case.headers if name not in case.operation.headers]:
        del case.headers[name]
    answer = case.call(base_url=asker.base, headers={"Authorization": f"Bearer {asker.key}"}, timeout=30)
    if answer.status_code == 400 and answer.content == NOT_HTTP:
        return  # an address that the HTTP parser refuses never reaches the application
    if answer.status_code == 431:
        assert answer.json()["code"] == TOO_LONG
        return  # nor does one that is longer than a head may be
    case.validate_response(answer, excluded_checks=NOT_HELD)
