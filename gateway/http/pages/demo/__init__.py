"""The page of `tallyway demo`: a shop window that carries our snippet. No other service has it."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

HERE = Path(__file__).parent
POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; frame-ancestors 'none'"


def demo_routes(domain: str) -> tuple[BaseRoute, ...]:
    """The page under `/demo` and everything below, counted as pages of the domain."""
    page = (HERE / "page.html").read_text(encoding="utf-8").replace("{domain}", domain)
    script = (HERE / "page.js").read_bytes()

    async def show(request: Request) -> Response:
        return HTMLResponse(page, headers={"content-security-policy": POLICY})

    async def code(request: Request) -> Response:
        return Response(script, media_type="text/javascript")

    return (Route("/demo/page.js", code), Route("/demo", show), Route("/demo/{rest:path}", show))
