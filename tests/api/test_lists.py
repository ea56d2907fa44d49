"""Lists of a vendor's goals and sites: kept for a minute, and dropped when we change them."""

from collections.abc import Iterator

import pytest

from tests.api.conftest import Api, new_owner
from tests.api.held import HeldVendor, held_vendor

SITES, GOALS = "/api/v1/sites", "/api/v1/sites/goals"


@pytest.fixture
def held() -> Iterator[tuple[HeldVendor, str]]:
    with held_vendor() as found:
        yield found


def calls(vendor: HeldVendor, path: str) -> int:
    return vendor.asked.count(("GET", path))


def test_goals_of_a_vendor_are_asked_once_until_we_change_them(owner: Api, held: tuple[HeldVendor, str]) -> None:
    vendor, base = held
    path = f"/v1/sites/{vendor.connect(owner, base)}/goals"
    assert [owner.ok("GET", path)["goals"] for _ in range(3)] == [[], [], []]
    assert calls(vendor, GOALS) == 1

    made = owner.ok("PUT", path, {"event_name": "Sale"})
    assert [goal["id"] for goal in owner.ok("GET", path)["goals"]] == [made["id"]]
    owner.ok("DELETE", f"{path}/{made['id']}")
    assert owner.ok("GET", path)["goals"] == []


def test_goals_are_another_list_after_a_change_whose_answer_was_lost(owner: Api, held: tuple[HeldVendor, str]) -> None:
    vendor, base = held
    path = f"/v1/sites/{vendor.connect(owner, base)}/goals"
    owner.ok("GET", path)
    vendor.broken.set()
    owner.problem(503, "PUT", path, {"event_name": "Sale"})
    vendor.broken.clear()
    assert [goal["event_name"] for goal in owner.ok("GET", path)["goals"]] == ["Sale"]


def test_kept_goals_are_of_one_site_and_one_tenant(platform: Api, held: tuple[HeldVendor, str]) -> None:
    vendor, base = held
    owners = [new_owner(platform) for _ in range(2)]
    paths = [f"/v1/sites/{vendor.connect(owner, base)}/goals" for owner in owners]
    owners[0].ok("PUT", paths[0], {"event_name": "Sale"})
    for _ in range(2):
        assert [len(owner.ok("GET", path)["goals"]) for owner, path in zip(owners, paths, strict=True)] == [1, 0]


def test_sites_of_a_vendor_are_asked_once_until_we_change_them(owner: Api, held: tuple[HeldVendor, str]) -> None:
    vendor, base = held
    domain = vendor.connect(owner, base)
    connection = owner.ok("GET", f"/v1/sites/{domain}")["connection"]
    path = f"/v1/connections/{connection}/sites"
    first = owner.ok("GET", path)
    assert owner.ok("GET", path) == first
    assert calls(vendor, SITES) == 1
    assert owner.ok("GET", f"{path}?limit=7")["sites"] == first["sites"], "another page is another list"
    assert calls(vendor, SITES) == 2

    owner.ok("POST", "/v1/sites", {"domain": f"more.{domain}", "connection": connection})
    assert len(owner.ok("GET", path)["sites"]) == len(first["sites"]) + 1
    owner.ok("DELETE", f"/v1/sites/more.{domain}")
    assert owner.ok("GET", path) == first


def test_a_synchronisation_asks_the_vendor_itself(owner: Api, held: tuple[HeldVendor, str]) -> None:
    vendor, base = held
    domain = vendor.connect(owner, base)
    connection = owner.ok("GET", f"/v1/sites/{domain}")["connection"]
    owner.ok("GET", f"/v1/connections/{connection}/sites")
    vendor.store.add_site(f"new.{domain}")
    assert len(owner.ok("POST", f"/v1/connections/{connection}/sync")["added"]) == 1
