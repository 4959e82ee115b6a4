"""What the explorer says, against a token game by brute force, and against the interpreter itself."""

from __future__ import annotations

import random
from collections import defaultdict, deque
from typing import Any, Final

import pytest

from core_rig import Env, Rig
from procession.base.values import Json
from procession.compile.soundness.explore import Edge
from procession.compile.soundness.net import net_of, nodes_of
from procession.compile.soundness.problems import Problem, What, explored
from procession.core import events as e
from procession.core.linked import Linked
from procession.core.state import Status
from procession.ir.kinds import Kind
from procession.ir.program import NONE, ErrorTrigger, Node, Program, TerminateTrigger
from unit.compile.soundness.flow_graphs import mutated, program_of, structured
from unit.compile.soundness.token_game import TooLarge, play

COST_MAX: Final = 300_000
WAITS_FOR_EVER: Final = {What.DEADLOCK, What.LEFT_BEHIND, What.NEVER_JOINS}
SEEDS: Final = [300, pytest.param(900, marks=pytest.mark.large)]
"""How many flows are drawn: some each time, all by `make test-large`."""


def problems(program: Program) -> list[Problem] | None:
    """None for the few whose tokens multiply until the bound is reached."""
    found = explored(program, program.nodes[0], {}, COST_MAX)
    return found.problems if found.is_whole else None


def random_program(seed: int) -> Program | None:
    rng = random.Random(seed)
    return program_of(mutated(rng, structured(rng, rng.randint(1, 4))))


def test_a_block_structured_flow_has_no_problem() -> None:
    for seed in range(300):
        rng = random.Random(seed)
        program = program_of(structured(rng, rng.randint(1, 8)))
        assert program is not None
        everything = problems(program)
        assert everything is not None
        found = [each for each in everything if not each.is_harmless]
        assert not found, f"seed {seed}: {[(each.what, each.node.id) for each in found]}"


@pytest.mark.parametrize("seeds", SEEDS)
def test_the_explorer_finds_what_brute_force_finds(seeds: int) -> None:
    compared = 0
    for seed in range(seeds):
        program = random_program(seed)
        if program is None:
            continue
        try:
            eager, free = play(program, eager=True), play(program, eager=False)
        except TooLarge:
            continue
        found = problems(program)
        if found is None:
            continue
        compared += 1
        ids = [node.id for node in program.nodes]

        def named(refs: set[int], ids: list[str] = ids) -> list[str]:
            return sorted(ids[ref] for ref in refs)

        stuck = {each.node.index for each in found if each.what in WAITS_FOR_EVER and each.run}
        assert named(stuck) == named(eager.stuck), f"seed {seed}"
        never = {each.node.index for each in found if each.what in {What.NEVER, What.UNREACHABLE}}
        everything = {node.index for node in program.nodes[1:]}
        unconnected = {n for n in everything if not program.nodes[n].incoming and program.nodes[n].attached == NONE}
        not_entered = everything - eager.entered - unconnected
        if any(each.what is What.ENDLESS for each in found):
            # An interpreter that goes round for ever lets nothing else move; the explorer does.
            assert never <= not_entered, f"seed {seed}"
        else:
            assert named(never) == named(not_entered), f"seed {seed}"
        twice = {each.node.index for each in found if each.what is What.TWICE}
        assert twice <= free.twice, f"seed {seed}: {named(twice)} {named(free.twice)}"
        if not any(node.kind is Kind.INCLUSIVE_GATEWAY or _ends_all(node) for node in program.nodes):
            assert bool(twice) == bool(free.twice), f"seed {seed}: {named(free.twice)}"
    assert compared > seeds // 2, compared


def _ends_all(node: Node) -> bool:
    return isinstance(node.trigger, TerminateTrigger | ErrorTrigger) and node.kind is Kind.END_EVENT


@pytest.mark.parametrize("seeds", SEEDS)
def test_a_run_that_waits_for_ever_does_so_in_the_interpreter(seeds: int) -> None:
    driven = 0
    for seed in range(seeds):
        program = random_program(seed)
        if program is None:
            continue
        for problem in problems(program) or []:
            if problem.what in WAITS_FOR_EVER and problem.run:
                driven += 1
                _drive(program, problem, seed)
    assert driven > seeds // 15, driven


def _drive(program: Program, problem: Problem, seed: int) -> None:
    plan = _Plan(problem.run)
    rig = Rig(program, restore=False, linked=_linked(program, plan))
    rig.start({})
    for edge in problem.run:
        if edge.station.node.kind is Kind.JOB_TASK:
            _answer(program, rig, edge)
    where = f"seed {seed}, {problem.what.name} of {problem.node.id}"
    assert rig.state.status is Status.ACTIVE, f"{where}: the instance ended"
    assert not rig.state.jobs, f"{where}: {rig.jobs()}"
    root = rig.state.root
    assert root is not None
    assert any(program.flows[flow].target == problem.node.index for flow in root.arrived or {}), where


def _answer(program: Program, rig: Rig, edge: Edge) -> None:
    """Does to the job of a task what the explorer's move says: boundary events that fired, then its completion."""
    node = edge.station.node
    border = [program.nodes[ref] for ref in node.catches]
    fired = {edge.station.rank: edge.move.puts}
    puts = set(fired[edge.station.rank])
    job = rig.jobs()[node.id]
    at = plan_places(program, edge)
    for event in border:
        if not event.interrupting and at[event.index] in puts:
            timer = next(timer for timer in rig.state.timers.values() if timer.node == event.index)
            rig.at = max(rig.at, timer.due)
            rig.send(e.FireTimer(timer.key))
    if edge.move.flows or not any(event.interrupting and at[event.index] in puts for event in border):
        rig.send(e.CompleteJob(job))
    else:
        rig.send(e.ThrowJobError(job, "E1"))


def plan_places(program: Program, edge: Edge) -> dict[int, int]:
    net = net_of(program, program.nodes[0], nodes_of(program, 0), {})
    return {station.node.index: station.ins[0] for station in net.stations}


class _Plan:
    """Which flows each node takes, each time it is left."""

    def __init__(self, run: tuple[Edge, ...]) -> None:
        self.left: dict[int, deque[tuple[int, ...]]] = defaultdict(deque)
        self.asked: dict[int, set[int]] = defaultdict(set)
        for edge in run:
            self.left[edge.station.node.index].append(edge.move.flows)

    def answer(self, program: Program, flow: int) -> bool:
        node = program.nodes[program.flows[flow].source]
        chosen, asked = self.left[node.index], self.asked[node.index]
        answer = flow in chosen[0]
        asked.add(flow)
        if len(asked) == len(node.outgoing) or (answer and node.kind is Kind.EXCLUSIVE_GATEWAY):
            asked.clear()
            chosen.popleft()
        return answer


def _linked(program: Program, plan: _Plan) -> Linked:
    flows = {flow.condition: flow.index for flow in program.flows if flow.condition != NONE}

    def expression(number: int) -> Any:
        def evaluate(lookup: Any, environment: Any) -> Json:
            if number in flows:
                return plan.answer(program, flows[number])
            # Job types, retries and times are literal; nothing else is an expression here.
            pytest.fail(f"expression {program.expressions[number].text}")

        return evaluate

    return Linked(
        program,
        "hash",
        tuple(expression(number) for number in range(len(program.expressions))),
        environment=lambda at, zone, seed, draws: Env(),
        decide=lambda *_: pytest.fail("no decisions here"),
        missing=None,
    )
