"""The statistics page over a backend that is not ours: what it has is shown, what it refuses says why."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.app import build
from gateway.http.pages.overview import overview, selected
from gateway.services import Services
from gateway.settings import Settings
from gateway.tenancy import DEFAULT_TENANT, Caller, SiteRecord, Tenant
from models.site import Site
from tests.api.conftest import NOW, Api
from tests.facades.plausible.conftest import DEMO, as_plausible


@pytest_asyncio.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    """The services of a gateway in this process."""
    given = {"data": tmp_path, "now": NOW, "allow_http": True, "allow_private_networks": "127.0.0.0/8"}
    built = build(Settings.model_validate(given))
    yield built
    await built.close()


async def behind(services: Services, demo: Api, **options: str) -> SiteRecord:
    """The demo site behind an edition of Plausible, played by the other gateway's facade."""
    body = as_plausible(demo)
    made = await services.enrolment.create(
        Caller(Tenant(DEFAULT_TENANT), "test", platform=True),
        name="Plausible",
        backend="plausible",
        options={"base_url": f"{demo.base}/plausible", **options},
        credential=body["credential"],
    )
    return SiteRecord(Site(id="site_demo", domain=DEMO), DEFAULT_TENANT, made.id, "plausible")


async def test_an_old_server_shows_what_it_has(services: Services, demo: Api) -> None:
    record = await behind(services, demo, edition="ce", stats_api="v1")
    shown = await overview(services, record, selected("", "2026-06-01", "2026-06-07", ""))
    tables = {table.title: table for table in shown.tables}
    assert [figure.value for figure in shown.totals] == ["7", "10", "15", "40%", "7m 5s"]
    assert [row.values[0] for row in shown.series.rows] == ["2", "0", "2", "1", "1", "1", "1"]
    assert [(row.label, row.values) for row in tables["Countries"].rows] == [
        ("DE", ("3",)),
        ("FR", ("2",)),
        ("US", ("2",)),
    ]
    assert [row.label for row in tables["Pages"].rows] == ["/", "/pricing", "/blog", "/signup"]


async def test_what_a_backend_refuses_says_why(services: Services, demo: Api) -> None:
    record = await behind(services, demo, edition="ce", stats_api="v1")
    shown = await overview(services, record, selected("", "2026-06-01", "2026-06-07", "/a;b"))
    assert {figure.refusal for figure in shown.totals} == {"page: Plausible's v1 filters cannot say this value"}
    assert {table.refusal for table in shown.tables} == {"page: Plausible's v1 filters cannot say this value"}
    assert shown.present == 0


async def test_a_page_may_be_named_by_a_wildcard(services: Services, demo: Api) -> None:
    record = await behind(services, demo)
    shown = await overview(services, record, selected("", "2026-06-01", "2026-06-07", "/b*"))
    assert [row.label for row in shown.tables[0].rows] == ["/blog"]
    assert shown.totals[0].value == "3"


async def test_a_backend_that_is_away_leaves_a_page_that_says_so(services: Services, demo: Api) -> None:
    record = await behind(services, Api("http://127.0.0.1:1", demo.key))
    shown = await overview(services, record, selected("30d", "", "", ""))
    assert {figure.refusal for figure in shown.totals} == {"The backend of this site does not answer at the moment."}
    assert all("does not answer" in table.refusal for table in (shown.series, *shown.tables))
    assert shown.present is None


@pytest.mark.usefixtures("demo")
def test_links_of_a_site_at_a_vendor_are_the_vendors(demo: Api, mirrored: Api) -> None:
    theirs = demo.ok("PUT", f"/v1/sites/{DEMO}/shared-links", {"name": "Board"})["url"]
    assert mirrored.ok("PUT", f"/v1/sites/{DEMO}/shared-links", {"name": "Board"})["url"] == theirs
