"""What happened in a play, read off the facts of its instances: tokens on flows, elements entered and left."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple, TypeAlias, final

from procession.core import facts as f
from procession.core.facts import AnyFact
from procession.core.joins import ARRIVE
from procession.ir.kinds import Kind
from procession.ir.program import Node, Program

What: TypeAlias = Literal["enter", "exit", "end", "flow"]


class Happening(NamedTuple):
    """One thing that happened. `own` are numbers of what it happened to, `scope` that of what it is in, 0 for nothing.

    `enter`: a token begins an element, or arrives at a join. `exit`: an element was left, also an activity that a
    boundary event ended, and a transaction that was cancelled; a join, with all the tokens that arrived for it. `end`:
    an element was ended from outside. `flow`: a token is on a flow. `by` is what it came from: the exit of a flow's
    source, the flow that led to an element.
    """

    what: What
    element: str
    own: tuple[int, ...]
    scope: int
    by: tuple[int, ...] = ()


@final
class Reader:
    """Reads the facts of one instance. `shown` is the id under which the process is shown."""

    __slots__ = (
        "_again",
        "_arrived",
        "_cancelled",
        "_ended",
        "_last",
        "_merged",
        "_next",
        "_nodes",
        "_of",
        "_program",
        "_shown",
        "_tokens",
    )

    def __init__(self, program: Program, instance: int, shown: str) -> None:
        self._program = program
        self._nodes = program.nodes
        self._shown = shown
        # Tokens have no keys: they get numbers below zero, apart in each instance.
        self._next: int = -instance * _TOKENS_MAX
        self._of: dict[int, tuple[Node, int, tuple[int, ...]]] = {}
        """Of each element instance: its node, its scope, and the numbers that it goes by."""
        self._tokens: dict[tuple[int, int], list[int]] = {}
        """By scope and flow, the tokens on it, oldest first."""
        self._arrived: dict[tuple[int, int], list[int]] = {}
        """By scope and flow, the tokens that wait at the join behind it."""
        self._merged: dict[tuple[int, int], tuple[int, ...]] = {}
        self._last: tuple[int, ...] = ()
        self._again: dict[int, int] = {}
        """Of a completed scope that was opened again to be undone: the element instance that it was."""
        self._cancelled: set[int] = set()
        self._ended: dict[tuple[int, int], int] = {}
        """By scope and node, the element instance that was ended last."""

    def read(self, facts: Iterable[AnyFact], trace: list[Happening]) -> list[tuple[Node, int]]:
        """Goes on with the facts of one more step; the elements that were entered, with their keys."""
        entered: list[tuple[Node, int]] = []
        for fact in facts:
            match fact:
                case f.InstanceStarted():
                    self._of[fact.root] = (self._nodes[0], 0, (fact.root,))
                    trace.append(Happening("enter", self._shown, (fact.root,), 0))
                case f.ElementEntered():
                    self._entered(fact, trace)
                    entered.append((self._nodes[fact.node], fact.element))
                case f.CompensationEntered():
                    if self._undoes(fact, trace):
                        entered.append((self._nodes[fact.node], fact.element))
                case f.ElementCompleted():
                    self._left(fact.element, trace)
                case f.TransactionCancelled():
                    self._cancelled.add(self._again.get(fact.element, fact.element))
                case f.ElementTerminated() if fact.element in self._of:
                    self._terminated(fact.element, trace)
                case f.FlowTaken():
                    self._taken(fact, trace)
                case f.TokensMerged() | f.GatewayActivated():
                    self._merge(fact)
                case f.ScopeInterrupted():
                    self._drop(fact.scope)
                case _:
                    pass
        return entered

    def _entered(self, fact: f.ElementEntered, trace: list[Happening]) -> None:
        node = self._nodes[fact.node]
        scope = self._again.get(fact.scope, fact.scope)
        merged = self._merged.pop((scope, node.index), ())
        if merged:
            # Its tokens have been entered one by one.
            self._of[fact.element] = (node, scope, merged)
            return
        self._of[fact.element] = (node, scope, (fact.element,))
        by: tuple[int, ...] = ()
        if fact.token:
            waiting = [flow for flow in node.incoming if self._tokens.get((scope, flow))]
            if waiting:
                flow = max(waiting, key=lambda each: self._tokens[scope, each][0])
                by = (self._tokens[scope, flow].pop(0),)
        if node.kind is Kind.BOUNDARY_EVENT and node.interrupting:
            self._interrupted(scope, node, trace)
        trace.append(Happening("enter", node.id, (fact.element,), scope, by))

    def _undoes(self, fact: f.CompensationEntered, trace: list[Happening]) -> bool:
        """A handler is entered like any element; a scope that is opened again goes on as what it was."""
        node = self._nodes[fact.node]
        scope = self._again.get(fact.scope, fact.scope)
        was = self._of.get(fact.completed)
        if was is not None and was[0].index == node.index:
            self._again[fact.element] = fact.completed
            return False
        self._of[fact.element] = (node, scope, (fact.element,))
        trace.append(Happening("enter", node.id, (fact.element,), scope))
        return True

    def _interrupted(self, scope: int, event: Node, trace: list[Happening]) -> None:
        """The activity that a boundary event ended was left through it."""
        host = self._ended.pop((scope, event.attached), 0)
        if host:
            node, _, own = self._of[host]
            trace.append(Happening("exit", node.id, own, scope))

    def _terminated(self, element: int, trace: list[Happening]) -> None:
        """A transaction that was cancelled is left, be there a boundary event or not."""
        node, scope, own = self._of[element]
        if element in self._cancelled:
            trace.append(Happening("exit", node.id, own, scope))
            return
        self._ended[scope, node.index] = element
        trace.append(Happening("end", node.id, own, scope))

    def _left(self, element: int, trace: list[Happening]) -> None:
        was = self._again.get(element, element)
        if was not in self._of:
            return  # a compensation that nobody waits for
        node, scope, own = self._of[was]
        name = node.id if node.index else self._shown
        trace.append(Happening("exit", name, own, scope))
        self._last = own

    def _taken(self, fact: f.FlowTaken, trace: list[Happening]) -> None:
        flow = self._program.flows[fact.flow]
        scope = self._again.get(fact.scope, fact.scope)
        self._next -= 1
        token = self._next
        trace.append(Happening("flow", flow.id, (token,), scope, self._last))
        target = self._nodes[flow.target]
        if target.kind in ARRIVE and len(target.incoming) > 1:
            trace.append(Happening("enter", target.id, (token,), scope, (token,)))
            self._arrived.setdefault((scope, fact.flow), []).append(token)
        else:
            self._tokens.setdefault((scope, fact.flow), []).append(token)

    def _merge(self, fact: f.TokensMerged | f.GatewayActivated) -> None:
        scope = self._again.get(fact.scope, fact.scope)
        arrived = [self._arrived[scope, flow].pop(0) for flow in fact.flows if (scope, flow) in self._arrived]
        self._merged[scope, fact.node] = tuple(arrived)

    def _drop(self, scope: int) -> None:
        for table in (self._tokens, self._arrived):
            for place in [each for each in table if each[0] == scope]:
                del table[place]


_TOKENS_MAX: Final = 1_000_000_000
