"""Declarations for authors' editors (`.d.ts`): what a script is given, and what the modules of the library offer.

They are for a project without the types of browsers (`"lib": ["es2023"]`): those have a `console` of their own. What
modules offer is read off their sources by `declared`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final, Literal, TypeAlias, final

import msgspec

from procession.base.failure import BadValue
from procession.base.values import NESTING_MAX, Json
from procession.scripts.declared import declared
from procession.scripts.prepared import Prepared

Basic: TypeAlias = Literal["string", "number", "boolean", "null", "any", "list", "object"]


@final
class Type(msgspec.Struct, frozen=True):
    """What is known of a variable. `item` is the type of a list's items, `fields` are those of an object; with none of
    them known, they may be anything. `optional`: the field may be missing. `nullable`: it may be null."""

    basic: Basic
    item: Type | None = None
    fields: Mapping[str, Type] = {}
    optional: bool = False
    nullable: bool = False


ANY: Final = Type("any")

_FEEL: Final[dict[str, Type]] = {
    "any": ANY,
    "null": Type("null"),
    "string": Type("string"),
    "number": Type("number"),
    "boolean": Type("boolean"),
    "date": Type("string"),
    "time": Type("string"),
    "date and time": Type("string"),
    "days and time duration": Type("string"),
    "years and months duration": Type("string"),
    "list": Type("list"),
    "context": Type("object"),
}
"""FEEL's names of types -> what a script sees: dates and durations are texts of ISO 8601 in JSON."""

_GIVEN: Final = """\
/** What the script runs for. */
declare const context: {
  readonly tenant: string;
  readonly processId: string;
  readonly instance: string;
  readonly elementId: string;
  readonly job: string;
  /** The script's clock: milliseconds since 1970, the same throughout a call. */
  readonly now: number;
};

/** An error of the process: thrown, it is caught by what is drawn for it. */
declare class BpmnError extends Error {
  constructor(code: string, message?: string, variables?: Record<string, unknown>);
  readonly code: string;
  readonly variables: Record<string, unknown>;
}

/** What is said here stands beside the result of the job. */
declare const console: {
  readonly [level in "debug" | "log" | "info" | "warn" | "error" | "dir" | "trace"]: (...data: unknown[]) => void;
} & { readonly assert: (holds: unknown, ...data: unknown[]) => void };
"""


def declarations(variables: Mapping[str, Type], modules: Iterable[Prepared] = ()) -> str:
    """The text of a `.d.ts` for scripts of a process with these variables and these modules. It is what
    `tsc --strict` takes, if the types that modules of TypeScript declare themselves are."""
    parts = ["// Made from the process's variables and the library: changes here are lost.\n"]
    parts.append(
        f"/** The variables of the process. */\ndeclare const input: {written(Type('object', fields=variables))};\n"
    )
    parts.append(_GIVEN)
    parts += [
        f"declare module {json.dumps(module.name, ensure_ascii=False)} {{\n{declared(module)}}}\n" for module in modules
    ]
    return "\n".join(parts)


def of_feel(name: str) -> Type:
    """The type that a FEEL type's name stands for, `list<name>` included. Raises `BadValue` for another name."""
    text = " ".join(name.split())
    items = 0
    while text.startswith("list<") and text.endswith(">"):
        text = text[5:-1].strip()
        items += 1
    found = _FEEL.get(text if text != "Any" else "any")
    if found is None or items > NESTING_MAX:
        raise BadValue(f"`{name[:80]}` is no type of FEEL that is known here")
    for _ in range(items):
        found = Type("list", item=found)
    return found


def of_sample(value: Json, depth: int = 0) -> Type:
    """What a value tells of the variable that held it. Items of a list are looked at together: a field that one of them
    lacks is optional, and of what differs nothing is known."""
    if depth > NESTING_MAX:
        return ANY
    if value is None:
        return Type("null")
    if isinstance(value, bool):
        return Type("boolean")
    if isinstance(value, int | float | Decimal):
        return Type("number")
    if isinstance(value, str):
        return Type("string")
    if isinstance(value, list):
        item: Type | None = None
        for part in value:
            one = of_sample(part, depth + 1)
            item = one if item is None else _both(item, one)
        return Type("list", item=item)
    return Type("object", fields={name: of_sample(part, depth + 1) for name, part in value.items()})


def _both(one: Type, other: Type) -> Type:
    """What is known of a thing that is either."""
    optional = one.optional or other.optional
    nullable = one.nullable or other.nullable
    if "null" in {one.basic, other.basic}:
        known = other if one.basic == "null" else one
        return msgspec.structs.replace(known, optional=optional, nullable=True)
    if one.basic != other.basic:
        return Type("any", optional=optional)
    if one.basic == "list":
        item = _both(one.item, other.item) if one.item and other.item else one.item or other.item
        return Type("list", item=item, optional=optional, nullable=nullable)
    fields: dict[str, Type] = {}
    for name in [*one.fields, *(name for name in other.fields if name not in one.fields)]:
        here, there = one.fields.get(name), other.fields.get(name)
        if here is not None and there is not None:
            fields[name] = _both(here, there)
        else:
            fields[name] = msgspec.structs.replace(here or there or ANY, optional=True)
    return Type(one.basic, fields=fields, optional=optional, nullable=nullable)


def written(type: Type, depth: int = 0) -> str:
    """A type as TypeScript writes it."""
    text = _plain(type, depth)
    return f"{text} | null" if type.nullable and type.basic not in {"any", "null"} else text


def _plain(type: Type, depth: int) -> str:
    if type.basic == "list":
        return f"Array<{written(type.item, depth) if type.item is not None else 'any'}>"
    if type.basic == "null":
        # What is null in every sample is hardly ever null alone.
        return "any"
    if type.basic != "object":
        return type.basic
    if not type.fields and depth:
        return "Record<string, any>"
    inside = "  " * (depth + 1)
    fields = (
        f"{inside}readonly {_field(name)}{'?' if field.optional else ''}: {written(field, depth + 1)};\n"
        for name, field in type.fields.items()
    )
    return f"{{\n{''.join(fields)}{'  ' * depth}}}"


def _field(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_$][\w$]*", name, re.ASCII) else json.dumps(name, ensure_ascii=False)
