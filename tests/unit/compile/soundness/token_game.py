"""An independent token game for flat programs, by brute force: every order of everything, as the standard says it.

It shares nothing with the explorer but the program. A position is a node (its token is inside) or a flow into a join.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from procession.ir.kinds import Kind
from procession.ir.program import NONE, ErrorTrigger, Program, TerminateTrigger

Place = tuple[str, int]
State = frozenset[tuple[Place, int]]

JOINS = {Kind.PARALLEL_GATEWAY, Kind.INCLUSIVE_GATEWAY}
WAITING = {Kind.JOB_TASK}


class TooLarge(Exception):
    """The game has more states than the test wants to see, or is unbounded."""


@dataclass
class Seen:
    """What some run shows: nodes entered, flows taken, joins with a token for ever, places with two tokens."""

    entered: set[int] = field(default_factory=set[int])
    flows: set[int] = field(default_factory=set[int])
    stuck: set[int] = field(default_factory=set[int])
    twice: set[int] = field(default_factory=set[int])
    fired: set[int] = field(default_factory=set[int])


def play(program: Program, *, eager: bool, states_max: int = 3_000) -> Seen:
    """All runs. `eager`: what need not wait moves before what waits, as an interpreter does it."""
    game = _Game(program, eager)
    seen = Seen()
    start = Counter[Place]()
    for ref in program.nodes[0].starts:
        start["node", ref] += 1
    first = _frozen(start)
    known = {first}
    waiting = [first]
    while waiting:
        state = waiting.pop()
        marking = Counter(dict(state))
        for (what, ref), count in marking.items():
            node = ref if what == "node" else program.flows[ref].target
            seen.entered.add(node)
            if count > 2:
                raise TooLarge
            if count == 2:
                seen.twice.add(node)
        moves = list(game.moves(marking))
        if not moves:
            for what, ref in marking:
                if what == "flow":
                    seen.stuck.add(program.flows[ref].target)
        for node, flows, following in moves:
            seen.fired.add(node)
            seen.flows.update(flows)
            frozen = _frozen(following)
            if frozen not in known:
                known.add(frozen)
                waiting.append(frozen)
                if len(known) > states_max:
                    raise TooLarge
    return seen


def _frozen(marking: Counter[Place]) -> State:
    return frozenset((place, count) for place, count in marking.items() if count)


class _Game:
    def __init__(self, program: Program, eager: bool) -> None:
        self.program = program
        self.eager = eager
        self.before: dict[int, set[int]] = {}
        for flow in program.flows:
            self.before.setdefault(flow.target, set()).add(flow.source)
        for node in program.nodes:
            if node.attached != NONE:
                self.before.setdefault(node.index, set()).add(node.attached)

    def moves(self, marking: Counter[Place]) -> Iterator[tuple[int, tuple[int, ...], Counter[Place]]]:
        """(node, flows taken, the marking after it) of everything that may happen next."""
        at_once: list[tuple[int, tuple[int, ...], Counter[Place]]] = []
        later: list[tuple[int, tuple[int, ...], Counter[Place]]] = []
        joins: list[tuple[int, tuple[int, ...], Counter[Place]]] = []
        for what, ref in list(marking):
            if what == "node":
                found = self._leave(ref, marking, Counter({("node", ref): 1}))
                (later if self.program.nodes[ref].kind in WAITING else at_once).extend(found)
        for node in self.program.nodes:
            if node.kind not in JOINS or len(node.incoming) < 2:
                continue
            arrived = [flow for flow in node.incoming if marking["flow", flow]]
            taken = Counter({("flow", flow): 1 for flow in arrived})
            if node.kind is Kind.PARALLEL_GATEWAY and len(arrived) == len(node.incoming):
                at_once.extend(self._leave(node.index, marking, taken))
            elif node.kind is Kind.INCLUSIVE_GATEWAY and arrived and self._nothing_comes(node.index, marking):
                joins.extend(self._leave(node.index, marking, taken))
        if not self.eager:
            yield from itertools.chain(at_once, joins, later)
        else:
            yield from at_once or joins or later

    def _nothing_comes(self, join: int, marking: Counter[Place]) -> bool:
        """13.4.3, word by word: each empty flow that a token may reach, with no way for it to one that has a token."""
        incoming = self.program.nodes[join].incoming
        for what, ref in marking:
            node = ref if what == "node" else self.program.flows[ref].target
            if node == join:
                continue
            to_empty = any(not marking["flow", flow] and self._gets(node, flow, join) for flow in incoming)
            to_full = any(marking["flow", flow] and self._gets(node, flow, join) for flow in incoming)
            if to_empty and not to_full:
                return False
        return True

    def _gets(self, node: int, flow: int, join: int) -> bool:
        """Whether a path leads from a node over a flow, without visiting the join before."""
        waiting = [self.program.flows[flow].source]
        seen: set[int] = set()
        while waiting:
            each = waiting.pop()
            if each == join or each in seen:
                continue
            if each == node:
                return True
            seen.add(each)
            waiting.extend(self.before.get(each, ()))
        return False

    def _leave(
        self, ref: int, marking: Counter[Place], taken: Counter[Place]
    ) -> Iterator[tuple[int, tuple[int, ...], Counter[Place]]]:
        node = self.program.nodes[ref]
        if isinstance(node.trigger, TerminateTrigger | ErrorTrigger) and node.kind is Kind.END_EVENT:
            yield ref, (), Counter()
            return
        left = marking - taken
        border = [self.program.nodes[each] for each in node.catches]
        beside = [each.index for each in border if not each.interrupting]
        ways: list[tuple[tuple[int, ...], tuple[int, ...]]] = [(flows, ()) for flows in self._choices(ref)]
        ways += [((), (each.index,)) for each in border if each.interrupting]
        for flows, events in ways:
            for count in range(len(beside) + 1):
                for fired in itertools.combinations(beside, count):
                    following = left.copy()
                    for flow in flows:
                        target = self.program.nodes[self.program.flows[flow].target]
                        is_join = target.kind in JOINS and len(target.incoming) > 1
                        following["flow", flow] += is_join
                        following["node", target.index] += not is_join
                    for event in (*events, *fired):
                        following["node", event] += 1
                    yield ref, flows, following

    def _choices(self, ref: int) -> list[tuple[int, ...]]:
        node = self.program.nodes[ref]
        if len(node.outgoing) < 2 or node.kind is Kind.PARALLEL_GATEWAY:
            return [node.outgoing]
        if node.kind is Kind.EXCLUSIVE_GATEWAY:
            return [(flow,) for flow in node.outgoing]
        if node.kind is Kind.INCLUSIVE_GATEWAY:
            return [
                some
                for count in range(1, len(node.outgoing) + 1)
                for some in itertools.combinations(node.outgoing, count)
            ]
        return [node.outgoing]
