"""The baselines: the least that a Starlette application does for the same answer."""

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def parse_and_answer(request: Request) -> Response:
    """Read the event and say so."""
    orjson.loads(await request.body())
    return Response("ok", 202)


async def index(request: Request) -> Response:
    """The server is up."""
    return Response("up")


app = Starlette(routes=[Route("/api/event", parse_and_answer, methods=["POST"]), Route("/", index)])
