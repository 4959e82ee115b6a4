"""Commands about Temporal cells: compare a cell's file with its cluster, make them the same, shift work to a build."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias, TypeVar, cast

import msgspec
import typer

from procession.cli.commands.codec_server import codec_server
from procession.cli.console import FAILED, Output, Problem, errors
from procession.cli.options import AsJson

if TYPE_CHECKING:
    from procession.hosts.temporal.cells.cell import Cell
    from procession.hosts.temporal.cells.cluster import Cluster
    from procession.hosts.temporal.cells.deployments import Versions
    from procession.hosts.temporal.cells.plan import Change
    from procession.hosts.temporal.cells.things import Key

group: Final = typer.Typer(name="temporal", help="Operate Temporal clusters for the engine.", no_args_is_help=True)

CellFile: TypeAlias = Annotated[
    Path, typer.Argument(metavar="FILE", help="The cell's file, in YAML.", show_default=False)
]
Address: TypeAlias = Annotated[
    str,
    typer.Option(
        "--address", metavar="HOST:PORT", help="The cluster; default: `address` of the file.", show_default=False
    ),
]
Prune: TypeAlias = Annotated[bool, typer.Option("--prune", help="Also remove what the file does not name.")]
Force: TypeAlias = Annotated[
    bool, typer.Option("--force", help="Give work to builds of which no worker, or not every task queue, is polled.")
]
Patience: TypeAlias = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=0, help="How long to wait for the cluster.")
]
Name: TypeAlias = Annotated[str, typer.Argument(metavar="DEPLOYMENT", help="Its name.", show_default=False)]
InCell: TypeAlias = Annotated[
    Path | None,
    typer.Option("--cell", metavar="FILE", help="A cell's file: address, namespace.", show_default=False),
]
InNamespace: TypeAlias = Annotated[
    str,
    typer.Option("--namespace", help="Its namespace; default: the file's.", show_default=False),
]
DEFAULT_NAMESPACE: Final = "default"
_PATIENCE: Final = 60.0

_T = TypeVar("_T")


group.command("codec-server")(codec_server)


@group.command("plan")
def plan(
    file: CellFile,
    address: Address = "",
    prune: Prune = False,
    force: Force = False,
    dynamic_config: Annotated[
        bool, typer.Option("--dynamic-config", help="Print what the server's own config must say; asks no cluster.")
    ] = False,
    timeout: Patience = _PATIENCE,
    json: AsJson = False,
) -> None:
    """Say what `apply` would change. Changes nothing."""
    output = Output(json)
    with errors(json):
        cell = _cell(file)
        if dynamic_config:
            _print_dynamic_config(cell, output)
            return
        changes, extras = run_client(_compared(cell, (address, timeout), prune=prune, force=force))
        _print(changes, output)
        if not changes:
            output.text(f"nothing to do: the cluster is as {file} says")
        if extras and not prune:
            named = ", ".join(f"{kind} {name}" for kind, _, name in extras)
            output.text(f"there and not in the file: {named} (--prune removes)", "dim")


@group.command("apply")
def apply(
    file: CellFile,
    address: Address = "",
    prune: Prune = False,
    force: Force = False,
    timeout: Patience = _PATIENCE,
    json: AsJson = False,
) -> None:
    """Make the cluster what the file says. Can be repeated; exits 1 if something is left to do by hand."""
    output = Output(json)
    with errors(json):
        cell = _cell(file)
        left = run_client(_applied(cell, (address, timeout), output, prune=prune, force=force))
        _print(left, output)
        if left:
            raise typer.Exit(FAILED)
        output.text(f"the cluster is as {file} says")


@group.command("drift")
def drift(
    file: CellFile,
    address: Address = "",
    timeout: Patience = _PATIENCE,
    json: AsJson = False,
) -> None:
    """Say how the cluster differs from the file, also what is there and not in the file. Exits 1 if it does."""
    output = Output(json)
    with errors(json):
        cell = _cell(file)
        changes, _ = run_client(_compared(cell, (address, timeout), prune=True))
        _print(changes, output)
        if changes:
            raise typer.Exit(FAILED)
        output.text(f"no drift: the cluster is as {file} says")


@group.command("ramp")
def ramp(
    deployment: Name,
    build: Annotated[str, typer.Argument(metavar="BUILD_ID", help="The build.", show_default=False)],
    percent: Annotated[
        float,
        typer.Argument(metavar="PERCENT", min=0, max=100, help="Of new workflows; 100: current, 0: no ramp."),
    ],
    cell: InCell = None,
    namespace: InNamespace = "",
    address: Address = "",
    force: Force = False,
    timeout: Patience = _PATIENCE,
    json: AsJson = False,
) -> None:
    """Give a build of a worker deployment a part of the new workflows. Those that run stay on their build."""
    with errors(json):
        needs_sdk()
        from procession.hosts.temporal.cells import deployments

        async def ramped(cluster: Cluster, where: str) -> Versions:
            return await deployments.ramp(cluster, where, deployment, build, percent, force=force)

        _shift(ramped, cell, namespace, (address, timeout), Output(json))


@group.command("rollback")
def rollback(
    deployment: Name,
    cell: InCell = None,
    namespace: InNamespace = "",
    address: Address = "",
    force: Force = False,
    timeout: Patience = _PATIENCE,
    json: AsJson = False,
) -> None:
    """End the ramp of a worker deployment; without one, make the version current that was current before."""
    with errors(json):
        needs_sdk()
        from procession.hosts.temporal.cells import deployments

        async def rolled_back(cluster: Cluster, where: str) -> Versions:
            return await deployments.rollback(cluster, where, deployment, force=force)

        _shift(rolled_back, cell, namespace, (address, timeout), Output(json))


@group.command("move")
def move(
    deployment: Name,
    source: Annotated[str, typer.Argument(metavar="FROM", help="The build that instances are pinned to.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="The build that they go on with.")],
    namespace: InNamespace = "",
    address: Address = "",
    json: AsJson = False,
) -> None:
    """Leave a build of a worker deployment: no workflow starts with it, and those that are pinned to it go on with
    another one."""
    with errors(json):
        needs_sdk()
        from procession.hosts.temporal.cluster import connect
        from procession.hosts.temporal.deployments import Rolled
        from procession.hosts.temporal.deployments import rollback as leave

        async def moved() -> Rolled:
            return await leave(await connect(*_place(address, namespace)), deployment, source, target)

        done = run_client(moved())
        output = Output(json)
        output.document({"moved": done.moved, "kept": msgspec.to_builtins(done.kept)})
        output.text(f"{len(done.moved)} moved, {len(done.kept)} kept")


@group.command("upgrade")
def upgrade(
    deployment: Name,
    source: Annotated[str, typer.Argument(metavar="FROM", help="The build that instances are pinned to.")],
    namespace: InNamespace = "",
    address: Address = "",
    json: AsJson = False,
) -> None:
    """Let instances that are pinned to a build go on in a new run: those started with `upgrade` leave the build."""
    with errors(json):
        needs_sdk()
        from procession.hosts.temporal.cluster import connect
        from procession.hosts.temporal.deployments import upgrade as tell

        async def told() -> list[str]:
            return await tell(await connect(*_place(address, namespace)), deployment, source)

        workflows = run_client(told())
        output = Output(json)
        output.document({"told": workflows})
        output.text(f"{len(workflows)} told")


def _place(address: str, namespace: str) -> tuple[str, str]:
    from procession.hosts.temporal.cells.cell import DEFAULT_ADDRESS

    return address or DEFAULT_ADDRESS, namespace or DEFAULT_NAMESPACE


def run_client(work: Coroutine[None, None, _T]) -> _T:
    """Runs what uses a client of Temporal, to its end."""
    import asyncio

    return asyncio.run(work)


def needs_sdk() -> None:
    """Raises `Problem` where the extra for Temporal is not installed."""
    if find_spec("temporalio") is None:
        raise Problem("the Temporal SDK is not installed", 'pip install "procession[temporal]"')


def _cell(file: Path) -> Cell:
    needs_sdk()
    from procession.hosts.temporal.cells.cell_reader import load_cell

    return load_cell(file)


async def _compared(
    cell: Cell, where: tuple[str, float], *, prune: bool, force: bool = False
) -> tuple[list[Change], list[Key]]:
    """(what differs, what the file does not name)."""
    from procession.hosts.temporal.cells.cluster import connect
    from procession.hosts.temporal.cells.plan import extras, plan
    from procession.hosts.temporal.cells.state import read
    from procession.hosts.temporal.cells.wanted import wanted

    things = wanted(cell)
    found = await read(await connect(cell, *where), cell, things)
    return plan(things, found, prune=prune, force=force), extras(things, found)


async def _applied(cell: Cell, where: tuple[str, float], output: Output, *, prune: bool, force: bool) -> list[Change]:
    """What is left, after everything else was changed and said."""
    from procession.hosts.temporal.cells.apply import apply as made
    from procession.hosts.temporal.cells.cluster import connect

    def told(change: Change) -> None:
        output.document({**_record(change), "done": True})
        output.text(f"done: {change}")

    cluster = await connect(cell, *where)
    return (await made(cluster, cell, prune=prune, force=force, told=told)).left


def _shift(
    do: Callable[[Cluster, str], Coroutine[None, None, Versions]],
    file: Path | None,
    namespace: str,
    where: tuple[str, float],
    output: Output,
) -> None:
    """Changes the versions of a deployment, and says what they are then."""
    from procession.hosts.temporal.cells.cell import Cell, Namespace
    from procession.hosts.temporal.cells.cluster import connect

    cell = _cell(file) if file is not None else Cell(cell="none", namespaces={DEFAULT_NAMESPACE: Namespace()})
    inside = namespace or cell.default_namespace or next(iter(cell.namespaces))

    async def shifted() -> Versions:
        return await do(await connect(cell, *where), inside)

    versions = run_client(shifted())
    output.document({"namespace": inside, **msgspec.to_builtins(versions)})
    output.text(str(versions))


def _print(changes: list[Change], output: Output) -> None:
    for change in changes:
        output.document(_record(change))
        output.text(str(change), "red" if change.loses else "yellow" if change.by_hand else "")


def _record(change: Change) -> dict[str, object]:
    return cast("dict[str, object]", msgspec.to_builtins(change))


def _print_dynamic_config(cell: Cell, output: Output) -> None:
    from procession.hosts.temporal.cells.dynamic_config import dynamic_config

    text = dynamic_config(cell)
    output.document({"dynamic_config": text})
    for line in text.splitlines():
        output.text(line)
