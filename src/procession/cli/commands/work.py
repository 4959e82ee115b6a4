"""Commands that give an engine something: complete, message, signal, trigger, cancel, resolve, set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from procession.base.failure import Failure, NotFound
from procession.base.values import Variables
from procession.cli.console import USAGE, Output, Problem, errors
from procession.cli.options import (
    DEFAULT_DB,
    DEFAULT_TENANT,
    AsJson,
    Db,
    Tenant,
    Vars,
    VarsFile,
    existing,
    variables_of,
)

if TYPE_CHECKING:
    from procession import Engine

Key: TypeAlias = Annotated[
    str, typer.Argument(metavar="KEY", help="Its key, as list and show print it.", show_default=False)
]
Name: TypeAlias = Annotated[str, typer.Argument(metavar="NAME", help="Its name.", show_default=False)]


def complete(
    key: Key,
    *,
    var: Vars = None,
    vars_file: VarsFile = None,
    db: Db = DEFAULT_DB,
    tenant: Tenant = DEFAULT_TENANT,
    json: AsJson = False,
) -> None:
    """Complete a user task or a job by its key, with variables as its result."""
    from procession.cli.engines import engine_at, key_of

    output = Output(json)
    with errors(json):
        variables = variables_of(var, vars_file)
        number = key_of(key, "a task or job")
        with engine_at(existing(db)) as engine:
            what = _complete(engine, number, variables, tenant)
        output.document({"completed": key, "what": what})
        output.text(f"completed {what} {key}")


def message(
    name: Name,
    *,
    key: Annotated[str, typer.Option("--key", help="The correlation key.", show_default=False)] = "",
    var: Vars = None,
    vars_file: VarsFile = None,
    ttl: Annotated[
        str, typer.Option("--ttl", metavar="DURATION", help="Keep it this long for a later receiver: PT1H, 30s.")
    ] = "",
    message_id: Annotated[
        str, typer.Option("--id", help="A second message of this id is refused while it is kept.", show_default=False)
    ] = "",
    db: Db = DEFAULT_DB,
    tenant: Tenant = DEFAULT_TENANT,
    json: AsJson = False,
) -> None:
    """Publish a message."""
    from procession.cli.engines import engine_at

    output = Output(json)
    with errors(json):
        variables = variables_of(var, vars_file)
        keep = milliseconds_of(ttl)
        with engine_at(existing(db)) as engine:
            number = engine.publish(name, key, variables, ttl=keep / 1000, message_id=message_id, tenant=tenant)
        output.document({"message": str(number), "name": name, "key": key})
        output.text(f"published message {number}")


def signal(
    name: Name,
    *,
    var: Vars = None,
    vars_file: VarsFile = None,
    db: Db = DEFAULT_DB,
    tenant: Tenant = DEFAULT_TENANT,
    json: AsJson = False,
) -> None:
    """Broadcast a signal to all who wait for it."""
    from procession.cli.engines import engine_at

    output = Output(json)
    with errors(json):
        variables = variables_of(var, vars_file)
        with engine_at(existing(db)) as engine:
            count = engine.broadcast(name, variables, tenant=tenant)
        output.document({"signal": name, "receivers": count})
        output.text(f"signal {name} reached {count}")


def evaluate(
    *,
    var: Vars = None,
    vars_file: VarsFile = None,
    process: Annotated[str, typer.Option("--process", help="This process alone.", show_default=False)] = "",
    db: Db = DEFAULT_DB,
    tenant: Tenant = DEFAULT_TENANT,
    json: AsJson = False,
) -> None:
    """Start the processes whose conditional start events are true of variables."""
    from procession.cli.engines import engine_at

    output = Output(json)
    with errors(json):
        variables = variables_of(var, vars_file)
        with engine_at(existing(db)) as engine:
            count = engine.evaluate_conditions(variables, process=process, tenant=tenant)
        output.document({"started": count})
        output.text(f"started {count}")


def cancel(instance: Key, db: Db = DEFAULT_DB, tenant: Tenant = DEFAULT_TENANT, json: AsJson = False) -> None:
    """Cancel an instance and what it called."""
    from procession.cli.engines import engine_at, key_of

    output = Output(json)
    with errors(json), engine_at(existing(db)) as engine:
        handle = engine.instance(key_of(instance, "an instance"), tenant=tenant)
        handle.cancel()
        state = handle.state
        output.document({"cancelled": instance, "state": state})
        output.text(f"cancelled instance {instance}")
        if state != "terminated":
            output.text("its canceling listeners still run; cancel it again to end it without them", "dim")


def resolve(
    incident: Key,
    *,
    retries: Annotated[int, typer.Option("--retries", min=1, help="Tries that its job gets.")] = 1,
    db: Db = DEFAULT_DB,
    tenant: Tenant = DEFAULT_TENANT,
    json: AsJson = False,
) -> None:
    """Try again what an incident stopped, after its cause was put right."""
    from procession.cli.engines import engine_at, key_of

    output = Output(json)
    with errors(json):
        number = key_of(incident, "an incident")
        with engine_at(existing(db)) as engine:
            engine.resolve_incident(number, retries=retries, tenant=tenant)
        output.document({"resolved": incident})
        output.text(f"resolved incident {incident}")


def set_variables(
    instance: Key,
    *,
    element: Annotated[
        str,
        typer.Option(
            "--element", metavar="ID", help="As seen from this active element: its id, or its key.", show_default=False
        ),
    ] = "",
    local: Annotated[bool, typer.Option("--local", help="In the element's own scope.")] = False,
    var: Vars = None,
    vars_file: VarsFile = None,
    db: Db = DEFAULT_DB,
    tenant: Tenant = DEFAULT_TENANT,
    json: AsJson = False,
) -> None:
    """Set variables of an instance, each in the nearest scope that has it."""
    from procession.cli.engines import engine_at, key_of

    output = Output(json)
    with errors(json):
        variables = variables_of(var, vars_file)
        if not variables:
            raise Problem("nothing to set", "give variables with --var k=v", USAGE)
        with engine_at(existing(db)) as engine:
            handle = engine.instance(key_of(instance, "an instance"), tenant=tenant)
            handle.set_variables(variables, element=int(element) if element.isdecimal() else element or 0, local=local)
        output.document({"instance": instance, "set": variables})
        output.text(f"set {', '.join(variables)} of instance {instance}")


def trigger(
    instance: Key,
    activities: Annotated[
        list[str], typer.Argument(metavar="ID...", help="Activities of the sub-process, by id.", show_default=False)
    ],
    *,
    element: Annotated[
        str,
        typer.Option("--element", metavar="ID", help="Which sub-process: its id, or its key.", show_default=False),
    ] = "",
    var: Vars = None,
    vars_file: VarsFile = None,
    db: Db = DEFAULT_DB,
    tenant: Tenant = DEFAULT_TENANT,
    json: AsJson = False,
) -> None:
    """Begin activities of an ad-hoc sub-process, with variables of their own."""
    from procession.cli.engines import engine_at, key_of

    output = Output(json)
    with errors(json):
        variables = variables_of(var, vars_file)
        with engine_at(existing(db)) as engine:
            handle = engine.instance(key_of(instance, "an instance"), tenant=tenant)
            within = int(element) if element.isdecimal() else element or 0
            handle.trigger(*activities, variables=variables, element=within)
        output.document({"instance": instance, "triggered": list(activities)})
        output.text(f"began {', '.join(activities)} of instance {instance}")


def _complete(engine: Engine, key: int, variables: Variables, tenant: str) -> str:
    """Tasks and jobs have keys of one kind, so whoever gives one need not say which it is."""
    try:
        engine.complete_task(key, variables, tenant=tenant)
    except NotFound:
        try:
            engine.complete_job(key, variables, tenant=tenant)
        except NotFound:
            raise NotFound(f"no open task or job {key}") from None
        return "job"
    return "task"


_UNITS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def milliseconds_of(text: str) -> int:
    """A duration as people write it: `30s`, `5m`, `2h`, `1d`, or ISO 8601 with days to seconds: `P1DT12H`."""
    if not text:
        return 0
    from procession.core.timers import duration_ms

    number = text.rstrip("dhms")
    unit = text[len(number) :]
    if number.isdecimal() and unit in _UNITS:
        return int(number) * _UNITS[unit]
    try:
        return duration_ms(text)
    except Failure:
        raise Problem(f"{text!r} is no duration", "write 30s, 5m, 2h, 1d, or ISO 8601: PT1H30M", USAGE) from None
