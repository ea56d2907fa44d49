"""A transport that counts what passes: for the bill, for Prometheus, and as a span where traces are kept."""

import time

from adapters.base import Reply, Request, Transport
from gateway.access.metering import Meter
from gateway.observe import tracing
from gateway.observe.prometheus import PrometheusMetrics
from models.errors import GatewayError


class InstrumentedTransport:
    """Around the transport of one connection; each try is counted, for each reaches the vendor."""

    def __init__(
        self, transport: Transport, backend: str, tenant: str, meter: Meter, prometheus: PrometheusMetrics
    ) -> None:
        self._transport, self._backend, self._tenant = transport, backend, tenant
        self._meter, self._prometheus = meter, prometheus

    async def send(self, request: Request) -> Reply:
        self._meter.vendor_call(self._tenant)
        began, outcome = time.perf_counter(), "cancelled"
        with tracing.span("vendor call", {"tallyway.backend": self._backend, "http.request.method": request.method}):
            try:
                reply = await self._transport.send(request)
                outcome = f"{reply.status // 100}xx"
                return reply
            except GatewayError as error:
                outcome = error.code
                raise
            finally:
                self._prometheus.vendor_call(self._backend, outcome, time.perf_counter() - began)
                tracing.say("tallyway.outcome", outcome)

    async def close(self) -> None:
        await self._transport.close()
