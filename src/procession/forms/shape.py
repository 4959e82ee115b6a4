"""The shape of components: each property against its row in the tables. What the JSON Schema refuses, this refuses.

What must not live here: what properties mean together (`lint.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from procession.base.values import Json
from procession.forms.components import COLUMN, COMPONENTS, KEY, OBJECTS, OPTION, Property
from procession.forms.extensions import EXTENSIONS, PREFIX, extensions_of, size_of
from procession.forms.findings import Findings
from procession.parse.json_lines import pointer

_KEY: Final = re.compile(KEY)
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_WANTED: Final[dict[str, str]] = {
    "text": "a text",
    "template": "a text",
    "feel": "an expression, which begins with =",
    "boolean": "true or false",
    "integer": "a whole number from 0",
    "number": "a number",
    "path": "names with dots between them, such as `person.name`",
    "options": "a list of {label, value}",
    "columns": "a list of {label, key}",
    "components": "a list of components",
    "object": "an object",
}
_EXTENSION_WANTED: Final[dict[str, str]] = {
    "text": "a text",
    "boolean": "true or false",
    "integer": "a whole number from 1",
    "size": "a number of bytes, or a size such as `5 MB`",
    "feel": "an expression, which begins with =",
    "translations": "an object of languages, each an object of texts",
    "rules": "a list of {when, message, at}",
    "currency": "a currency of three capitals, such as EUR",
    "kind": "a kind of field",
}


def check_properties(found: Findings, raw: Mapping[str, Json], at: str, table: Mapping[str, Property]) -> None:
    """Reports each property that is missing, of another type, or not known."""
    for name, row in table.items():
        if name not in raw:
            if row.required:
                # What has no key has a rule of its own: people look for it by that name.
                rule = "form-key" if row.kind == "path" else "form-property"
                found.report(rule, at, f"`{name}` is missing", f"give {_WANTED.get(row.kind, 'it')}")
            continue
        _check_value(found, raw[name], row, pointer(at, name))
    for name in raw:
        if name not in table:
            text = f"`{name[:80]}` is no property of it; it is kept, and has no effect"
            found.report("form-property", pointer(at, name), text, "correct its name, or leave it out", "warning")


def check_extensions(found: Findings, raw: Mapping[str, Json], at: str, type: str) -> None:
    """Reports extensions that are not known, not of their type, or without a meaning at this type of component."""
    given = raw.get("properties")
    if not isinstance(given, dict):
        return
    for name, value in extensions_of(raw).items():
        place = pointer(pointer(at, "properties"), PREFIX + name)
        row = EXTENSIONS.get(name)
        if row is None:
            text = f"no extension is called `{PREFIX}{name[:80]}`"
            found.report("form-extension", place, text, "correct its name; docs/forms.md lists all", "warning")
        elif not fits_extension(value, row.type):
            wanted = _EXTENSION_WANTED[row.type]
            found.report("form-extension", place, f"`{PREFIX}{name}` must be {wanted}", "correct the value")
        elif type not in row.on:
            text = f"`{PREFIX}{name}` has no effect at a component of type {type}"
            found.report("form-extension", place, text, "leave it out, or move it", "warning")


def fits_extension(value: Json, type: str) -> bool:
    """Whether a value is of the type of an extension."""
    match type:
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return _whole(value) and value != 0
        case "size":
            return size_of(value) is not None
        case "feel":
            return isinstance(value, str) and value.startswith("=")
        case "translations":
            return isinstance(value, dict) and all(
                isinstance(each, dict) and all(isinstance(text, str) for text in each.values())
                for each in value.values()
            )
        case "rules":
            return isinstance(value, list) and all(isinstance(each, dict) for each in value)
        case "currency":
            return isinstance(value, str) and _CURRENCY.fullmatch(value) is not None
        case _:
            return isinstance(value, str) and value != ""


def _check_value(found: Findings, value: Json, row: Property, at: str) -> None:
    if not _fits(value, row):
        wanted = _WANTED.get(row.kind, "another value") + (", or an expression, which begins with =" * row.feel)
        rule = "form-key" if row.kind == "path" else "form-property"
        found.report(rule, at, f"`{_last(at)}` must be {wanted}", "correct the value")
    elif row.words and not (row.feel and isinstance(value, str)) and value not in row.words:
        named = ", ".join(str(each) or '""' for each in row.words)
        found.report("form-property", at, f"`{_last(at)}` must be one of {named}", "choose one of them")
    elif row.inside and isinstance(value, dict):
        check_properties(found, value, at, OBJECTS[row.inside])
    elif row.kind in {"options", "columns"} and isinstance(value, list):
        table = OPTION if row.kind == "options" else COLUMN
        for index, each in enumerate(value):
            if isinstance(each, dict):
                check_properties(found, each, f"{at}/{index}", table)


def _fits(value: Json, row: Property) -> bool:
    if row.feel and isinstance(value, str) and value.startswith("="):
        return True
    match row.kind:
        case "text" | "template":
            return isinstance(value, str) or (value is None and not row.required)
        case "feel":
            return isinstance(value, str) and (value.startswith("=") or (not value and not row.required))
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return _whole(value) or (_empty(value) and not row.words)
        case "number":
            return _number(value) or _empty(value)
        case "path":
            return isinstance(value, str) and (_KEY.fullmatch(value) is not None or (not value and not row.required))
        case "options" | "columns" | "components":
            return isinstance(value, list) and all(isinstance(each, dict) for each in value)
        case "object":
            return isinstance(value, dict)
        case "any":
            return True


def _empty(value: Json) -> bool:
    return value is None or value == ""


def _whole(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _number(value: Json) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _last(at: str) -> str:
    return at.rpartition("/")[2]


def known(type: str) -> bool:
    """Whether there is such a type of component."""
    return type in COMPONENTS
