"""An application that traces: engine, workflows and jobs in one process, its spans as JSON on stdout at the end.

Run as `python temporal_traced.py ADDRESS NAMESPACE DATABASE`. No workflow is kept in memory, so each task replays.
"""

from __future__ import annotations

import json
import sys

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from procession import Engine, Temporal
from temporal_worker_rig import MODELS


def main() -> None:
    """Runs one instance."""
    address, namespace, database = sys.argv[1:4]
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    with Engine(database, host=Temporal(address, namespace=namespace, cached=0)) as engine:
        engine.deploy(*MODELS)

        @engine.worker("first")
        def first() -> None:
            trace.get_tracer("jobs").start_span("own span of a function").end()

        @engine.worker("second")
        async def second() -> None:
            return None

        engine.serve(threads=1)
        instance = engine.start("chain")
        done = engine.wait_until(lambda: instance.state == "completed", 60)
        steps = max(each.seq for each in instance.history)
    spans = [
        {
            "name": span.name,
            "trace": span.context.trace_id if span.context else 0,
            "attributes": {key: str(value) for key, value in (span.attributes or {}).items()},
        }
        for span in exporter.get_finished_spans()
    ]
    sys.stdout.write(json.dumps({"done": done, "instance": str(instance.key), "steps": steps, "spans": spans}))


if __name__ == "__main__":
    main()
