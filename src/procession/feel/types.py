"""Whether a value is of a type (DMN 1.5, 10.3.2.9): `instance of`, and the types of parameters.

`types` are those that the document defines, by name; one may contain itself, so names are followed as they are met.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from procession.feel.nodes import TypeRef
from procession.feel.runtime import Runtime
from procession.feel.values import Function, Range, is_context, is_list, kind_of

Types: TypeAlias = Mapping[str, TypeRef]
NO_TYPES: Final[Types] = {}
SIMPLE = frozenset({
    "number", "string", "boolean", "date", "time", "date and time",
    "years and months duration", "days and time duration",
})  # fmt: skip
KNOWN = SIMPLE | {"Any", "Null", "list", "context", "function", "range"}
ANY: Final = TypeRef("Any")


def instance_of(value: object, kind: TypeRef, types: Types, rt: Runtime, at: int) -> bool | None:
    """`value instance of kind`; null and a note for a type that does not exist."""
    unknown = unknown_type(kind, types)
    if unknown is not None:
        rt.note("unknown-type", f"there is no type `{unknown}`", at)
        return None
    rt.weigh(value)
    return conforms(value, kind, types)


def conforms(value: object, kind: TypeRef, types: Types = NO_TYPES) -> bool:
    """Whether the value is of the type. Null is of type Null alone; in lists and contexts it fits anywhere."""
    kind = _defined(kind, types)
    name = kind.name
    if value is None:
        return name == "Null"
    if name == "Any":
        return True
    if name == "list":
        element = kind.arguments[0] if kind.arguments else ANY
        return is_list(value) and all(_fits(item, element, types) for item in value)
    if name == "context":
        return is_context(value) and all(key in value and _fits(value[key], field, types) for key, field in kind.fields)
    if name == "range":
        return isinstance(value, Range) and _range_conforms(value, kind, types)
    if name == "function":
        return isinstance(value, Function) and _function_conforms(value, kind, types)
    return kind_of(value) == name


def type_conforms(kind: TypeRef, wanted: TypeRef, types: Types = NO_TYPES, depth: int = 0) -> bool:
    """Whether each value of a type is one of the other (10.3.2.9.2)."""
    kind, wanted = _defined(kind, types), _defined(wanted, types)
    if wanted.name == "Any" or kind.name == "Null" or kind == wanted or depth > _DEPTH_MAX:
        return True
    if kind.name != wanted.name:
        return False
    if kind.name == "context":
        fields = dict(kind.fields)
        return all(
            name in fields and type_conforms(fields[name], field, types, depth + 1) for name, field in wanted.fields
        )
    if kind.name == "function":
        # Parameters are contravariant: what the type promises to pass must be accepted.
        return (
            len(kind.arguments) == len(wanted.arguments)
            and all(
                type_conforms(passed, taken, types, depth + 1)
                for taken, passed in zip(kind.arguments, wanted.arguments, strict=True)
            )
            and type_conforms(kind.result or ANY, wanted.result or ANY, types, depth + 1)
        )
    pairs = zip(kind.arguments or (ANY,), wanted.arguments or (ANY,), strict=False)
    return all(type_conforms(one, other, types, depth + 1) for one, other in pairs)


_DEPTH_MAX: Final = 50


def unknown_type(kind: TypeRef, types: Types = NO_TYPES) -> str | None:
    """The first name in a type that names no type, or None."""
    if kind.name in types:
        return None
    if kind.name not in KNOWN:
        return kind.name
    parts = [*kind.arguments, *(field for _, field in kind.fields), *([kind.result] if kind.result else [])]
    return next((name for part in parts if (name := unknown_type(part, types)) is not None), None)


def _defined(kind: TypeRef, types: Types) -> TypeRef:
    """What a name stands for. Types that are only names of each other are refused before."""
    while kind.name not in KNOWN and kind.name in types:
        kind = types[kind.name]
    return kind


def _fits(value: object, kind: TypeRef, types: Types) -> bool:
    return value is None or conforms(value, kind, types)


def _range_conforms(value: Range, kind: TypeRef, types: Types) -> bool:
    if not kind.arguments:
        return True
    ends = [end for end in (value.start, value.end) if end is not None]
    return bool(ends) and all(conforms(end, kind.arguments[0], types) for end in ends)


def _function_conforms(value: Function, kind: TypeRef, types: Types) -> bool:
    if kind.result is None and not kind.arguments:
        return True
    if len(kind.arguments) != len(value.parameters):
        return False
    # An untyped parameter accepts everything; what it gives is not known before it is called.
    return all(
        not isinstance(given, TypeRef) or type_conforms(wanted, given, types)
        for given, wanted in zip(value.types, kind.arguments, strict=False)
    )
