"""Commands about rollouts: taking starts, and what runs, to another host in steps (docs/how-to/roll-out.md)."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import msgspec
import typer

from procession.cli.asking import who
from procession.cli.commands.moving import Address, Namespace, Queue
from procession.cli.commands.routes import yaml_of
from procession.cli.console import FAILED, Output, errors, needed_by
from procession.cli.options import DEFAULT_DB, AsJson, Db, existing

if TYPE_CHECKING:
    from procession import Engine, Rollouts
    from procession.hosts.embedded.rolling import Standing
    from procession.services.rollouts.plan import Plan

group: Final = typer.Typer(
    name="rollout", help="Take starts, and what runs, to another host in steps.", no_args_is_help=True
)

File: TypeAlias = Annotated[Path, typer.Argument(metavar="FILE", help="The plan, as YAML.", show_default=False)]
Name: TypeAlias = Annotated[str, typer.Argument(metavar="NAME", help="Of the plan.", show_default=False)]
Why: TypeAlias = Annotated[str, typer.Option("--reason", help="Why: it stands in its past.", show_default=False)]
Broker: TypeAlias = Annotated[
    str, typer.Option("--broker", metavar="URL", envvar="CELERY_BROKER_URL", help="Of Celery, where it has the store.")
]

COLORS: Final = {"holds": "green", "waits": "", "fails": "bold red"}
BAD: Final = frozenset({"held", "rolled back"})


@contextmanager
def _rollouts(db: str, cluster: tuple[str, str, str] | None = None) -> Generator[tuple[Engine, Rollouts]]:
    """The rollouts of a store, with the cluster beside it (address, namespace, task queue) where one is needed."""
    from procession import Rollouts
    from procession.cli.engines import engine_at, engine_beside

    caller = who()
    opened = engine_beside(existing(db), *cluster) if cluster is not None else engine_at(existing(db))
    with opened as engine:
        yield engine, Rollouts(engine, who=caller.subject, origin=caller.origin)


def _shadowed(plan: Plan) -> str:
    """The extra without which its shadows cannot be."""
    return plan.to if plan.to == "temporal" else "cli"


def _cluster(to: str, address: str, namespace: str, queue: str) -> tuple[str, str, str] | None:
    """The cluster that is needed: one that is named, or that a plan goes to."""
    return (address, namespace, queue) if address or to == "temporal" else None


@group.command("plan")
def plan(
    file: File,
    *,
    address: Address = "",
    namespace: Namespace = "default",
    queue: Queue = "",
    db: Db = DEFAULT_DB,
    json: AsJson = False,
) -> None:
    """Read a plan, and tell what each of its steps would do now. It changes nothing; exits 1 for one that would strand
    a tenant."""
    output = Output(json)
    with errors(json):
        wanted = read(file)
        with _rollouts(db, _cluster(wanted.to, address, namespace, queue)) as (_, rollouts):
            found = rollouts.foresee(wanted)
        output.document({"name": wanted.name, "steps": [msgspec.to_builtins(each) for each in found]})
        for number, each in enumerate(found, 1):
            output.text(f"{number}. {each.step}: {each.does}")


@group.command("apply")
def apply(
    file: File,
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Look again until it is over, or held.")] = False,
    every: Annotated[float, typer.Option("--every", metavar="SECONDS", min=0.1, help="How often.")] = 10.0,
    again: Annotated[bool, typer.Option("--again", help="Also if it is held, or was rolled back: then anew.")] = False,
    address: Address = "",
    namespace: Namespace = "default",
    queue: Queue = "",
    broker: Broker = "",
    db: Db = DEFAULT_DB,
    json: AsJson = False,
) -> None:
    """Begin a plan, or look whether it may go on, and let it. Exits 1 when it is held or rolled back."""
    output = Output(json)
    with errors(json):
        wanted = read(file)
        with (
            needed_by(_shadowed(wanted)),
            _rollouts(db, _cluster(wanted.to, address, namespace, queue)) as (engine, rollouts),
        ):
            from procession.rollout.promoting import shadows_on

            shadow = shadows_on(engine, address=address, namespace=namespace, broker=broker)
            said = _past(rollouts.begin(wanted, again=again), 0, output)
            while True:
                standing = rollouts.look(wanted.name, shadow)
                said = _past(standing, said, output)
                if not watch or standing.rollout.state != "running":
                    break
                time.sleep(every)
        _show(standing, output)
    _exit(standing)


@group.command("status")
def status(
    name: Annotated[str, typer.Argument(metavar="[NAME]")] = "", db: Db = DEFAULT_DB, json: AsJson = False
) -> None:
    """Where a rollout is, what was measured at its step and what its gates say; without a name, all of them."""
    output = Output(json)
    with errors(json), _rollouts(db) as (_, rollouts):
        if name:
            _show(rollouts.status(name), output)
            return
        found = [
            {"name": each.plan.name, "state": each.state, "step": _step(each.plan, each.step), "to": each.plan.to}
            for each in rollouts.listed()
        ]
        output.records(found, {key: key.upper() for key in ("name", "state", "step", "to")}, "no rollouts")


@group.command("hold")
def hold(name: Name, reason: Why = "", db: Db = DEFAULT_DB, json: AsJson = False) -> None:
    """Stay at the present step: starts go as they go now, moves pause. `apply --again` goes on."""
    output = Output(json)
    with errors(json), _rollouts(db) as (_, rollouts):
        _show(rollouts.hold(name, reason), output)


@group.command("rollback")
def rollback(
    name: Name,
    *,
    reason: Why = "",
    address: Address = "",
    namespace: Namespace = "default",
    queue: Queue = "",
    db: Db = DEFAULT_DB,
    json: AsJson = False,
) -> None:
    """Take starts back to the old host at once, and what moved there, as the plan says."""
    output = Output(json)
    with errors(json), _rollouts(db, _cluster("", address, namespace, queue)) as (_, rollouts):
        _show(rollouts.rollback(name, reason), output)


def read(file: Path) -> Plan:
    """The plan in a file."""
    from procession.services.rollouts.plan import read_plan

    return read_plan(yaml_of(file, "a plan in YAML", "docs/how-to/roll-out.md"))


def _past(standing: Standing, said: int, output: Output) -> int:
    """Tells what became of it since `said` entries ago."""
    past = standing.rollout.past
    for each in past[said:]:
        output.text(f"{_time(each.at)} {each.what}" + (f": {each.why}" if each.why else ""))
    return len(past)


def _show(standing: Standing, output: Output) -> None:
    rollout = standing.rollout
    output.document(msgspec.to_builtins(standing))
    output.text(f"{rollout.plan.name}: {rollout.state}, {_step(rollout.plan, rollout.step)}", "bold")
    for each in standing.gates:
        output.text(f"    {each.gate:<9} {each.verdict:<6} {each.why}", COLORS[each.verdict])


def _step(plan: Plan, step: int) -> str:
    if step >= len(plan.steps):
        return "all steps are done"
    return f"step {step + 1} of {len(plan.steps)}: {plan.steps[step].title}"


def _time(at: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="seconds")


def _exit(standing: Standing) -> None:
    if standing.rollout.state in BAD:
        raise typer.Exit(FAILED)
