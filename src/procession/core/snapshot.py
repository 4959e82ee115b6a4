"""The snapshot codec: a state as bytes and back, field by field. Fields are appended, never moved (decision 18).

`FORMAT` counts incompatible layouts. Within one, a row that is longer than this build knows was written by the next
one: what it appended is left aside, which is right as long as the behaviour behind it is switched off (core.flags).
A row that is shorter was written by an earlier build: what it lacks keeps the value that a new object has.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, TypeVar, cast

import msgspec

from procession.base.decoding import known
from procession.base.failure import Unreadable
from procession.base.values import Json
from procession.core.apply_events import watch
from procession.core.state import (
    AWAITS_DATA,
    Activations,
    Completion,
    Condition,
    ElementInstance,
    Extras,
    Incident,
    Job,
    LoopState,
    Stage,
    State,
    Status,
    Subscription,
    Timer,
    Undoing,
)

FORMAT: Final = 1

_T = TypeVar("_T")

_SCALARS: Final = (
    "instance",
    "tenant",
    "program",
    "version",
    "status",
    "seq",
    "epoch",
    "at",
    "zone",
    "tz_release",
    "seed",
    "draws",
    "flags",
    "depth",
    "last_key",
    "business_key",
    "parent_instance",
    "parent_element",
    "root_instance",
    "start_node",
    "message",
    "yields",
    "suspended",
    "conversations",
)

_JOB: Final = ("key", "element", "type", "retries", "group", "listener", "priority", "held")
_TIMER: Final = ("key", "element", "node", "due", "cycle", "left")
_SUBSCRIPTION: Final = ("key", "element", "node", "name", "correlation_key", "signal")
_CONDITION: Final = ("key", "element", "node", "names", "value")
_INCIDENT: Final = ("key", "element", "code", "message", "operation", "job")
_LOOP: Final = ("items", "count", "outputs", "started", "completed", "terminated")
"""The fields of each row, in their order for ever."""

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_DECODER: Final = msgspec.json.Decoder(known(list[object]), float_hook=Decimal)


def dump(state: State) -> bytes:
    """The state as bytes; equal states give equal bytes."""
    root = state.root
    live_root = root is not None and root.key in state.elements
    rows: list[object] = [
        FORMAT,
        [getattr(state, name) for name in _SCALARS],
        [_element_row(e) for e in state.elements.values()],
        None if root is None or live_root else _element_row(root),
        [_row(each, _JOB) for each in state.jobs.values()],
        [_row(each, _TIMER) for each in state.timers.values()],
        [_row(each, _SUBSCRIPTION) for each in state.subscriptions.values()],
        [_row(each, _INCIDENT) for each in state.incidents.values()],
        [list(join) for join in state.joins],
        [list(entry) for entry in state.agenda],
        [_row(each, _CONDITION) for each in state.conditions.values()],
    ]
    return _ENCODER.encode(rows)


def load(data: bytes) -> State:
    """The state of `dump`. Raises `Unreadable` for bytes of another layout."""
    try:
        rows = _DECODER.decode(data)
    except msgspec.DecodeError as error:
        raise Unreadable(f"a snapshot is damaged: {error}") from None
    if not rows or rows[0] != FORMAT:
        raise Unreadable(f"a snapshot of format {rows[0] if rows else '?'} cannot be read; this build reads {FORMAT}")
    state = State()
    _filled(state, _SCALARS, cast("list[object]", rows[1]))
    state.status = Status(state.status)
    for row in cast("list[list[object]]", rows[2]):
        _load_element(state, row)
    if rows[3] is not None:
        state.root = _element(cast("list[object]", rows[3]), None)
    for row in cast("list[list[object]]", rows[4]):
        job = _filled(Job(0, 0, type="", retries=0, group=0), _JOB, row)
        state.jobs[job.key] = job
    for row in cast("list[list[object]]", rows[5]):
        timer = _filled(Timer(0, 0, 0, due=0, cycle="", left=0), _TIMER, row)
        state.timers[timer.key] = timer
    for row in cast("list[list[object]]", rows[6]):
        waiting = _filled(Subscription(0, 0, 0, name="", correlation_key="", signal=False), _SUBSCRIPTION, row)
        state.subscriptions[waiting.key] = waiting
    for row in cast("list[list[object]]", rows[7]):
        incident = _filled(Incident(0, 0, code="", message="", operation=(), job=0), _INCIDENT, row)
        incident.operation = tuple(incident.operation)
        state.incidents[incident.key] = incident
    for scope, node in cast("list[tuple[int, int]]", rows[8]):
        state.joins[scope, node] = None
    state.agenda = [tuple(entry) for entry in cast("list[list[Json]]", rows[9])]
    for row in cast("list[list[object]]", rows[10] if len(rows) > 10 else []):
        condition = _filled(Condition(0, 0, 0, names=()), _CONDITION, row)
        condition.names = tuple(condition.names)
        state.conditions[condition.key] = condition
        watch(state, condition)
    return state


def _row(value: object, fields: tuple[str, ...]) -> list[object]:
    return [getattr(value, name) for name in fields]


def _filled(value: _T, fields: tuple[str, ...], row: list[object]) -> _T:
    for name, cell in zip(fields, row, strict=False):
        setattr(value, name, cell)
    return value


def _element_row(e: ElementInstance) -> list[object]:
    loop = e.loop
    return [
        e.key,
        e.node,
        e.scope.key if e.scope is not None else 0,
        int(e.stage),
        e.variables,
        e.tokens,
        [[flow, count] for flow, count in e.arrived.items()] if e.arrived is not None else None,
        list(e.waits) if e.waits is not None else None,
        e.groups,
        e.index,
        _row(loop, _LOOP) if loop is not None else None,
        e.attributes,
        e.held,
        e.child,
        list(e.definition) if e.definition is not None else None,
        e.children is not None,
        list(e.then) if e.then is not None else None,
        [[node, list(parts.items())] for node, parts in e.happened.items()] if e.happened else None,
        [[node, list(flows)] for node, flows in e.gates.items()] if e.gates else None,
        _extras_row(e.extras) if e.extras is not None else None,
        e.anew,
    ]


def _extras_row(extras: Extras) -> list[object]:
    undoing, activations = extras.undoing, extras.activations
    return [
        _completion_rows(extras.completions),
        [undoing.entries, undoing.handler] if undoing is not None else None,
        extras.compensates,
        extras.keeps,
        [list(activations.waiting), activations.started, activations.closed] if activations is not None else None,
    ]


def _completion_rows(completions: dict[int, Completion]) -> list[object]:
    """Nested as deep as scopes are in the document."""
    return [[key, c.node, c.variables, _completion_rows(c.inside), c.claimed] for key, c in completions.items()]


def _load_element(state: State, row: list[object]) -> None:
    scope_key = cast("int", row[2])
    scope = state.elements[scope_key] if scope_key else None
    element = _element(row, scope)
    state.elements[element.key] = element
    if isinstance(element.held, list) and element.held[0] == AWAITS_DATA:
        state.awaiting[element.key] = None
    if scope is None:
        state.root = element
    else:
        assert scope.children is not None
        scope.children[element.key] = element


def _element(row: list[object], scope: ElementInstance | None) -> ElementInstance:
    element = ElementInstance(cast("int", row[0]), cast("int", row[1]), scope)
    element.stage = Stage(cast("int", row[3]))
    element.variables = cast("dict[str, Json] | None", row[4])
    element.tokens = cast("int", row[5])
    arrived = cast("list[tuple[int, int]] | None", row[6])
    element.arrived = {flow: count for flow, count in arrived} if arrived is not None else None
    waits = cast("list[int] | None", row[7])
    element.waits = dict.fromkeys(waits) if waits is not None else None
    element.groups = cast("int", row[8])
    element.index = cast("int", row[9])
    loop = cast("list[object] | None", row[10])
    if loop is not None:
        element.loop = _filled(LoopState(None, 0), _LOOP, loop)
    element.attributes = cast("dict[str, Json] | None", row[11])
    element.held = cast("Json", row[12])
    element.child = cast("int", row[13])
    definition = cast("tuple[str, int] | None", row[14])
    element.definition = (definition[0], definition[1]) if definition is not None else None
    element.children = {} if row[15] else None
    then = cast("list[Json] | None", row[16]) if len(row) > 16 else None
    element.then = tuple(then) if then is not None else None
    _load_rest(element, row[17:])
    return element


def _load_rest(element: ElementInstance, row: list[object]) -> None:
    """What rows of earlier builds do not have."""
    if len(row) > 0 and row[0] is not None:
        happened = cast("list[tuple[int, list[tuple[int, Json]]]]", row[0])
        element.happened = {node: {part: variables for part, variables in parts} for node, parts in happened}
    if len(row) > 1 and row[1] is not None:
        gates = cast("list[tuple[int, list[int]]]", row[1])
        element.gates = {node: tuple(flows) for node, flows in gates}
    if len(row) > 2 and row[2] is not None:
        element.extras = _extras(cast("list[object]", row[2]))
    if len(row) > 3:
        element.anew = cast("int", row[3])


def _extras(row: list[object]) -> Extras:
    extras = Extras()
    extras.completions = _completions(row[0])
    if row[1] is not None:
        entries, handler = cast("tuple[list[list[int]], int]", row[1])
        extras.undoing = Undoing(entries)
        extras.undoing.handler = handler
    extras.compensates = cast("int", row[2])
    extras.keeps = cast("bool", row[3])
    if row[4] is not None:
        waiting, started, closed = cast("tuple[list[Json], int, bool]", row[4])
        extras.activations = Activations()
        extras.activations.waiting.extend(waiting)
        extras.activations.started = started
        extras.activations.closed = closed
    return extras


def _completions(rows: object) -> dict[int, Completion]:
    found: dict[int, Completion] = {}
    known = cast("list[tuple[int, int, dict[str, Json] | None, object, int]]", rows)
    for key, node, variables, inside, claimed in known:
        found[key] = Completion(node, variables, _completions(inside))
        found[key].claimed = claimed
    return found
