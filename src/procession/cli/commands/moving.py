"""The commands that move instances to another host, and back (docs/how-to/move-instances.md)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import msgspec
import typer

from procession.cli.commands.batches import (
    AtHost,
    BatchKey,
    Business,
    Element,
    From,
    Incident,
    Instances,
    NoWait,
    Process,
    State,
    Until,
    Version,
    filter_of,
    group,
    moment,
    show_batch,
)
from procession.cli.console import USAGE, Output, Problem, errors
from procession.cli.options import DEFAULT_DB, DEFAULT_TENANT, AsJson, Db, Tenant, existing

if TYPE_CHECKING:
    from procession import Engine, Filter
    from procession.services.moving import Moves

COLUMNS: Final = {"instance": "INSTANCE", "element_id": "ELEMENT", "what": "WAITS FOR", "becomes": "BECOMES"}
COUNTS: Final = {
    "process_id": "PROCESS",
    "element_id": "ELEMENT",
    "what": "WAITS FOR",
    "becomes": "BECOMES",
    "count": "HOW MANY",
}
TOLD_S: Final = 5.0
"""How often it is said how far a batch is, while it is waited for."""

Key: TypeAlias = Annotated[
    str,
    typer.Argument(metavar="[INSTANCE]", help="Its key, as list prints it; without, all that the filter means."),
]
To: TypeAlias = Annotated[
    str, typer.Option("--to", metavar="HOST", help="`temporal`, or `here`: the store's own host.", show_default=False)
]
Jobs: TypeAlias = Annotated[
    str, typer.Option("--jobs", metavar="carry|wait|reissue", help="What becomes of jobs that are under way.")
]
DryRun: TypeAlias = Annotated[
    bool, typer.Option("--dry-run", help="Only tell what would become of what is waited for.")
]
Address: TypeAlias = Annotated[str, typer.Option("--address", metavar="HOST:PORT", help="Of the Temporal cluster.")]
Namespace: TypeAlias = Annotated[str, typer.Option("--namespace", metavar="NS", help="Its namespace.")]
Queue: TypeAlias = Annotated[str, typer.Option("--queue", metavar="NAME", help="The task queue of workflows.")]


def move(
    key: Key = "",
    *,
    to: To,
    jobs: Jobs = "carry",
    dry_run: DryRun = False,
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
    no_wait: NoWait = False,
    address: Address = "",
    namespace: Namespace = "default",
    queue: Queue = "",
    db: Db = DEFAULT_DB,
    tenant: Tenant = DEFAULT_TENANT,
    json: AsJson = False,
) -> None:
    """Let an instance, or all that a filter means, with all that they called, go on on another host.

    Of one: repeat it if anything ends it half-way. Many are a batch: see `procession batch`."""
    from procession.cli.engines import engine_beside

    output = Output(json)
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
        many = bool(msgspec.json.encode(which) != b"{}")
        if bool(key) is many:
            raise Problem("name an instance by its key, or a filter such as --process", "one of the two", USAGE)
        if dry_run:
            _tell(key, which, (to, jobs), (db, tenant), output)
            return
        with engine_beside(existing(db), address, namespace, queue) as engine:
            if key:
                _one(engine, key, (to, jobs), tenant, output)
            else:
                found = engine.changes.move_each(which, to, jobs=jobs, tenant=tenant)
                _followed(engine, found, tenant, output, wait=not no_wait)


@group.command("revert")
def revert(
    batch: BatchKey,
    *,
    no_wait: NoWait = False,
    address: Address = "",
    namespace: Namespace = "default",
    queue: Queue = "",
    db: Db = DEFAULT_DB,
    tenant: Tenant = DEFAULT_TENANT,
    json: AsJson = False,
) -> None:
    """Stop a batch of moves, and move back what it moved, as a batch. Asked again, it is the same one."""
    from procession.cli.engines import engine_beside, key_of

    output = Output(json)
    with errors(json), engine_beside(existing(db), address, namespace, queue) as engine:
        found = engine.changes.revert_batch(key_of(batch, "a batch"), tenant=tenant)
        _followed(engine, found, tenant, output, wait=not no_wait)


def _one(engine: Engine, text: str, how: tuple[str, str], tenant: str, output: Output) -> None:
    from procession.cli.engines import key_of

    key = key_of(text, "an instance")
    to, jobs = how
    moved = engine.changes.move(key, to, jobs=jobs, tenant=tenant)
    output.document({"instance": str(key), "to": to, "moved": moved})
    output.text(f"{moved} instances moved to {to}" if moved else f"instance {key} is {to} already")


def _followed(engine: Engine, key: int, tenant: str, output: Output, *, wait: bool) -> None:
    """Waits for a batch, and says how far it is."""
    changes, began = engine.changes, time.monotonic()

    def over() -> bool:
        return changes.batch(key, tenant=tenant).state != "running"

    while wait and not engine.wait_until(over, TOLD_S):
        found = changes.batch(key, tenant=tenant)
        rate = found.done / (time.monotonic() - began)
        said = f"batch {key}: {found.done} done, {found.failed} failed, {found.awaited} awaited, {rate:.0f} a second"
        output.text(said, "dim")
    show_batch(engine, key, tenant, output)


def _tell(text: str, which: Filter, how: tuple[str, str], where: tuple[str, str], output: Output) -> None:
    """What a move would do: of one instance part by part, of many in numbers."""
    from procession.cli.engines import engine_at, key_of

    to, jobs = how
    db, tenant = where
    with engine_at(existing(db)) as engine:
        if text:
            found = engine.changes.move_fates(key_of(text, "an instance"), to, jobs=jobs, tenant=tenant)
            output.records([msgspec.to_builtins(each) for each in found], COLUMNS, "it waits for nothing")
            return
        _counts(engine.changes.move_each_fates(which, to, jobs=jobs, tenant=tenant), to, output)


def _counts(moves: Moves, to: str, output: Output) -> None:
    counts = [msgspec.to_builtins(each) for each in moves.counts]
    if output.as_json:
        output.document({**msgspec.to_builtins(moves), "refusals": [[str(key), text] for key, text in moves.refusals]})
        return
    output.records(counts, COUNTS, "nothing is waited for")
    output.text(
        f"{moves.instances} would move to {to}, {moves.there} are there, {moves.called} were called and move with "
        f"their callers, {moves.refused} would be tried again"
    )
    for _, text in moves.refusals:
        output.text(text, "yellow")
