"""Traces of what runs on Temporal: the SDK's spans, and one for each step, in the trace of who started the instance."""

from __future__ import annotations

from temporalio.client import Interceptor

from procession.runtime import tracing
from procession.runtime.requests import Report


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
