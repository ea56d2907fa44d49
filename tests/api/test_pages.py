"""Shared links, invitations and mail, as their readers meet them."""

import re
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.api.conftest import Api, client, limited, new_owner, new_site
from tests.serving import serve

GONE = "This link does not lead anywhere."


def shared(owner: Api, site: str, **draft: str) -> str:
    """The address of a new shared link with three visitors behind it."""
    events = [
        {"name": "pageview", "url": f"https://{site}{path}", "visitor": str(n), "country": country}
        for n, (path, country) in enumerate([("/", "DE"), ("/<b>", "DE"), ("/", "FR")])
    ]
    owner.ok("POST", f"/v1/sites/{site}/events?wait=true", events)
    return str(owner.ok("PUT", f"/v1/sites/{site}/shared-links", {"name": "Board", **draft})["url"])


def rows_of(html: str, title: str) -> list[tuple[str, ...]]:
    """The cells of one table of the page, as text."""
    table = re.search(rf"<caption>{title}.*?</table>", html, re.DOTALL)
    assert table, f"no table {title}"
    body = re.sub(r"<svg.*?</svg>", "", table[0].partition("<tbody>")[2], flags=re.DOTALL)
    return [
        tuple(re.sub("<[^>]+>", "", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL))
        for row in re.findall("<tr>.*?</tr>", body, re.DOTALL)
    ]


def test_a_shared_link_shows_the_statistics_to_anybody(owner: Api, site: str) -> None:
    page = client().get(shared(owner, site) + "&period=day")
    assert page.status_code == 200
    assert re.findall(r"<dt>(\w[\w ]*)</dt>\s*<dd>([^<]*)</dd>", page.text)[:4] == [
        ("Visitors", "3"), ("Visits", "3"), ("Page views", "3"), ("Bounce rate", "100%"),
    ]  # fmt: skip
    assert rows_of(page.text, "Pages") == [("/", "2", "2"), ("/&lt;b&gt;", "1", "1")]
    assert rows_of(page.text, "Countries") == [("Germany", "2"), ("France", "1")]
    assert rows_of(page.text, "Goals") == [("Nothing in this period.",)]


NRO = "Country of addresses: statistics of the Number Resource Organization (https://www.nro.net), CC BY 4.0"
GEONAMES = "City names: GeoNames (https://www.geonames.org), CC BY 4.0"


def test_whose_data_tell_places_is_shown_where_places_are(owner: Api, site: str) -> None:
    page = client().get(shared(owner, site) + "&period=day&embed=true").text
    link = '<a href="https://www.nro.net" rel="noopener noreferrer" target="_blank">https://www.nro.net</a>'
    assert f"<p>{NRO.replace('https://www.nro.net', link)}</p>" in page
    assert "geonames.org" not in page


@pytest.mark.parametrize(
    ("asked", "credits"),
    [
        ({"dimensions": ["page"]}, None),
        ({"dimensions": ["country"]}, [NRO]),
        ({"filters": [["is", "region", ["DE-BE"]]]}, [NRO]),
        ({"dimensions": ["city_name"]}, [NRO, GEONAMES]),
    ],
)
def test_an_answer_about_places_says_whose_data_tell_them(
    owner: Api, site: str, asked: dict[str, Any], credits: list[str] | None
) -> None:
    body = {"site": site, "metrics": ["visitors"], "date_range": "day"} | asked
    assert owner.ok("POST", "/v1/query", body)["meta"].get("credits") == credits


def test_the_page_says_nothing_to_third_parties(owner: Api, site: str) -> None:
    page = client().get(shared(owner, site))
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy
    assert (page.headers["referrer-policy"], page.headers["x-frame-options"]) == ("no-referrer", "DENY")
    assert page.headers["x-robots-tag"] == "noindex, nofollow"
    assert "<script" not in page.text
    assert "set-cookie" not in page.headers


def test_only_an_embedded_page_may_be_framed(owner: Api, site: str) -> None:
    look = "&embed=true&theme=dark&background=%23203040&width=manual&page=/"
    page = client().get(shared(owner, site) + look)
    assert "frame-ancestors *" in page.headers["content-security-policy"]
    assert "x-frame-options" not in page.headers
    assert 'data-theme="dark"' in page.text
    assert "--page:#203040" in page.text
    assert "<strong>/</strong>" in page.text
    assert "embed=true&amp;theme=dark&amp;background=%23203040&amp;width=manual&amp;page=%2F&amp;period=7d" in page.text


