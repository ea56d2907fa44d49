"""Pages that carry Plausible's own mark-up, with nothing changed but the address of the script.

The snippet is the one that next-plausible 4.0.0 and Plausible's installation page write.
"""

import datetime as dt
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import visitor
from tests.browser.origin import Pages
from tests.serving import Served, serve

SNIPPET = """
<script async src="{base}/js/{script}.js"></script>
<script>
window.plausible = window.plausible || function () {{ (plausible.q = plausible.q || []).push(arguments) }},
plausible.init = plausible.init || function (i) {{ plausible.o = i || {{}} }}
plausible.init({options})
window.signUp = () => plausible("Signup", {{ props: {{ plan: "pro" }} }})
</script>"""
CLASSIC = """
<script defer data-domain="{domain}" src="{base}/js/script.outbound-links.js"></script>
<script>
window.plausible = window.plausible || function () {{ (window.plausible.q = window.plausible.q || []).push(arguments) }}
window.signUp = () => plausible("Signup", {{ props: {{ plan: "pro" }} }})
</script>"""
TAGGED = '<a id="tagged" class="plausible-event-name=Brochure plausible-event-kind=pdf" href="#top">Brochure</a>'


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One gateway; each page has a site of its own."""
    with serve(tmp_path_factory.mktemp("gateway")) as served:
        yield served


def counted(gateway: Served, domain: str, most: int) -> dict[str, int]:
    """Events by name, once there are that many of them: collecting ends a moment after the answer."""
    day = dt.datetime.now(dt.UTC).date()
    body = {
        "site_id": domain,
        "metrics": ["events"],
        "dimensions": ["event:name"],
        "date_range": [str(day - dt.timedelta(days=1)), str(day)],
    }
    found: dict[str, int] = {}
    for _ in range(1200):
        rows = gateway.call("POST", "/plausible/api/v2/query", body)["results"]
        found = {row["dimensions"][0]: row["metrics"][0] for row in rows}
        if sum(found.values()) >= most:
            break
        time.sleep(0.05)
    return found


@pytest.mark.parametrize(
    ("name", "markup", "options"),
    [
        ("snippet", SNIPPET, "{}"),
        ("configured", SNIPPET, '{{customProperties: {{theme: "dark"}}, outboundLinks: true}}'),
        ("classic", CLASSIC, ""),
    ],
)
def test_a_page_keeps_its_mark_up(
    browser: Browser, pages: Pages, gateway: Served, name: str, markup: str, options: str
) -> None:
    domain = f"{name}.example.test"
    gateway.call("POST", "/v1/sites", {"domain": domain})
    made = gateway.call("GET", f"/plausible/api/v1/sites/{domain}")
    if name == "snippet":
        change: dict[str, Any] = {"tracker_script_configuration": {"outbound_links": True}}
        made = gateway.call("PUT", f"/plausible/api/v1/sites/{domain}", change)
    script = made["tracker_script_configuration"]["id"]
    base = gateway.base.replace("127.0.0.1", "collector.example.test") + "/plausible"
    options = options.replace("{{", "{").replace("}}", "}")
    pages.scripts[name] = TAGGED + markup.format(base=base, script=script, options=options, domain=domain)
    origin = f"http://shop.example.test:{pages.server_address[1]}"

    with visitor(browser) as page:
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(f"{origin}/{name}/home")
        page.wait_for_function("window.plausible && window.plausible.l")
        page.click("#pricing")
        page.click("#signup")
        page.click("#tagged")
        page.click("#elsewhere")
        page.wait_for_url("http://elsewhere.example.test:*/")

    assert faults == []
    assert counted(gateway, domain, 5) == {"pageview": 2, "Signup": 1, "Brochure": 1, "Outbound Link: Click": 1}
