"""The service about itself: capabilities, health, version, metrics, and the description of its API."""

from functools import cache
from importlib.metadata import version as installed_version

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import FileResponse, RedirectResponse, Response

from adapters.base import Backend
from adapters.evidence import evidence
from adapters.registry import backends
from gateway.http.endpoint import Ask
from gateway.http.schema.stats import BackendView, CapabilityList, CapabilityParams, Health, Version
from gateway.http.server.body import answer
from gateway.http.static import STATIC
from models.errors import InvalidRequest, NotFound, Problem

DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
DAY = {"cache-control": "public, max-age=86400"}


async def capabilities(ask: Ask) -> Response:
    params = ask.query(CapabilityParams)
    found = backends()
    if params.backend is not None and params.backend not in found:
        raise InvalidRequest([Problem("backend", "no such backend", tuple(found))])
    chosen = [b for b in found.values() if params.backend in (None, b.name)]
    return answer(CapabilityList(backends=[_backend(b) for b in chosen]))


def _backend(backend: Backend) -> BackendView:
    return BackendView(
        name=backend.name,
        title=backend.title,
        options=backend.options.model_json_schema(),
        credential=None if backend.credential is None else backend.credential.model_json_schema(),
        editions=list(backend.editions.values()),
        evidence={name: dict(evidence(can)) for name, can in backend.editions.items()},
    )


async def healthz(ask: Ask) -> Response:
    return answer(Health(status="ok"))


async def readyz(ask: Ask) -> Response:
    """Catalog and event store can be used. Backends of others are not asked: one that is down takes nobody with it."""
    reasons = await ask.services.failing()
    return answer(Health(status="unavailable" if reasons else "ok", reasons=list(reasons)), 503 if reasons else 200)


async def version(ask: Ask) -> Response:
    return answer(Version(name="tallyway", version=_version()))


@cache
def _version() -> str:
    return installed_version("tallyway")


async def metrics(ask: Ask) -> Response:
    return Response(ask.services.prometheus.text(), media_type=CONTENT_TYPE_LATEST)


async def openapi(ask: Ask) -> Response:
    document = ask.request.app.state.openapi(_version())
    return Response(document, media_type="application/json", headers={"cache-control": "no-cache"})


async def docs(ask: Ask) -> Response:
    return FileResponse(STATIC / "docs.html", headers={"content-security-policy": DOCS_POLICY})


async def docs_file(ask: Ask) -> Response:
    """A file of the documentation page, and no other."""
    name = ask.path("name")
    if name not in _docs_files():
        raise NotFound("there is no such file")
    return FileResponse(STATIC / name, headers=DAY)


@cache
def _docs_files() -> frozenset[str]:
    inside = (p.relative_to(STATIC).as_posix() for p in (STATIC / "swagger-ui").iterdir())
    return frozenset({"docs.js", *(name for name in inside if name.endswith((".js", ".css", ".png")))})


async def root(ask: Ask) -> Response:
    return RedirectResponse("docs", status_code=307)
