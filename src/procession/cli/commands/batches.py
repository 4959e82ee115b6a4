"""Commands about batch operations: what is done to all instances that a filter means, and how far it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias, cast

import msgspec
import typer

from procession.base.decoding import known
from procession.base.values import Variables
from procession.cli.commands.changes import (
    Activated,
    Anew,
    Flows,
    Mapped,
    Moved,
    PlanFile,
    Terminated,
    changed,
    elements,
    pairs,
    read_plan,
)
from procession.cli.console import FAILED, USAGE, Output, Problem, errors
from procession.cli.options import (
    DEFAULT_DB,
    DEFAULT_TENANT,
    AsJson,
    Db,
    Tenant,
    Vars,
    among,
    existing,
    variables_of,
)

if TYPE_CHECKING:
    from procession import Engine, Filter, MigrationPlan
    from procession.hosts.embedded.changes import Changes
    from procession.services.batches import BatchView

group: Final = typer.Typer(name="batch", help="Change many instances, in portions, each once.", no_args_is_help=True)
ERRORS_MAX: Final = 20
"""Errors that are printed of a batch; `batch show --json` has a thousand."""

BatchKey: TypeAlias = Annotated[str, typer.Argument(metavar="BATCH", help="Its key.", show_default=False)]
Process: TypeAlias = Annotated[
    str, typer.Option("--process", metavar="ID", help="Of this process.", show_default=False)
]
Version: TypeAlias = Annotated[int, typer.Option("--version", help="Of this version.", show_default=False)]
State: TypeAlias = Annotated[
    str, typer.Option("--state", metavar="incident|suspended", help="In this state.", show_default=False)
]
Element: TypeAlias = Annotated[
    str, typer.Option("--element", metavar="ID", help="With this element active.", show_default=False)
]
Incident: TypeAlias = Annotated[
    str, typer.Option("--incident", metavar="CODE", help="With an open incident of this code.", show_default=False)
]
Business: TypeAlias = Annotated[str, typer.Option("--business-key", help="Started with it.", show_default=False)]
From: TypeAlias = Annotated[
    str, typer.Option("--from", metavar="TIME", help="Started then or later: ISO 8601.", show_default=False)
]
Until: TypeAlias = Annotated[str, typer.Option("--until", metavar="TIME", help="Started before.", show_default=False)]
Instances: TypeAlias = Annotated[
    list[str] | None, typer.Option("--instance", metavar="KEY", help="This one; repeatable.", show_default=False)
]
AtHost: TypeAlias = Annotated[
    str, typer.Option("--host", metavar="here|temporal", help="Run by this host.", show_default=False)
]
Reason: TypeAlias = Annotated[str, typer.Option("--reason", help="Why: of cancel.", show_default=False)]
Retries: TypeAlias = Annotated[
    int, typer.Option("--retries", min=1, help="Tries that each job gets: of resolve and retry.")
]
To: TypeAlias = Annotated[
    int, typer.Option("--to", metavar="VERSION", help="Of migrate; default: the latest.", show_default=False)
]
NoWait: TypeAlias = Annotated[bool, typer.Option("--no-wait", help="Return at once; whoever runs the engine goes on.")]


class _Given(msgspec.Struct, frozen=True, kw_only=True):
    """What an action may need beside the filter."""

    reason: str
    retries: int
    activate: list[str]
    terminate: list[str | int]
    move: dict[str, str]
    variables: Variables
    plan: MigrationPlan | None
    to: int
    mapped: list[str] | None
    flow: list[str] | None
    new: list[str] | None


Start: TypeAlias = "Callable[[Changes, Filter, _Given, str], int]"


def _migrate(changes: Changes, which: Filter, given: _Given, tenant: str) -> int:
    plan = given.plan
    if plan is None:
        if not which.process_id or not which.version:
            raise Problem("a migration needs a plan", "name --process and --version, or a --plan FILE", USAGE)
        plan = changes.migration_plan(which.process_id, which.version, given.to or None, tenant=tenant)
    return changes.migrate_each(which, changed(plan, given.mapped, given.flow, given.new), tenant=tenant)


def _modify(changes: Changes, which: Filter, given: _Given, tenant: str) -> int:
    return changes.modify_each(
        which,
        activate=given.activate,
        terminate=given.terminate,
        move=given.move,
        variables=given.variables,
        tenant=tenant,
    )


ACTIONS: Final[dict[str, Start]] = {
    "cancel": lambda changes, which, given, tenant: changes.cancel_each(which, given.reason, tenant=tenant),
    "resolve": lambda changes, which, given, tenant: changes.resolve_each(which, given.retries, tenant=tenant),
    "retry": lambda changes, which, given, tenant: changes.retry_each(which, given.retries, tenant=tenant),
    "migrate": _migrate,
    "modify": _modify,
    "suspend": lambda changes, which, given, tenant: changes.suspend_each(which, tenant=tenant),
    "resume": lambda changes, which, given, tenant: changes.resume_each(which, tenant=tenant),
}
"""What a batch can do to each instance."""


@group.command("start")
def start(
    action: Annotated[
        str, typer.Argument(metavar="|".join(ACTIONS), help="What to do.", autocompletion=among(ACTIONS))
    ],
    *,
    process: Process = "",
    version: Version = 0,
    state: State = "",
    element: Element = "",
    incident: Incident = "",
    business_key: Business = "",
    started_from: From = "",
    started_until: Until = "",
    instance: Instances = None,
    host: AtHost = "",
    reason: Reason = "",
    retries: Retries = 1,
    activate: Activated = None,
    terminate: Terminated = None,
    move: Moved = None,
    var: Vars = None,
    plan_file: PlanFile = None,
    to: To = 0,
    mapped: Mapped = None,
    flow: Flows = None,
    new: Anew = None,
    no_wait: NoWait = False,
    db: Db = DEFAULT_DB,
    tenant: Tenant = DEFAULT_TENANT,
    json: AsJson = False,
) -> None:
    """Do something to every active instance that the filter means, each once. Exits 1 if one could not be treated."""
    with errors(json):
        which = filter_of(
            process_id=process,
            version=version,
            state=state,
            element=element,
            incident=incident,
            business_key=business_key,
            started_from=moment(started_from),
            started_to=moment(started_until),
            instances=instance or [],
            host=host,
        )
        given = _Given(
            reason=reason,
            retries=retries,
            activate=activate or [],
            terminate=elements(terminate),
            move=pairs(move, "--move"),
            variables=variables_of(var),
            plan=read_plan(plan_file) if plan_file is not None else None,
            to=to,
            mapped=mapped,
            flow=flow,
            new=new,
        )
        _started(action, which, given, wait=not no_wait, where=(db, tenant), output=Output(json))


def filter_of(*, instances: list[str], **given: object) -> Filter:
    """The filter that options say."""
    from procession import Filter
    from procession.cli.engines import key_of

    keys = [key_of(each, "an instance") for each in instances]
    if given["host"] not in ("", "here", "temporal"):
        raise Problem(f"no host {given['host']!r} to filter by", "here or temporal", USAGE)
    try:
        return msgspec.convert({**given, "instances": keys}, known(Filter))
    except msgspec.ValidationError:
        raise Problem(f"no state {given['state']!r} to filter by", "incident or suspended", USAGE) from None


def _started(action: str, which: Filter, given: _Given, *, wait: bool, where: tuple[str, str], output: Output) -> None:
    from procession.cli.engines import engine_at

    db, tenant = where
    if action not in ACTIONS:
        raise Problem(f"a batch cannot {action!r}", f"one of {', '.join(ACTIONS)}", USAGE)
    with engine_at(existing(db)) as engine:
        key = ACTIONS[action](engine.changes, which, given, tenant)
        if wait:
            engine.wait_until(lambda: engine.changes.batch(key, tenant=tenant).state != "running")
        show_batch(engine, key, tenant, output)


@group.command("list")
def list_batches(db: Db = DEFAULT_DB, tenant: Tenant = DEFAULT_TENANT, json: AsJson = False) -> None:
    """List batches and how far they are."""
    from procession.cli.engines import engine_at

    output = Output(json)
    with errors(json), engine_at(existing(db)) as engine:
        found = [_record(each) for each in engine.changes.batches(limit=1_000, tenant=tenant)]
        columns = {name: name for name in ("key", "action", "state", "seen", "done", "failed", "at")}
        output.records(found, columns, "no batches")


@group.command("show")
def show(batch: BatchKey, db: Db = DEFAULT_DB, tenant: Tenant = DEFAULT_TENANT, json: AsJson = False) -> None:
    """Show how far a batch is, and what it could not do."""
    from procession.cli.engines import engine_at, key_of

    output = Output(json)
    with errors(json), engine_at(existing(db)) as engine:
        show_batch(engine, key_of(batch, "a batch"), tenant, output, fail=False)


@group.command("pause")
def pause(batch: BatchKey, db: Db = DEFAULT_DB, tenant: Tenant = DEFAULT_TENANT, json: AsJson = False) -> None:
    """Stop a running batch for a while."""
    _steer(batch, "pause", db, tenant, json)


@group.command("continue")
def go_on(batch: BatchKey, db: Db = DEFAULT_DB, tenant: Tenant = DEFAULT_TENANT, json: AsJson = False) -> None:
    """Go on with a paused batch."""
    _steer(batch, "continue", db, tenant, json)


@group.command("stop")
def stop(batch: BatchKey, db: Db = DEFAULT_DB, tenant: Tenant = DEFAULT_TENANT, json: AsJson = False) -> None:
    """End a batch for good; what it did stays."""
    _steer(batch, "stop", db, tenant, json)


def _steer(batch: str, verb: str, db: str, tenant: str, json: bool) -> None:
    from procession.cli.engines import engine_at, key_of

    output = Output(json)
    with errors(json), engine_at(existing(db)) as engine:
        key = key_of(batch, "a batch")
        changes = engine.changes
        {"pause": changes.pause_batch, "continue": changes.continue_batch, "stop": changes.stop_batch}[verb](
            key, tenant=tenant
        )
        if verb == "continue":
            engine.wait_until(lambda: changes.batch(key, tenant=tenant).state != "running")
        show_batch(engine, key, tenant, output, fail=False)


def show_batch(engine: Engine, key: int, tenant: str, output: Output, *, fail: bool = True) -> None:
    """How far a batch is, and what it could not do. With `fail` the command ends by that."""
    found = engine.changes.batch(key, tenant=tenant)
    failed = engine.changes.batch_errors(key, limit=1_000 if output.as_json else ERRORS_MAX, tenant=tenant)
    document = _record(found)
    document["errors"] = [{"instance": str(each.instance), "text": each.text} for each in failed]
    output.document(document)
    awaited = f", {found.awaited} awaited" if found.awaited else ""
    output.text(f"batch {key} ({document['action']}): {found.state}, {found.done} done, {found.failed} failed{awaited}")
    for each in failed:
        output.text(f"instance {each.instance}: {each.text}", "yellow")
    if found.failed > len(failed):
        output.text(f"and {found.failed - len(failed)} more", "yellow")
    if found.failed and fail:
        raise typer.Exit(FAILED)


def _record(view: BatchView) -> dict[str, object]:
    from procession.cli.records import record

    document = record(view)
    document["action"] = cast("dict[str, object]", document["action"])["action"]
    return document


def moment(text: str) -> int:
    """A time on the command line, in Unix ms; 0 for none."""
    from procession.base.failure import Failure
    from procession.core.timers import date_time_ms

    if not text:
        return 0
    try:
        return date_time_ms(text, "UTC")
    except Failure:
        raise Problem(f"{text!r} is no time", "write 2026-01-31T09:00:00Z", USAGE) from None
