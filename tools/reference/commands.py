"""The commands of `procession`, from what the command line itself would show as help."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import typer.main
from tools.reference.text import code, line, table

from procession.cli.app import app

KINDS: Final = {int: "NUMBER", float: "NUMBER"}


def page() -> str:
    """The whole page."""
    group: Any = typer.main.get_command(app)
    parts = [
        "How to use them is told in [The command line](../cli.md). Exit codes: 0 done, 1 an error, an incident or a"
        " failed scenario, 2 wrong usage, 3 (`run`) still waiting.",
    ]
    for name, command in _commands(group, ""):
        parts += [f"## procession {name}", *(line(part) for part in (command.help or "").split("\n\n"))]
        rows = list(_rows(command))
        if rows:
            parts.append(table(("argument or option", "", "default"), rows))
    return "\n\n".join(parts)


def _commands(group: Any, before: str) -> Iterator[tuple[str, Any]]:
    """Each command with its whole name; those of a group behind the group's."""
    for name, command in group.commands.items():
        if getattr(command, "commands", None):
            yield from _commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def _rows(command: Any) -> Iterator[tuple[str, str, str]]:
    for parameter in command.params:
        if parameter.name == "help":
            continue
        if parameter.opts[0].startswith("-"):
            label = ", ".join(code(f"{name} {_metavar(parameter)}".strip()) for name in parameter.opts)
        else:
            label = code(_metavar(parameter) + (" ..." if parameter.nargs == -1 else ""))
        if parameter.multiple:
            label += ", repeatable"
        if isinstance(parameter.envvar, str):
            label += f", or {code('$' + parameter.envvar)}"
        yield label, line(parameter.help), _default(parameter)


def _metavar(parameter: Any) -> str:
    if getattr(parameter, "is_flag", False):
        return ""
    return str(parameter.metavar or KINDS.get(parameter.type_descriptor.annotation, "TEXT"))


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    shown = parameter.show_default
    if isinstance(shown, str):
        return code(shown)
    value = parameter.default
    return "" if shown is False or value in (None, "", False) or callable(value) else code(value)
