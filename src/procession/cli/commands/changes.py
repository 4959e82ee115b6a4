"""Commands that change an instance under way: modify, migrate, suspend, resume, restart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import msgspec
import typer

from procession.base.decoding import known
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
    from procession import Engine, MigrationPlan
    from procession.core.plans import MigrationAction

Key: TypeAlias = Annotated[
    str, typer.Argument(metavar="INSTANCE", help="Its key, as list prints it.", show_default=False)
]
Activated: TypeAlias = Annotated[
    list[str] | None, typer.Option("--activate", metavar="ID", help="Begin this element; repeatable.")
]
Terminated: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--terminate", metavar="ID|KEY", help="End all of an element, or an element instance; repeatable."),
]
Moved: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--move", metavar="ID=ID", help="End what is at one and begin the other; repeatable."),
]
Put: TypeAlias = Annotated[
    list[str] | None, typer.Option("--put", metavar="FLOW", help="Put a token on this sequence flow; repeatable.")
]
Taken: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--take", metavar="FLOW", help="Take a token away that waits at a join on this flow; repeatable."),
]
PlanFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--plan", metavar="FILE", help="A plan, as `procession plan` prints it.", show_default=False),
]
Mapped: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="ID=ID", help="Where an element goes; `a=` takes it out of the plan; repeatable."),
]
Flows: TypeAlias = Annotated[
    list[str] | None, typer.Option("--flow", metavar="ID=ID", help="Where a flow into a join goes; repeatable.")
]
Anew: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--new", metavar="ID:WHAT", help="Make the job, timer, subscription or task of an element anew; repeatable."
    ),
]


def modify(
    instance: Key,
    *,
    activate: Activated = None,
    terminate: Terminated = None,
    move: Moved = None,
    put: Put = None,
    take: Taken = None,
    var: Vars = None,
    vars_file: VarsFile = None,
    db: Db = DEFAULT_DB,
    tenant: Tenant = DEFAULT_TENANT,
    json: AsJson = False,
) -> None:
    """Move an instance by hand: begin and end elements, put and take tokens, set variables; all of it or nothing."""
    from procession.cli.engines import engine_at, key_of

    output = Output(json)
    with errors(json):
        variables = variables_of(var, vars_file)
        moves = pairs(move, "--move")
        with engine_at(existing(db)) as engine:
            key = key_of(instance, "an instance")
            engine.changes.modify(
                key,
                activate=activate or (),
                terminate=elements(terminate),
                move=moves,
                put=put or (),
                take=take or (),
                variables=variables,
                tenant=tenant,
            )
            _shown(engine, key, tenant, "modified", output)


def migrate(
    instance: Key,
    *,
    to: Annotated[int, typer.Option("--to", metavar="VERSION", help="Default: the latest.", show_default=False)] = 0,
    process: Annotated[
        str, typer.Option("--process", metavar="ID", help="Of another process.", show_default=False)
    ] = "",
    plan_file: PlanFile = None,
    mapped: Mapped = None,
    flow: Flows = None,
    new: Anew = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    db: Db = DEFAULT_DB,
    tenant: Tenant = DEFAULT_TENANT,
    json: AsJson = False,
) -> None:
    """Let an instance go over to another version, by the default plan, with changes to it, or by a plan of yours."""
    from procession.cli.engines import engine_at, key_of

    output = Output(json)
    with errors(json), engine_at(existing(db)) as engine:
        key = key_of(instance, "an instance")
        info = engine.instance(key, tenant=tenant).info
        wanted = read_plan(plan_file) if plan_file is not None else None
        if wanted is None:
            wanted = engine.changes.migration_plan(
                info.process_id, info.version, to or None, to_process=process, tenant=tenant
            )
        wanted = changed(wanted, mapped, flow, new)
        if dry_run:
            _show_actions(engine.changes.migration_actions(key, wanted, tenant=tenant), output)
            return
        engine.changes.migrate(key, wanted, tenant=tenant)
        _shown(engine, key, tenant, "migrated", output)


def plan(
    process: Annotated[str, typer.Argument(metavar="PROCESS", help="Its id.", show_default=False)],
    version: Annotated[int, typer.Argument(metavar="FROM", help="The version to leave.", show_default=False)],
    to: Annotated[int, typer.Argument(metavar="[TO]", help="Default: the latest.", show_default=False)] = 0,
    *,
    to_process: Annotated[
        str, typer.Option("--process", metavar="ID", help="Of another process.", show_default=False)
    ] = "",
    db: Db = DEFAULT_DB,
    tenant: Tenant = DEFAULT_TENANT,
    json: AsJson = False,
) -> None:
    """Print the default plan from one version to another as JSON, to be changed and given to migrate --plan."""
    from procession.cli.engines import engine_at

    with errors(json), engine_at(existing(db)) as engine:
        found = engine.changes.migration_plan(process, version, to or None, to_process=to_process, tenant=tenant)
        typer.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())


def suspend(
    instance: Annotated[str, typer.Argument(metavar="[INSTANCE]", help="Its key.", show_default=False)] = "",
    *,
    process: Annotated[
        str, typer.Option("--process", metavar="ID", help="Refuse new starts of this process.", show_default=False)
    ] = "",
    version: Annotated[int, typer.Option("--version", help="Only of this version.", show_default=False)] = 0,
    db: Db = DEFAULT_DB,
    tenant: Tenant = DEFAULT_TENANT,
    json: AsJson = False,
) -> None:
    """Let an instance stand still, or refuse new starts of a process."""
    _suspension(instance, process, version, on=True, where=(db, tenant), output=Output(json))


def resume(
    instance: Annotated[str, typer.Argument(metavar="[INSTANCE]", help="Its key.", show_default=False)] = "",
    *,
    process: Annotated[
        str, typer.Option("--process", metavar="ID", help="Allow starts of this process again.", show_default=False)
    ] = "",
    version: Annotated[int, typer.Option("--version", help="Only of this version.", show_default=False)] = 0,
    db: Db = DEFAULT_DB,
    tenant: Tenant = DEFAULT_TENANT,
    json: AsJson = False,
) -> None:
    """Let a suspended instance go on, or allow starts of a process again."""
    _suspension(instance, process, version, on=False, where=(db, tenant), output=Output(json))


def restart(
    instance: Key,
    *,
    at: Annotated[
        list[str] | None, typer.Option("--at", metavar="ID", help="Begin at this element; repeatable.")
    ] = None,
    in_place: Annotated[bool, typer.Option("--in-place", help="In the same instance, which must be active.")] = False,
    version: Annotated[int, typer.Option("--version", help="In this version.", show_default=False)] = 0,
    var: Vars = None,
    vars_file: VarsFile = None,
    db: Db = DEFAULT_DB,
    tenant: Tenant = DEFAULT_TENANT,
    json: AsJson = False,
) -> None:
    """Begin at chosen elements, with the variables of an instance: in a new one, or in place."""
    from procession.cli.engines import engine_at, key_of

    output = Output(json)
    with errors(json):
        variables = variables_of(var, vars_file)
        with engine_at(existing(db)) as engine:
            key = key_of(instance, "an instance")
            handle = engine.changes.restart(
                key, at or (), variables, in_place=in_place, version=version or None, tenant=tenant
            )
            _shown(engine, handle.key, tenant, "restarted", output)


def elements(texts: list[str] | None) -> list[str | int]:
    """Ids, and keys of element instances."""
    return [int(text) if text.isascii() and text.isdecimal() else text for text in texts or ()]


def pairs(texts: list[str] | None, option: str) -> dict[str, str]:
    """`a=b` as a mapping."""
    found: dict[str, str] = {}
    for text in texts or ():
        one, sign, other = text.partition("=")
        if not sign or not one:
            raise Problem(f"{option} {text!r} is no pair", "write FROM=TO", USAGE)
        found[one] = other
    return found


def read_plan(file: Path) -> MigrationPlan:
    """The plan in a file."""
    from procession.core.plans import MigrationPlan

    try:
        return msgspec.json.decode(file.read_bytes(), type=known(MigrationPlan))
    except msgspec.MsgspecError as error:
        raise Problem(f"{file} is no migration plan: {error}", "see: procession plan --help") from None


def changed(
    plan: MigrationPlan, mapped: list[str] | None, flow: list[str] | None, new: list[str] | None
) -> MigrationPlan:
    """A plan with what the command line says over it."""
    from procession.core.plans import MigrationChoice

    choices = dict(plan.choices)
    for text in new or ():
        element, _, what = text.rpartition(":")
        if what not in MigrationChoice.__struct_fields__ or not element:
            raise Problem(f"--new {text!r} names nothing", "write ID:job, ID:timer, ID:subscription or ID:task", USAGE)
        choices[element] = msgspec.structs.replace(choices.get(element, MigrationChoice()), **{what: "new"})
    return msgspec.structs.replace(
        plan,
        elements={a: b for a, b in {**plan.elements, **pairs(mapped, "--map")}.items() if b},
        flows={a: b for a, b in {**plan.flows, **pairs(flow, "--flow")}.items() if b},
        choices=choices,
    )


def _suspension(instance: str, process: str, version: int, *, on: bool, where: tuple[str, str], output: Output) -> None:
    from procession.cli.engines import engine_at, key_of

    db, tenant = where
    word = "suspended" if on else "resumed"
    with errors(output.as_json):
        if bool(instance) is bool(process):
            raise Problem("name an instance by its key, or a process with --process", "one of the two", USAGE)
        with engine_at(existing(db)) as engine:
            changes = engine.changes
            if instance:
                key = key_of(instance, "an instance")
                (changes.suspend if on else changes.resume)(key, tenant=tenant)
                _shown(engine, key, tenant, word, output)
                return
            count = (changes.suspend_process if on else changes.resume_process)(process, version or None, tenant=tenant)
            output.document({word: process, "versions": count})
            output.text(f"{word} {count} version{'s' if count != 1 else ''} of {process}")


def _show_actions(actions: list[MigrationAction], output: Output) -> None:
    from procession.cli.records import record

    columns = {name: name.replace("_", " ") for name in ("element", "element_id", "what", "target", "wait", "node")}
    output.records([record(each) for each in actions], columns, "nothing to do")


def _shown(engine: Engine, key: int, tenant: str, word: str, output: Output) -> None:
    """What an instance is after it was changed."""
    handle = engine.instance(key, tenant=tenant)
    info = handle.info
    tokens = handle.tokens if info.ended is None else {}
    output.document(
        {word: str(key), "process_id": info.process_id, "version": info.version, "state": info.state, "tokens": tokens}
    )
    where = ", ".join(f"{element} {count}" for element, count in tokens.items())
    output.text(f"{word} instance {key} of {info.process_id} version {info.version}: {info.state}")
    if where:
        output.text(f"tokens at {where}", "dim")
