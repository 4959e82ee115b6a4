"""The office: the first process of `procession worker temporal`. It starts the others, and keeps the books for them.

It owns the store, or stands by for the engine that does, and looks after what the others leave undone. What must not
live here: options (commands/worker.py), and what the others do (hosts.temporal.roles).
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from types import FrameType
from typing import TYPE_CHECKING, Final, final

import msgspec

from procession.base.decoding import known
from procession.cli.console import Output, Problem
from procession.cli.temporal_child import MODULE, Task
from procession.hosts.temporal.place import Place, hurry, settle
from procession.hosts.temporal.supervisor import Child, Supervisor

if TYPE_CHECKING:
    from procession import Engine
    from procession.hosts.temporal.metrics import Measures

LOOK_S: Final = 0.1
MEASURE_S: Final = 2.0
END_S: Final = 30.0
"""How long processes may take to end, beyond the grace of their jobs."""
ROLES: Final = ("workflows", "activities")


@final
class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to run: so many `processes` for workflows and `activities` for jobs. Ports are 0 for none."""

    place: Place
    workers: list[str]
    processes: int
    activities: int
    bind: str
    metrics: int
    health: int
    job_timeout: float
    job_heartbeat: float
    external: list[str]
    calls: bool
    search: list[str]

    def shown(self, number: int) -> str:
        """The address for the metrics of the process with this number; "" for none."""
        return f"{self.bind}:{self.metrics + number}" if self.metrics else ""


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run(plan: Plan, output: Output) -> bool:
    """Runs everything until it is told to end; whether it ended in order."""
    stopped = _stopping()

    def tell(line: Mapping[str, object]) -> None:
        output.document(line)
        output.text("  ".join(str(value) for value in line.values() if not isinstance(value, dict)))
        sys.stdout.flush()

    supervisor = Supervisor(_children(plan), tell)
    # They take a second to load what they need, and so does this process.
    supervisor.start()
    hurry()
    try:
        return _keep_books(plan, supervisor, stopped)
    finally:
        supervisor.stop(plan.place.grace + END_S)


def _children(plan: Plan) -> list[Child]:
    found: list[Child] = []
    for role, count in zip(ROLES, (plan.processes, plan.activities), strict=True):
        for number in range(1, count + 1):
            name = f"{role}-{number}"
            shown = plan.shown(len(found) + 1)

            def command(identity: str, role: str = role, shown: str = shown) -> Sequence[str]:
                place = msgspec.structs.replace(plan.place, identity=identity, metrics=shown)
                task = msgspec.convert({"role": role, "place": place, "workers": plan.workers}, known(Task))
                return [sys.executable, "-m", MODULE, msgspec.json.encode(task).decode()]

            found.append(Child(name, command, f"{plan.place.identity}/{name}"))
    return found


def _keep_books(plan: Plan, supervisor: Supervisor, stopped: threading.Event) -> bool:
    from procession import Engine, Temporal
    from procession.hosts.temporal.cluster import codec_of
    from procession.hosts.temporal.health import Health, HealthServer
    from procession.hosts.temporal.metrics import measures_of, serve_metrics
    from procession.runtime.tracing import configure, flush

    place = plan.place
    if plan.metrics:
        serve_metrics(plan.shown(0))
    configure("procession-worker")
    host = Temporal(
        place.address,
        namespace="" if place.cell else place.namespace,
        queue="" if place.cell else place.queue,
        cell=place.cell or None,
        search=plan.search or None,
        work=False,
        job_timeout=plan.job_timeout,
        job_heartbeat=plan.job_heartbeat,
        external=plan.external,
        calls=plan.calls,
        codec=codec_of(place.codec),
    )
    with ExitStack() as open_:
        open_.callback(flush)
        engine = open_.enter_context(Engine(place.db, host=host))
        engine.serve(threads=1)
        settle()
        if plan.health:
            health = Health(supervisor, place)
            open_.callback(health.close)
            server = HealthServer(health, plan.bind, plan.health)
            open_.callback(server.close)
        _watch(engine, supervisor, measures_of(tenants=place.tenants), stopped)
        # Their last reports come through the store, so the books are kept until they have ended.
        return supervisor.stop(place.grace + END_S)


def _watch(engine: Engine, supervisor: Supervisor, measures: Measures, stopped: threading.Event) -> None:
    """Until it is told to stop. Raises `Problem` when a process can never begin."""
    due = 0.0
    while not stopped.wait(LOOK_S):
        wrong = supervisor.look()
        if wrong is not None:
            raise Problem(str(wrong["problem"]), str(wrong.get("remedy") or ""))
        if time.monotonic() >= due:
            measures.store(engine.store)
            due = time.monotonic() + MEASURE_S


def _stopping() -> threading.Event:
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return stopped
