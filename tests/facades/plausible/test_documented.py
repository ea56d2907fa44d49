"""Every documented exchange about the demo site, played against our facade over our own store."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.conftest import NOW, Api, client
from tests.facades.plausible.conftest import load_demo
from tests.serving import serve
from tests.unit_fixtures.test_exchanges import EXCHANGES, REPLAYED, fits

OTHER_ANSWERS = {
    "sites_teams": "a tenant starts without teams, an account there with a personal one",
}
CHANGING = ("create", "delete", "rename", "invite", "found", "taken", "shared_link", "event_accepted")


LAST = ("goal_create", "goal_delete", "site_rename", "custom_prop_create", "custom_prop_delete", "site_delete")


def order(name: str) -> tuple[int, int, str]:
    """Questions first, then what changes the site; last, in this order, what others ask for."""
    late = LAST.index(name) + 1 if name in LAST else 0
    return late, int(any(part in name for part in CHANGING)), name


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A gateway of its own: the exchanges change the demo site, and create others."""
    with serve(tmp_path_factory.mktemp("documented"), NOW=NOW) as running:
        platform = Api(running.base, running.key)
        load_demo(platform, first_goal=2)
        platform.ok("PUT", "/v1/sites/demo.example.com/custom-props", {"property": "plan"})
        yield platform


PLAYED = sorted([name for name in REPLAYED if name not in OTHER_ANSWERS], key=order)


@pytest.mark.parametrize("name", PLAYED)
def test_the_facade_answers_as_documented(tenant: Api, name: str) -> None:
    request, want = EXCHANGES[name]["request"], EXCHANGES[name]["response"]
    headers = {k: v.replace("<key>", tenant.key) for k, v in request["headers"].items()}
    content = json.dumps(request["body"]).encode() if "body" in request else None

    answer = client().request(
        request["method"],
        f"{tenant.base}/plausible{request['path']}",
        params=request.get("query"),
        headers=headers,
        content=content,
    )

    assert (answer.status_code, answer.headers["content-type"]) == (want["status"], want["headers"]["content-type"])
    got: Any = answer.json() if "json" in answer.headers["content-type"] else answer.text
    assert fits(want["body"], got), got


def test_the_exchanges_left_out_exist() -> None:
    assert set(OTHER_ANSWERS) <= set(REPLAYED)
