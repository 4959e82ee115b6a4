"""Variables and scopes: where a value is written (contract of notes: nearest scope that defines it, else the root)."""

from __future__ import annotations

from procession.base.values import Json
from procession.core import facts as f
from procession.core.context import Context
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
    """Takes a result into an element: local if it has output mappings (only mapped targets leave), else merged."""
    if not variables:
        return
    if cx.nodes[element.node].outputs:
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


def map_inputs(cx: Context, element: ElementInstance, node: Node) -> None:
    """Input mappings: evaluated in order, each a local variable that the next ones see."""
    for name, value in _mapped(cx, element, node.inputs, None).items():
        cx.write(f.VariableSet(element.key, name, value))


def map_outputs(cx: Context, element: ElementInstance, node: Node) -> None:
    """Output mappings: evaluated in the element's scope, written from the enclosing scope outwards.

    An instance of a multi-instance activity writes from its own scope, where its output element may live.
    """
    outer = element if element.index else element.scope
    if outer is None:
        assert not node.outputs, "a process has no output mappings"
        return
    for name, value in _mapped(cx, element, node.outputs, outer).items():
        cx.write(f.VariableSet(owner(outer, name).key, name, value))


def _mapped(
    cx: Context, element: ElementInstance, mappings: tuple[Mapping, ...], outer: ElementInstance | None
) -> dict[str, Json]:
    """The values by variable name; all are evaluated before any is written. `outer` gives contexts to extend."""
    values: dict[str, Json] = {}
    for mapping in mappings:
        value = cx.evaluate(mapping.source, element, values)
        name, *path = mapping.target
        if path:
            if name not in values and outer is not None:
                present = owner(outer, name)
                values[name] = present.variables.get(name) if present.variables else None
            value = _put(values.get(name), path, value)
        values[name] = value
    return values


def _put(into: Json, path: list[str], value: Json) -> Json:
    """A copy of `into` with `value` at the path; what is no context on the way is replaced by one."""
    result: dict[str, Json] = dict(into) if isinstance(into, dict) else {}
    at = result
    for name in path[:-1]:
        below = at.get(name)
        copy: dict[str, Json] = dict(below) if isinstance(below, dict) else {}
        at[name] = copy
        at = copy
    at[path[-1]] = value
    return result
