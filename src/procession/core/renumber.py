"""Renumbering: a state that goes over from one program's numbers of nodes and flows to another's.

What a state holds of nodes beside its element instances are the operations that wait in it: of incidents, of
interruptions, of scopes that are not entered yet. `unplaced` says, before
anything is written, what has no number there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias, cast

from procession.base.values import Json
from procession.core import facts as f
from procession.core import operations as op
from procession.core.state import ElementInstance, Extras, Operation, State
from procession.ir.program import NONE, Program

Numbers: TypeAlias = Mapping[int, int]
_Place: TypeAlias = Callable[[Numbers, Json], Json]


def renumber(program: Program, state: State, fact: f.InstanceMigrated) -> None:
    """Applies a migration: `program` is the one before."""
    nodes, flows = dict(fact.nodes), dict(fact.flows)
    state.program = fact.program
    state.version = fact.version
    state.start_node = nodes.get(state.start_node, NONE)
    for element in state.elements.values():
        element.node = nodes[element.node]
        if element.arrived:
            element.arrived = {flows[flow]: count for flow, count in element.arrived.items()}
        element.held = _held(nodes, element.held)
        if element.gates:
            element.gates = {nodes[gate]: tuple([flows[each] for each in had]) for gate, had in element.gates.items()}
        if element.happened:
            element.happened = {
                nodes[event]: {nodes[part]: received for part, received in parts.items()}
                for event, parts in element.happened.items()
            }
        if element.then is not None:
            element.then = moved(nodes, element.then)
        if element.extras is not None:
            _extras(nodes, element.extras)
    for timer in state.timers.values():
        timer.node = nodes.get(timer.node, timer.node)
    for subscription in state.subscriptions.values():
        subscription.node = nodes.get(subscription.node, subscription.node)
    for condition in state.conditions.values():
        condition.node = nodes.get(condition.node, condition.node)
    for incident in state.incidents.values():
        incident.operation = moved(nodes, incident.operation)
    state.joins = {(scope, nodes[join]): None for scope, join in state.joins}


def _extras(nodes: Numbers, extras: Extras) -> None:
    stack = list(extras.completions.values())
    while stack:
        completion = stack.pop()
        completion.node = nodes[completion.node]
        stack.extend(completion.inside.values())
    if extras.activations is not None:
        waiting = [_chosen(nodes, each) for each in extras.activations.waiting]
        extras.activations.waiting.clear()
        extras.activations.waiting.extend(waiting)


def _chosen(nodes: Numbers, entry: Json) -> Json:
    starts, *rest = cast("list[Json]", entry)
    return [_each(nodes, starts), *rest]


def moved(nodes: Numbers, operation: Operation) -> Operation:
    """An operation with the numbers of the other program."""
    place = _PLACES.get(operation[0]) if operation else None
    if place is None:
        return operation
    position, change = place
    return (*operation[:position], change(nodes, operation[position]), *operation[position + 1 :])


def unplaced(element: ElementInstance, operations: list[Operation], nodes: Numbers) -> str:
    """Why what waits in an element instance cannot be carried over; "" if it can."""
    if element.then is not None:
        operations = [*operations, element.then]
    for operation in operations:
        if operation and operation[0] not in _PLACES and operation[0] not in _WITHOUT:
            return "it holds an operation that cannot be carried over; resolve its incident first"
        try:
            moved(_Strict(nodes), operation)
        except KeyError:
            return "what its incident will do again is at an element without a target; resolve it first"
    for event, parts in (element.happened or {}).items():
        if any(each not in nodes for each in (event, *parts)):
            return "a part of what its event needs has happened, and has no target"
    why = _unplaced_extras(element, nodes)
    if why:
        return why
    try:
        _held(_Strict(nodes), element.held)
    except KeyError:
        return "it is not entered yet, and what is to begin inside it has no target"
    return ""


def _unplaced_extras(element: ElementInstance, nodes: Numbers) -> str:
    extras = element.extras
    if extras is None:
        return ""
    if extras.undoing is not None or extras.compensates:
        return "something is being undone by it; wait for that"
    stack = list(extras.completions.values())
    while stack:
        completion = stack.pop()
        if completion.node not in nodes:
            return "an activity that completed in it and can be undone has no target"
        stack.extend(completion.inside.values())
    try:
        for entry in extras.activations.waiting if extras.activations is not None else ():
            _chosen(_Strict(nodes), entry)
    except KeyError:
        return "an activity that was chosen and has not begun has no target"
    return ""


def named(state: State) -> set[int]:
    """The nodes that a state holds beside its element instances: what is to be entered or done again there."""
    seen = _Seen()
    for operation in [*(incident.operation for incident in state.incidents.values()), *state.agenda]:
        moved(seen, operation)
    for element in state.elements.values():
        if element.then is not None:
            moved(seen, element.then)
        _held(seen, element.held)
        for entry in element.activations.waiting if element.activations is not None else ():
            _chosen(seen, entry)
    return seen.found


class _Seen(dict[int, int]):
    """Numbers that stay as they are; those that were asked for are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[int] = set()

    def get(self, key: int, default: object = None, /) -> int:
        self.found.add(key)
        return key


