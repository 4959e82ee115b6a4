"""step: one event in, facts and commands out; the only place that catches `Failure`.

Decide, then apply: transitions write facts through the context and `apply` changes the state. The agenda is a queue,
not recursion, so a long straight process costs no stack. After `TRANSITIONS_MAX` transitions the rest of the agenda
becomes the fact `Yielded`, by count and so equal on every host (decision 10).
"""

from __future__ import annotations

from typing import Final, cast

from procession.base.failure import Failure
from procession.base.values import Json
from procession.core import facts as f
from procession.core.commands import GoOn, OpenIncident
from procession.core.conditions import note_changes
from procession.core.context import Context, Rejected
from procession.core.data import awaited
from procession.core.events import AnyEvent, Continue, Start
from procession.core.intake import EVENTS
from procession.core.joins import fire_waiting
from procession.core.linked import Linked, Undecided
from procession.core.operations import RESUME
from procession.core.outcome import Outcome
from procession.core.state import Operation, State, Status
from procession.core.suspension import HELD_BACK, kept_back
from procession.core.transitions import TRANSITIONS

TRANSITIONS_MAX: Final = 1_000
"""Transitions of one step."""
YIELDS_MAX: Final = 100
"""Yields without a wait in between before the instance is stopped with the incident `endless-loop`."""


def step(linked: Linked, state: State, event: AnyEvent, at: int, key: int, *, target: Linked | None = None) -> Outcome:
    """Moves the state on by one event.

    `at` is Unix ms (the state keeps it from running backwards), `key` the next free key of the shard; the outcome
    says which key was taken last. `target` is the program that a `Migrate` goes to. A rejected event leaves the state
    as it was. Any exception is a bug of ours: the host must drop the state and load it again.
    """
    key = key if key > state.last_key else state.last_key + 1
    cx = Context(linked, state, at if at > state.at else state.at, key, target)
    still = state.suspended
    try:
        _admit(state, event)
        EVENTS[type(event)](cx, event)
    except Rejected as rejected:
        assert not cx.facts, "an event was rejected after its first fact"
        return Outcome([], [], 0, rejected.code, rejected.reason)
    _run(cx)
    if cx.facts:
        state.seq += 1
        state.at = cx.at
    commands = kept_back(cx.commands) if still and state.suspended else cx.commands
    return Outcome(cx.facts, commands, cx.next_key - 1)


def _admit(state: State, event: AnyEvent) -> None:
    if isinstance(event, Start):
        if state.instance:
            raise Rejected("conflict", "the instance is started already")
        return
    if state.status is not Status.ACTIVE:
        raise Rejected("not-found", f"instance {state.instance} has ended")
    if state.agenda and not isinstance(event, Continue):
        raise Rejected("busy", "the instance has yielded; it must continue first")
    if state.suspended and isinstance(event, HELD_BACK):
        raise Rejected("suspended", f"instance {state.instance} is suspended; resume it first")


def _run(cx: Context) -> None:
    agenda = cx.agenda
    state = cx.state
    facts = cx.facts
    later = cx.later
    watchers = state.watchers
    count = 0
    if watchers:
        note_changes(cx, 0)
    while True:
        while agenda:
            if count >= TRANSITIONS_MAX:
                _stop(cx)
                return
            count += 1
            operation = agenda.popleft()
            before = len(facts)
            try:
                TRANSITIONS[operation[0]](cx, *operation[1:])
            except Failure as failure:
                _incident(cx, operation, failure, before)
            if cx.env is not None:
                cx.note_warnings(cast("int", operation[1]))
            if watchers:
                note_changes(cx, before)
        if state.awaiting and awaited(cx):
            continue
        if later:
            agenda.append(later.popleft())
        elif not state.joins or not fire_waiting(cx):
            break
    state.yields = 0


def _stop(cx: Context) -> None:
    """Too long a step: the rest of the agenda is kept, or held in an incident when this never ends."""
    rest: list[Json] = [list(entry) for entry in (*cx.agenda, *cx.later)]
    cx.agenda.clear()
    cx.later.clear()
    if cx.state.yields < YIELDS_MAX:
        cx.write(f.Yielded(rest))
        cx.send(GoOn())
        return
    root = cx.state.root
    assert root is not None
    done = TRANSITIONS_MAX * (YIELDS_MAX + 1)
    failure = Failure("endless-loop", f"{done} transitions without waiting for anything: the process loops")
    cx.state.yields = 0
    _incident(cx, (RESUME, root.key, rest), failure, len(cx.facts))


def _incident(cx: Context, operation: Operation, failure: Failure, before: int) -> None:
    assert len(cx.facts) == before, f"a transition failed after its first fact: {operation} {failure}"
    key = cast("int", operation[1])
    element = cx.state.elements.get(key)
    assert element is not None, f"an incident without an element: {operation} {failure}"
    if isinstance(failure, Undecided):
        cx.write(f.DecisionFailed(key, *failure.did))
        cx.note_warnings(key)
    incident = cx.new_key()
    cx.write(f.IncidentRaised(incident, key, failure.code, failure.message, list(operation)))
    cx.send(OpenIncident(incident, key, element.node, failure.code, failure.message))
