"""Data as the standard has it (BPMN 2.0.2, 10.4): what an element takes when it is entered and gives when it completes.

A data object, property, input or output is a variable of its scope; null counts as not available. An activity whose
input sets all lack something waits, without any command, until a variable is set. Data stores live beyond the
instance: the host reads them for an element before it takes its inputs, and writes them with the facts.
"""

from __future__ import annotations

from typing import Final, cast

from procession.base.failure import Failure
from procession.base.values import Json
from procession.core import facts as f
from procession.core.commands import ReadStores, WriteStore
from procession.core.context import Context
from procession.core.operations import PREPARE
from procession.core.state import READS_STORES, STORES_READ, ElementInstance
from procession.ir.program import Data, DataSet, Node, Transfer

_CHANGING: Final = frozenset({f.VariableSet, f.CollectionClosed, f.Resumed})
"""Facts behind which a variable may be another one: what a step changed before it yielded counts for the next."""


def read_stores(cx: Context, element: ElementInstance, data: Data) -> bool:
    """Asks the host for the data stores that an element reads. Whether the answer is there, or none is needed."""
    if not data.reads or stores_of(element) is not None:
        return True
    cx.write(f.TransitionHeld(element.key, [READS_STORES]))
    cx.send(read_of(element, data))
    return False


def read_of(element: ElementInstance, data: Data) -> ReadStores:
    """The command that reads the data stores of an element."""
    return ReadStores(element.key, [store for _, store in data.reads])


def stores_of(element: ElementInstance) -> dict[str, Json] | None:
    """The values of the data stores that were read for an element, by variable; None before that."""
    held = element.held
    return cast("dict[str, Json]", held[1]) if isinstance(held, list) and held[0] == STORES_READ else None


def taken(cx: Context, element: ElementInstance, data: Data) -> dict[str, Json] | list[str]:
    """The variables that an element begins with; a list of those that it lacks when it has to wait.

    Sources are read where the element stands, none of its own variables being there yet; those that it has already (an
    item, or what a process was started with) stay.
    """
    stores = stores_of(element) or {}
    own = element.variables or {}
    chosen = _input_set(cx, element, data)
    if chosen is None:
        return _missing(cx, element, data)
    values: dict[str, Json] = {name: None for name in data.variables if name not in own}
    left_out = _names(data.input_sets) - {*chosen.required, *chosen.optional}
    for transfer in data.inputs:
        name, *path = transfer.target
        if name not in left_out and _is_available(cx, element, transfer, stores):
            value = cx.evaluate(transfer.source, element, stores)
            values[name] = put(values.get(name), path, value) if path else value
    return values


def awaited(cx: Context) -> bool:
    """Lets the elements go on whose data has come. Called when the agenda is empty, as variables may have changed."""
    if not any(type(fact) in _CHANGING for fact in cx.facts):
        return False
    found = False
    for key in list(cx.state.awaiting):
        element = cx.state.elements[key]
        data = cx.nodes[element.node].data
        assert data is not None
        if _input_set(cx, element, data) is not None:
            cx.write(f.DataArrived(key))
            cx.agenda.append((PREPARE, key))
            found = True
    return found


def given(
    cx: Context, element: ElementInstance, data: Data, targets: dict[str, Json]
) -> tuple[dict[str, Json], dict[str, Json]]:
    """What the outputs of an element give: variables of the scope around it, and data stores by name.

    `targets` are the values that the targets have now, to be extended where a path is written.
    Raises `Failure("data-output")` when no output set is complete (10.4.2).
    """
    sets = data.output_sets
    if sets and not any(all(_value(cx, element, name) is not None for name in each.required) for each in sets):
        lacking = [name for name in sets[0].required if _value(cx, element, name) is None]
        raise Failure("data-output", f"the required data outputs {', '.join(lacking)} have no value")
    values: dict[str, Json] = {}
    for transfer in data.outputs:
        if _is_available(cx, element, transfer, {}):
            name, *path = transfer.target
            value = cx.evaluate(transfer.source, element)
            values[name] = put(values.get(name, targets.get(name)), path, value) if path else value
    stores = dict(data.writes)
    written = {stores[name]: values.pop(name) for name in list(values) if name in stores}
    return values, written


def write_stores(cx: Context, element: ElementInstance, written: dict[str, Json]) -> None:
    """Writes data stores: the row is in the commit of the fact."""
    for store, value in written.items():
        cx.write(f.StoreWritten(element.key, store, value))
        cx.send(WriteStore(store, value))


def content_of(element: ElementInstance, node: Node, otherwise: dict[str, Json]) -> dict[str, Json]:
    """What an event or a send task sends: its data inputs, else what its input mappings made, else `otherwise`.

    One data input is the content itself; a value that is no context travels under the name of the message.
    """
    data = node.data
    own = element.variables or {}
    if data is None or not data.content:
        return dict(own) if node.inputs else otherwise
    first, *others = data.content
    if others:
        return {name: own.get(name) for name in data.content}
    value = own.get(first)
    return dict(value) if isinstance(value, dict) else {data.message: value}


def received(data: Data, variables: dict[str, Json]) -> dict[str, Json]:
    """What was received as the data outputs of an event or a receive task: each by its name, one also as the whole."""
    names = data.content
    if len(names) > 1 or any(name in variables for name in names):
        return {name: variables.get(name) for name in names}
    whole: Json = variables[data.message] if list(variables) == [data.message] else variables or None
    return dict.fromkeys(names, whole)


def put(into: Json, path: list[str], value: Json) -> Json:
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


def named(data: Data, variables: dict[str, Json]) -> dict[str, Json]:
    """A result whose data outputs have their own names: whoever did the work may have named what they are copied to."""
    renamed = {target: output for target, output in data.copied if target in variables and output not in variables}
    return {renamed.get(name, name): value for name, value in variables.items()} if renamed else variables


def _input_set(cx: Context, element: ElementInstance, data: Data) -> DataSet | None:
    """The first input set that is complete; an empty one where there are none."""
    if not data.input_sets:
        return DataSet()
    stores = dict(data.reads)
    for each in data.input_sets:
        if all(
            _is_available(cx, element, transfer, stores)
            for transfer in data.inputs
            if transfer.target[0] in each.required
        ):
            return each
    return None


def _missing(cx: Context, element: ElementInstance, data: Data) -> list[str]:
    """What the first input set lacks."""
    stores = dict(data.reads)
    required = data.input_sets[0].required
    transfers = [each for each in data.inputs if each.target[0] in required]
    found = [name for each in transfers for name in each.needs if name not in stores]
    return [name for name in dict.fromkeys(found) if _value(cx, element, name) is None]


def _is_available(
    cx: Context, element: ElementInstance, transfer: Transfer, stores: dict[str, Json] | dict[str, str]
) -> bool:
    """A data store does not tell when it is written, so nothing waits for one."""
    return all(name in stores or _value(cx, element, name) is not None for name in transfer.needs)


def _value(cx: Context, element: ElementInstance, name: str) -> Json:
    value = cx.lookup(element)(name)
    return None if value is cx.linked.missing else cast("Json", value)


def _names(sets: tuple[DataSet, ...]) -> set[str]:
    return {name for each in sets for name in (*each.required, *each.optional)}
