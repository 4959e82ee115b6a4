"""Data of a form by path, and what a name means in an expression at some place of it.

A path is steps: names, and numbers of rows from 0. As in form-js expressions see all data of the form, and in a
dynamic list also `this` (the row), `parent` (the row or form around it) and `i` (the number of the row, from 1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Final, TypeAlias, cast, final

import msgspec

from procession.base.values import Json, Variables
from procession.feel import MISSING, Lookup

Path: TypeAlias = "tuple[str | int, ...]"
_STEP: Final = re.compile(r"\.?([^.\[\]]+)|\[(\d{1,6})\]")


@final
class Scope(msgspec.Struct, frozen=True, gc=False):
    """Where a component stands: the path that its key begins with, and the rows that it is in, outermost first."""

    path: Path = ()
    rows: tuple[Path, ...] = ()


def path_text(path: Path) -> str:
    """A path as errors and fields show it: `people[0].name`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def path_of(text: str) -> Path:
    """The path of a text of `path_text`; () for one that is none."""
    steps: list[str | int] = []
    end = 0
    for found in _STEP.finditer(text):
        if found.start() != end:
            return ()
        end = found.end()
        steps.append(int(found[2]) if found[2] is not None else found[1])
    return tuple(steps) if end == len(text) else ()


def value_at(data: Json, path: Path) -> Json:
    """What stands at a path; null where nothing does."""
    for step in path:
        if isinstance(step, str) and isinstance(data, dict):
            data = data.get(step)
        elif isinstance(step, int) and isinstance(data, list) and step < len(data):
            data = data[step]
        else:
            return None
    return data


def put_at(data: Variables, path: Path, value: Json) -> None:
    """Puts a value at a path; what is missing on the way is made, what is in the way is replaced."""
    at: Json = data
    for step, following in pairwise(path):
        fresh: Json = [] if isinstance(following, int) else {}
        wanted = type(fresh)
        if isinstance(step, int):
            rows = cast("list[Json]", at)
            while len(rows) <= step:
                rows.append({})
            if type(rows[step]) is not wanted:
                rows[step] = fresh
            at = rows[step]
        else:
            entries = cast("dict[str, Json]", at)
            if type(entries.get(step)) is not wanted:
                entries[step] = fresh
            at = entries[step]
    last = path[-1]
    if isinstance(last, int):
        rows = cast("list[Json]", at)
        while len(rows) <= last:
            rows.append({})
        rows[last] = value
    else:
        cast("dict[str, Json]", at)[last] = value


def remove_at(data: Variables, path: Path) -> None:
    """Takes away what stands at a path. A row stays, so that the numbers of the others do."""
    around = value_at(data, path[:-1])
    if isinstance(around, dict) and isinstance(path[-1], str):
        around.pop(path[-1], None)


def copied(value: Json) -> Json:
    """A copy that may be changed."""
    if isinstance(value, dict):
        return {key: copied(each) for key, each in value.items()}
    if isinstance(value, list):
        return [copied(each) for each in value]
    return value


def lookup(data: Mapping[str, Json], scope: Scope) -> Lookup:
    """What names mean at a place. Data stands before `this`, `parent` and `i`; `_this_` is always the row."""

    def special(name: str) -> object:
        rows = scope.rows
        if name == "this":
            return value_at(cast("Json", data), rows[-1]) if rows else data
        if name == "parent":
            return value_at(cast("Json", data), rows[-2]) if len(rows) > 1 else data if rows else None
        if name == "i":
            return cast("int", rows[-1][-1]) + 1 if rows else None
        return MISSING

    def look(name: str) -> object:
        if name in data:
            return data[name]
        if name in _UNDERSCORED:
            return special(name.strip("_"))
        return special(name)

    return look


_UNDERSCORED: Final = frozenset({"_this_", "_parent_", "_i_"})
SPECIAL: Final = frozenset({"this", "parent", "i"}) | _UNDERSCORED
"""Names that mean something though no field sets them."""
