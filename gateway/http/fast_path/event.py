"""The fast path of a tracker's event: the same steps as `trackers.track`, from socket to socket."""

import time

import structlog
from starlette.types import Receive, Scope, Send

from gateway.collect.intake import Intake
from gateway.collect.payload import BadPayload, Payload, read_payload
from gateway.http.fast_path.base import Headers, again, announced, is_hosted, marked, refuse, respond_dressed
from gateway.http.server.access_log import AccessLog
from gateway.http.server.errors import failure
from gateway.http.server.frame import REQUEST_ID, id_of, secured, security_headers
from gateway.http.server.limits import takes_tracker
from gateway.http.server.visitor import received_from, trusted_networks
from gateway.http.server.whole_answer import respond
from gateway.http.trackers import taken
from gateway.observe import tracing
from gateway.read.cache.responses import block
from gateway.services import Services
from models.errors import GatewayError

log = structlog.get_logger()
PATH = "/api/event"
ATTRIBUTES = {"http.request.method": "POST"}


class FastEvent:
    """Events of one site. What cannot be read, or is for several sites, goes the ordinary way."""

    def __init__(self, services: Services, access: AccessLog | None) -> None:
        self.services, self.access, self.intake = services, access, Intake(services.ingest)
        self.durations = services.prometheus.durations("POST", PATH, 202)
        settings = services.settings
        self.now, self.limit = settings.clock, settings.event_body_limit
        self.hosts = frozenset(h.lower() for h in settings.hosts)
        self.security = security_headers(https=settings.public_url.startswith("https://"))
        self.trusted = trusted_networks(settings.trusted_proxies)
        self.taken = block(secured(taken((None,)).raw_headers, self.security))

    async def answered(self, scope: Scope, receive: Receive, send: Send) -> Receive | None:
        """As `FastPath.answered`."""
        started, given = time.perf_counter(), scope["headers"]
        headers: Headers = dict(given)
        if scope["method"] != "POST" or len(headers) != len(given) or not is_hosted(headers, self.hosts):
            return receive
        if not announced(headers, self.limit):
            return receive
        message = await receive()
        if message["type"] != "http.request" or message.get("more_body", False):
            return again(message, receive)
        try:
            payload = read_payload(message["body"], self.now())
        except BadPayload:
            return again(message, receive)
        if len(payload.domains) != 1 or not takes_tracker(scope, self.services):
            return again(message, receive)
        request_id = id_of(headers.get(REQUEST_ID))
        if tracing.is_silent():
            status = await self._answer(payload, request_id, scope, headers, send)
        else:
            with tracing.span("request", ATTRIBUTES):
                status = await self._answer(payload, request_id, scope, headers, send)
                tracing.say("http.response.status_code", status)
        seconds = time.perf_counter() - started
        if status == 202:
            self.durations.add(seconds)
        else:
            self.services.prometheus.request("POST", PATH, status, seconds)
        if self.access is not None:
            self.access.note(request_id, "POST", PATH, status, seconds)
        return None

    async def _answer(self, payload: Payload, request_id: str, scope: Scope, headers: Headers, send: Send) -> int:
        """The status that was sent. Once an event may have been taken, every error is answered here."""
        try:
            received = received_from(headers, _peer(scope), self.trusted)
            drop = await self.intake.take(payload.domains[0], payload.event, received)
        except GatewayError as error:
            return await refuse(scope, send, error, request_id, self.security)
        except Exception:
            structlog.contextvars.bind_contextvars(request_id=request_id)
            log.exception("request failed", method="POST")
            return await respond_dressed(scope, send, failure(request_id), request_id, self.security)
        if drop is None:
            await respond(scope, send, 202, self.taken + marked(request_id), b"ok")
            return 202
        return await respond_dressed(scope, send, taken((drop,)), request_id, self.security)


def _peer(scope: Scope) -> str | None:
    client = scope.get("client")
    return client[0] if client else None
