"""Traces of OpenTelemetry, where an application has set up a tracer provider; without one, nothing is even imported.

A trace reaches an instance on another host through a row of the outbox, as text: the W3C's `traceparent`.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Final

LIBRARY: Final = "procession"
FLUSH_MS: Final = 5_000
_CARRIED: Final = "traceparent"


def on() -> bool:
    """Whether anybody wants traces. What was not imported was not set up either."""
    if "opentelemetry.trace" not in sys.modules:
        return False
    from opentelemetry import trace

    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


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