class _Strict(dict[int, int]):
    """Numbers of which every one that is asked for must be there."""

    def __init__(self, nodes: Numbers) -> None:
        super().__init__(nodes)

    def get(self, key: int, default: object = None, /) -> int:
        return self[key]


def _held(nodes: Numbers, held: Json) -> Json:
    if not isinstance(held, list) or not held:
        return held
    if held[0] == op.MODIFIED:
        return [op.MODIFIED, _contents(nodes, held[1])]
    if held[0] == "event":
        return [held[0], _node(nodes, held[1]), *held[2:]]
    return held


def _node(nodes: Numbers, node: Json) -> Json:
    number = cast("int", node)
    return nodes.get(number, number)


def _first(nodes: Numbers, timer: Json) -> Json:
    node, *rest = cast("list[Json]", timer)
    return [_node(nodes, node), *rest]


def _each(nodes: Numbers, catches: Json) -> Json:
    return [_node(nodes, each) for each in cast("list[Json]", catches)]


def _contents(nodes: Numbers, contents: Json) -> Json:
    found: list[Json] = []
    for content in cast("list[list[Json]]", contents):
        node, variables, inside = content
        found.append([_node(nodes, node), variables, _contents(nodes, inside)])
    return found


def _agenda(nodes: Numbers, agenda: Json) -> Json:
    return [list(moved(nodes, tuple(entry))) for entry in cast("list[list[Json]]", agenda)]


_PLACES: Final[dict[Json, tuple[int, _Place]]] = {
    op.ENTER: (2, _node),
    op.PASS: (2, _node),
    op.HANDLE: (2, _node),
    op.REPEAT: (2, _first),
    op.RESUME: (2, _agenda),
    op.BEGIN: (2, _contents),
    op.SUBSCRIBE: (2, _each),
    op.LISTEN: (2, _node),
    op.THROW_IMPLICIT: (2, _node),
    op.ASK_GATEWAY: (2, _node),
    op.BROADCAST: (2, _node),
}
"""Operation -> where it holds nodes, and how they are renumbered there."""
_WITHOUT: Final[frozenset[Json]] = frozenset(
    {
        op.PREPARE,
        op.ACTIVATE,
        op.COMPLETE,
        op.LEAVE,
        op.SPAWN,
        op.THROW,
        op.CALL,
        op.DECIDE,
        op.REJOB,
        op.OPEN_TASK,
        op.START_CHILD,
        op.START_LISTENER,
        op.END_LISTENER,
        op.TASK_LISTENER,
        op.FAIL,
        op.CLOSE_LOOP,
        op.CANCELLED,
        op.CHECK,
        op.THROW_PART,
        op.GO_ROUND,
        op.AWAIT,
        op.COMPENSATE,
        op.CANCEL_TRANSACTION,
        op.ACTIVATE_CHOSEN,
        op.GO_ON,
        op.ABANDON,
        op.RENEW_JOB,
        op.RENEW_TASK,
        op.COMPENSATE,
        op.CANCEL_TRANSACTION,
        op.ACTIVATE_CHOSEN,
        op.GO_ON,
    }
)
"""Operations that hold no node. One that is in neither table is not carried over."""
