"""Function-level authorisation: every operation of our own API with every kind of key, generated from the table.

What each operation needs is written down here a second time, by people, so that a wrong line in the table is seen.
"""

import re
from collections.abc import Mapping

import pytest

from gateway.http.endpoint import Access, Ask, Endpoint
from gateway.http.openapi import PARAMETER
from gateway.http.routes import ENDPOINTS
from gateway.tenancy import KeyScope
from tests.api.conftest import Api, client, limited, new_owner, new_site
from tests.serving import Served

SCOPES = (KeyScope.READ, KeyScope.MANAGE_SITES, KeyScope.MANAGE_GOALS, KeyScope.INGEST)
NEEDED: Mapping[KeyScope | Access, str] = {
    KeyScope.READ: """post_query get_query realtime plan_query list_connections get_connection list_sites get_site
        list_goals get_goal list_custom_props get_settings list_segments get_segment list_imports get_import list_drops
        list_import_problems export list_teams list_vendor_calls""",
    KeyScope.MANAGE_SITES: """check_connection discover_sites sync_connection create_site change_site delete_site
        list_shared_links put_shared_link delete_shared_link list_guests put_guest delete_guest put_custom_prop
        delete_custom_prop put_settings create_segment change_segment delete_segment delete_import
        list_pirsch_clients create_pirsch_client delete_pirsch_client""",
    KeyScope.MANAGE_GOALS: "put_goal delete_goal",
    KeyScope.INGEST: "send_events start_import",
    KeyScope.ADMIN: """list_keys create_key revoke_key rotate_key usage list_audit create_connection change_connection
        delete_connection create_team delete_team get_deletion""",
    Access.KEY: "list_tenants get_quotas capabilities call_vendor",
    Access.PLATFORM: "create_tenant put_quotas backup",
    Access.METRICS: "metrics",
    Access.OPEN: "track healthz readyz version",
}
WHOLE = """list_connections get_connection check_connection discover_sites sync_connection list_teams get_quotas"""
"""Operations about the whole tenant, besides those that need the admin scope."""
EXPECTED = {name: right for right, names in NEEDED.items() for name in names.split()}
CLOSED = [e for e in ENDPOINTS if e.listed and e.access not in (Access.OPEN, Access.METRICS)]


def named(endpoint: Endpoint[Ask]) -> str:
    return f"{endpoint.method} {endpoint.path}"


@pytest.mark.parametrize("endpoint", [e for e in ENDPOINTS if e.listed], ids=named)
def test_the_table_of_routes_says_what_people_wrote_down(endpoint: Endpoint[Ask]) -> None:
    assert EXPECTED[endpoint.name] == endpoint.access
    assert endpoint.whole == (endpoint.name in WHOLE.split())


def test_nothing_is_written_down_that_is_not_there() -> None:
    assert set(EXPECTED) == {e.name for e in ENDPOINTS if e.listed}


@pytest.fixture(scope="module")
def keys(served: Served) -> dict[str, Api]:
    """Keys of one tenant: `all but <scope>`, `just <scope>`, `admin`, and `one site` with every scope."""
    owner = new_owner(Api(served.base, served.key))
    every = [*SCOPES, KeyScope.ADMIN]
    made = {f"just {scope}": limited(owner, scope) for scope in every}
    made |= {f"all but {s}": limited(owner, *(x for x in SCOPES if x is not s)) for s in SCOPES}
    made["all but admin"] = limited(owner, *SCOPES)
    made["one site"] = limited(owner, *every, sites=[new_site(owner)])
    return made


def status(api: Api, endpoint: Endpoint[Ask]) -> int:
    """Of a request to objects that are not there, so that nothing happens whoever asks."""
    path = re.sub(r"\{\w+\}", "nothing", PARAMETER.sub(r"{\1}", endpoint.path))
    return api.send(endpoint.method, path, content=b"" if endpoint.method == "GET" else b"[]").status_code


@pytest.mark.parametrize("endpoint", CLOSED, ids=named)
def test_nobody_gets_in_without_a_key(served: Served, endpoint: Endpoint[Ask]) -> None:
    path = re.sub(r"\{\w+\}", "nothing", PARAMETER.sub(r"{\1}", endpoint.path))
    assert client().request(endpoint.method, served.base + path).status_code == 401


@pytest.mark.parametrize("endpoint", CLOSED, ids=named)
def test_a_key_does_what_its_scopes_say_and_nothing_else(keys: dict[str, Api], endpoint: Endpoint[Ask]) -> None:
    match endpoint.access:
        case KeyScope() as scope:
            assert status(keys[f"all but {scope}"], endpoint) == 403
            assert status(keys[f"just {scope}"], endpoint) not in (401, 403)
            assert status(keys[f"just {KeyScope.ADMIN}"], endpoint) not in (401, 403)
        case Access.PLATFORM:
            assert status(keys[f"just {KeyScope.ADMIN}"], endpoint) == 403
        case _:
            assert status(keys[f"just {KeyScope.INGEST}"], endpoint) not in (401, 403)


@pytest.mark.parametrize("endpoint", [e for e in CLOSED if e.whole or e.access is KeyScope.ADMIN], ids=named)
def test_what_is_of_the_whole_tenant_is_not_for_a_key_of_one_site(
    keys: dict[str, Api], endpoint: Endpoint[Ask]
) -> None:
    assert status(keys["one site"], endpoint) == 403
