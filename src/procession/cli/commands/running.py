"""Commands that make processes run: run, start."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from procession.cli.console import FAILED, OK, USAGE, WAITING, Output, Problem, errors
from procession.cli.options import (
    DEFAULT_DB,
    DEFAULT_TENANT,
    MEMORY,
    AsJson,
    Db,
    Tenant,
    Vars,
    VarsFile,
    Workers,
    existing,
    variables_of,
)

if TYPE_CHECKING:
    from procession import Engine, Instance

BACKOFF_SECONDS_MAX: Final = 60.0
"""How long `run` waits for attempts that come later."""
ENDED: Final = frozenset({"completed", "terminated"})
EXIT_CODES: Final = {"completed": OK, "active": WAITING}
"""`run`: by the instance's state; every other state is a failure."""
BusinessKey: TypeAlias = Annotated[
    str, typer.Option("--business-key", help="A name of your own for the instance.", show_default=False)
]


def run(
    models: Annotated[
        list[Path], typer.Argument(metavar="MODEL", help="The process, and what it calls.", show_default=False)
    ],
    *,
    process: Annotated[
        str, typer.Option("--process", help="The process to start, if there are several.", show_default=False)
    ] = "",
    var: Vars = None,
    vars_file: VarsFile = None,
    workers: Workers = None,
    wait: Annotated[float, typer.Option("--wait", metavar="SECONDS", min=0.0, help="Wait so long for timers.")] = 0.0,
    db: Annotated[
        str, typer.Option("--db", metavar="PATH", help="Keep the run in this file; by default it is kept nowhere.")
    ] = MEMORY,
    json: AsJson = False,
) -> None:
    """Deploy models, start the process, run it until it waits or ends, and tell where it is.

    Exits 0 when completed, 3 when it waits for something, 1 on an incident or an error.
    """
    from procession.cli.engines import engine_at
    from procession.cli.records import instance_record, progress, show_instance

    output = Output(json)
    with errors(json):
        variables = variables_of(var, vars_file)
        with engine_at(db, workers or ()) as engine:
            deployment = engine.deploy(*models)
            output.remarks(deployment.diagnostics)
            instance = engine.start(_process_of([each.process_id for each in deployment.processes], process), variables)
            _run(engine, instance, wait)
            seen = progress(engine, instance, DEFAULT_TENANT)
            output.document(instance_record(instance, seen))
            show_instance(instance, seen, output)
            code = EXIT_CODES.get(instance.state, FAILED)
            if code == WAITING and _is_stuck(engine, instance):
                code = FAILED
        raise typer.Exit(code)


def start(
    process: Annotated[str, typer.Argument(metavar="PROCESS", help="The process's id.", show_default=False)],
    *,
    var: Vars = None,
    vars_file: VarsFile = None,
    version: Annotated[
        int, typer.Option("--version", help="Not the latest version, but this.", show_default=False)
    ] = 0,
    business_key: BusinessKey = "",
    db: Db = DEFAULT_DB,
    tenant: Tenant = DEFAULT_TENANT,
    json: AsJson = False,
) -> None:
    """Start an instance of a deployed process and print its key."""
    from procession.cli.engines import engine_at

    output = Output(json)
    with errors(json):
        variables = variables_of(var, vars_file)
        with engine_at(existing(db)) as engine:
            instance = engine.start(
                process, variables, version=version or None, business_key=business_key, tenant=tenant
            )
            output.document({"instance": str(instance.key), "process": process})
            output.text(str(instance.key))


def _process_of(deployed: list[str], wanted: str) -> str:
    if not deployed:
        raise Problem("nothing that was given holds a process that can be started", "give a BPMN model with one", USAGE)
    if wanted:
        if wanted not in deployed:
            raise Problem(f"no process {wanted!r} in what was given", f"one of {', '.join(deployed)}")
        return wanted
    if len(set(deployed)) > 1:
        raise Problem("there are several processes", f"name one with --process: {', '.join(deployed)}")
    return deployed[0]


def _run(engine: Engine, instance: Instance, wait: float) -> None:
    """Until idle; tries anew are waited for, timers only for `wait` seconds."""
    engine.run_until_idle()
    if any(job.due for job in engine.jobs()):
        engine.run_until_idle(BACKOFF_SECONDS_MAX, lambda: not any(job.due for job in engine.jobs()))
    if wait:
        engine.run_until_idle(wait, lambda: instance.state in ENDED)


def _is_stuck(engine: Engine, instance: Instance) -> bool:
    """Whether something that the instance called, at any depth, has an incident."""
    incidents = engine.incidents(limit=1_000)
    return any(engine.instance(each.instance).info.root == instance.key for each in incidents)
