"""Reach: which nodes of its program an instance can still enter, from where it stands.

Over sequence flows and links, into scopes and loops, by events that may happen, and by undoing what was done. Whether a
condition will hold is not asked, so it says too much rather than too little. Nothing here reads a store.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, final

from procession.core import operations as op
from procession.core.linked import handlers_of
from procession.core.renumber import named
from procession.core.state import Completion, ElementInstance, Operation, Stage, State
from procession.ir.kinds import Kind
from procession.ir.program import NONE, CancelTrigger, CompensateTrigger, LinkTrigger, Node, Program, Ref

PLACES_MAX: Final = 10_000
"""Places at which instances stand, whose answers are kept for the next one."""
_UNDOING: Final = frozenset({Stage.COMPENSATING, Stage.CANCELLED})


@final
class Reach:
    """Of one program, for all of its instances."""

    def __init__(self, program: Program) -> None:
        self._nodes: Final = program.nodes
        self._edges: Final = _edges(program)
        self._handlers, self._undo_starts = handlers_of(program)
        self._throwers: Final = frozenset([node.index for node in program.nodes if _undoes(node)])
        self._closures: dict[Ref, frozenset[Ref]] = {}
        self._known: dict[tuple[frozenset[Ref], frozenset[Ref], bool], frozenset[Ref]] = {}

    def ahead(self, state: State) -> frozenset[Ref]:
        """The nodes that may still be entered; of one that has not begun, all."""
        if state.root is None:
            return frozenset(range(len(self._nodes)))
        incidents = state.incidents.values()
        first: set[Ref] = set(named(state))
        done: set[Ref] = set()
        undoing = False
        for element in state.elements.values():
            first.update(self.next(element))
            done.add(element.node)
            done.update(_completed(element.completions.values()))
            undoing = undoing or _is_undoing(element)
        undoing = undoing or any(_undoes_it(each.operation) for each in incidents)
        place = frozenset(first), frozenset(done), undoing or not self._throwers.isdisjoint(done)
        found = self._known.get(place)
        if found is None:
            if len(self._known) >= PLACES_MAX:
                self._known.clear()
            found = self._known[place] = self._all(*place)
        return found

    def leads_to(self, element: ElementInstance, node: Ref) -> bool:
        """Whether an active element alone may go on to a node, without anything being undone."""
        return any(node in self._closure(each) for each in self.next(element))

    def next(self, element: ElementInstance) -> Iterator[Ref]:
        """What may be entered next, because of an active element."""
        if element.stage is Stage.TERMINATING:
            return
        node = self._nodes[element.node]
        begun = bool(element.children or element.tokens)
        loop = element.loop
        full = loop is not None and loop.started >= loop.count
        for each in self._edges[node.index]:
            if begun and each in node.starts:
                continue
            if full and each == node.inner and node.kind is Kind.MULTI_INSTANCE:
                continue
            yield each
        # Tokens that wait at a join enter it with the next one.
        for flow in element.arrived or ():
            yield from (at.index for at in self._nodes if flow in at.incoming)
        yield from element.gates or ()

    def _all(self, first: frozenset[Ref], done: frozenset[Ref], undoing: bool) -> frozenset[Ref]:
        found = self._spread(first)
        while undoing or not self._throwers.isdisjoint(found):
            past = found | done
            more = {handler for node, handler in self._handlers.items() if node in past}
            more |= {start for around, start in self._undo_starts.items() if around in past}
            if more <= found:
                break
            found = found | self._spread(more)
        return found

    def _spread(self, first: Iterable[Ref]) -> frozenset[Ref]:
        found: frozenset[Ref] = frozenset()
        return found.union(*(self._closure(each) for each in first))

    def _closure(self, node: Ref) -> frozenset[Ref]:
        """A node, and all that may follow once it is entered."""
        known = self._closures.get(node)
        if known is None:
            found = {node}
            waiting = [node]
            while waiting:
                fresh = self._edges[waiting.pop()] - found
                found |= fresh
                waiting.extend(fresh)
            known = self._closures[node] = frozenset(found)
        return known


def _edges(program: Program) -> list[frozenset[Ref]]:
    """By node, what may be entered because that is, or was."""
    found: list[set[Ref]] = [set() for _ in program.nodes]
    for node in program.nodes:
        own = found[node.index]
        own.update(program.flows[flow].target for flow in node.outgoing)
        own.update(node.starts, node.parts, (each.event for each in node.thrown))
        own.update(each for each in node.catches if not _undone(program, each))
        if node.inner != NONE:
            own.add(node.inner)
        if isinstance(node.trigger, LinkTrigger) and node.trigger.target != NONE:
            own.add(node.trigger.target)
        if node.attached != NONE and not _undone(program, node.index):
            # A boundary event comes of its activity; a definition of an event with several lets that happen.
            before, after = (node.index, node.attached) if node.kind is Kind.TRIGGER else (node.attached, node.index)
            found[before].add(after)
        if node.kind is Kind.START_EVENT and program.nodes[node.scope].kind is Kind.EVENT_SUB_PROCESS:
            own.add(node.scope)
            if not _undone(program, node.index):
                found[program.nodes[node.scope].scope].add(node.index)
        if node.scope != NONE and program.nodes[node.scope].kind is Kind.AD_HOC_ACTIVATION:
            found[node.scope].add(node.index)
    return [frozenset(each) for each in found]


def _undone(program: Program, node: Ref) -> bool:
    """Whether an event is one of compensation, which no token comes to."""
    return isinstance(program.nodes[node].trigger, CompensateTrigger)


def _undoes(node: Node) -> bool:
    """Whether an event lets something be undone."""
    if isinstance(node.trigger, CancelTrigger):
        return node.kind is not Kind.BOUNDARY_EVENT
    return isinstance(node.trigger, CompensateTrigger) and node.kind not in {Kind.BOUNDARY_EVENT, Kind.START_EVENT}


def _is_undoing(element: ElementInstance) -> bool:
    """Whether something is undone because of an active element, now or once it comes to that."""
    then = element.then
    return element.undoing is not None or element.stage in _UNDOING or (then is not None and _undoes_it(then))


def _undoes_it(operation: Operation) -> bool:
    return bool(operation) and operation[0] in (op.COMPENSATE, op.CANCEL_TRANSACTION)


def _completed(completions: Iterable[Completion]) -> Iterator[Ref]:
    waiting = list(completions)
    while waiting:
        completion = waiting.pop()
        yield completion.node
        waiting.extend(completion.inside.values())
