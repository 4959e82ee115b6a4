"""From item definitions to types (DMN 1.5, 7.3.3). A definition may name one that comes later, or itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from procession.dmn.compilation import Compilation
from procession.dmn.item_types import BUILT_IN_TYPES, ItemType
from procession.dmn.scope import Evaluate, names_with
from procession.feel.nodes import TypeRef
from procession.model.dmn import ItemDefinition, UnaryTests


def define_types(
    cx: Compilation, definitions: Sequence[ItemDefinition], imported: Mapping[str, ItemType]
) -> dict[str, ItemType]:
    """The types by name. `imported` are those that the definitions may name too."""
    types = {definition.name: ItemType(definition.name) for definition in definitions}
    cx.types = {**imported, **types}
    for definition in definitions:
        cx.owner = definition.id or definition.name
        _fill(cx, types[definition.name], definition)
    _refuse_circles(cx, definitions, types)
    return types


def _fill(cx: Compilation, type: ItemType, definition: ItemDefinition) -> None:
    """States what the values of a type are. Allowed values are those of the items if it is a list."""
    if definition.is_collection:
        type.element = ItemType(definition.type_ref or definition.name)
        _state(cx, type.element, definition)
        type.element.tests = _tests(cx, definition, (definition.allowed_values,))
        type.tests = _tests(cx, definition, (definition.type_constraint,))
        return
    _state(cx, type, definition)
    type.tests = _tests(cx, definition, (definition.allowed_values, definition.type_constraint))


def _state(cx: Compilation, type: ItemType, definition: ItemDefinition) -> None:
    if definition.components:
        fields: list[tuple[str, ItemType]] = []
        for component in definition.components:
            field = ItemType(component.name)
            _fill(cx, field, component)
            fields.append((component.name, field))
        type.fields = tuple(fields)
        type.kind = "context"
    elif definition.function is not None:
        type.kind = "function"
        parameters = definition.function.parameters
        type.parameters = tuple([cx.type_named(each.type_ref, each.span) for each in parameters])
        type.result = cx.type_named(definition.function.output_type_ref, definition.function.span)
    elif definition.type_ref in BUILT_IN_TYPES and definition.type_ref not in cx.types:
        type.kind = BUILT_IN_TYPES[definition.type_ref].kind
    elif definition.type_ref:
        type.base = cx.type_named(definition.type_ref, definition.span)


def _tests(cx: Compilation, definition: ItemDefinition, given: Sequence[UnaryTests | None]) -> tuple[Evaluate, ...]:
    names = names_with((), [component.name for component in definition.components])
    compiled = [cx.tests(tests, names) for tests in given if tests is not None]
    return tuple([test for test in compiled if test is not None])


def type_refs(types: Mapping[str, ItemType]) -> dict[str, TypeRef]:
    """The types as `instance of` names them. Allowed values are no part of a type there (10.3.2.9)."""
    names = {id(type): name for name, type in types.items()}
    waiting = list(types.items())
    made: dict[str, TypeRef] = {}

    def part(type: ItemType) -> TypeRef:
        """A type in another: by its name, because it may contain itself."""
        if id(type) not in names:
            if type.base is None and type.element is None and type.kind not in {"context", "function"}:
                return TypeRef(type.kind)
            # No text can name it.
            names[id(type)] = f"#{len(names)}"
            waiting.append((names[id(type)], type))
        return TypeRef(names[id(type)])

    for name, type in waiting:
        if type.element is not None:
            made[name] = TypeRef("list", (part(type.element),))
        elif type.base is not None:
            made[name] = part(type.base)
        elif type.kind == "function":
            result = None if type.result is None else part(type.result)
            made[name] = TypeRef("function", tuple(map(part, type.parameters)), result=result)
        else:
            made[name] = TypeRef(type.kind, fields=tuple([(key, part(field)) for key, field in type.fields]))
    return made


def _refuse_circles(cx: Compilation, definitions: Sequence[ItemDefinition], types: dict[str, ItemType]) -> None:
    """A type that is only another name of itself has no values."""
    for definition in definitions:
        passed: list[ItemType] = []
        type: ItemType | None = types[definition.name]
        while type is not None:
            if any(type is before for before in passed):
                cx.owner = definition.id or definition.name
                text = f"the type {definition.name!r} is defined by itself"
                cx.report("dmn-cycle", definition.span, text, "state what it consists of")
                passed[-1].base = None
                break
            passed.append(type)
            type = type.base
