"""Reading a cell's file: strictly, and what is wrong is said with its line and the name that was meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, TypeAlias, Union, cast, get_args, get_origin, get_type_hints

import msgspec

from procession.base.decoding import known
from procession.base.values import Json
from procession.hosts.temporal.cells.cell import BadCell, Cell, problems

Places: TypeAlias = Iterator[tuple[str, str]]


def load_cell(path: Path) -> Cell:
    """The cell in a file. Raises `BadCell` with file and line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadCell(f"{path}:1: cannot be read: {error}") from None
    return parse_cell(text, str(path))


def parse_cell(text: str, file: str) -> Cell:
    """The cell in a YAML text; `file` is for messages. Raises `BadCell`, a line for each thing that is wrong."""
    # PyYAML belongs to the command line's extra: a starter that makes its cell in Python needs none.
    from procession.parse.yaml_lines import Lines, read_yaml

    def told(found: Iterable[tuple[str, str]], lines: Lines) -> None:
        texts = [f"{file}:{_line(place, lines)}: {_shown(place)}{text}" for place, text in found]
        if texts:
            raise BadCell("\n".join(texts))

    try:
        raw, lines = read_yaml(text)
    except ValueError as error:
        raise BadCell(f"{file}:{error}") from None
    told(_misfits(raw, Cell, "$"), lines)
    cell = msgspec.convert(raw, known(Cell))
    told(problems(cell), lines)
    return cell


def _misfits(raw: Json, type_: object, place: str) -> Places:
    """What of plain data does not fit a type. msgspec says as much, but of mappings not under which key."""
    struct = _struct_of(type_)
    if struct is not None and isinstance(raw, dict):
        yield from _misfits_of_struct(raw, struct, place)
    elif get_origin(type_) is dict and isinstance(raw, dict):
        for name, value in raw.items():
            yield from _misfits(value, get_args(type_)[1], f"{place}.{name}")
    elif get_origin(type_) is list and isinstance(raw, list):
        for index, value in enumerate(raw):
            yield from _misfits(value, get_args(type_)[0], f"{place}[{index}]")
    elif get_origin(type_) is Literal:
        if raw not in get_args(type_):
            yield place, f"{raw!r} is none of {', '.join(get_args(type_))}"
    else:
        try:
            msgspec.convert(raw, known(cast("type[object]", type_)))
        except msgspec.ValidationError as error:
            yield place, str(error)


def _misfits_of_struct(raw: dict[str, Json], struct: type[msgspec.Struct], place: str) -> Places:
    types = get_type_hints(struct, include_extras=True)
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    for name, value in raw.items():
        if name not in fields:
            yield f"{place}.{name}", f"unknown key `{name}`{_nearest(name, fields)}"
        elif value is None and fields[name].default_factory is not msgspec.NODEFAULT:
            yield f"{place}.{name}", "nothing is given here: write it, or leave out the key"
        else:
            yield from _misfits(value, types[fields[name].name], f"{place}.{name}")
    for name, field in fields.items():
        if field.required and name not in raw:
            yield place, f"missing key `{name}`"


def _struct_of(type_: object) -> type[msgspec.Struct] | None:
    """The struct that a type is, alone or as one of a union."""
    types = get_args(type_) if get_origin(type_) in _UNIONS else (type_,)
    return next((each for each in types if isinstance(each, type) and issubclass(each, msgspec.Struct)), None)


def _nearest(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(name, names, 1)
    return f"; did you mean `{close[0]}`?" if close else f"; known are {', '.join(names)}"


def _shown(place: str) -> str:
    return f"{place.removeprefix('$.')}: " if place != "$" else ""


def _line(place: str, lines: dict[str, int]) -> int:
    """The line of a place, or of the nearest place around it."""
    while place and place not in lines:
        place = place[: max(place.rfind("."), place.rfind("["), 0)]
    return lines.get(place, 1)


_UNIONS = (Union, type(int | str))
