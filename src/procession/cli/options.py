"""Options that several commands share, each said once; and reading what they hold. No command lives here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from procession.base.failure import BadValue
from procession.base.values import Json, Variables, checked_all, decode
from procession.cli.console import USAGE, Problem

DEFAULT_DB: Final = "procession.db"
DEFAULT_TENANT: Final = "<default>"
MEMORY: Final = ":memory:"

Db: TypeAlias = Annotated[
    str,
    typer.Option(
        "--db",
        envvar="PROCESSION_DB",
        metavar="PATH",
        help="The engine's SQLite file.",
        show_default="./procession.db",
    ),
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="JSON on stdout and stderr.")]
Vars: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--var",
        "-v",
        metavar="K=V",
        help='A variable: JSON if it reads as JSON (12, true, [1]), else text; k="12" is text, k:=v only JSON.',
        show_default=False,
    ),
]
VarsFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--vars", metavar="FILE", help="A file with a JSON object of variables.", show_default=False),
]
Workers: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--workers",
        "-w",
        metavar="MODULE:OBJECT",
        help="Worker functions to run jobs with; repeatable.",
        show_default=False,
    ),
]
Tenant: TypeAlias = Annotated[str, typer.Option("--tenant", help="The tenant.", show_default=False)]


def among(names: Iterable[str]) -> Callable[[str], list[str]]:
    """What a shell completes to one of these."""
    known = tuple(names)

    def complete(incomplete: str) -> list[str]:
        return [name for name in known if name.startswith(incomplete)]

    return complete


def variables_of(assignments: list[str] | None, file: Path | None = None) -> Variables:
    """The variables of `--vars` and then `--var`. In `k=v` the value is JSON if it reads as JSON, else text; in `k:=v`
    it must be JSON. Raises `Problem` for what is no assignment, `BadValue` for what no variable can hold.
    """
    variables: Variables = _of_file(file) if file is not None else {}
    for text in assignments or ():
        name, sign, value = text.partition("=")
        if not sign or not name.strip(":"):
            raise Problem(f"--var {text!r} is no assignment", "write k=value", USAGE)
        if name.endswith(":"):
            variables[name[:-1]] = _json(name[:-1], value)
        else:
            variables.update(checked_all({name: _read(value)}))
    return variables


def existing(db: str) -> str:
    """The path of a store that is there already. A command that only looks must not make an empty one."""
    if db != MEMORY and "://" not in db and not Path(db).exists():
        raise Problem(f"no store at {os.fspath(Path(db))}", "deploy a process first, or name the file with --db")
    return db


def _of_file(file: Path) -> Variables:
    try:
        value = decode(file.read_bytes())
        if isinstance(value, dict):
            return checked_all(value)
    except BadValue as error:
        raise Problem(f"{file}: {error}", "the file is one JSON object, in UTF-8") from None
    raise Problem(f"{file} holds no JSON object", 'write {"name": value}')


def _read(text: str) -> Json:
    """`amount=12` is a number, as everybody who types it means; `zip=01234` and `name=Ada` are no JSON, and text."""
    try:
        return decode(text)
    except BadValue:
        return text


def _json(name: str, text: str) -> Json:
    try:
        return checked_all({name: decode(text)})[name]
    except ValueError as error:
        raise Problem(f"--var {name}:={text}: {error}", f"write text as {name}={text}", USAGE) from None
