"""What data a process has (10.4), by the ids that associations and loops refer to. It names, and judges nothing.

A data element is a variable: by its name, else by its id. A data object that has no name has that of its first drawn
reference, because modelers write it there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Literal, TypeAlias, final

import msgspec

from procession.model.bpmn import Activity, Definitions, MultiInstance, Process, Scope
from procession.model.data import IoSpecification, Property
from procession.model.events import Event

PLACEHOLDER: Final = "__targetRef_placeholder"
"""What modelers name the end of an association that has none: it is drawn, and means no data."""

ItemKind: TypeAlias = Literal["object", "property", "input", "output", "store", "item"]


@final
class Item(msgspec.Struct, frozen=True, gc=False):
    """A data element: its variable, what it is, and the id of what it belongs to.

    Of a data store `name` is that of the store. Items of a multi-instance belong to its activity.
    """

    name: str
    kind: ItemKind
    owner: str


def items_of(definitions: Definitions, process: Process, scopes: Iterable[tuple[str, Scope]]) -> dict[str, Item]:
    """The data elements of a process by id; references to one are the same."""
    found: dict[str, Item] = dict(_properties(process.properties, process.id))
    found.update(_specified(process.io, process.id))
    stores = {store.id: store.name or store.id for store in definitions.data_stores}
    for owner, scope in scopes:
        found.update(_objects(scope, owner))
        for reference in scope.data_store_references:
            name = stores.get(reference.data_store_ref) or reference.name or reference.id
            found[reference.id] = Item(name, "store", owner)
        for node in scope.nodes:
            if isinstance(node, Activity):
                found.update(_of_activity(node))
            elif isinstance(node, Event):
                found.update(_properties(node.properties, node.id))
                kind: ItemKind = "input" if node.kind in _THROWS else "output"
                found.update((item.id, Item(item.name or item.id, kind, node.id)) for item in node.items)
    return found


_THROWS: Final = frozenset({"intermediateThrowEvent", "endEvent", "implicitThrowEvent"})


def _objects(scope: Scope, owner: str) -> Iterator[tuple[str, Item]]:
    drawn: dict[str, str] = {}
    for reference in scope.data_object_references:
        if reference.name:
            drawn.setdefault(reference.data_object_ref, reference.name)
    objects = {each.id: Item(each.name or drawn.get(each.id, each.id), "object", owner) for each in scope.data_objects}
    yield from objects.items()
    for reference in scope.data_object_references:
        item = objects.get(reference.data_object_ref)
        if item is not None:
            yield reference.id, item


def _of_activity(node: Activity) -> Iterator[tuple[str, Item]]:
    yield from _properties(node.properties, node.id)
    yield from _specified(node.io, node.id)
    if isinstance(node.loop, MultiInstance):
        for id, name in (
            (node.loop.input_item_id, node.loop.input_item),
            (node.loop.output_item_id, node.loop.output_item),
        ):
            if id:
                yield id, Item(name or id, "item", node.id)


def _properties(properties: tuple[Property, ...], owner: str) -> Iterator[tuple[str, Item]]:
    for each in properties:
        yield each.id, Item(each.name or each.id, "property", owner)


def _specified(io: IoSpecification | None, owner: str) -> Iterator[tuple[str, Item]]:
    if io is not None:
        for item in io.inputs:
            yield item.id, Item(item.name or item.id, "input", owner)
        for item in io.outputs:
            yield item.id, Item(item.name or item.id, "output", owner)
