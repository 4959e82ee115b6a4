"""The command that runs a worker on a Temporal cluster: one process a core for workflows, others for jobs."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from procession.cli.console import FAILED, USAGE, Output, Problem, errors
from procession.cli.options import DEFAULT_DB, AsJson, Db, Workers

if TYPE_CHECKING:
    from procession.hosts.temporal.place import WorkerDeployment

group: Final = typer.Typer(no_args_is_help=True, help="Run workers on a cluster.")

AUTO: Final = "auto"
PROCESSES_MAX: Final = 1_000

Address: TypeAlias = Annotated[
    str,
    typer.Option(
        "--address",
        envvar="TEMPORAL_ADDRESS",
        metavar="HOST:PORT",
        help="The Temporal server; default: the cell's, or localhost:7233.",
        show_default=False,
    ),
]
Namespace: TypeAlias = Annotated[
    str,
    typer.Option(
        "--namespace", envvar="TEMPORAL_NAMESPACE", help="The namespace there; default: default.", show_default=False
    ),
]
Queue: TypeAlias = Annotated[
    str, typer.Option("--queue", help="The task queue of workflows; default: procession.", show_default=False)
]
CellFile: TypeAlias = Annotated[
    str,
    typer.Option("--cell", metavar="FILE", help="A cell's file, which places tenants; in YAML.", show_default=False),
]
Tenant: TypeAlias = Annotated[
    str,
    typer.Option(
        "--tenant",
        metavar="NAME",
        help="With --cell: work at this tenant's task queues; default: at those that tenants share.",
        show_default=False,
    ),
]
Search: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--search",
        metavar="NAME",
        help="A search attribute that the namespace has; repeatable; default: the cell's.",
        show_default=False,
    ),
]
Processes: TypeAlias = Annotated[
    str, typer.Option("--processes", metavar="auto|N", help="Processes for workflows; auto: one a core.")
]
Activities: TypeAlias = Annotated[
    str, typer.Option("--activities", metavar="auto|N", help="Processes for jobs; auto: one for two cores.")
]
Metrics: TypeAlias = Annotated[
    int, typer.Option("--metrics", metavar="PORT", max=64_000, help="Show metrics at this port and those behind it.")
]
Tenants: TypeAlias = Annotated[bool, typer.Option("--metrics-by-tenant", help="With tenants' names as a label.")]
HealthPort: TypeAlias = Annotated[
    int, typer.Option("--health", metavar="PORT", max=65_535, help="Show /livez and /readyz at this port.")
]
Bind: TypeAlias = Annotated[str, typer.Option("--bind", metavar="HOST", help="Where metrics and health are shown.")]
Grace: TypeAlias = Annotated[
    float, typer.Option("--grace", metavar="SECONDS", min=0.0, help="How long jobs may go on at the end.")
]
JobTimeout: TypeAlias = Annotated[
    float, typer.Option("--job-timeout", metavar="SECONDS", min=0.001, help="How long a job may take.")
]
JobHeartbeat: TypeAlias = Annotated[
    float,
    typer.Option(
        "--job-heartbeat",
        metavar="SECONDS",
        min=0.0,
        help="Try a job again whose worker is silent for so long; 0: only after the timeout.",
    ),
]
External: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--external", metavar="TYPE", help="Jobs that are no activities; repeatable.", show_default=False),
]
Calls: TypeAlias = Annotated[bool, typer.Option("--calls", help="Called processes are workflows of their own.")]
Codec: TypeAlias = Annotated[
    str, typer.Option("--codec", metavar="FILE", help="How payloads are sealed, TOML or JSON.", show_default=False)
]

Build: TypeAlias = Annotated[
    str,
    typer.Option("--build", metavar="NAME:BUILD", help="Pin instances to this build of workers.", show_default=False),
]


@group.callback()
def _of_all_workers() -> None:
    """Run workers on a cluster."""


@group.command("temporal")
def temporal(
    *,
    db: Db = DEFAULT_DB,
    address: Address = "",
    namespace: Namespace = "",
    queue: Queue = "",
    cell: CellFile = "",
    tenant: Tenant = "",
    search: Search = None,
    workers: Workers = None,
    processes: Processes = AUTO,
    activities: Activities = AUTO,
    metrics: Metrics = 0,
    metrics_by_tenant: Tenants = False,
    health: HealthPort = 0,
    bind: Bind = "127.0.0.1",
    grace: Grace = 25.0,
    job_timeout: JobTimeout = 300.0,
    job_heartbeat: JobHeartbeat = 0.0,
    external: External = None,
    calls: Calls = False,
    codec: Codec = "",
    build: Build = "",
    json: AsJson = False,
) -> None:
    """Run workflows and jobs of a Temporal cluster until it is interrupted (Ctrl-C or SIGTERM)."""
    with errors(json):
        if find_spec("temporalio") is None:
            raise Problem("temporalio is missing", "pip install 'procession[temporal]'")
        # None of these loads the SDK: the processes that need it start first.
        from procession.cli.office import Plan, cores, run
        from procession.hosts.temporal.place import Place, identity, sized

        count = _count("--processes", processes, cores())
        plan = Plan(
            place=Place(
                db=db,
                **_where(address, namespace, queue, cell, tenant),
                codec=codec,
                identity=identity(),
                tenants=metrics_by_tenant,
                cached=sized(count),
                grace=grace,
                deployment=_build(build),
            ),
            workers=workers or [],
            processes=count,
            activities=_count("--activities", activities, (cores() + 1) // 2) if workers else 0,
            bind=bind,
            metrics=metrics,
            health=health,
            job_timeout=job_timeout,
            job_heartbeat=job_heartbeat,
            external=external or [],
            calls=calls,
            search=search or [],
        )
        if not run(plan, Output(json)):
            raise typer.Exit(FAILED)


def _where(address: str, namespace: str, queue: str, cell: str, tenant: str) -> dict[str, str]:
    """Of a place: address, namespace and task queues, as a cell says for a tenant, or as they are given."""
    if not cell:
        if tenant:
            raise Problem("--tenant needs a cell", "add --cell FILE", USAGE)
        return {
            "address": address or "localhost:7233",
            "namespace": namespace or "default",
            "queue": queue or "procession",
        }
    if namespace or queue:
        remedy = "leave out --namespace (TEMPORAL_NAMESPACE) and --queue; --tenant NAME says whose queues"
        raise Problem("a cell says namespace and queue", remedy, USAGE)
    from procession.hosts.temporal.cells.cell_reader import load_cell
    from procession.hosts.temporal.cells.tenants import place

    document = load_cell(Path(cell))
    placed = place(document, tenant)
    return {
        "address": address or document.address,
        "namespace": placed.namespace,
        "queue": placed.workflow_task_queue,
        "jobs": placed.activity_task_queue,
        "cell": str(Path(cell).resolve()),
    }


def _build(text: str) -> WorkerDeployment | None:
    from procession.hosts.temporal.place import WorkerDeployment

    name, _, build = text.partition(":")
    if text and not (name and build):
        raise Problem(f"--build {text!r} names no build", "write NAME:BUILD", USAGE)
    return WorkerDeployment(name, build) if text else None


def _count(option: str, text: str, auto: int) -> int:
    if text == AUTO:
        return auto
    if text.isascii() and text.isdecimal() and int(text) <= PROCESSES_MAX:
        return int(text)
    raise Problem(f"{option} {text!r} is no number of processes", f"write {option} {AUTO}, or a number", USAGE)
