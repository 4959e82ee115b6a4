"""The problems of a program's flow as findings: which rule, how bad, in what words, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from procession.base.diagnostics import Severity
from procession.compile.findings import Findings, Located
from procession.compile.soundness.behaviour import BODIES, SCOPES
from procession.compile.soundness.net import Inside, Unexplored
from procession.compile.soundness.problems import Problem, What, explored
from procession.ir.program import Node, Program, Ref

COST_MAX: Final = 300_000
"""What exploring one process may cost, all its scopes together (`explore.Graph.cost`): about half a second."""


class Row(NamedTuple):
    """How one kind of problem is told. `text` makes the message."""

    rule: str
    severity: Severity
    text: Callable[[Program, Problem], str]
    remedy: str
    is_of_a_run: bool = True


def check_soundness(
    program: Program, place: Callable[[Node], Located], findings: Findings, *, cost_max: int = COST_MAX
) -> None:
    """Reports what exploring the flow of a program shows: each scope on its own, sub-processes before what is around
    them. `place` tells where a node is drawn."""
    inside: dict[Ref, Inside] = {}
    left = cost_max
    for scope in reversed(program.nodes):
        if scope.kind not in SCOPES:
            continue
        try:
            found = explored(program, scope, inside, left)
        except Unexplored as unexplored:
            text = f"the flow of this scope is not explored: {unexplored.why}"
            findings.report("soundness", place(unexplored.node), text, severity="info")
            continue
        left = max(0, left - found.cost)
        inside[scope.index] = found.inside
        if not found.is_whole:
            text = "the flow has too many states to look at all of them, so more than what is said may be wrong"
            remedy = "divide it into sub-processes or called processes"
            findings.report("soundness", place(scope), text, remedy, severity="info")
        for problem in found.problems:
            _report(program, problem, place, findings)
    _unexplored_content(program, place, findings)


def _unexplored_content(program: Program, place: Callable[[Node], Located], findings: Findings) -> None:
    """What stands in a node that is no scope of the exploration's table."""
    for ref in dict.fromkeys(node.scope for node in program.nodes[1:]):
        owner = program.nodes[ref]
        if owner.kind not in SCOPES and owner.kind not in BODIES:
            text = f"the flow inside this {owner.bpmn} is not explored"
            findings.report("soundness", place(owner), text, severity="info")


def _report(program: Program, problem: Problem, place: Callable[[Node], Located], findings: Findings) -> None:
    row = ROWS[problem.what]
    path = [*(edge.station.node.id for edge in problem.run), problem.node.id] if row.is_of_a_run else []
    findings.report(
        row.rule,
        place(problem.node),
        row.text(program, problem),
        row.remedy,
        severity="info" if problem.is_harmless or problem.cause is not None else row.severity,
        path=tuple(path),
    )


# --- words ------------------------------------------------------------------------------------------------------------


def _flows(program: Program, refs: tuple[Ref, ...]) -> str:
    names = [f"{program.flows[ref].id!r} (from {program.nodes[program.flows[ref].source].id!r})" for ref in refs]
    return " and ".join(names)


def _deadlock(program: Program, problem: Problem) -> str:
    if not problem.flows:
        return f"it takes {problem.node.start_quantity} tokens at a time, and can wait for ever for the rest of them"
    return f"the join can wait for ever: no token comes over {_flows(program, problem.flows)}"


def _left_behind(program: Program, problem: Problem) -> str:
    missing = _flows(program, problem.flows)
    if not missing:
        return f"an end is reached, but fewer tokens than the {problem.node.start_quantity} it takes stay here for ever"
    return f"an end is reached, but a token stays at this join for ever: none comes over {missing}"


def _never_joins(program: Program, problem: Problem) -> str:
    if not problem.flows:
        return "no run ever has all the tokens that it waits for"
    return f"no run ever has all the tokens that this join waits for: none comes over {_flows(program, problem.flows)}"


def _twice(program: Program, problem: Problem) -> str:
    if problem.flows:
        return f"two tokens of one run wait here on the flow {_flows(program, problem.flows)}; the join takes one"
    if problem.is_harmless:
        return "several tokens of one run come here; the scope ends with the last of them, not with the first"
    return "two tokens of one run come here, so it and what follows happen twice"


def _unreachable(program: Program, problem: Problem) -> str:
    return "no way leads here from a start event, so it never happens"


def _never(program: Program, problem: Problem) -> str:
    if problem.cause is None:
        return "no run ever comes here"
    return f"no run ever comes here, because {problem.cause.id!r} never leads on to it"


def _dead_flow(program: Program, problem: Problem) -> str:
    names = ", ".join(repr(program.flows[ref].id) for ref in problem.flows)
    if problem.node.kind in SCOPES:
        return f"nothing ever leaves over {names}: what is inside never completes"
    return f"nothing ever leaves over {names}: another flow is always taken before it"


def _endless(program: Program, problem: Problem) -> str:
    return "from here on no way leads to an end: the flow goes round for ever"


ROWS: Final[dict[What, Row]] = {
    What.DEADLOCK: Row(
        "deadlock",
        "warning",
        _deadlock,
        "join with an exclusive gateway what an exclusive gateway split, or split with a parallel or inclusive one",
    ),
    What.LEFT_BEHIND: Row(
        "token-left-behind",
        "warning",
        _left_behind,
        "join with the kind of gateway that split, or let a terminate end event end what is left",
    ),
    What.NEVER_JOINS: Row(
        "dead-join",
        "warning",
        _never_joins,
        "join with an exclusive gateway what an exclusive gateway split, and connect every flow",
    ),
    What.TWICE: Row(
        "lack-of-synchronization",
        "warning",
        _twice,
        "join what was split with a parallel or inclusive gateway before it",
    ),
    What.UNREACHABLE: Row("unreachable", "warning", _unreachable, "connect it, or remove it", is_of_a_run=False),
    What.NEVER: Row("unreachable", "warning", _never, "correct what is before it, or remove it", is_of_a_run=False),
    What.DEAD_FLOW: Row(
        "dead-flow", "warning", _dead_flow, "remove the flow, or correct what it leaves", is_of_a_run=False
    ),
    What.ENDLESS: Row("no-way-out", "warning", _endless, "let a gateway in the loop lead out of it"),
}
"""How each kind of problem is told."""
