"""The canonical form: equal for equal work in any interleaving, different for anything that differs (decision 8)."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st

import drawn as d
from host_rig import FakeClock, opened
from procession import Engine
from procession.core import facts as f
from procession.runtime import codec
from procession.runtime.canonical import READ, canonical
from procession.runtime.rows import FactRow

_ITEMS = (
    '<bpmn:serviceTask id="@"><bpmn:extensionElements><zeebe:taskDefinition type="item"/></bpmn:extensionElements>~'
    "<bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements><zeebe:loopCharacteristics "
    'inputCollection="= items" inputElement="item" outputCollection="made" outputElement="= result"/>'
    "</bpmn:extensionElements></bpmn:multiInstanceLoopCharacteristics></bpmn:serviceTask>"
)
MODEL = d.process(
    "p",
    "a -> s, s -> x, s -> y, s -> z, x -> j, y -> j, z -> j, j -> b",
    a=d.start(),
    s=d.parallel(),
    x=d.service("x"),
    y=d.user(),
    z=_ITEMS,
    j=d.parallel(),
    b=d.end(),
)


def run(order: list[int], variables: dict[str, Any], at: int = 0, result: int = 10) -> tuple[list[f.AnyFact], Any]:
    """The facts of one run whose open work is done in this order, and their form."""
    clock = FakeClock()
    clock.at += at
    with opened(clock=clock) as engine:
        engine.deploy(("p.bpmn", d.document(MODEL)))
        for _ in range(at % 3):
            engine.start("p", {"items": []})  # so that all keys differ
        instance = engine.start("p", variables)
        work = [each.key for each in instance.jobs] + [each.key for each in instance.tasks]
        for index in order:
            if not work:
                break
            clock.pass_by(1 + at)
            key = work.pop(index % len(work))
            if key in {task.key for task in instance.tasks}:
                engine.complete_task(key, {"approved": True})
                continue
            type = next(job.type for job in instance.jobs if job.key == key)
            engine.complete_job(key, {"result": result} if type == "item" else {"x": Decimal("1.50")})
        facts = facts_of(engine, instance.key)
        program = engine.reader().views.load("<default>", instance.key).linked.program
        return facts, canonical(program, facts)


def facts_of(engine: Engine, instance: int) -> list[f.AnyFact]:
    rows = engine.store.read("facts", (0, instance, 0), FactRow)
    return [fact for row in rows for fact in codec.decode_facts(row.data)]


@cache
def base() -> tuple[list[f.AnyFact], Any]:
    return run([0] * 20, {"items": [1, 2, 3]})


@given(st.lists(st.integers(0, 9), min_size=5, max_size=5), st.integers(0, 5))
def test_the_form_is_the_same_for_every_order_of_parallel_work_and_at_any_time(order: list[int], at: int) -> None:
    facts, form = run(order, {"items": [1, 2, 3]}, at)
    assert any(isinstance(fact, f.InstanceCompleted) for fact in facts)
    assert form == base()[1]


def test_the_facts_of_two_orders_differ_where_their_form_does_not() -> None:
    facts, form = run([4, 3, 2, 1, 0], {"items": [1, 2, 3]}, 5)
    assert facts != base()[0]
    assert form == base()[1]


def test_anything_that_a_process_can_see_is_in_the_form() -> None:
    others = [
        run([0] * 20, {"items": [1, 2]}),
        run([0] * 20, {"items": [1, 3, 2]}),
        run([0] * 20, {"items": [1, 2, 3], "more": None}),
        run([0] * 20, {"items": [1, 2, 3]}, result=11),
        run([0, 0], {"items": [1, 2, 3]}),
    ]
    forms = [repr(form) for _, form in others]
    assert len({*forms, repr(base()[1])}) == 6


def test_an_unfinished_run_has_a_form_too() -> None:
    _, form = run([0], {"items": [1]})
    assert form["element"] == "p"
    assert ["done"] not in form["history"]
    assert {child["element"] for child in form["inside"]} == {"a", "s", "x", "y", "z"}


def test_every_type_of_fact_has_its_row() -> None:
    assert set(READ) == set(get_args(f.AnyFact))
