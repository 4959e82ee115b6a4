"""The command that runs a worker on a Temporal cluster: one process a core for workflows, others for jobs."""

from __future__ import annotations

import os
import signal as os_signal
import socket
import sys
import threading
import time
from contextlib import ExitStack
from importlib.util import find_spec
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from procession.cli.console import FAILED, USAGE, Output, Problem, errors
from procession.cli.options import DEFAULT_DB, AsJson, Db, Workers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from procession import Engine
    from procession.hosts.temporal.metrics import Measures
    from procession.hosts.temporal.place import Place
    from procession.hosts.temporal.supervisor import Child, Supervisor

group: Final = typer.Typer(no_args_is_help=True, help="Run workers on a cluster.")

AUTO: Final = "auto"
LOOK_S: Final = 0.1
MEASURE_S: Final = 2.0
END_S: Final = 30.0
"""How long processes may take to end, beyond the grace of their jobs."""


@group.callback()
def _of_all_workers() -> None:
    """Run workers on a cluster."""


@group.command("temporal")
def temporal(
    *,
    db: Db = DEFAULT_DB,
    address: Annotated[
        str, typer.Option("--address", envvar="TEMPORAL_ADDRESS", metavar="HOST:PORT", help="The Temporal server.")
    ] = "localhost:7233",
    namespace: Annotated[
        str, typer.Option("--namespace", envvar="TEMPORAL_NAMESPACE", help="Its namespace.")
    ] = "default",
    queue: Annotated[str, typer.Option("--queue", help="The task queue of workflows.")] = "procession",
    workers: Workers = None,
    processes: Annotated[
        str, typer.Option("--processes", metavar="auto|N", help="Processes for workflows; auto: one a core.")
    ] = AUTO,
    activities: Annotated[
        str, typer.Option("--activities", metavar="auto|N", help="Processes for jobs; auto: one for two cores.")
    ] = AUTO,
    metrics: Annotated[
        int, typer.Option("--metrics", min=0, max=65_000, help="Show metrics at this port and the following ones.")
    ] = 0,
    tenants: Annotated[bool, typer.Option("--metrics-by-tenant", help="With the tenant's name as a label.")] = False,
    health: Annotated[
        int, typer.Option("--health", min=0, max=65_535, help="Show /livez and /readyz at this port.")
    ] = 0,
    bind: Annotated[str, typer.Option("--bind", metavar="HOST", help="Where to show both.")] = "127.0.0.1",
    grace: Annotated[
        float, typer.Option("--grace", metavar="SECONDS", min=0.0, help="How long jobs may go on at the end.")
    ] = 25.0,
    build: Annotated[
        str,
        typer.Option(
            "--build", metavar="DEPLOYMENT:BUILD", help="Pin instances to this build of workers.", show_default=False
        ),
    ] = "",
    json: AsJson = False,
) -> None:
    """Run workflows and jobs of a Temporal cluster until it is interrupted (Ctrl-C or SIGTERM)."""
    output = Output(json)
    with errors(json):
        if find_spec("temporalio") is None:
            raise Problem("temporalio is missing", "pip install 'procession[temporal]'")
        counts = (_count("--processes", processes, cores()), _count("--activities", activities, (cores() + 1) // 2))
        if not workers:
            counts = (counts[0], 0)
        from procession.hosts.temporal.place import Place, WorkerDeployment, sized

        name, _, number = build.partition(":")
        if build and not (name and number):
            raise Problem(f"--build {build!r} names no build", "write DEPLOYMENT:BUILD", USAGE)
        place = Place(
            db=db,
            address=address,
            namespace=namespace,
            queue=queue,
            identity=f"procession:{socket.gethostname()}:{os.getpid()}",
            tenants=tenants,
            cached=sized(counts[0]),
            grace=grace,
            deployment=WorkerDeployment(name, number) if build else None,
        )
        ports = _Ports(bind, metrics, health)
        if not _run(place, workers or [], counts, ports, output):
            raise typer.Exit(FAILED)


class _Ports:
    """Where numbers and health are shown; 0 for nowhere."""

    def __init__(self, bind: str, metrics: int, health: int) -> None:
        self.bind = bind
        self.health = health
        self._metrics = metrics

    def metrics(self, number: int) -> str:
        """The address for the metrics of the process with this number."""
        return f"{self.bind}:{self._metrics + number}" if self._metrics else ""


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _count(option: str, text: str, auto: int) -> int:
    if text == AUTO:
        return auto
    if text.isascii() and text.isdecimal() and int(text) <= 1_000:
        return int(text)
    raise Problem(f"{option} {text!r} is no number of processes", f"write {option} {AUTO}, or a number", USAGE)


def _children(place: Place, workers: list[str], counts: tuple[int, int], ports: _Ports) -> list[Child]:
    from procession.cli.temporal_child import MODULE, Task
    from procession.hosts.temporal.supervisor import Child

    found: list[Child] = []
    for role, count in zip(("workflows", "activities"), counts, strict=True):
        for number in range(1, count + 1):
            name = f"{role}-{number}"
            shown = ports.metrics(len(found) + 1)

            def command(identity: str, role: str = role, shown: str = shown) -> Sequence[str]:
                here = msgspec.structs.replace(place, identity=identity, metrics=shown)
                task = msgspec.convert({"role": role, "place": here, "workers": workers}, Task)
                return [sys.executable, "-m", MODULE, msgspec.json.encode(task).decode()]

            found.append(Child(name, command, f"{place.identity}/{name}"))
    return found


def _run(place: Place, workers: list[str], counts: tuple[int, int], ports: _Ports, output: Output) -> bool:
    """Runs everything; whether it ended in order."""
    from procession.hosts.temporal.supervisor import Supervisor

    stopped = _stopping()

    def tell(line: Mapping[str, object]) -> None:
        output.document(line)
        output.text("  ".join(f"{name} {value}" for name, value in line.items()))

    supervisor = Supervisor(_children(place, workers, counts, ports), tell)
    # They take a second to load what they need, and so does this process.
    supervisor.start()
    try:
        return _office(place, ports, supervisor, stopped)
    finally:
        supervisor.stop(place.grace + END_S)


def _office(place: Place, ports: _Ports, supervisor: Supervisor, stopped: threading.Event) -> bool:
    """Keeps the books while the others work; whether all ended in order."""
    from procession import Engine, Temporal
    from procession.hosts.temporal import tracing
    from procession.hosts.temporal.health import Health, HealthServer
    from procession.hosts.temporal.metrics import measures_of, serve_metrics

    if ports.metrics(0):
        serve_metrics(ports.metrics(0))
    tracing.configure("procession-worker")
    host = Temporal(place.address, namespace=place.namespace, queue=place.queue, work=False)
    with Engine(place.db, host=host) as engine, ExitStack() as shown:
        engine.serve(threads=1)
        if ports.health:
            health = Health(supervisor, place.address, place.namespace, place.queue)
            shown.callback(health.close)
            server = HealthServer(health, ports.bind, ports.health)
            shown.callback(server.close)
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

    for number in (os_signal.SIGINT, os_signal.SIGTERM):
        os_signal.signal(number, stop)
    return stopped
