"""Mapping: two programs held against each other. What a migration plan means in numbers, and what speaks against it.

A default plan maps what has the same id, kind and scope; what may have been renamed is proposed and no more. Nothing
here knows an instance (migration.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

from procession.core.plans import MigrationPlan, Proposal
from procession.ir.kinds import Kind
from procession.ir.program import NONE, Node, Program, Ref

JOINS: Final = (Kind.PARALLEL_GATEWAY, Kind.INCLUSIVE_GATEWAY, Kind.COMPLEX_GATEWAY)
_SCORE_MIN: Final = 2
"""What a proposal must have in common with its source: its name alone, or neighbours on both sides."""


@final
class Mapping:
    """A plan in numbers: `nodes` and `flows` of the source with their targets, and `problems` in words."""

    __slots__ = ("flows", "nodes", "problems")

    def __init__(self) -> None:
        self.nodes: dict[Ref, Ref] = {0: 0}
        self.flows: dict[Ref, Ref] = {}
        self.problems: list[str] = []


def mapped(source: Program, target: Program, plan: MigrationPlan) -> Mapping:
    """What a plan says, checked against the two programs alone."""
    found = Mapping()
    here, there = by_id(source), by_id(target)
    for one, other in plan.elements.items():
        from_, to = here.get(one), there.get(other)
        if from_ is None or to is None:
            where, id = ("source", one) if from_ is None else ("target", other)
            found.problems.append(f"the {where} has no element {id!r}")
        elif [each.kind for each in from_] != [each.kind for each in to]:
            found.problems.append(f"{one!r} is {_called(from_)}, and {other!r} is {_called(to)}")
        else:
            found.nodes.update((a.index, b.index) for a, b in zip(from_, to, strict=True))
    for a, b in list(found.nodes.items()):
        if a:
            why = _mismatch(source.nodes[a], target.nodes[b], found.nodes)
            if why:
                found.problems.append(f"{source.nodes[a].id!r} cannot go to {target.nodes[b].id!r}: {why}")
    _flows(source, target, plan, found)
    return found


def default_plan(source: Program, target: Program) -> MigrationPlan:
    """Every element and flow that both programs have, and proposals for the rest."""
    there = by_id(target)
    nodes: dict[Ref, Ref] = {0: 0}
    elements: dict[str, str] = {}
    left = [each for each in by_id(source).values() if each[0].index]
    found = True
    while found:
        # Again and again, because what a boundary event is attached to may be drawn behind it.
        found = False
        waiting, left = left, list[list[Node]]()
        for from_ in waiting:
            id = from_[0].id
            to = there.get(id)
            if to is None or not _fits(from_, to, nodes):
                left.append(from_)
                continue
            nodes.update((a.index, b.index) for a, b in zip(from_, to, strict=True))
            elements[id] = id
            found = True
    flows = {flow.id: flow for flow in target.flows}
    same = {
        each.id: each.id
        for each in source.flows
        if each.id in flows and nodes.get(each.target, NONE) == flows[each.id].target
    }
    proposals = _proposals(source, target, left, nodes)
    return MigrationPlan(elements=elements, flows=same, proposals=proposals)


def by_id(program: Program) -> dict[str, list[Node]]:
    """The nodes of each id: one, or the body of a loop and the activity inside it, or an event and its definitions."""
    found: dict[str, list[Node]] = {}
    for node in program.nodes:
        found.setdefault(node.id, []).append(node)
    return found


def _flows(source: Program, target: Program, plan: MigrationPlan, found: Mapping) -> None:
    here = {flow.id: flow for flow in source.flows}
    there = {flow.id: flow for flow in target.flows}
    for one, other in plan.flows.items():
        if one not in here or other not in there:
            where, id = ("source", one) if one not in here else ("target", other)
            found.problems.append(f"the {where} has no sequence flow {id!r}")
            continue
        a, b = here[one], there[other]
        if found.nodes.get(a.target, NONE) != b.target:
            found.problems.append(f"the flow {one!r} cannot go to {other!r}: they do not lead to the same element")
        elif b.index in found.flows.values():
            found.problems.append(f"two flows go to {other!r}")
        else:
            found.flows[a.index] = b.index


def _mismatch(a: Node, b: Node, nodes: dict[Ref, Ref]) -> str:
    """Why a node cannot become another, the kinds being equal; "" if it can."""
    if nodes.get(a.scope, NONE) != b.scope:
        return "they are not in the same scope; map the scopes around them too"
    if type(a.trigger) is not type(b.trigger):
        return "they wait for different triggers"
    if a.attached != NONE and nodes.get(a.attached, NONE) != b.attached:
        return "they are attached to different activities"
    if a.loop is not None and b.loop is not None:
        if a.loop.sequential is not b.loop.sequential:
            return "one is sequential and the other is parallel"
        if (a.loop.items == NONE) is not (b.loop.items == NONE):
            return "one repeats for a collection and the other for a number"
    return ""


def _fits(from_: list[Node], to: list[Node], nodes: dict[Ref, Ref]) -> bool:
    if len(from_) != len(to):
        return False
    known = dict(nodes)
    for a, b in zip(from_, to, strict=True):
        if a.kind is not b.kind or _mismatch(a, b, known):
            return False
        known[a.index] = b.index
    return True


def _proposals(source: Program, target: Program, left: list[list[Node]], nodes: dict[Ref, Ref]) -> tuple[Proposal, ...]:
    """The best match of each element that is left, if it is the only best one."""
    taken = set(nodes.values())
    free = [each for each in by_id(target).values() if each[0].index not in taken]
    known = dict(nodes)
    found: list[Proposal] = []
    for from_ in left:
        scored = [(*_likeness(source, target, from_[0], to[0], nodes), to) for to in free if _fits(from_, to, known)]
        best = max((score for score, _, _ in scored), default=0)
        winners = [(why, to) for score, why, to in scored if score == best]
        if best < _SCORE_MIN or len(winners) != 1:
            continue
        why, to = winners[0]
        found.append(Proposal(from_[0].id, to[0].id, why))
        # What is inside a scope that was renamed is compared as if the scope were mapped.
        known.update((a.index, b.index) for a, b in zip(from_, to, strict=True))
        free.remove(to)
    return tuple(found)


def _likeness(source: Program, target: Program, a: Node, b: Node, nodes: dict[Ref, Ref]) -> tuple[int, str]:
    reasons: list[str] = []
    score = 0
    if a.name and a.name == b.name:
        score += 2
        reasons.append("the same name")
    pairs: tuple[tuple[str, Callable[[Program, Node], set[Ref]]], ...] = (
        ("the same elements before it", _before),
        ("the same elements behind it", _behind),
    )
    for text, neighbours in pairs:
        theirs = neighbours(target, b)
        if theirs and {nodes.get(each, NONE) for each in neighbours(source, a)} == theirs:
            score += 1
            reasons.append(text)
    return score, ", ".join(reasons)


def _before(program: Program, node: Node) -> set[Ref]:
    return {program.flows[flow].source for flow in node.incoming}


def _behind(program: Program, node: Node) -> set[Ref]:
    return {program.flows[flow].target for flow in node.outgoing}


def _called(nodes: list[Node]) -> str:
    first = nodes[0]
    repeated = first.kind in {Kind.MULTI_INSTANCE, Kind.LOOP}
    drawn = nodes[1] if repeated else first
    text = drawn.bpmn or drawn.kind.name.lower().replace("_", " ")
    if repeated:
        return f"a repeated {text}"
    return f"a {text} with {len(first.parts)} definitions" if len(first.parts) > 1 else f"a {text}"