@pytest.mark.parametrize(
    "hostile", ["&background=red}*{x:url(//a)", "&theme=%22%3E", "&period=%3Cb%3E", "&from=x&to=y"]
)
def test_what_the_address_says_cannot_change_the_page(owner: Api, site: str, hostile: str) -> None:
    page = client().get(shared(owner, site) + hostile)
    assert page.status_code == 200
    assert "url(//a)" not in page.text
    assert 'data-theme="system"' in page.text


def test_a_revoked_link_leads_nowhere_and_looks_like_one_that_never_was(owner: Api, site: str) -> None:
    url = shared(owner, site)
    (link,) = owner.ok("GET", f"/v1/sites/{site}/shared-links")["shared_links"]
    assert link["url"] == url
    assert owner.send("DELETE", f"/v1/sites/{site}/shared-links/{link['id']}").status_code == 204
    revoked, unknown = client().get(url), client().get(f"{owner.base}/share/nobody.example.com?auth=x")
    assert (revoked.status_code, unknown.status_code) == (404, 404)
    assert GONE in revoked.text
    assert revoked.text == unknown.text


def test_a_link_of_one_site_opens_no_other(owner: Api, site: str) -> None:
    url, other = shared(owner, site), new_site(owner)
    assert client().get(url.replace(site, other)).status_code == 404


def test_a_link_ends_when_it_is_over(owner: Api, site: str) -> None:
    assert client().get(shared(owner, site, expires_at="2026-06-17T11:59:59Z")).status_code == 404
    later = owner.ok("PUT", f"/v1/sites/{site}/shared-links", {"name": "b", "expires_at": "2026-06-17T12:00:01Z"})
    assert client().get(later["url"]).status_code == 200


def test_a_password_opens_its_link_and_no_other(owner: Api, site: str) -> None:
    url = shared(owner, site, password="correct horse")
    other = owner.ok("PUT", f"/v1/sites/{site}/shared-links", {"name": "Other", "password": "battery"})["url"]
    asked = client().get(url)
    assert "asks for a password" in asked.text
    assert "Visitors" not in asked.text
    wrong = client().post(url, data={"password": "battery"})
    assert wrong.status_code == 403
    assert "That is not the password." in wrong.text

    with httpx2.Client(follow_redirects=True) as browser:
        opened = browser.post(url, data={"password": "correct horse"})
        assert "<dt>Visitors</dt>" in opened.text
        assert "<dt>Visitors</dt>" in browser.get(url + "&period=7d").text
        assert "asks for a password" in browser.get(other).text
    cookie = client().post(url, data={"password": "correct horse"}).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert f"Path=/share/{site}" in cookie
    assert "correct horse" not in cookie


def test_passwords_cannot_be_tried_without_end(tmp_path: Path) -> None:
    with serve(tmp_path, NOW="2026-06-17T12:00:00Z", AUTH_FAILURE_LIMIT="3") as running:
        owner = Api(running.base, running.key)
        owner.ok("POST", "/v1/sites", {"domain": "locked.example.com"})
        url = shared(owner, "locked.example.com", password="correct horse")
        tried = [client().post(url, data={"password": guess}).status_code for guess in ("a", "b", "c", "correct horse")]
    assert tried == [403, 403, 403, 429]


def test_an_invitation_becomes_a_personal_link(owner: Api, site: str) -> None:
    shared(owner, site)
    invited = owner.ok("PUT", f"/v1/sites/{site}/guests", {"email": "ann@example.com", "role": "viewer"})
    url = invited["invitation_url"]
    for _ in range(2):
        assert "ann@example.com is invited" in client().get(url).text

    accepted = client().post(url)

    personal = re.search(r'href="([^"]+auth=[^"]+)"', accepted.text)
    assert personal, accepted.text
    assert "<dt>Visitors</dt>" in client().get(personal[1]).text
    assert owner.ok("GET", f"/v1/sites/{site}/guests")["guests"] == [
        {"email": "ann@example.com", "role": "viewer", "status": "accepted", "invitation_url": None}
    ]
    assert (client().get(url).status_code, client().post(url).status_code) == (404, 404)
    assert client().get(personal[1].replace(site, new_site(owner))).status_code == 404
    owner.send("DELETE", f"/v1/sites/{site}/guests/ann@example.com")
    assert client().get(personal[1]).status_code == 404
    assert "guest.accept" in [entry["action"] for entry in owner.ok("GET", "/v1/audit")["audit"]]


