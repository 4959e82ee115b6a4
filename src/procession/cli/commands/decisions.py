"""Commands about decisions: `dmn eval` decides and shows how."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, cast

import typer

from procession.base.failure import BadValue
from procession.base.values import checked_all, decode
from procession.cli.console import FAILED, USAGE, Output, Problem, errors
from procession.cli.options import AsJson, Vars, variables_of

if TYPE_CHECKING:
    from procession import dmn

group: Final = typer.Typer(name="dmn", help="Decide with DMN models.", no_args_is_help=True)


@group.command("eval")
def evaluate(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A DMN file.", show_default=False)],
    decision: Annotated[
        str,
        typer.Option(
            "--decision", "-d", metavar="NAME", help="Its id or name; also a service or a function.", show_default=False
        ),
    ] = "",
    given: Annotated[
        str, typer.Option("--input", "-i", metavar="JSON|@FILE", help="A JSON object of inputs.", show_default=False)
    ] = "",
    var: Vars = None,
    imports: Annotated[
        list[Path] | None,
        typer.Option("--import", metavar="FILE", help="A model that it imports; repeatable, in any order."),
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show matched rules and every decision.")] = False,
    json: AsJson = False,
) -> None:
    """Decide: a decision, a decision service or a business knowledge model. Exits 1 where there is no result."""
    output = Output(json)
    with errors(json):
        from procession import dmn, feel

        loaded = dmn.load(model, imports=imports or [])
        name = decision or _only(loaded)
        told = loaded.evaluate(name, {**_inputs(given), **variables_of(var)}, explain=True)
        record: dict[str, object] = {"decision": name, "value": feel.to_json(told.value)}
        if told.error:
            record["error"] = told.error
        record["diagnostics"] = [{"code": each.code, "message": each.message} for each in told.diagnostics]
        if explain:
            record["evaluations"] = [evaluation_record(each) for each in told.evaluations]
        output.document(record)
        if explain:
            for each in told.evaluations:
                _show(each, output)
        output.text(f"no result: {told.error}" if told.error else feel.string(told.value, quoted=True))
        for note in told.diagnostics:
            output.text(f"{note.code}: {note.message}", "yellow")
        if told.error:
            raise typer.Exit(FAILED)


def evaluation_record(each: dmn.Evaluation) -> dict[str, object]:
    """One decision as JSON."""
    from procession import feel

    return {
        "id": each.id,
        "name": each.name,
        "inputs": {name: feel.to_json(value) for name, value in each.inputs.items()},
        "output": feel.to_json(each.output),
        "done": each.done,
        "held": each.held,
        "tables": [
            {
                "owner": table.owner,
                "hitPolicy": table.hit_policy,
                "inputs": [[name, feel.to_json(value)] for name, value in table.inputs],
                "rules": [
                    {"number": rule.number, "id": rule.id, "annotations": list(rule.annotations)}
                    for rule in table.rules
                ],
            }
            for table in each.tables
        ],
    }


def _show(each: dmn.Evaluation, output: Output) -> None:
    from procession import feel

    output.text(each.name or each.id or "a function", "bold")
    for name, value in each.inputs.items():
        output.text(f"  {name} = {feel.string(value, quoted=True)}")
    for table in each.tables:
        owner = f" of {table.owner}" if table.owner != each.id else ""
        output.text(f"  table{owner}, {table.hit_policy}")
        for name, value in table.inputs:
            output.text(f"    {name} = {feel.string(value, quoted=True)}")
        for rule in table.rules:
            note = " · ".join(part for part in rule.annotations if part)
            output.text(f"    rule {rule.number} ({rule.id}) matches{': ' + note if note else ''}", "green")
        if not table.rules:
            output.text("    no rule matches", "yellow")
    output.text(f"  gives {feel.string(each.output, quoted=True)}" if each.done else "  has no result")
    if not each.held:
        output.text("  an assertion did not hold", "yellow")


def _only(model: dmn.Model) -> str:
    ids = list(model.decisions)
    if len(ids) == 1:
        return ids[0]
    raise Problem("which decision?", f"--decision with one of: {', '.join(model.names)}", USAGE)


def _inputs(text: str) -> dict[str, object]:
    if not text:
        return {}
    try:
        value = decode(Path(text[1:]).read_bytes() if text.startswith("@") else text)
    except BadValue as error:
        raise Problem(f"--input: {error}", 'write {"name": value}, or @FILE', USAGE) from None
    if not isinstance(value, dict):
        raise Problem("--input holds no JSON object", 'write {"name": value}', USAGE)
    return cast("dict[str, object]", checked_all(value))
