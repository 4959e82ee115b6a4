"""Generated models on the interpreter: every order of answers ends in the same outcome, with all checks on."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core_rig import Rig
from procession.compile import compile_definitions
from procession.core import events as e
from procession.core.linked import Linked
from procession.ir.kinds import Kind
from procession.ir.program import hash_of, to_bytes
from procession.parse import parse_bpmn
from procession.runtime.link import link
from procession.testing.generate import Model, generate


def linked(model: Model) -> Linked:
    definitions, found = parse_bpmn(model.xml, "generated.bpmn")
    assert definitions is not None, found
    programs, found = compile_definitions(definitions)
    assert programs, found
    return link(programs[0], hash_of(to_bytes(programs[0])))


def run(model: Model, program: Linked, seed: int) -> tuple[Counter[str], dict[str, Any]]:
    """Runs a model to its end, its answers in an order drawn by `seed`."""
    order = random.Random(seed)
    rig = Rig(program.program, linked=program)
    rig.start(dict(model.variables))
    for _ in range(3_000):
        if rig.ended():
            return Counter(rig.path()), rig.variables
        events = answers(model, rig)
        assert events, f"nothing to do, and not ended: {rig.path()}"
        rig.send(order.choice(events))
    raise AssertionError("too many steps")


def answers(model: Model, rig: Rig) -> list[e.AnyEvent]:
    state = rig.state
    nodes = rig.linked.nodes
    found: list[e.AnyEvent] = []
    for job in state.jobs.values():
        if nodes[state.elements[job.element].node].id in model.throws:
            found.append(e.ThrowJobError(job.key, "E"))
        else:
            found.append(e.CompleteJob(job.key))
    for key, element in state.elements.items():
        if nodes[element.node].kind is Kind.USER_TASK:
            found.append(e.CompleteTask(key))
    found.extend(e.OfferMessage(s.key, 1) for s in state.subscriptions.values() if not s.signal)
    soon = [t for t in state.timers.values() if t.due < 10**10]
    if soon:
        first = min(soon, key=lambda t: t.due)
        rig.at = max(rig.at, first.due)
        found.append(e.FireTimer(first.key))
    return found


@settings(max_examples=60)
@given(st.data())
def test_a_generated_model_ends_the_same_in_every_order(data: st.DataObject) -> None:
    model = generate(lambda low, high: data.draw(st.integers(low, high)))
    program = linked(model)
    first = run(model, program, 1)
    second = run(model, program, 2)
    assert first == second


def test_many_seeds_end() -> None:
    for seed in range(150):
        model = generate(random.Random(seed).randint, 20)
        program = linked(model)
        try:
            assert run(model, program, 1) == run(model, program, 2)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
