"""Play: a drawing is tried out by hand, by the real interpreter, in memory.

`compile.simulate` says what a drawing means when it is played. A `Play` starts its processes, lets happen what waits,
chooses among flows, carries messages over message flows and signals to whoever waits for them, and keeps what happened
in order. There is no clock, no worker and no store.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, final

from procession.base.failure import ProcessionError
from procession.base.values import Json
from procession.compile.simulate import (
    TAKEN,
    Played,
    compile_for_play,
    started_at,
    with_pauses,
    without_flows,
    without_throw,
)
from procession.core import commands as c
from procession.core import events as e
from procession.core.linked import Linked
from procession.core.state import State, Status
from procession.core.step import step
from procession.ir.kinds import Kind
from procession.ir.program import Node, Program, Ref, hash_of, to_bytes
from procession.model.bpmn import Activity, Definitions, MessageFlow
from procession.runtime.link import link
from procession.testing.play_trace import Happening, Reader

STEPS_MAX: Final = 1_000
"""Steps that follow from one act, before the play is said to go on for ever: processes may message each other."""
_PASSED: Final[dict[str, Callable[[Program, Ref], Program]]] = {
    "unhandled-error": without_throw,
    "no-flow": without_flows,
}
"""What keeps a failure from stopping the play, by the code of its incident."""
_SENDERS: Final = frozenset({"intermediateThrowEvent", "endEvent"})


@final
class Unplayable(ProcessionError):
    """What was asked for cannot happen now."""


class Pending(NamedTuple):
    """Something that goes on without anybody: a message flow, or a signal to all instances but `origin`."""

    flow: MessageFlow | None = None
    signal: str = ""
    origin: int = 0


class Turn(NamedTuple):
    """What an activity with message flows does next: it sends, it receives, or without a flow it waits for a hand."""

    is_sent: bool
    flow: MessageFlow | None


@final
class Case:
    """One instance that is played."""

    __slots__ = ("key", "linked", "played", "program", "reader", "state", "turns")

    def __init__(self, key: int, played: Played, program: Program, shown: str) -> None:
        self.key = key
        self.played = played
        self.program = program
        """As it was made, beginning where it was started."""
        self.linked: Linked
        self.state = State()
        self.reader = Reader(program, key, shown)
        self.turns: dict[int, list[Turn]] = {}
        """Of each waiting activity with message flows: what is still to come."""

    def node(self, index: int) -> Node:
        """The event that the node of a subscription or job belongs to."""
        node = self.program.nodes[index]
        return self.program.nodes[node.attached] if node.kind is Kind.TRIGGER else node

    def waiting_at(self, element: str) -> Wait | None:
        """The oldest wait at that element, None if nothing waits there."""
        state = self.state
        found = [each for each in state.subscriptions.values() if self.node(each.node).id == element]
        if found:
            first = found[0]
            of_all = self.node(first.node).parallel
            chosen = [each for each in found if each.element == first.element] if of_all else [first]
            # By hand even a signal is given to one that waits for it.
            return Wait(self, first.key, tuple([e.OfferMessage(each.key, 0) for each in chosen]))
        for job in state.jobs.values():
            if self.program.nodes[state.elements[job.element].node].id == element:
                return Wait(self, job.key, (e.CompleteJob(job.key),))
        return None


class Wait(NamedTuple):
    """What lets something that waits happen. Keys rise with time."""

    case: Case
    key: int
    events: tuple[e.AnyEvent, ...]


@final
class Play:
    """A document that is played. `trace` is all that happened, in order; ids are those of the drawing."""

    def __init__(self, definitions: Definitions) -> None:
        self.trace: list[Happening] = []
        self.cases: list[Case] = []
        """In order of their start."""
        self._played = compile_for_play(definitions)
        self._taken = [flow for played in self._played for flows in played.first.values() for flow in flows]
        self._pauses: set[str] = set()
        self._flows = [flow for each in definitions.collaborations for flow in each.message_flows]
        participants = [each for collaboration in definitions.collaborations for each in collaboration.participants]
        self._shown = {each.process_ref: each.id for each in participants}
        self._turns = _turns(definitions, self._flows)
        self._pending: deque[Pending] = deque()
        self._key = 0

    @property
    def starts(self) -> list[str]:
        """The elements at which processes can be started: start events, else what no flow leads to."""
        return [element for played in self._played for element in played.starts]

    # --- what a hand may do -------------------------------------------------------------------------------------------

    def configure(self, element: str, flows: Iterable[str]) -> None:
        """Says which flows an element takes from now on, where it can choose: of none the token ends."""
        own = {flow for played in self._played for flow in played.choices.get(element, ())}
        self._taken = [flow for flow in self._taken if flow not in own] + [flow for flow in flows if flow in own]
        for case in self._active():
            self._step(case, e.SetVariables(0, self._variables()))

    def wait_at(self, element: str, *, wait: bool = True) -> None:
        """Lets an activity wait for a hand, or no longer."""
        (self._pauses.add if wait else self._pauses.discard)(element)
        for case in self._active():
            case.linked = self._link(case.program)

    def trigger(self, element: str) -> None:
        """Lets happen what waits at an element, what a message flow brings, or the start of a process there.

        Raises `Unplayable` when none of these is there.
        """
        flow = next((each for each in self._flows if each.id == element), None)
        if flow is not None:
            self._pending.append(Pending(flow=flow))
        elif (wait := self._waiting(element)) is not None:
            if self._may_go_on(wait):
                self._do(wait)
        else:
            played = next((each for each in self._played if element in each.starts), None)
            if played is None:
                raise Unplayable(f"nothing waits at {element!r}, and no process starts there")
            self._start(played, element)
        self._go_on()

    # --- what follows -------------------------------------------------------------------------------------------------

    def _waiting(self, element: str) -> Wait | None:
        found = [wait for case in self._active() if (wait := case.waiting_at(element)) is not None]
        return min(found, key=lambda wait: wait.key, default=None)

    def _active(self) -> list[Case]:
        return [case for case in self.cases if case.state.status is Status.ACTIVE]

    def _variables(self) -> dict[str, Json]:
        return {TAKEN: list(self._taken)}

    def _start(self, played: Played, element: str) -> None:
        program = started_at(played, element)
        self._key += 1
        shown = self._shown.get(program.process_id, program.process_id)
        case = Case(self._key, played, program, shown)
        case.linked = self._link(case.program)
        self.cases.append(case)
        self._step(case, e.Start(instance=case.key, tenant="", program="", version=1, variables=self._variables()))

    def _link(self, program: Program) -> Linked:
        receiving = [id for id, turns in self._turns.items() if not all(turn.is_sent for turn in turns)]
        program = with_pauses(program, frozenset([*self._pauses, *receiving]))
        return link(program, hash_of(to_bytes(program)))

    def _do(self, wait: Wait) -> None:
        for event in wait.events:
            # Of what must happen together, the one before may have been the last.
            if not isinstance(event, e.OfferMessage) or event.subscription in wait.case.state.subscriptions:
                self._step(wait.case, event)

    def _go_on(self) -> None:
        for _ in range(STEPS_MAX):
            if not self._pending:
                return
            pending = self._pending.popleft()
            if pending.flow is not None:
                self._deliver(pending.flow)
            else:
                self._broadcast(pending)
        raise Unplayable(f"after {STEPS_MAX} messages and signals the processes still send more")

    def _step(self, case: Case, event: e.AnyEvent, *, optional: bool = False) -> None:
        outcome = step(case.linked, case.state, event, 0, self._key + 1)
        self._key = max(self._key, outcome.last_key)
        assert optional or not outcome.rejected, outcome.reason
        entered = case.reader.read(outcome.facts, self.trace)
        for node, element in entered:
            self._send(case, node, element)
        for command in outcome.commands:
            if isinstance(command, c.Broadcast):
                self._pending.append(Pending(signal=command.name, origin=case.key))
            elif isinstance(command, c.GoOn):
                self._step(case, e.Continue())
            elif isinstance(command, c.OpenIncident):
                self._pass_by(case, command)

    def _pass_by(self, case: Case, incident: c.OpenIncident) -> None:
        """An error that nothing catches passes by, and a token for which no flow is chosen ends where it is: whoever
        plays sees the others go on."""
        change = _PASSED.get(incident.code)
        if change is not None:
            linked, case.linked = case.linked, self._link(change(case.program, incident.node))
            self._step(case, e.ResolveIncident(incident.incident))
            case.linked = linked

    # --- messages and signals -----------------------------------------------------------------------------------------

    def _send(self, case: Case, node: Node, element: int) -> None:
        """What an element that was entered sends."""
        if node.bpmn in _SENDERS:
            self._pending.extend(Pending(flow=flow) for flow in self._flows if flow.source == node.id)
        elif node.id in self._turns:
            held = [Turn(False, None)] if node.id in self._pauses else []
            case.turns[element] = [*held, *self._turns[node.id]]
            self._sent_all(case.turns[element])

    def _sent_all(self, turns: list[Turn]) -> bool:
        """An activity sends and receives from left to right: it sends up to what it receives next. Whether it is done
        with all its turns."""
        while turns and turns[0].is_sent:
            self._pending.append(Pending(flow=turns.pop(0).flow))
        return not turns

    def _may_go_on(self, wait: Wait) -> bool:
        """Whether a hand lets what waits go on. An activity that was told to wait begins its turns; one that waits for
        a message receives no more, and sends what it still has to send."""
        turns = self._turns_of(wait)
        if not turns:
            return True
        if turns[0].flow is None:
            turns.pop(0)
            return self._sent_all(turns)
        self._pending.extend(Pending(flow=turn.flow) for turn in turns if turn.is_sent)
        turns.clear()
        return True

    def _deliver(self, flow: MessageFlow) -> None:
        """A message flow ends at what waits for it, at a start, or nowhere."""
        self._key += 1
        self.trace += [Happening("enter", flow.id, (self._key,), 0), Happening("exit", flow.id, (self._key,), 0)]
        wait = self._waiting(flow.target)
        if wait is not None:
            if self._is_turn_over(wait, flow):
                self._do(wait)
            return
        played = next((each for each in self._played if flow.target in each.starts), None)
        node = None if played is None else played.program.nodes[played.starts[flow.target][0]]
        if played is not None and node is not None and node.kind is Kind.START_EVENT:
            self._start(played, flow.target)

    def _is_turn_over(self, wait: Wait, flow: MessageFlow) -> bool:
        """Whether a message lets what waits for it go on: an activity may have more to receive and to send."""
        turns = self._turns_of(wait)
        if turns is None or turns[0].flow is not flow:
            return turns is None and isinstance(wait.events[0], e.OfferMessage)
        turns.pop(0)
        return self._sent_all(turns)

    def _turns_of(self, wait: Wait) -> list[Turn] | None:
        """What the activity that these events let go on has still to do; None if it has nothing to do with messages."""
        first = wait.events[0]
        if not isinstance(first, e.OfferMessage):
            return None  # a scope that is told to wait does not wait for a message
        return wait.case.turns.get(wait.case.state.subscriptions[first.subscription].element) or None

    def _broadcast(self, signal: Pending) -> None:
        for case in self._active():
            if case.key != signal.origin:
                waiting = [s.key for s in case.state.subscriptions.values() if s.signal and s.name == signal.signal]
                for key in waiting:
                    self._step(case, e.ReceiveSignal(key), optional=True)
        for played in self._played:
            for element in played.signals.get(signal.signal, ()):
                self._start(played, element)


def _turns(definitions: Definitions, flows: list[MessageFlow]) -> dict[str, list[Turn]]:
    """The message flows of each task, from left to right as they are drawn, and whether the task sends them."""
    edges = {edge.element: edge.waypoints for each in definitions.diagrams for edge in each.edges if edge.waypoints}
    tasks = [
        node.id
        for process in definitions.processes
        for node in _activities(process.scope.nodes)
        if node.scope is None and not node.triggered_by_event
    ]
    found: dict[str, list[Turn]] = {}
    for task in tasks:
        placed = [
            (edges[flow.id][0 if is_sent else -1].x if flow.id in edges else 0.0, number, is_sent, flow)
            for is_sent in (False, True)
            for number, flow in enumerate(flows)
            if (flow.source if is_sent else flow.target) == task
        ]
        if placed:
            found[task] = [Turn(is_sent, flow) for _, _, is_sent, flow in sorted(placed, key=lambda each: each[:3])]
    return found


def _activities(nodes: Iterable[object]) -> list[Activity]:
    found: list[Activity] = []
    waiting = [node for node in nodes if isinstance(node, Activity)]
    while waiting:
        node = waiting.pop()
        found.append(node)
        if node.scope is not None:
            waiting += [each for each in node.scope.nodes if isinstance(each, Activity)]
    return found
