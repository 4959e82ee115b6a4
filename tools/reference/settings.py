"""The settings of a server, from the structs that hold them and the texts under their fields."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from tools.reference.text import class_of, code, documented, line, table

from procession.web.settings import Part, Settings
from procession.web.settings_reader import is_part, is_secret, kind_of, part_of, types_of, variable

MODULE: Final = "web.settings"


def page() -> str:
    """The whole page."""
    parts = [
        "How a server is run is told in [Run the server](../server.md). A setting stands in a TOML file"
        " (`--config FILE`, or `$PROCESSION_CONFIG`), in the environment, or is an option of the command; the last"
        " counts most. `server.port` is `port` under `[server]`, and the variable `PROCESSION_SERVER__PORT`. Lists"
        " of texts may be written with commas there, lists of groups as JSON.",
        "A secret never stands in the settings' file: it is a variable, or the text of a file of its own that"
        " `<name>_file` names, in the file or as a variable. `procession config check` tells every problem,"
        " `procession config show` every value and where it comes from.",
    ]
    for name, held in types_of(Settings).items():
        # Groups with names of their own: each has the same settings.
        type_ = part_of(held) or held
        group = name if type_ is held else f"{name}.<name>"
        parts += [f"## {name}", line(type_.__doc__), table(("setting", "takes", "default", ""), _rows(group, type_))]
        for field, inner in _groups(type_):
            parts += [f"### {name}.{field}", line(inner.__doc__)]
            parts.append(table(("key", "takes", "default", ""), _keys(inner)))
    return "\n\n".join(parts)


def _rows(group: str, part: type[Part]) -> Iterator[tuple[str, str, str, str]]:
    for name, takes, default, text in _keys(part):
        field = name.strip("`")
        yield f"{name}<br>{code(variable(f'{group}.{field}'))}", takes, default, text


def _keys(part: type[Part]) -> Iterator[tuple[str, str, str, str]]:
    texts = dict(_texts(part))
    types = types_of(part)
    for field in msgspec.structs.fields(part):
        default = "required" if field.required else _shown(field.default)
        if is_secret(types[field.name]):
            default = ""
        yield code(field.name), kind_of(types[field.name]), default, texts[field.name]


def _texts(part: type[Part]) -> Iterator[tuple[str, str]]:
    for statement, text in documented(class_of(MODULE, part.__name__).body):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            yield statement.target.id, text


def _groups(part: type[Part]) -> Iterator[tuple[str, type[Part]]]:
    for name, type_ in types_of(part).items():
        for inner in getattr(type_, "__args__", ()):
            if is_part(inner):
                yield name, inner


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return code(str(value).lower())
    return code(msgspec.json.encode(value).decode()) if value not in ("", ()) else ""
