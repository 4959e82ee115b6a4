"""Commands on the settings of a server: check them, show them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from procession.cli.console import FAILED, Output, as_text, errors
from procession.cli.options import AsJson

group: Final = typer.Typer(no_args_is_help=True, help="Look at the settings of a server.")

File: TypeAlias = Annotated[
    Path | None,
    typer.Argument(envvar="PROCESSION_CONFIG", metavar="FILE", help="The settings, TOML.", show_default=False),
]


@group.callback()
def _of_all() -> None:
    """Look at the settings of a server."""


@group.command("check")
def check(file: File = None, *, json: AsJson = False) -> None:
    """Tell every problem of the settings of a file and of the environment; exits 1 if there is one."""
    from procession.web.settings_reader import read_settings

    output = Output(json)
    with errors(json):
        read = read_settings(file, os.environ)
        for each in read.problems:
            output.document({"key": each.key, "source": each.source, "text": each.text, "remedy": each.remedy})
            output.text(str(each))
        count = len(read.problems)
        output.text("the settings can be used" if not count else f"{count} problem{'s' if count > 1 else ''}")
        if count:
            raise typer.Exit(FAILED)


@group.command("show")
def show(file: File = None, *, json: AsJson = False) -> None:
    """Show every setting with its value and where it comes from; secrets are masked."""
    from procession.web.settings_reader import read_settings, shown

    output = Output(json)
    with errors(json):
        read = read_settings(file, os.environ)
        rows = list(shown(read))
        for key, value, source in rows:
            output.document({"key": key, "value": value, "source": source})
        output.table(("setting", "value", "from"), [(key, as_text(value), source) for key, value, source in rows], "")
        if read.problems:
            raise typer.Exit(FAILED)
