"""Commands about behaviour flags, which docs/how-to/upgrade-without-surprises.md is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from procession.cli.asking import who
from procession.cli.console import Output, errors
from procession.cli.options import DEFAULT_DB, AsJson, Db, existing

if TYPE_CHECKING:
    from procession.hosts.embedded.flagged import FlagView

group: Final = typer.Typer(name="flags", help="Which new behaviour instances start with.", no_args_is_help=True)

Number = Annotated[int, typer.Argument(metavar="NUMBER", min=0, max=62, help="Of the flag.", show_default=False)]
For = Annotated[
    str, typer.Option("--tenant", metavar="NAME", help="This tenant alone; without, the cell.", show_default=False)
]
Whose = Annotated[str, typer.Option("--tenant", metavar="NAME", help="The tenant.", show_default=False)]


@group.command("list")
def show(db: Db = DEFAULT_DB, json: AsJson = False) -> None:
    """The flags that this version knows, and where each is switched on."""
    from procession import Flags
    from procession.cli.engines import engine_at

    output = Output(json)
    with errors(json), engine_at(existing(db)) as engine:
        found = Flags(engine).list()
        for each in found:
            output.document(msgspec.to_builtins(each))
            _tell(each, output)
        if not found:
            output.text("this version knows no flag: it has one behaviour", "dim")


@group.command("on")
def on(number: Number, tenant: For = "", db: Db = DEFAULT_DB, json: AsJson = False) -> None:
    """Let what starts from now on have a new behaviour. What runs keeps the old one."""
    _switch(number, "on", tenant, db, json)


@group.command("off")
def off(number: Number, tenant: For = "", db: Db = DEFAULT_DB, json: AsJson = False) -> None:
    """Let what starts from now on have the old behaviour; a tenant is held back, whatever its cell has."""
    _switch(number, "off", tenant, db, json)


@group.command("follow")
def follow(number: Number, tenant: Whose, db: Db = DEFAULT_DB, json: AsJson = False) -> None:
    """Let a tenant have what its cell has."""
    _switch(number, "follow", tenant, db, json)


def _switch(number: int, how: str, tenant: str, db: str, json: bool) -> None:
    from procession import Flags
    from procession.cli.engines import engine_at

    output = Output(json)
    with errors(json), engine_at(existing(db)) as engine:
        getattr(Flags(engine, who()), how)(number, tenant=tenant)
        output.document({"number": number, "switched": how, "tenant": tenant or None})
        whose = f"tenant {tenant}" if tenant else "the cell"
        said = "as its cell has it" if how == "follow" else how
        output.text(f"flag {number} is {said} for what {whose} starts from now on")


def _tell(flag: FlagView, output: Output) -> None:
    if not flag.known:
        output.text(f"{flag.number}  of another version: this one starts nothing with it", "yellow")
    else:
        phase = f"assumed since {flag.assumed}" if flag.assumed else f"{'on' if flag.cell else 'off'} in the cell"
        output.text(f"{flag.number}  {flag.name}, since {flag.since}: {phase}")
        output.text(f"    old   {flag.old}")
        output.text(f"    new   {flag.new}")
    for heading, tenants in (("ahead", flag.ahead), ("back", flag.back)):
        if tenants:
            output.text(f"    {heading:<5} {', '.join(tenants)}")
