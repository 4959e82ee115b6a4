"""Types of items (DMN 1.5, 7.3.3): whether a value conforms, and the conversions that a binding allows (10.3.2.9.4).

The types of FEEL texts (`instance of`) are the other room's. A type is filled after it is made, for it may contain
itself.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, TypeAlias, final

import msgspec

from procession.dmn.scope import Evaluate, nothing, tested
from procession.feel import MISSING, Date, DateTime, Range, Runtime, Time
from procession.feel.temporal_text import parse_date, parse_date_time, parse_duration, parse_time
from procession.feel.values import is_context, is_list, kind_of, shown

BUILT_IN: Final[dict[str, str]] = {
    "Any": "Any",
    "string": "string",
    "number": "number",
    "boolean": "boolean",
    "date": "date",
    "time": "time",
    "date and time": "date and time",
    "dateTime": "date and time",
    "days and time duration": "days and time duration",
    "dayTimeDuration": "days and time duration",
    "years and months duration": "years and months duration",
    "yearMonthDuration": "years and months duration",
    "context": "context",
    "list": "list",
    "function": "function",
    "range": "range",
    # What older modelers write.
    "integer": "number",
    "long": "number",
    "double": "number",
}
"""The kind of value by the name of a built-in type."""

_FROM_TEXT: Final = {
    "date": parse_date,
    "time": parse_time,
    "date and time": parse_date_time,
    "days and time duration": parse_duration,
    "years and months duration": parse_duration,
}
"""How a process variable carries what JSON has no word for."""


Class: TypeAlias = type


@final
class ItemType(msgspec.Struct, eq=False):
    """A type. Exactly one of: a `kind`, an alias (`base`), a list (`element`) or a structure (`fields`)."""

    name: str
    kind: str = "Any"
    base: ItemType | None = None
    element: ItemType | None = None
    fields: tuple[tuple[str, ItemType], ...] = ()
    parameters: tuple[ItemType, ...] = ()
    result: ItemType | None = None
    """What a function of this type takes and gives."""
    tests: tuple[Evaluate, ...] = ()
    """Allowed values and constraints, as unary tests of the value."""


ANY: Final = ItemType("Any")
BUILT_IN_TYPES: Final = {name: ItemType(name, kind=kind) for name, kind in BUILT_IN.items()}


def conforms(value: object, type: ItemType, rt: Runtime) -> bool:
    """Whether the value is of the type. Null is of every type."""
    if value is None:
        return True
    if type.element is not None:
        element = type.element
        fits = is_list(value) and all(conforms(item, element, rt) for item in value)
    elif type.base is not None:
        fits = conforms(value, type.base, rt)
    elif type.fields:
        fits = is_context(value) and all(
            name in value and conforms(value[name], field, rt) for name, field in type.fields
        )
    else:
        fits = type.kind in {"Any", kind_of(value)}
    if fits and type.tests:
        scope = tested(value, nothing)
        fits = all(test(scope, rt) is True for test in type.tests)
    return fits


def converted(value: object, type: ItemType, rt: Runtime) -> tuple[object, bool]:
    """The value as the type wants it, and whether it then conforms.

    An item becomes a list of one, a list of one its item, and a date the midnight in UTC that begins it.
    """
    if type is ANY or conforms(value, type, rt):
        return value, True
    if is_list(value) and len(value) == 1 and conforms(value[0], type, rt):
        return value[0], True
    target = plain(type)
    if (target.element is not None or target.kind == "list") and conforms([value], type, rt):
        return [value], True
    if isinstance(value, Date) and target.kind == "date and time":
        return DateTime(value, Time(0, 0)), True
    return value, False


def values_as_they_are(type: ItemType) -> frozenset[Class]:
    """The Python types of which every value conforms, so that it needs no look at it."""
    while type.base is not None and not type.tests:
        type = type.base
    if type.tests or type.element is not None or type.base is not None or type.fields:
        return frozenset()
    return _AS_THEY_ARE.get(type.kind, frozenset())


_AS_THEY_ARE: Final[dict[str, frozenset[Class]]] = {
    "string": frozenset({str, type(None)}),
    "number": frozenset({int, Decimal, type(None)}),
    "boolean": frozenset({bool, type(None)}),
}


def from_json(value: object, type: ItemType) -> object:
    """The value with the texts of temporal values read, wherever the type says that there is one."""
    target = plain(type)
    if isinstance(value, str):
        parse = _FROM_TEXT.get(target.kind)
        parsed = parse(value) if parse is not None else None
        return value if parsed is None else parsed
    if is_list(value) and target.element is not None and is_temporal(target.element):
        element = target.element
        return [from_json(item, element) for item in value]
    if is_context(value) and target.fields and is_temporal(target):
        fields = dict(target.fields)
        return {name: from_json(item, fields.get(name, ANY)) for name, item in value.items()}
    return value


def is_temporal(type: ItemType) -> bool:
    """Whether values of the type may hold dates, times or durations."""
    return any(found.kind in _FROM_TEXT for found in reachable(type))


def plain(type: ItemType) -> ItemType:
    """The type behind its aliases."""
    while type.base is not None:
        type = type.base
    return type


def reachable(type: ItemType) -> list[ItemType]:
    """The type and all types that its values consist of."""
    found = [type]
    for each in found:
        parts = [each.base, each.element, *(field for _, field in each.fields)]
        # By identity: two types of equal content are two types.
        found.extend(part for part in parts if part is not None and all(part is not known for known in found))
    return found


def component_names(type: ItemType) -> list[str]:
    """The names of all components that a path may reach from a value of the type."""
    return [name for each in reachable(type) for name, _ in each.fields]


def refusal(value: object, type: ItemType, place: str) -> str:
    """The text that says that a value is not of the type, and which part of it."""
    path, part, wanted = _misfit(value, type, "")
    limits = " within its allowed values" if wanted.tests and not isinstance(part, Range) else ""
    if not path:
        return f"{place} must be of type {type.name}{limits}, not {shown(value)}"
    found = "missing" if part is MISSING else shown(part)
    # The type of a component is called like the component where it is one of FEEL's.
    is_plain = not wanted.fields and wanted.element is None and not wanted.tests
    name = (is_plain and wanted.kind) or wanted.name
    return f"{place} must be of type {type.name}: its part `{path}` must be of type {name}{limits}, not {found}"


def _misfit(value: object, type: ItemType, path: str) -> tuple[str, object, ItemType]:
    """The first part of a value that does not conform, as far inside as it goes: its path, itself, its type."""
    # What the walk costs is no work of the decision, and its notes are nobody's.
    rt = Runtime(budget=1 << 60)
    if type.base is not None and not conforms(value, type.base, rt):
        return _misfit(value, type.base, path)
    if type.element is not None and is_list(value):
        for place, item in enumerate(value, 1):
            if not conforms(item, type.element, rt):
                return _misfit(item, type.element, f"{path}[{place}]")
    if type.fields and is_context(value):
        for name, field in type.fields:
            part = value.get(name, MISSING)
            if part is MISSING or not conforms(part, field, rt):
                inner = f"{path}.{name}".removeprefix(".")
                return (inner, part, _named(field)) if part is MISSING else _misfit(part, _named(field), inner)
    return path, value, type


def _named(type: ItemType) -> ItemType:
    """The type that a component is declared to be: its own is called like the component."""
    return type.base if type.base is not None and not type.tests else type
