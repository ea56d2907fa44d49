"""Links that we hand out lead to us, whatever a client writes into its Host header."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.api.conftest import Api, client, new_site
from tests.serving import Served, serve

EVIL = "evil.example.com"


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """As it is installed: neither a public address nor host names."""
    with serve(tmp_path_factory.mktemp("links"), LOG_LEVEL="error") as running:
        yield running


def said(served: Served, host: str) -> dict[str, str]:
    """Every answer and page that holds an address of ours, to a request that names a host."""
    api, domain = Api(served.base, served.key), new_site(Api(served.base, served.key))
    site = api.ok("GET", f"/v1/sites/{domain}")["id"]

    def ask(method: str, path: str, body: Any = None) -> str:
        answer = api.send(method, path, json=body, headers={"Host": host})
        assert answer.status_code < 300, (path, answer.text)
        return answer.text

    guest = {"email": "g@example.com", "role": "viewer"}
    found = {
        "site": ask("GET", f"/v1/sites/{domain}"),
        "link": ask("PUT", f"/v1/sites/{domain}/shared-links", {"name": "l"}),
        "links": ask("GET", f"/v1/sites/{domain}/shared-links"),
        "invitation": ask("PUT", f"/v1/sites/{domain}/guests", guest),
        "client": ask("POST", f"/v1/sites/{domain}/pirsch-clients", {}),
        "plausible link": ask("PUT", "/plausible/api/v1/sites/shared-links", {"site_id": domain, "name": "p"}),
        "plausible guest": ask("PUT", "/plausible/api/v1/sites/guests", {**guest, "site_id": domain}),
        "sparklytics": ask("GET", f"/sparklytics/api/websites/{site}"),
        "sparklytics share": ask("POST", f"/sparklytics/api/websites/{site}/share"),
    }
    token = api.ok("PUT", f"/v1/sites/{domain}/guests", guest)["invitation_url"].rpartition("/")[2]
    accepted = client().post(f"{served.base}/invitations/{token}", headers={"Host": host})
    assert accepted.status_code == 200
    return found | {"accepted": accepted.text}


def test_a_forged_host_is_in_no_link(bare: Served) -> None:
    found = said(bare, EVIL)
    assert {name: text for name, text in found.items() if EVIL in text} == {}
    assert bare.base in found["link"]
    assert bare.base in found["invitation"]


def test_a_host_that_the_operator_named_begins_the_links(tmp_path_factory: Any) -> None:
    with serve(tmp_path_factory.mktemp("hosts"), HOSTS="127.0.0.1,Stats.example.com") as running:
        found = said(running, "stats.example.com:8443")
    assert "http://stats.example.com:8443/share/" in found["link"]


def test_the_public_address_wins_over_everything(tmp_path_factory: Any) -> None:
    with serve(tmp_path_factory.mktemp("public"), PUBLIC_URL="https://stats.example.com") as running:
        found = said(running, EVIL)
        assert urlsplit(running.base).netloc not in "".join(found.values())
    assert "https://stats.example.com/share/" in found["link"]


@pytest.mark.parametrize("path", ["/docs/", "/v1/sites/?limit=1", "/v1/sites//", "/api/event/"])
def test_a_forged_host_is_in_no_redirect(bare: Served, path: str) -> None:
    answer = client().get(bare.base + path, headers={"Host": EVIL}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, path.replace("/?", "?").rstrip("/"))


@pytest.mark.parametrize("path", ["//evil.example.com/", "/nothing/", "//", "/%2Fevil.example.com/"])
def test_what_leads_nowhere_is_not_redirected(bare: Served, path: str) -> None:
    answer = client().get(bare.base + path, headers={"Host": EVIL}, follow_redirects=False)
    assert (answer.status_code, "location" in answer.headers) == (404, False)
