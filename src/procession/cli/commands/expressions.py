"""The command that evaluates FEEL: one expression, what stdin holds, or line by line in a terminal."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from procession.base.failure import ProcessionError
from procession.cli.console import FAILED, USAGE, Output, Problem, errors
from procession.cli.options import AsJson, Vars, among, variables_of

DIALECTS: Final = ("feel", "camunda")


def feel(
    expression: Annotated[
        str, typer.Argument(metavar="[EXPRESSION]", help="A FEEL expression, or unary tests.", show_default=False)
    ] = "",
    context: Annotated[
        Path | None, typer.Option("--context", metavar="FILE", help="A file with a JSON object.", show_default=False)
    ] = None,
    var: Vars = None,
    unary: Annotated[
        str | None,
        typer.Option("--unary", metavar="VALUE", help="Test this FEEL value against unary tests.", show_default=False),
    ] = None,
    dialect: Annotated[
        str,
        typer.Option(
            "--dialect", metavar="|".join(DIALECTS), help="feel is the standard.", autocompletion=among(DIALECTS)
        ),
    ] = "feel",
    json: AsJson = False,
) -> None:
    """Evaluate a FEEL expression and explain its nulls. Without one: a prompt, or the expression is read from stdin.

    Exits 1 for a text that is no FEEL.
    """
    from procession.cli import prompt

    output = Output(json)
    with errors(json):
        if dialect not in DIALECTS:
            raise Problem(f"no dialect {dialect!r}", f"one of {', '.join(DIALECTS)}", USAGE)
        session = prompt.Session(dict(variables_of(var, context)), prompt.dialect_of(dialect), _now_ms())
        if unary is None and not expression and sys.stdin.isatty():
            prompt.converse(session, output)
            return
        text = expression or sys.stdin.read()
        if not text.strip():
            raise Problem("no expression", "procession feel 'EXPRESSION'", USAGE)
        try:
            outcome = session.tested(text, unary) if unary is not None else session.evaluated(text)
        except ProcessionError as error:
            _refuse(output, text, error)
            raise typer.Exit(FAILED) from None
        for record, line in prompt.told(text, outcome):
            output.document(record)
            output.text(line)


def _refuse(output: Output, text: str, error: ProcessionError) -> None:
    from procession.cli.console import write_error
    from procession.feel import FeelSyntaxError

    if isinstance(error, FeelSyntaxError):
        at: dict[str, object] = {"line": error.line, "column": error.column, "hint": error.hint}
        write_error(
            output.as_json, str(error), {"error": error.message, "remedy": error.hint, "expression": text, **at}
        )
    else:
        write_error(output.as_json, str(error), {"error": str(error), "remedy": "", "expression": text})


def _now_ms() -> int:
    """What `now()` and `today()` mean at a prompt."""
    return time.time_ns() // 1_000_000
