"""Traces of what runs on Temporal: the SDK's spans, and one for each step, in the trace of who started the instance.

Set up by the standard variables `OTEL_*` in a process of ours; in an application, by its own tracer provider.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import Final

from temporalio.client import Interceptor

from procession.base.failure import ProcessionError
from procession.runtime import tracing
from procession.runtime.requests import Report

_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_EXPORTER: Final = "OTEL_TRACES_EXPORTER"


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


def interceptors() -> list[Interceptor]:
    """For a client, and so for its workers."""
    if not tracing.on():
        return []
    from temporalio.contrib.opentelemetry import TracingInterceptor

    return [TracingInterceptor()]


def saw(task: int, reports: list[Report]) -> None:
    """A span for each step; none in a replay. See `watching.Saw`."""
    if not tracing.on():
        return
    from temporalio.contrib.opentelemetry.workflow import completed_span

    for report in reports:
        for step in report.steps:
            commands = [type(command).__name__ for command in step.commands]
            completed_span(
                "Step",
                attributes={
                    "procession.instance": str(report.instance),
                    "procession.step": step.seq,
                    "procession.commands": commands,
                },
            )
