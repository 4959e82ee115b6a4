"""The command that tells which running instances a change would touch (docs/how-to/see-the-impact.md)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from procession.cli.commands.documents import named
from procession.cli.console import FAILED, USAGE, Output, Problem, errors
from procession.cli.options import DEFAULT_DB, AsJson, Db, existing

if TYPE_CHECKING:
    from procession import Impact
    from procession.services.impact import Totals, Touched

COLUMNS = {"process_id": "PROCESS", "version": "VERSION", "element": "ELEMENT", "what": "HOW", "instances": "INSTANCES"}

Names = list[str] | None


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked: one of these."""

    flag: int | None
    deploy: list[Path]
    job_type: list[str]
    connector: list[str]

    def of(self, impact: Impact) -> Iterator[Touched]:
        """The instances that are meant. Raises `Problem` where it is not one question."""
        if (self.flag is not None) + bool(self.deploy) + bool(self.job_type or self.connector) != 1:
            raise Problem(
                "the impact of what?", "one of --flag N, --deploy FILE, --job-type TYPE, --connector NAME", USAGE
            )
        if self.flag is not None:
            return impact.of_flag(self.flag)
        if self.deploy:
            return impact.of_deployment(*named(self.deploy))
        return impact.of_jobs(*self.job_type, connectors=self.connector)


def impact(
    *,
    flag: Annotated[
        int | None, typer.Option("--flag", metavar="N", help="Of switching a behaviour flag on.", show_default=False)
    ] = None,
    deploy: Annotated[
        list[Path] | None,
        typer.Option("--deploy", metavar="FILE", help="Of deploying models; repeatable.", show_default=False),
    ] = None,
    job_type: Annotated[
        Names, typer.Option("--job-type", metavar="TYPE", help="Of jobs of a type; repeatable.", show_default=False)
    ] = None,
    connector: Annotated[
        Names,
        typer.Option(
            "--connector", metavar="NAME", help="Of jobs NAME and NAME:VERSION; repeatable.", show_default=False
        ),
    ] = None,
    tenant: Annotated[
        Names, typer.Option("--tenant", help="Of this tenant; repeatable. Default: all.", show_default=False)
    ] = None,
    process: Annotated[
        Names, typer.Option("--process", metavar="ID", help="Of this process; repeatable.", show_default=False)
    ] = None,
    totals: Annotated[bool, typer.Option("--totals", help="Only how many, by version and element.")] = False,
    fail_if_any: Annotated[bool, typer.Option("--fail-if-any", help="Exit 1 if any instance is touched.")] = False,
    db: Db = DEFAULT_DB,
    json: AsJson = False,
) -> None:
    """Tell which running instances a change would touch, and why. Nothing is changed, and nothing deployed."""
    from procession import Impact
    from procession.cli.engines import engine_at
    from procession.services.impact import Totals

    output = Output(json)
    given = _Asked(flag=flag, deploy=deploy or [], job_type=job_type or [], connector=connector or [])
    with errors(json), engine_at(existing(db)) as engine:
        counted = Totals()
        for each in given.of(Impact(engine, tenants=tenant or (), processes=process or ())):
            counted.add(each)
            if not totals:
                _tell(each, output)
        _sum(counted, output)
    if fail_if_any and counted.instances:
        raise typer.Exit(FAILED)


def _tell(touched: Touched, output: Output) -> None:
    output.document({**msgspec.to_builtins(touched), "instance": str(touched.instance)})
    where = f", on {touched.host}" if touched.host else ""
    output.text(f"{touched.tenant}/{touched.instance}  {touched.process_id} version {touched.version}{where}")
    for reason in touched.reasons:
        output.text(f"    {reason.element or '-'}: {reason.text}")
    if touched.migration == "possible":
        output.text("    could be migrated", "green")
    for problem in touched.problems:
        output.text(f"    cannot be migrated: {problem}", "bold red")


def _sum(totals: Totals, output: Output) -> None:
    rows = [msgspec.to_builtins(each) for each in totals.rows()]
    migrations = {name: count for name, count in totals.migrations.items() if name}
    output.document({"touched": totals.instances, "migration": migrations, "totals": rows})
    output.table(tuple(COLUMNS.values()), [[row[name] for name in COLUMNS] for row in rows], "")
    told = f"; a migration is possible for {migrations.get('possible', 0)} of them" if migrations else ""
    output.text(f"{totals.instances} running instances are touched{told}")
