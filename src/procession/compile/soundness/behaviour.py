"""How a token comes and goes, a row for each kind of node: all that the exploration knows about elements.

A kind, a thrown trigger or a boundary trigger without a row is not explored, and neither is its scope: that is said
and never guessed. What must not live here: states, and what is wrong with them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any, Final, NamedTuple, TypeAlias

from procession.ir.kinds import Kind
from procession.ir.program import (
    NONE,
    CancelTrigger,
    CompensateTrigger,
    ConditionalTrigger,
    ErrorTrigger,
    EscalationTrigger,
    LinkTrigger,
    MessageTrigger,
    Node,
    NoneTrigger,
    Program,
    Ref,
    SignalTrigger,
    TerminateTrigger,
    TimerTrigger,
)

CHOICES_MAX: Final = 1_024
"""Ways to leave one node (an inclusive split of n flows has 2**n - 1); a node with more is not explored."""
QUANTITY_MAX: Final = 20
"""Most tokens that a node takes or gives at once; a node with more is not explored."""

Flows: TypeAlias = tuple[Ref, ...]


class Gather(Enum):
    """What a node takes when it begins."""

    ANY = 0
    """One token, whichever comes."""
    ALL = 1
    """One token of each incoming flow (13.4.2)."""
    SOME = 2
    """One token of each flow that has one, once no other can come (13.4.3)."""


class Then(Enum):
    """What follows a thrown trigger."""

    LEAVE = 0
    """The token goes on over the outgoing flows."""
    JUMP = 1
    """The token goes on at the target of the link."""
    OVER = 2
    """All tokens of the scope end with it."""
    THROWN = 3
    """The scope is left by an error."""


class TooMany(Exception):
    """A node can be left in more ways than `CHOICES_MAX`."""


class Behaviour(NamedTuple):
    """`waits`: something outside the flow decides when the token leaves, so other tokens may pass it by."""

    gather: Gather
    leave: Callable[[Program, Node], Iterable[Flows]]
    waits: bool


def all_flows(program: Program, node: Node) -> Iterable[Flows]:
    """Parallel gateways and whatever has no conditions: every flow at once."""
    return (node.outgoing,)


def one_flow(program: Program, node: Node) -> Iterable[Flows]:
    """An exclusive gateway: one of its flows. None behind the first without a condition can have its turn."""
    found: list[Flows] = []
    for ref in node.outgoing:
        if ref == node.default:
            continue
        found.append((ref,))
        if program.flows[ref].condition == NONE:
            return found
    if node.default != NONE:
        found.append((node.default,))
    return found or ((),)


def each_flow(program: Program, node: Node) -> Iterable[Flows]:
    """An event-based gateway: the flow to the event that comes first; all, where all of them must come (10.6.6)."""
    return (node.outgoing,) if node.parallel else tuple([(ref,) for ref in node.outgoing])


def some_flows(program: Program, node: Node) -> Iterable[Flows]:
    """What has no condition is always taken; any of the rest too; the default flow where none of these is (13.2)."""
    others = [ref for ref in node.outgoing if ref != node.default]
    free = tuple([ref for ref in others if program.flows[ref].condition == NONE])
    chosen = [ref for ref in others if program.flows[ref].condition != NONE]
    if 2 ** len(chosen) > CHOICES_MAX:
        raise TooMany
    found: list[Flows] = []
    for count in range(len(chosen) + 1):
        for some in itertools.combinations(chosen, count):
            if flows := (*free, *(some or (() if node.default == NONE else (node.default,)))):
                found.append(flows)
    return found or ((),)


_PASSES: Final = Behaviour(Gather.ANY, some_flows, waits=False)
_WAITS: Final = Behaviour(Gather.ANY, some_flows, waits=True)

BEHAVIOURS: Final[dict[Kind, Behaviour]] = {
    Kind.START_EVENT: _PASSES,
    Kind.END_EVENT: _PASSES,
    Kind.INTERMEDIATE_THROW_EVENT: _PASSES,
    Kind.INTERMEDIATE_CATCH_EVENT: _WAITS,
    Kind.BOUNDARY_EVENT: _PASSES,
    Kind.TASK: _PASSES,
    Kind.JOB_TASK: _WAITS,
    Kind.SCRIPT_TASK: _PASSES,
    Kind.DECISION_TASK: _WAITS,
    Kind.USER_TASK: _WAITS,
    Kind.RECEIVE_TASK: _WAITS,
    Kind.SUB_PROCESS: _WAITS,
    Kind.CALL_ACTIVITY: _WAITS,
    Kind.EXCLUSIVE_GATEWAY: Behaviour(Gather.ANY, one_flow, waits=False),
    Kind.PARALLEL_GATEWAY: Behaviour(Gather.ALL, all_flows, waits=False),
    Kind.INCLUSIVE_GATEWAY: Behaviour(Gather.SOME, some_flows, waits=False),
    Kind.EVENT_BASED_GATEWAY: Behaviour(Gather.ANY, each_flow, waits=True),
    Kind.MULTI_INSTANCE: _WAITS,
    Kind.COMPLEX_GATEWAY: Behaviour(Gather.SOME, some_flows, waits=False),
    Kind.LOOP: _WAITS,
    Kind.TRANSACTION: _WAITS,
    Kind.AD_HOC_SUB_PROCESS: _WAITS,
}
"""The nodes that tokens come to. Conditions are free choices: any of them may be true."""


def may_begin_early(node: Node) -> bool:
    """A complex join: its condition may let it go on with the first token, and it takes the others when it is reset
    (13.4.5). Of each round one token comes out, as of an inclusive join: so it is explored as one, and never blamed."""
    return node.kind is Kind.COMPLEX_GATEWAY and node.activation != NONE and len(node.incoming) > 1


def unexplored(program: Program, node: Node) -> str:
    """Why a node of a known kind is not explored after all; "" if it is."""
    if may_begin_early(node) and any(program.flows[ref].condition != NONE for ref in node.outgoing):
        return "what leaves it at its reset depends on data"
    if max(node.start_quantity, node.completion_quantity) > QUANTITY_MAX:
        return f"it takes or gives more than {QUANTITY_MAX} tokens at once"
    return ""


SCOPES: Final = frozenset(
    {Kind.PROCESS, Kind.SUB_PROCESS, Kind.EVENT_SUB_PROCESS, Kind.TRANSACTION, Kind.AD_HOC_ACTIVATION}
)
"""The nodes whose content is explored, each on its own; in the scope around it such a node is a task."""

APART: Final = frozenset({Kind.EVENT_SUB_PROCESS, Kind.TRIGGER, Kind.AD_HOC_ACTIVATION})
"""The nodes of a scope that no token comes to: an event begins them, or they are parts of one."""

BODIES: Final = frozenset({Kind.MULTI_INSTANCE, Kind.LOOP, Kind.AD_HOC_SUB_PROCESS})
"""The nodes around one inner node, which is entered by no flow."""

THROWN: Final[dict[type[Any], Then]] = {
    NoneTrigger: Then.LEAVE,
    MessageTrigger: Then.LEAVE,
    SignalTrigger: Then.LEAVE,
    EscalationTrigger: Then.LEAVE,
    LinkTrigger: Then.JUMP,
    TerminateTrigger: Then.OVER,
    ErrorTrigger: Then.THROWN,
    CompensateTrigger: Then.LEAVE,
    CancelTrigger: Then.THROWN,
}
"""What throwing and end events do to the tokens of their scope."""

THROWING: Final = frozenset({Kind.END_EVENT, Kind.INTERMEDIATE_THROW_EVENT})

EXITS: Final = frozenset(
    {MessageTrigger, SignalTrigger, TimerTrigger, ErrorTrigger, EscalationTrigger, ConditionalTrigger, CancelTrigger}
)
"""Boundary events by which a token leaves an activity (or beside which another one appears)."""

ASIDE: Final = frozenset({CompensateTrigger})
"""Boundary events that no token leaves by: they tie an activity to what undoes it."""