def test_a_withdrawn_invitation_cannot_be_accepted(owner: Api, site: str) -> None:
    url = owner.ok("PUT", f"/v1/sites/{site}/guests", {"email": "a@example.com", "role": "editor"})["invitation_url"]
    owner.send("DELETE", f"/v1/sites/{site}/guests/a@example.com")
    assert client().post(url).status_code == 404


def test_invitations_stay_out_of_reach_of_reading_keys(owner: Api, site: str) -> None:
    owner.ok("PUT", f"/v1/sites/{site}/guests", {"email": "a@example.com", "role": "editor"})
    assert limited(owner, "read").problem(403, "GET", f"/v1/sites/{site}/guests")["code"]


# Teams


def test_teams_group_sites_of_a_tenant(platform: Api, owner: Api, site: str) -> None:
    team = owner.ok("POST", "/v1/teams", {"name": "Shops"})
    assert owner.ok("GET", "/v1/teams")["teams"] == [team]
    made = owner.ok("POST", "/v1/sites", {"domain": f"t.{site}", "team": team["id"]})
    assert made["team"] == team["id"]
    assert [s["domain"] for s in owner.ok("GET", f"/v1/sites?team={team['id']}")["sites"]] == [f"t.{site}"]
    stranger = new_owner(platform)
    assert stranger.ok("GET", "/v1/teams")["teams"] == []
    stranger.problem(404, "DELETE", f"/v1/teams/{team['id']}")
    stranger.problem(404, "POST", "/v1/sites", {"domain": f"u.{site}", "team": team["id"]})


# Mail


class Mailbox(socketserver.ThreadingTCPServer):
    """An SMTP server that takes every mail; `mails` are the texts between DATA and the final dot."""

    daemon_threads = True

    def __init__(self) -> None:
        self.mails: list[str] = []
        super().__init__(("127.0.0.1", 0), Letterbox)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"


class Letterbox(socketserver.StreamRequestHandler):
    server: Mailbox

    def handle(self) -> None:
        self.wfile.write(b"220 mailbox\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper().strip()
            if word == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            self.wfile.write(b"354 go on\r\n" if word == b"DATA" else b"250 ok\r\n")
            if word == b"DATA":
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.mails.append(b"".join(lines).decode())
                self.wfile.write(b"250 taken\r\n")


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as box:
        thread = threading.Thread(target=box.serve_forever, daemon=True)
        thread.start()
        yield box
        box.shutdown()
        thread.join()


def test_an_invitation_goes_out_by_mail_once(tmp_path: Path, mailbox: Mailbox) -> None:
    with serve(
        tmp_path,
        PUBLIC_URL="https://stats.example.com",
        SMTP_URL=mailbox.url,
        MAIL_FROM="Stats <stats@example.com>",
    ) as running:
        owner = Api(running.base, running.key)
        owner.ok("POST", "/v1/sites", {"domain": "mail.example.com"})
        draft = {"email": "ann@example.com", "role": "viewer"}
        first, second = (owner.ok("PUT", "/v1/sites/mail.example.com/guests", draft) for _ in range(2))
        assert (first["status"], first["invitation_url"]) == ("invited", None)
        token = second["invitation_url"].removeprefix("https://stats.example.com/invitations/")
        assert client().get(f"{running.base}/invitations/{token}").status_code == 200
    (mail,) = mailbox.mails
    assert "To: ann@example.com" in mail
    assert "From: Stats <stats@example.com>" in mail
    assert f"https://stats.example.com/invitations/{token}" in mail.replace("=\r\n", "")


def test_the_link_is_returned_when_the_mail_server_is_away(tmp_path: Path) -> None:
    with serve(tmp_path, SMTP_URL="smtp://127.0.0.1:1") as running:
        owner = Api(running.base, running.key)
        owner.ok("POST", "/v1/sites", {"domain": "mail.example.com"})
        guest = owner.ok("PUT", "/v1/sites/mail.example.com/guests", {"email": "a@example.com", "role": "viewer"})
    assert guest["invitation_url"].startswith(f"{running.base}/invitations/")
    assert guest["invitation_url"].rpartition("/")[2] not in (tmp_path / "server.log").read_text()
