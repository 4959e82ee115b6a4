"""Whether a value is of a type (DMN 1.5, 10.3.2.9): `instance of`, and the types of parameters."""

from __future__ import annotations

from procession.feel.nodes import TypeRef
from procession.feel.runtime import Runtime
from procession.feel.values import Function, Range, is_context, is_list, kind_of

SIMPLE = frozenset({
    "number", "string", "boolean", "date", "time", "date and time",
    "years and months duration", "days and time duration",
})  # fmt: skip
KNOWN = SIMPLE | {"Any", "Null", "list", "context", "function", "range"}


def instance_of(value: object, kind: TypeRef, rt: Runtime, at: int) -> bool | None:
    """`value instance of kind`; null and a note for a type that does not exist."""
    unknown = unknown_type(kind)
    if unknown is not None:
        rt.note("unknown-type", f"there is no type `{unknown}`", at)
        return None
    return conforms(value, kind)


def conforms(value: object, kind: TypeRef) -> bool:
    """Whether the value is of the type. Null is of type Null alone; in lists and contexts it fits anywhere."""
    name = kind.name
    if value is None:
        return name == "Null"
    if name == "Any":
        return True
    if name == "list":
        element = kind.arguments[0] if kind.arguments else None
        return is_list(value) and (element is None or all(item is None or conforms(item, element) for item in value))
    if name == "context":
        return is_context(value) and all(
            key in value and (value[key] is None or conforms(value[key], field)) for key, field in kind.fields
        )
    if name == "range":
        return isinstance(value, Range) and _range_conforms(value, kind)
    if name == "function":
        return isinstance(value, Function) and _function_conforms(value, kind)
    return kind_of(value) == name


def unknown_type(kind: TypeRef) -> str | None:
    """The first name in a type that names no type, or None."""
    if kind.name not in KNOWN:
        return kind.name
    parts = [*kind.arguments, *(field for _, field in kind.fields), *([kind.result] if kind.result else [])]
    return next((name for part in parts if (name := unknown_type(part)) is not None), None)


def _range_conforms(value: Range, kind: TypeRef) -> bool:
    if not kind.arguments:
        return True
    ends = [end for end in (value.start, value.end) if end is not None]
    return bool(ends) and all(conforms(end, kind.arguments[0]) for end in ends)


def _function_conforms(value: Function, kind: TypeRef) -> bool:
    if kind.result is None and not kind.arguments:
        return True
    if len(kind.arguments) != len(value.parameters):
        return False
    # Parameters are contravariant: what the type promises to pass must be accepted. An untyped one accepts all.
    return all(
        not isinstance(given, TypeRef) or given.name in {"Any", wanted.name}
        for given, wanted in zip(value.types, kind.arguments, strict=False)
    )
