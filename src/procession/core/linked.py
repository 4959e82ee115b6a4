"""Linked: a program together with what it needs to be run, as callables. The core knows no expression language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeAlias, final

from procession.base.failure import Failure
from procession.base.values import Json
from procession.ir.kinds import Kind
from procession.ir.program import NONE, CompensateTrigger, Program, Ref


class Note(Protocol):
    """A warning that an expression recorded: where in its text, and why it became null."""

    @property
    def code(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


class Environment(Protocol):
    """What the expressions of one transition share: the clock of its event, warnings, and the number of random draws,
    those of earlier transitions included."""

    @property
    def notes(self) -> Sequence[Note]: ...
    @property
    def random_used(self) -> int: ...


Lookup: TypeAlias = Callable[[str], object]
"""A variable's value by name; `MISSING` of the linked program when no scope defines it."""

Evaluate: TypeAlias = Callable[[Lookup, Environment], Json]
"""An expression. Gives JSON (temporal values as their ISO text). Raises `Failure` only for an exceeded budget."""

MakeEnvironment: TypeAlias = Callable[[int, str, int, int], Environment]
"""(at in Unix ms, zone, seed, draws so far) -> Environment."""


class Decided(NamedTuple):
    """The result of a called decision, and what the fact `DecisionEvaluated` tells of it."""

    value: Json
    evaluations: list[Json]
    left_out: int = 0


class Unfinished(NamedTuple):
    """What the fact `DecisionFailed` tells of a called decision that has no result, in the order of its fields."""

    decision: str
    evaluations: list[Json]
    left_out: int
    failed: str
    code: str


@final
class Undecided(Failure):
    """A called decision has no result; `did` is what it did until it failed."""

    def __init__(self, code: str, message: str, did: Unfinished) -> None:
        super().__init__(code, message)
        self.did = did


Decide: TypeAlias = Callable[[str, str, Lookup, Environment], Decided]
"""(decision hash, decision id, variables, environment) -> result. Raises `Undecided`, or another `Failure`."""


@final
class Linked:
    """A program with its expressions compiled. Immutable, shared by all instances of the program.

    `conditional` are the nodes out of which a flow with a condition leads. `handlers` are the compensation handlers by
    the node that they undo, `undo_starts` the start events of compensation event sub-processes by the node around;
    `compensable` are the nodes whose instances a scope may have to keep because of them.
    """

    __slots__ = (
        "compensable",
        "conditional",
        "decide",
        "environment",
        "expressions",
        "flows",
        "handlers",
        "hash",
        "missing",
        "nodes",
        "program",
        "undo_starts",
    )

    def __init__(
        self,
        program: Program,
        hash: str,
        expressions: tuple[Evaluate, ...],
        *,
        environment: MakeEnvironment,
        decide: Decide,
        missing: object,
    ) -> None:
        self.program = program
        self.hash = hash
        self.nodes = program.nodes
        self.flows = program.flows
        self.conditional = frozenset([flow.source for flow in program.flows if flow.condition != NONE])
        self.handlers, self.undo_starts = handlers_of(program)
        self.compensable = _compensable(program, {*self.handlers, *self.undo_starts})
        self.expressions = expressions
        self.environment = environment
        self.decide = decide
        self.missing = missing


def handlers_of(program: Program) -> tuple[dict[Ref, Ref], dict[Ref, Ref]]:
    """The compensation handlers by the node that they undo, and the starts of compensation event sub-processes by the
    node around."""
    nodes = program.nodes
    handlers: dict[Ref, Ref] = {}
    starts: dict[Ref, Ref] = {}
    for node in nodes:
        trigger = node.trigger
        if not isinstance(trigger, CompensateTrigger):
            continue
        if node.kind is Kind.BOUNDARY_EVENT and trigger.handler != NONE:
            host = nodes[node.attached]
            # Of a loop each instance is undone, not the body around them.
            handlers[host.inner if host.kind in {Kind.MULTI_INSTANCE, Kind.LOOP} else host.index] = trigger.handler
        elif node.kind is Kind.START_EVENT:
            starts[nodes[node.scope].scope] = node.index
    return handlers, starts


def _compensable(program: Program, undone: set[Ref]) -> frozenset[Ref]:
    """These nodes and all scopes around them; but what happens in a handler is not undone in its turn."""
    found: set[Ref] = set()
    for each in sorted(undone):
        node = each
        while node > 0 and node not in found:
            found.add(node)
            node = program.nodes[node].scope
    return frozenset(found)
