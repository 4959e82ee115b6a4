"""Traces of OpenTelemetry, where an application has set up a tracer provider; without one, nothing is even imported.

A trace reaches an instance on another host through a row of the outbox, as text: the W3C's `traceparent`. In processes
of ours the standard variables `OTEL_*` set one up.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Final

from procession.base.failure import ProcessionError

LIBRARY: Final = "procession"
FLUSH_MS: Final = 5_000
_CARRIED: Final = "traceparent"
_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_EXPORTER: Final = "OTEL_TRACES_EXPORTER"


def on() -> bool:
    """Whether anybody wants traces. What was not imported was not set up either."""
    if "opentelemetry.trace" not in sys.modules:
        return False
    from opentelemetry import trace

    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def configure(service: str) -> bool:
    """Sets up a tracer provider as the variables `OTEL_*` say; whether they ask for one.

    `service` is its name unless they give one. Raises `ProcessionError` when the extra is missing, or an exporter is
    asked for that this knows nothing of.
    """
    wanted = os.environ.get(_EXPORTER, "").strip() or ("otlp" if any(map(os.environ.get, _ENDPOINTS)) else "none")
    if wanted == "none" or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.sdk") is None:
        raise ProcessionError("OTEL_* asks for traces, and their library is missing: pip install 'procession[otel]'")
    from opentelemetry import trace
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter

    exporter: SpanExporter
    if wanted == "otlp":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter()
    elif wanted == "console":
        # What is on stdout is said to whoever started this process.
        exporter = ConsoleSpanExporter(out=sys.stderr)
    else:
        raise ProcessionError(f"{_EXPORTER} is {wanted!r}; what is known here: otlp, console, none")
    # What the variables say of the service counts more.
    resource = Resource.create({} if "OTEL_SERVICE_NAME" in os.environ else {"service.name": service})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return True


@contextmanager
def span(name: str, attributes: Mapping[str, str]) -> Generator[str]:
    """A span around something that somebody asks for; gives its `traceparent`, "" where nobody wants traces."""
    if not on():
        yield ""
        return
    from opentelemetry import trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    with trace.get_tracer(LIBRARY).start_as_current_span(name, attributes=attributes):
        carrier: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(carrier)
        yield carrier.get(_CARRIED, "")


@contextmanager
def resumed(trace: str) -> Generator[None]:
    """What is done within it belongs to the trace of `span`."""
    if not trace or not on():
        yield
        return
    from opentelemetry import context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    token = context.attach(TraceContextTextMapPropagator().extract({_CARRIED: trace}))
    try:
        yield
    finally:
        context.detach(token)


def flush() -> None:
    """What was traced is sent, before a process ends."""
    if on():
        from opentelemetry import trace

        force: object = getattr(trace.get_tracer_provider(), "force_flush", None)
        if callable(force):
            force(FLUSH_MS)
