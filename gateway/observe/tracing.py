"""Traces by OpenTelemetry, where the operator asked for them and the extra `otel` is installed; otherwise nothing.

Nothing of OpenTelemetry is imported before `set_up` is called. Spans carry route patterns and names of backends, never
sites, queries, addresses or secrets.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from models.errors import ConfigurationError

_SILENT: AbstractContextManager[Any] = nullcontext()
_tracer: Any = None


def set_up(endpoint: str, exporter: Any = None) -> Any:
    """Start exporting to an OTLP/HTTP address, or by a given exporter; the provider, to be shut down in the end.

    Raises ConfigurationError when the extra is not installed.
    """
    global _tracer  # noqa: PLW0603 - one tracer for the process, as OpenTelemetry has it
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
    except ImportError as error:
        raise ConfigurationError("TALLYWAY_OTEL_ENDPOINT needs the extra: pip install 'tallyway[otel]'") from error
    provider = TracerProvider(resource=Resource.create({"service.name": "tallyway"}))
    if exporter is None:
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    else:
        provider.add_span_processor(SimpleSpanProcessor(exporter))
    _tracer = provider.get_tracer("tallyway")
    return provider


def stop(provider: Any) -> None:
    """Send what is left and trace no more. Blocking."""
    global _tracer  # noqa: PLW0603 - see above
    _tracer = None
    provider.shutdown()


def span(name: str, attributes: Mapping[str, str]) -> AbstractContextManager[Any]:
    """A span around a block; nothing where no traces are kept."""
    if _tracer is None:
        return _SILENT
    found: AbstractContextManager[Any] = _tracer.start_as_current_span(name, attributes=dict(attributes))
    return found


def is_silent() -> bool:
    """Whether no traces are kept: whoever is in a hurry asks first."""
    return _tracer is None


def say(name: str, value: str | int) -> None:
    """Add to the present span."""
    if _tracer is not None:
        from opentelemetry import trace

        trace.get_current_span().set_attribute(name, value)
