"""The snapshot codec: a state as bytes and back, field by field. Fields are appended, never moved (DESIGN 4a.18).

`FORMAT` counts incompatible layouts. A build reads its own layout and the next one's appended fields.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, cast

import msgspec

from procession.base.failure import StoreError
from procession.base.values import Json
from procession.core.state import (
    ElementInstance,
    Incident,
    Job,
    LoopState,
    Stage,
    State,
    Status,
    Subscription,
    Timer,
)

FORMAT: Final = 1

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
)

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_DECODER: Final = msgspec.json.Decoder(list[object], float_hook=Decimal)


def dump(state: State) -> bytes:
    """The state as bytes; equal states give equal bytes."""
    root = state.root
    live_root = root is not None and root.key in state.elements
    rows: list[object] = [
        FORMAT,
        [getattr(state, name) for name in _SCALARS],
        [_element_row(e) for e in state.elements.values()],
        None if root is None or live_root else _element_row(root),
        [[j.key, j.element, j.type, j.retries, j.group, j.listener, j.priority, j.held] for j in state.jobs.values()],
        [[t.key, t.element, t.node, t.due, t.cycle, t.left] for t in state.timers.values()],
        [[s.key, s.element, s.node, s.name, s.correlation_key, s.signal] for s in state.subscriptions.values()],
        [[i.key, i.element, i.code, i.message, list(i.operation), i.job] for i in state.incidents.values()],
        [list(join) for join in state.joins],
        [list(entry) for entry in state.agenda],
    ]
    return _ENCODER.encode(rows)


def load(data: bytes) -> State:
    """The state of `dump`. Raises `StoreError` for bytes of another layout."""
    try:
        rows = _DECODER.decode(data)
    except msgspec.DecodeError as error:
        raise StoreError(f"a snapshot is damaged: {error}") from None
    if not rows or rows[0] != FORMAT:
        raise StoreError(f"a snapshot of format {rows[0] if rows else '?'} cannot be read; this build reads {FORMAT}")
    state = State()
    for name, value in zip(_SCALARS, cast("list[object]", rows[1]), strict=False):
        setattr(state, name, value)
    state.status = Status(state.status)
    for row in cast("list[list[object]]", rows[2]):
        _load_element(state, row)
    if rows[3] is not None:
        state.root = _element(cast("list[object]", rows[3]), None)
    for job_row in cast("list[list[object]]", rows[4]):
        _load_job(state, job_row)
    for timer_row in cast("list[tuple[int, int, int, int, str, int]]", rows[5]):
        key, element, node, due, cycle, left = timer_row
        state.timers[key] = Timer(key, element, node, due=due, cycle=cycle, left=left)
    for sub_row in cast("list[tuple[int, int, int, str, str, bool]]", rows[6]):
        key, element, node, name, correlation_key, signal = sub_row
        state.subscriptions[key] = Subscription(
            key, element, node, name=name, correlation_key=correlation_key, signal=signal
        )
    for incident_row in cast("list[tuple[int, int, str, str, list[Json], int]]", rows[7]):
        key, element, code, message, operation, job = incident_row
        state.incidents[key] = Incident(key, element, code=code, message=message, operation=tuple(operation), job=job)
    for scope, node in cast("list[tuple[int, int]]", rows[8]):
        state.joins[scope, node] = None
    state.agenda = [tuple(entry) for entry in cast("list[list[Json]]", rows[9])]
    return state


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
        [loop.items, loop.count, loop.outputs, loop.started, loop.completed, loop.terminated]
        if loop is not None
        else None,
        e.attributes,
        e.held,
        e.child,
        list(e.definition) if e.definition is not None else None,
        e.children is not None,
        list(e.then) if e.then is not None else None,
    ]


def _load_element(state: State, row: list[object]) -> None:
    scope_key = cast("int", row[2])
    scope = state.elements[scope_key] if scope_key else None
    element = _element(row, scope)
    state.elements[element.key] = element
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
    loop = cast("tuple[list[Json] | None, int, list[Json], int, int, int] | None", row[10])
    if loop is not None:
        items, count, outputs, started, completed, terminated = loop
        element.loop = LoopState(items, count)
        element.loop.outputs = outputs
        element.loop.started = started
        element.loop.completed = completed
        element.loop.terminated = terminated
    element.attributes = cast("dict[str, Json] | None", row[11])
    element.held = cast("Json", row[12])
    element.child = cast("int", row[13])
    definition = cast("tuple[str, int] | None", row[14])
    element.definition = (definition[0], definition[1]) if definition is not None else None
    element.children = {} if row[15] else None
    then = cast("list[Json] | None", row[16]) if len(row) > 16 else None
    element.then = tuple(then) if then is not None else None
    return element


def _load_job(state: State, row: list[object]) -> None:
    key, element, type_, retries, group, listener, priority, held = cast(
        "tuple[int, int, str, int, int, int, int, bool]", tuple(row)
    )
    job = Job(key, element, type=type_, retries=retries, group=group)
    job.listener = listener
    job.priority = priority
    job.held = held
    state.jobs[key] = job
