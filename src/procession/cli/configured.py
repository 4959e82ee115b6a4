"""Settings of a command: read from where they may stand, and refused with every problem that they have."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from procession.cli.console import USAGE, Problem

if TYPE_CHECKING:
    from procession.web.settings import Settings

NEEDED: Final = ("litestar", "uvicorn", "structlog", "prometheus_client", "httpx")

Config: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--config", envvar="PROCESSION_CONFIG", metavar="FILE", help="The settings, TOML.", show_default=False
    ),
]
LogFormat: TypeAlias = Annotated[
    str,
    typer.Option("--log-format", metavar="json|text", help="How the log is written, on stderr.", show_default=False),
]


def need_server() -> None:
    """Raises `Problem` when the extra `server` is not installed."""
    from importlib.util import find_spec

    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise Problem(f"missing: {', '.join(missing)}", "pip install 'procession[cli,server]'")


def settings_of(file: Path | None, options: Mapping[str, object], *, only: tuple[str, ...] = ()) -> Settings:
    """The settings of a server, with the options of the command line that are not None. Raises `Problem`: for problems
    of some groups `only`, or of all."""
    from procession.web.settings_reader import read_settings

    given = {key: value for key, value in options.items() if value is not None}
    read = read_settings(file, os.environ, given)
    wanted = (*only, *([str(file)] if file is not None else []))
    problems = [each for each in read.problems if not only or each.key.startswith(wanted)]
    if problems:
        told = "\n  ".join(map(str, problems))
        raise Problem(f"the settings cannot be used:\n  {told}", "look at them with: procession config show", USAGE)
    return read.settings
