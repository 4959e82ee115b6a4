"""Variables and scopes: where a value is written (contract of notes: nearest scope that defines it, else the root)."""

from __future__ import annotations

from procession.base.values import Json
from procession.core import facts as f
from procession.core.context import Context
from procession.core.data import given, named, put, read_stores, received, stores_of, taken, write_stores
from procession.core.state import ElementInstance
from procession.ir.program import Mapping, Node


def merge(cx: Context, element: ElementInstance, variables: dict[str, Json]) -> None:
    """Writes each variable to the nearest scope from `element` outwards that defines it, else to the root."""
    for name, value in variables.items():
        cx.write(f.VariableSet(owner(element, name).key, name, value))


def owner(element: ElementInstance, name: str) -> ElementInstance:
    """The nearest scope that defines a variable; else the root, or an activation that keeps what is new."""
    scope = element
    while True:
        if scope.variables is not None and name in scope.variables:
            return scope
        if scope.scope is None:
            return _keeper(element) or scope
        scope = scope.scope


def _keeper(element: ElementInstance) -> ElementInstance | None:
    scope: ElementInstance | None = element
    while scope is not None and not (scope.extras is not None and scope.extras.keeps):
        scope = scope.scope
    return scope


def receive(cx: Context, element: ElementInstance, variables: dict[str, Json]) -> None:
    """Takes a result into an element: local if it has output mappings (only mapped targets leave), else merged.

    Its own data are variables of its scope already, so they stay there; of a called process nothing else comes back.
    """
    node = cx.nodes[element.node]
    data = node.data
    if data is not None:
        variables = received(data, variables) if data.content else named(data, variables)
    if not variables:
        return
    if node.outputs or (node.call is not None and data is not None and data.outputs):
        for name, value in variables.items():
            cx.write(f.VariableSet(element.key, name, value))
    else:
        merge(cx, element, variables)


def variables_of(value: Json) -> dict[str, Json]:
    """An agenda argument that holds variables."""
    return value if isinstance(value, dict) else {}


def visible(element: ElementInstance) -> dict[str, Json]:
    """All variables that an element sees, the inner ones winning."""
    chain: list[ElementInstance] = []
    scope: ElementInstance | None = element
    while scope is not None:
        chain.append(scope)
        scope = scope.scope
    result: dict[str, Json] = {}
    for each in reversed(chain):
        if each.variables:
            result.update(each.variables)
    return result


def map_inputs(cx: Context, element: ElementInstance, node: Node) -> bool:
    """Data inputs, then input mappings: evaluated in order, each a local variable that the next ones see.

    Whether they are there: an element may have to wait for its data stores or for its data.
    """
    data = node.data
    begun: dict[str, Json] = {}
    if data is not None:
        if not read_stores(cx, element, data):
            return False
        found = taken(cx, element, data)
        if isinstance(found, list):
            cx.write(f.DataAwaited(element.key, found))
            return False
        begun = found
    values = _mapped(cx, element, node.inputs, None, begun)
    if stores_of(element) is not None:
        cx.write(f.TransitionHeld(element.key, None))
    for name, value in values.items():
        cx.write(f.VariableSet(element.key, name, value))
    return True


def map_outputs(cx: Context, element: ElementInstance, node: Node) -> None:
    """Data outputs and output mappings: evaluated in the element's scope, written from the enclosing scope outwards.

    An instance of a multi-instance activity writes from its own scope, where its output element may live.
    """
    outer = element if element.index else element.scope
    if outer is None:
        assert not node.outputs, "a process has no output mappings"
        return
    values: dict[str, Json] = {}
    written: dict[str, Json] = {}
    if node.data is not None:
        targets = {each.target[0]: value_at(outer, each.target[0]) for each in node.data.outputs if each.target[1:]}
        values, written = given(cx, element, node.data, targets)
    values = _mapped(cx, element, node.outputs, outer, values)
    write_stores(cx, element, written)
    for name, value in values.items():
        cx.write(f.VariableSet(owner(outer, name).key, name, value))


def value_at(scope: ElementInstance, name: str) -> Json:
    """What a variable is from a scope outwards; null where there is none."""
    present = owner(scope, name)
    return present.variables.get(name) if present.variables else None


def _mapped(
    cx: Context,
    element: ElementInstance,
    mappings: tuple[Mapping, ...],
    outer: ElementInstance | None,
    values: dict[str, Json],
) -> dict[str, Json]:
    """`values` with those of the mappings, by name; all are evaluated before any is written. `outer` gives contexts to
    extend."""
    for mapping in mappings:
        value = cx.evaluate(mapping.source, element, values)
        name, *path = mapping.target
        if path:
            if name not in values and outer is not None:
                values[name] = value_at(outer, name)
            value = put(values.get(name), path, value)
        values[name] = value
    return values
