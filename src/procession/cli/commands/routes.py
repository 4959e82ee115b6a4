"""Commands about routes: on which host instances start (docs/how-to/route-starts.md)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from procession.base.values import Json
from procession.cli.asking import asked, who
from procession.cli.console import USAGE, Output, Problem, errors
from procession.cli.options import DEFAULT_DB, AsJson, Db, existing

if TYPE_CHECKING:
    from procession.services.routes import Reaches, Routes

group: Final = typer.Typer(name="routes", help="On which host instances start.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(metavar="FILE", help="Rules, as YAML.", show_default=False)]
Hosts = Annotated[
    list[str] | None,
    typer.Option("--host", metavar="NAME", help="A host that runs beside this store; may be repeated."),
]


@group.command("show")
def show(db: Db = DEFAULT_DB, json: AsJson = False) -> None:
    """The rules of the store, in the order in which they are asked."""
    from procession import Routing
    from procession.cli.engines import engine_at

    output = Output(json)
    with errors(json), engine_at(existing(db)) as engine:
        routes, version = Routing(engine).get()
        output.document({"version": version, **msgspec.to_builtins(routes)})
        for rule in routes.rules:
            output.text(f"{rule.name}: {_said(rule.tenants, 'all tenants')}, {_said(rule.processes, 'all processes')}")
            output.text(f"    {rule.percent:g} % to {rule.to}")
        output.text(f"else to {routes.default}" + ("" if version else "; nobody has set any rules"))


@group.command("check")
def check(file: File, host: Hosts = None, db: Db = DEFAULT_DB, json: AsJson = False) -> None:
    """Whether rules can be read, and whether they strand a tenant of the store. Exits 1 if they do."""
    from procession import Routing
    from procession.cli.engines import engine_at

    output = Output(json)
    with errors(json), engine_at(existing(db)) as engine:
        wrong = Routing(engine).stranded(read(file), _reached(host))
        output.document({"stranded": wrong})
        for line in wrong:
            output.text(line, "bold red")
        if wrong:
            raise typer.Exit(1)
        output.text(f"{file}: nobody is stranded")


@group.command("set")
def put(
    file: File,
    host: Hosts = None,
    force: Annotated[bool, typer.Option("--force", help="Even if starts of a tenant would wait.")] = False,
    db: Db = DEFAULT_DB,
    json: AsJson = False,
) -> None:
    """Take these rules from now on. What runs stays where it is; who set them stands in the audit log."""
    from procession import Routing
    from procession.cli.engines import engine_at
    from procession.runtime.requests import AddTenant, PutRecord
    from procession.runtime.tenants import PLATFORM
    from procession.services.routes import KIND, document

    output = Output(json)
    with errors(json), engine_at(existing(db)) as engine:
        routes, routing = read(file), Routing(engine)
        wrong = [] if force else routing.stranded(routes, _reached(host))
        if wrong:
            raise Problem("; ".join(wrong), "name the hosts that run with --host, or set the rules with --force")
        _, version = routing.get()
        request = PutRecord(PLATFORM, KIND, KIND, document(routes), version)
        asked(engine, lambda backend: backend.ask(AddTenant(PLATFORM), who()))
        found = asked(engine, lambda backend: backend.ask(request, who()))
        output.document({"version": found})
        output.text(f"{len(routes.rules)} rules hold for what starts from now on")


@group.command("where")
def where(
    process: Annotated[str, typer.Argument(metavar="PROCESS", help="Its id.", show_default=False)],
    key: Annotated[str, typer.Option("--key", help="The business key, which draws the share of a rule.")] = "",
    tenant: Annotated[str, typer.Option("--tenant", help="Whose start.")] = "<default>",
    version: Annotated[int, typer.Option("--version", min=1, help="Of the process.")] = 1,
    db: Db = DEFAULT_DB,
    json: AsJson = False,
) -> None:
    """On which host an instance would start now, and by which rule."""
    from procession import Routing
    from procession.cli.engines import engine_at

    output = Output(json)
    with errors(json), engine_at(existing(db)) as engine:
        found = Routing(engine).decide(process, tenant=tenant, version=version, key=key)
        output.document(msgspec.to_builtins(found))
        output.text(f"{found.host}, by {f'rule {found.rule}' if found.rule else 'default'}")


def read(file: Path) -> Routes:
    """The rules in a file."""
    from procession.services.routes import read_routes

    return read_routes(yaml_of(file, "a file of rules in YAML", "docs/how-to/route-starts.md"))


def yaml_of(file: Path, what: str, shown: str) -> Json:
    """What a file in YAML holds; `shown` is the page that shows how `what` is written."""
    from procession.parse.yaml_lines import read_yaml

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(f"{file} cannot be read: {error}", f"name {what}", USAGE) from None
    try:
        given, _ = read_yaml(text)
    except ValueError as error:
        raise Problem(f"{file}:{error}", f"write it as {shown} shows", USAGE) from None
    return given


def _reached(hosts: list[str] | None) -> Reaches:
    return lambda host, _: "" if host in (hosts or ()) else "no such host is named"


def _said(names: tuple[str, ...], none: str) -> str:
    return ", ".join(names) or none
