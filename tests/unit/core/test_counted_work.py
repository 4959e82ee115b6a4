"""Cost follows the change, not the size: counted opcodes per item, per step, per token. No time is measured."""

from __future__ import annotations

import pytest

from core_rig import Build, link
from counting import opcodes
from procession.core import events as e
from procession.core.linked import Linked
from procession.core.state import State, Status
from procession.core.step import step
from procession.ir.kinds import Kind
from procession.ir.program import ConditionalTrigger, JobSpec, Loop, Text

JOB = JobSpec(Text("work"))


def multi_instance(sequential: bool) -> Linked:
    b = Build()
    body = b.node(Kind.MULTI_INSTANCE, "each", loop=Loop(sequential, b.expr("items"), "item", "outs", b.expr("item")))
    b.nodes[body]["inner"] = b.node(Kind.JOB_TASK, "each", body, job=JOB)
    b.line(b.start(), body, b.node(Kind.END_EVENT, "end"))
    return link(b.program())


def run_items(linked: Linked, n: int) -> None:
    state = State()
    start = e.Start(instance=7, tenant="t", program="p", version=1, variables={"items": list(range(n))})
    key = step(linked, state, start, 0, 1).last_key
    while state.agenda:
        key = step(linked, state, e.Continue(), 0, key + 1).last_key
    waiting = list(state.jobs)
    while waiting:
        for job in waiting:
            key = step(linked, state, e.CompleteJob(job), 0, key + 1).last_key
        waiting = list(state.jobs)
    assert state.status is Status.COMPLETED


@pytest.mark.parametrize("sequential", [True, False])
def test_an_item_of_a_large_loop_costs_what_one_of_a_small_loop_costs(sequential: bool) -> None:
    linked = multi_instance(sequential)
    run_items(linked, 10)
    small = opcodes(lambda: run_items(linked, 100)) / 100
    large = opcodes(lambda: run_items(linked, 1_000)) / 1_000
    assert large <= small * 1.02


@pytest.mark.large
@pytest.mark.parametrize("sequential", [True, False])
def test_an_item_of_ten_thousand_costs_what_one_of_a_hundred_costs(sequential: bool) -> None:
    linked = multi_instance(sequential)
    run_items(linked, 10)
    small = opcodes(lambda: run_items(linked, 100)) / 100
    large = opcodes(lambda: run_items(linked, 10_000)) / 10_000
    assert large <= small * 1.02


def test_the_thousandth_step_of_an_old_instance_costs_what_the_first_costs() -> None:
    b = Build()
    task = b.node(Kind.JOB_TASK, "task", job=JOB)
    b.line(b.start(), task, task)
    linked = link(b.program())
    state = State()
    key = step(linked, state, e.Start(instance=7, tenant="t", program="p", version=1, variables={}), 0, 1).last_key

    def complete() -> None:
        nonlocal key
        key = step(linked, state, e.CompleteJob(next(iter(state.jobs))), 0, key + 1).last_key

    complete()
    first = opcodes(complete)
    for _ in range(1_000):
        complete()
    assert opcodes(complete) == first


def conditions(count: int) -> tuple[Linked, State]:
    """An instance that waits for so many conditions over the variable `a`."""
    b = Build()
    start = b.start()
    split = b.node(Kind.PARALLEL_GATEWAY, "split")
    b.flow(start, split)
    for number in range(count):
        trigger = ConditionalTrigger(b.expr("a"), ("a",))
        caught = b.node(Kind.INTERMEDIATE_CATCH_EVENT, f"c{number}", trigger=trigger)
        b.nodes[caught]["catches"] = (caught,)
        b.flow(split, caught)
    linked = link(b.program())
    state = State()
    key = step(linked, state, e.Start(instance=7, tenant="t", program="p", version=1, variables={}), 0, 1).last_key
    while state.agenda:
        key = step(linked, state, e.Continue(), 0, key + 1).last_key
    assert len(state.conditions) == count
    return linked, state


def test_conditions_cost_nothing_while_no_variable_that_they_read_changes() -> None:
    costs: list[int] = []
    for count in (10, 1_000):
        linked, state = conditions(count)

        def change(linked: Linked = linked, state: State = state) -> None:
            step(linked, state, e.SetVariables(0, {"b": 1}), 0, state.last_key + 1)

        change()
        costs.append(opcodes(change))
    assert costs[1] <= costs[0] * 1.02


def test_a_step_costs_the_same_in_a_program_of_many_nodes() -> None:
    costs: list[int] = []
    for count in (200, 5_000):
        b = Build()
        b.line(b.start(), *[b.node(Kind.JOB_TASK, f"t{number}", job=JOB) for number in range(count)])
        linked = link(b.program())
        state = State()
        step(linked, state, e.Start(instance=7, tenant="t", program="p", version=1, variables={}), 0, 1)

        def complete(linked: Linked = linked, state: State = state) -> None:
            step(linked, state, e.CompleteJob(next(iter(state.jobs))), 0, state.last_key + 1)

        complete()
        costs.append(opcodes(complete))
    assert costs[1] == costs[0]


def test_a_step_costs_the_same_beside_scopes_that_have_ended() -> None:
    b = Build()
    start = b.start()
    scope = b.node(Kind.SUB_PROCESS, "sub")
    task = b.node(Kind.JOB_TASK, "task", scope, job=JOB)
    b.nodes[scope]["starts"] = (task,)
    b.line(start, scope, scope)
    linked = link(b.program())
    state = State()
    step(linked, state, e.Start(instance=7, tenant="t", program="p", version=1, variables={}), 0, 1)

    def complete() -> None:
        step(linked, state, e.CompleteJob(next(iter(state.jobs))), 0, state.last_key + 1)

    complete()
    first = opcodes(complete)
    for _ in range(1_000):
        complete()
    assert opcodes(complete) == first
