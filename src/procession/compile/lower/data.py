"""Data of the standard (BPMN 2.0.2, 10.4): data elements become variables, data associations transfers between them.

An input or output that no association fills or reads is the variable of its name in the scope around: it needs no
transfer. What modelers draw without an end is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias

from msgspec.structs import replace

from procession.compile.expressions import FEEL, Site
from procession.compile.items import PLACEHOLDER, Item
from procession.compile.lower.lowering import Lowering
from procession.ir.program import NONE, Data, DataSet, Node, Ref, Transfer
from procession.model import data as model
from procession.model.bpmn import Activity, Error, Escalation, Message, MultiInstance, Process, Scope, Signal
from procession.model.events import Event
from procession.model.extension import Expression

THROWS: Final = frozenset({"intermediateThrowEvent", "endEvent", "implicitThrowEvent"})
STORE: Final = "$store:"
"""Begins the name that a data store has as the target of a transfer: no variable has such a name."""

_Elements: TypeAlias = "tuple[model.DataItem, ...]"


def with_data(low: Lowering, drawn: Activity | Event, node: Node) -> Node:
    """The node of an activity or event with its data. A call activity with data inputs passes these and no more."""
    if not low.resolved.has_data:
        return node
    if not low.resolved.moves_data(drawn):
        drawn = _without_associations(drawn)
    message = _message_name(low, drawn)
    data = _of_event(low, drawn, message) if isinstance(drawn, Event) else _of_activity(low, drawn, message)
    if data == Data():
        return node
    call = node.call
    if call is not None and isinstance(drawn, Activity) and drawn.extension.called_element is None:
        io = drawn.io or model.IoSpecification()
        whole = not data.inputs or len(_named(io.inputs)) > len(_filled(io.inputs, data.inputs))
        call = replace(call, all_parent_variables=whole)
    return replace(node, data=data, call=call)


def _without_associations(drawn: Activity | Event) -> Activity | Event:
    """An element whose mappings move its data: its properties and data objects are variables all the same."""
    if isinstance(drawn, Event):
        return replace(drawn, data=(), items=())
    return replace(drawn, data_inputs=(), data_outputs=(), io=None)


def _message_name(low: Lowering, drawn: Activity | Event) -> str:
    """The name of what an element sends or receives: its message, signal, error or escalation."""
    resolved = low.resolved
    if isinstance(drawn, Activity):
        found: Message | Signal | Error | Escalation | None = resolved.message(drawn, drawn.message_ref)
    elif not drawn.definitions:
        return ""
    else:
        ref = drawn.definitions[0].ref
        named = resolved.signals.get(ref) or resolved.errors.get(ref) or resolved.escalations.get(ref)
        found = named or resolved.message(drawn, ref)
    return found.name or found.id if found is not None else ""


def data_of_process(low: Lowering, process: Process) -> Data | None:
    """The variables that a process begins with."""
    if not low.resolved.has_data:
        return None
    io = process.io or model.IoSpecification()
    names = [*_named(process.properties), *_objects(low, process.scope), *_named(io.inputs), *_named(io.outputs)]
    return Data(variables=_distinct(names)) if names else None


def collection_of(low: Lowering, drawn: Activity, ref: str) -> Ref:
    """The expression of the collection that `loopDataInputRef` names: of a data input, what fills it (10.3.9)."""
    item = low.resolved.items.get(ref)
    if item is None:
        return NONE
    for association in drawn.data_inputs:
        if association.target_ref == ref and item.owner == drawn.id:
            transfers = _transfers(low, drawn, association, "input")
            if transfers:
                return transfers[0].source
    return _read(low, drawn, item, "loopDataInputRef")


def collected_in(low: Lowering, drawn: Activity, ref: str) -> str:
    """The variable of the collection that `loopDataOutputRef` names: of a data output, what it is given to."""
    item = low.resolved.items.get(ref)
    if item is None:
        return ""
    for association in drawn.data_outputs:
        target = low.resolved.items.get(association.target_ref)
        if ref in association.source_refs and item.owner == drawn.id and target is not None:
            return target.name
    return item.name


def _of_activity(low: Lowering, drawn: Activity, message: str) -> Data:
    io = drawn.io or model.IoSpecification()
    loop = drawn.loop if isinstance(drawn.loop, MultiInstance) else MultiInstance()
    # The collections of a loop belong to its body; copying them into every instance would be quadratic.
    taken = [each for each in drawn.data_inputs if each.target_ref != loop.data_input_ref or not each.target_ref]
    given = [
        each for each in drawn.data_outputs if not loop.data_output_ref or loop.data_output_ref not in each.source_refs
    ]
    inputs = _all(low, drawn, taken, "input")
    outputs = _all(low, drawn, given, "output")
    sent: tuple[str, ...] = ()
    if drawn.kind == "sendTask":
        sent = tuple(_named(io.inputs))
        inputs += _implied(low, drawn, io.inputs, inputs)
    elif drawn.kind == "receiveTask":
        sent = _read_by(io.outputs, outputs)
    begun = [*_named(drawn.properties), *_filled(io.inputs, inputs), *_read_by(io.outputs, outputs)]
    if drawn.scope is not None:
        begun += _objects(low, drawn.scope)
    return Data(
        _distinct(begun),
        inputs,
        outputs,
        _sets(low, io.input_sets, {each.target[0] for each in inputs}),
        _sets(low, io.output_sets, {name for each in outputs for name in each.needs}),
        message if sent else "",
        sent,
        _reads(low, taken),
        _writes(low, given),
        _copied(low, given),
    )


def _of_event(low: Lowering, drawn: Event, message: str) -> Data:
    properties = _named(drawn.properties)
    if drawn.kind in THROWS:
        inputs = _all(low, drawn, drawn.data, "input")
        inputs += _implied(low, drawn, drawn.items, inputs)
        sent = tuple(_named(drawn.items))
        begun = _distinct([*properties, *sent])
        return Data(begun, inputs, message=message if sent else "", content=sent, reads=_reads(low, drawn.data))
    outputs = _all(low, drawn, drawn.data, "output")
    received = _read_by(drawn.items, outputs)
    begun = _distinct([*properties, *received])
    name = message if received else ""
    return Data(begun, (), outputs, message=name, content=received, writes=_writes(low, drawn.data))


def _all(
    low: Lowering, drawn: Activity | Event, associations: Iterable[model.DataAssociation], side: str
) -> tuple[Transfer, ...]:
    return tuple([each for association in associations for each in _transfers(low, drawn, association, side)])


def _transfers(
    low: Lowering, drawn: Activity | Event, association: model.DataAssociation, side: str
) -> tuple[Transfer, ...]:
    """One association: its transformation, else a copy unless it has assignments; then the assignments (10.4.2)."""
    items = low.resolved.items
    target = items.get(association.target_ref)
    sources = [items[ref] for ref in association.source_refs if ref in items]
    if target is None or PLACEHOLDER in {target.name, *(source.name for source in sources)}:
        return ()
    name = STORE + target.name if target.kind == "store" else target.name
    needs = _distinct(source.name for source in sources if source.kind != "store")
    what = f"data {side} association to {target.name}"
    found: list[Transfer] = []
    if association.transformation is not None:
        source = _formal(low, drawn, association.transformation, f"transformation of the {what}")
        found.append(Transfer(source, (name,), needs))
    elif not association.assignments and sources:
        found.append(Transfer(_read(low, drawn, sources[0], what), (name,), needs))
    for assignment in association.assignments:
        source = _formal(low, drawn, assignment.source, f"assignment of the {what}")
        found.append(Transfer(source, (name, *path_in(assignment, association.target_ref, target)), needs))
    return tuple([each for each in found if each.source != NONE])


def path_in(assignment: model.DataAssignment, ref: str, target: Item) -> tuple[str, ...]:
    """Where in its target an assignment writes: a path whose first word may be the target itself; () for all of it."""
    words = [word.strip().strip("`") for word in assignment.target.text.strip().removeprefix("=").split(".")]
    below = words[1:] if words[0] in {target.name, ref} else words
    return tuple([word for word in below if word])


def _formal(low: Lowering, drawn: Activity | Event, expression: Expression, what: str) -> Ref:
    return low.expressions.formal(expression, Site(drawn.id, what, expression.span))


def _read(low: Lowering, drawn: Activity | Event, item: Item, what: str) -> Ref:
    """The expression that reads a data element."""
    text = Expression(text=f"=`{item.name}`", language=FEEL, span=drawn.span)
    return low.expressions.formal(text, Site(drawn.id, what, drawn.span))


def _implied(
    low: Lowering, drawn: Activity | Event, items: _Elements, inputs: tuple[Transfer, ...]
) -> tuple[Transfer, ...]:
    """What is sent without an association that says where it comes from: the variable of its name."""
    filled = {each.target[0] for each in inputs}
    names = [name for name in _named(items) if name not in filled]
    return tuple(
        [Transfer(_read(low, drawn, Item(name, "input", drawn.id), f"data input {name}"), (name,)) for name in names]
    )


def _sets(low: Lowering, drawn: tuple[model.DataSet, ...], moved: set[str]) -> tuple[DataSet, ...]:
    """Input or output sets, by what associations move; () where nothing is required and nothing is chosen."""
    found: list[DataSet] = []
    for each in drawn:
        free = {*each.optional, *each.while_executing}
        names = [low.resolved.items[ref].name for ref in each.items if ref in low.resolved.items]
        loose = {low.resolved.items[ref].name for ref in free if ref in low.resolved.items}
        found.append(
            DataSet(
                _distinct(name for name in names if name in moved and name not in loose),
                _distinct(name for name in (*names, *sorted(loose)) if name in loose),
            )
        )
    return tuple(found) if len(found) > 1 or any(each.required for each in found) else ()


def _reads(low: Lowering, associations: Iterable[model.DataAssociation]) -> tuple[tuple[str, str], ...]:
    items = low.resolved.items
    found = [items[ref] for each in associations for ref in each.source_refs if ref in items]
    return tuple([(name, name) for name in dict.fromkeys(each.name for each in found if each.kind == "store")])


def _writes(low: Lowering, associations: Iterable[model.DataAssociation]) -> tuple[tuple[str, str], ...]:
    items = low.resolved.items
    found = [items[each.target_ref] for each in associations if each.target_ref in items]
    return tuple([(STORE + name, name) for name in dict.fromkeys(each.name for each in found if each.kind == "store")])


def _copied(low: Lowering, associations: Iterable[model.DataAssociation]) -> tuple[tuple[str, str], ...]:
    """The variables that outputs are copied to, and the outputs."""
    items = low.resolved.items
    return tuple(
        [
            (items[each.target_ref].name, items[each.source_refs[0]].name)
            for each in associations
            if each.transformation is None and not each.assignments and len(each.source_refs) == 1
            if {each.target_ref, each.source_refs[0]} <= items.keys() and items[each.source_refs[0]].kind == "output"
        ]
    )


def _objects(low: Lowering, scope: Scope) -> list[str]:
    return [low.resolved.items[each.id].name for each in scope.data_objects]


def _named(elements: Iterable[model.DataItem | model.Property]) -> list[str]:
    return [each.name or each.id for each in elements if each.name != PLACEHOLDER]


def _filled(items: _Elements, inputs: tuple[Transfer, ...]) -> list[str]:
    filled = {each.target[0] for each in inputs}
    return [name for name in _named(items) if name in filled]


def _read_by(items: _Elements, outputs: tuple[Transfer, ...]) -> tuple[str, ...]:
    read = {name for each in outputs for name in each.needs}
    return tuple([name for name in _named(items) if name in read])


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
