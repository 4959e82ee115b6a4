"""Canvases of Celery as processes: what a text says, which elements that becomes, and what the report tells."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procession import Engine
from procession.base.diagnostics import Refused
from procession.convert.canvas import read_source, write
from procession.convert.canvas.literals import constant
from procession.convert.canvas.names import schedules
from procession.convert.canvas.report import OF_SIGNATURES, OF_TASKS
from procession.convert.canvas.tree import (
    Call,
    Canvas,
    Chain,
    Chord,
    Each,
    Extras,
    Given,
    Group,
    Map,
    Node,
    Parameter,
    Task,
    Unknown,
    Unread,
    Wait,
)

ADD: Final = Task("shop.add", (Parameter("x"), Parameter("y")))
TOTAL: Final = Task("shop.total", (Parameter("numbers"), Parameter("plus", required=False)))
TASKS: Final = {each.name: each for each in (ADD, TOTAL)}
HEAD: Final = """
from celery import Celery, chain, group, chord, signature, shared_task
from shop import other
app = Celery("m")
RATE = 3
@app.task(name="shop.add", rate_limit="5/m")
def add(x, y=0): ...
@shared_task(bind=True, autoretry_for=(OSError,))
def total(self, numbers, *, plus=0):
    return self.replace(add.s(1))
"""


def one(value: object) -> Given:
    """A constant."""
    found = constant(value)
    assert isinstance(found, Given)
    return found


def add(*values: object, task: str = "shop.add", **more: Any) -> Call:
    """A call with constants."""
    return Call(task, tuple(one(each) for each in values), **more)


def total(**more: Any) -> Call:
    """A call that is given what came before."""
    return add(task="shop.total", **more)


def outline(data: bytes) -> str:
    """A process in a few words: flows as arrows between ids, service tasks with what they are given and give."""
    names: dict[str, str] = {}
    arrows: list[str] = []
    for element in ElementTree.fromstring(data).iter():
        kind, id = element.tag.rpartition("}")[2], element.get("id", "")
        if kind == "serviceTask":
            inputs = [
                f"{each.get('target')}{each.get('source')}" for each in element.iter() if each.tag.endswith("input")
            ]
            [output] = [each.get("target") for each in element.iter() if each.tag.endswith("output")]
            names[id] = f"{id}({', '.join(inputs)})->{output}"
        elif kind == "sequenceFlow":
            arrows.append(f"{element.get('sourceRef')} > {element.get('targetRef')}")
    return "; ".join(re.sub(r"\S+$", lambda found: names.get(found[0], found[0]), arrow) for arrow in arrows)


ELEMENTS: Final[list[tuple[Node, str]]] = [
    (add(1, 2), "start > add(x=1, y=2)->result; add > end"),
    (
        Chain((add(1, 2), add(3), add(4, 5, immutable=True))),
        "start > add(x=1, y=2)->r1; add > add_2(x=r1, y=3)->r2; add_2 > add_3(x=4, y=5)->result; add_3 > end",
    ),
    (
        Chord(Group((add(1, 2), add(3, 4))), total()),
        "start > fork; fork > add(x=1, y=2)->r1; fork > add_2(x=3, y=4)->r2; add > join; add_2 > join; "
        "join > total(numbers=[r1, r2])->result; total > end",
    ),
    (Group((add(1, 2),)), "start > add(x=1, y=2)->r1; add > collect; collect > end"),
    (Chain((add(1, 2), Group((add(3),)))), "start > add(x=1, y=2)->r1; add > add_2(x=r1, y=3)->result; add_2 > end"),
    (Chain((Group(()), add(1, 2))), "start > add(x=1, y=2)->result; add > end"),
    (Chord(Group(()), total()), "start > total(numbers=[])->result; total > end"),
    (add(4), "start > add(x=x, y=4)->result; add > end"),
    (
        Chain((Chain((add(1, 2),)), Chain((Group((Group((add(3), add(4))), add(5))),)))),
        "start > add(x=1, y=2)->r1; add > fork; fork > add_2(x=r1, y=4)->r2; fork > add_3(x=r1, y=3)->r3; "
        "fork > add_4(x=r1, y=5)->r4; add_2 > join; add_3 > join; add_4 > join; join > collect; collect > end",
    ),
    (
        Chain((add(1, 2, extras=Extras(links=(total(),))), add(3))),
        "start > add(x=1, y=2)->r1; add > after_add; after_add > total(numbers=r1)->r2; total > end_of_total; "
        "after_add > add_2(x=r1, y=3)->result; add_2 > end",
    ),
    (
        add(1, 2, extras=Extras(wait=Wait("timeDuration", "PT5S"))),
        "start > before_add; before_add > add(x=1, y=2)->result; add > end",
    ),
    (
        Call("shop.add", (Given("y", ("y",)), Given("x", ("x",)))),
        "start > add(given_x=y, given_y=x, x=given_x, y=given_y)->result; add > end",
    ),
    (Unread("it is computed"), "start > by_hand; by_hand > collect; collect > end"),
]


@pytest.mark.parametrize(("tree", "expected"), ELEMENTS)
def test_a_tree_becomes_elements(tree: Node, expected: str) -> None:
    assert outline(write(Canvas("p", tree), TASKS).data) == expected


TREES: Final[list[tuple[str, Node]]] = [
    ("add.s(1, y=2)", add(1, kwargs={"y": one(2)})),
    ("add.si(RATE)", add(3, immutable=True)),
    ("add.signature((1,), {'y': 2}, immutable=True)", add(1, kwargs={"y": one(2)}, immutable=True)),
    ("signature('shop.add', args=(1,), kwargs={'y': 2})", add(1, kwargs={"y": one(2)})),
    ("app.signature('shop.add', (1,))", add(1)),
    ("other.task.s()", Call("shop.other.task")),
    ("add.s(1) | add.s(2) | add.s(3)", Chain((add(1), add(2), add(3)))),
    ("chain(group(add.s(1), add.s(2)))", Group((add(1), add(2)))),
    ("chain([add.s(1), add.s(2)])", Chain((add(1), add(2)))),
    ("group(add.s(1), add.s(2)) | total.s()", Chord(Group((add(1), add(2))), total())),
    ("chord(group(add.s(1)), body=total.s())", Chord(Group((add(1),)), total())),
    ("group(add.s(i) for i in range(2))", Group((Each("i", one([0, 1]), Call("shop.add", (Given("i", ("i",)),))),))),
    ("group([add.s(1)] + [add.s(2)])", Group((add(1), add(2)))),
    ("add.map([1, 2])", Map("shop.add", one([1, 2]))),
    ("add.starmap([(1, 2)])", Map("shop.add", one([[1, 2]]), 2, star=True)),
    ("add.s(1).set(countdown=1.5)", add(1, extras=Extras(wait=Wait("timeDuration", "PT1.5S")))),
    ("add.s(1).set(queue='slow')", add(1, extras=Extras({"queue": "'slow'"}))),
    ("add.s({'a': [1, None]})", add({"a": [1, None]})),
]


@pytest.mark.parametrize(("text", "expected"), TREES)
def test_a_text_is_read_as_celery_would_run_it(text: str, expected: Node) -> None:
    source = HEAD.replace("shared_task(", "shared_task(name='shop.total', ")
    [canvas] = [
        each for each in read_source(f"{source}\nfound = {text}\n", "m", "m.py").canvases if each.name == "found"
    ]
    assert canvas.tree == expected


FUNCTIONS: Final[list[tuple[str, str, tuple[str, ...]]]] = [
    (
        "def f(a): return chain(add.s(a, 1), add.s(a + 1)).delay()",
        "add(x=a, y=1)->r1; add > add_2(x=r1, y=a + 1)",
        ("a",),
    ),
    ("def f(self, a): (add.s(1, 2) | add.s(a['b'])).apply_async()", "add_2(x=r1, y=a.b)->result", ("a",)),
    ("def f(): chord([add.s(1, 2)])(total.s(plus=1))", "total(numbers=[r1], plus=1)->result", ()),
    ("def f(a): return add.apply_async((a, 1), link=total.s())", "after_add > total(numbers=r1)->r2", ("a",)),
    ("def f():\n c = chain(add.s(1, 2))\n c |= add.s(3)\n c.link(total.s())\n c()", "total(numbers=r2)->r3", ()),
    ("def f(then): return add.s(then, 1)", "add(x=`then`, y=1)->result", ("then",)),
]


@pytest.mark.parametrize(("text", "part", "parameters"), FUNCTIONS)
def test_what_a_function_builds_is_a_process_with_its_parameters(
    text: str, part: str, parameters: tuple[str, ...]
) -> None:
    found = read_source(f"{HEAD}{text}\n", "m", "m.py")
    [canvas] = [each for each in found.canvases if each.name == "f"]
    assert part in outline(write(canvas, {task.name: task for task in found.tasks}).data)
    assert canvas.parameters == parameters


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("def f(xs): return chain(*[add.s(x) for x in xs])", "run time alone"),
        ("def f(xs): return group(add.s(x) for x in xs if x)", "no condition"),
        ("def f(x): return chain(add.s(1), made(x))", "`made(x)` is computed"),
        ("def f(x): return add.s(*x)", "its arguments are computed"),
        ("def f(x): group(add.s(x))", "not seen where this is returned or started"),
        ("def f(x): return {'a': chain(add.s(x), add.s(1))}", "`chain(add.s(x), add.s(1))`: it is not seen"),
        ("def f(x):\n flow = add.s(x) | add.s(1)\n run(flow)", "`flow`: it is not seen"),
        ("def f(x):\n def g(): return chain(add.s(1), add.s(2))\n return add.s(1)", "it is not seen"),
        ("def f(x):\n c = add.s(1)\n if x:\n  c = add.s(2)\n return c", "another canvas where `x`"),
    ],
)
def test_what_cannot_be_read_is_told(text: str, note: str) -> None:
    notes = read_source(f"{HEAD}{text}\n", "m", "m.py").notes
    assert any(name == "f" and note in told for name, _, told in notes), notes


def test_a_text_that_is_no_python_is_refused() -> None:
    with pytest.raises(Refused, match=r"m\.py:2"):
        read_source("x = 1\ny = (\n", "m", "m.py")


def rows(text: str) -> dict[tuple[str, str], tuple[str, str]]:
    """The rows of a canvas: (part, attribute) to (outcome, note)."""
    found = read_source(f"{HEAD}found = {text}\n", "m", "m.py")
    [canvas] = [each for each in found.canvases if each.name == "found"]
    written = write(canvas, {task.name: task for task in found.tasks})
    return {(row.part, row.attribute): (row.outcome, row.note) for row in written.rows}


@pytest.mark.parametrize(
    ("text", "part", "attribute", "outcome", "note"),
    [
        ("add.s(1)", "add", "rate_limit", "kept", ""),
        ("total.s([])", "total", "autoretry_for", "kept", ""),
        ("total.s([])", "total", "replace", "needs-work", "gateway"),
        ("add.s(1).set(queue='q')", "add", "queue", "needs-work", "CeleryHost(queues=...)"),
        ("add.s(1).set(expires=5)", "add", "expires", "needs-work", "timer"),
        ("add.s(1).on_error(total.s())", "add", "link_error", "needs-work", "BpmnError"),
        ("add.s(1).set(odd=1)", "add", "odd", "needs-work", "no table knows it"),
        ("add.s(1).set(countdown=2)", "add", "countdown", "mapped", ""),
        ("add.s(1).set(eta=now())", "add", "eta", "needs-work", "computed"),
        ("add.s(1).set(link=total.s())", "add", "link", "mapped", ""),
        ("add.s(now())", "add", "x", "needs-work", "the process gives null"),
        ("add.s()", "add", "x", "changed", "start the process with this variable"),
        ("add.si()", "add", "arguments", "needs-work", "nothing is given for x"),
        ("add.s(1, 2, 3)", "add", "arguments", "needs-work", "takes 2"),
        ("add.s(1, z=2)", "add", "arguments", "needs-work", "it takes no z"),
        (
            "signature('elsewhere.task', args=(1,))",
            "task",
            "arguments",
            "needs-work",
            "scan it where it can be imported",
        ),
        ("signature('elsewhere.task')", "task", "task", "mapped", ""),
        ("add.map([1])", "add", "map", "changed", "a job of its own"),
    ],
)
def test_the_report_tells_of_every_option(text: str, part: str, attribute: str, outcome: str, note: str) -> None:
    found = rows(text)
    assert (part, attribute) in found, found
    assert found[part, attribute][0] == outcome
    assert note in found[part, attribute][1]


def test_what_follows_a_group_as_a_body_is_told() -> None:
    body = Group((total(), total()))
    written = write(Canvas("p", Chain((Chord(Group((add(1, 2), add(3, 4))), body), Call("t")))), TASKS)
    [row] = [row for row in written.rows if row.attribute == "body"]
    assert row.outcome == "changed"
    assert "t(argument_1=[r3, r4])->result" in outline(written.data)


@pytest.mark.parametrize("kind", ["positional-only", "var-positional"])
def test_a_task_that_takes_no_names_is_told(kind: Any) -> None:
    tasks = {"shop.add": Task("shop.add", (Parameter("values", kind, required=False),))}
    [row] = [row for row in write(Canvas("p", add(1)), tasks).rows if row.attribute == "arguments"]
    assert row.outcome == "needs-work"
    assert "a job gives arguments by name" in row.note


def test_all_fates_say_what_to_do() -> None:
    for table in (OF_SIGNATURES, OF_TASKS):
        assert all(fate.note for fate in table.values())


@pytest.mark.parametrize(
    ("text", "cycle"),
    [
        ("30.0", "R/PT30S"),
        ("timedelta(minutes=1, seconds=0.5)", "R/PT60.5S"),
        ("crontab()", "0 * * * * *"),
        ("crontab(minute=0, hour='*/3', day_of_week='mon-fri')", "0 0 */3 * * mon-fri"),
        ("crontab('5', '1', 'sun', '1-7', [1, 6])", "0 5 1 1-7 1,6 sun"),
        ("solar('sunset', 1, 2)", ""),
    ],
)
def test_entries_of_the_schedule_are_timers(text: str, cycle: str) -> None:
    source = f"{HEAD}app.conf.beat_schedule = {{'often': {{'task': 'shop.add', 'schedule': {text}, 'args': (1,)}}}}\n"
    [canvas] = read_source(source, "m", "m.py").canvases
    assert canvas.name == "beat_often"
    assert canvas.schedule is not None
    assert canvas.schedule.cycle == cycle
    written = write(canvas, TASKS)
    assert any(row.part == "beat" and row.attribute == "schedule" for row in written.rows)
    with Engine() as engine:
        assert engine.deploy(("m.bpmn", written.data)).diagnostics == ()


def test_a_module_without_a_schedule_has_none() -> None:
    import ast

    assert list(schedules(ast.parse(HEAD))) == []


JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def exact(value: object) -> object:
    """A value with its numbers as the engine keeps them."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, list):
        return [exact(each) for each in value]
    return {key: exact(each) for key, each in value.items()} if isinstance(value, dict) else value


@given(JSON)
@settings(max_examples=80, deadline=None)
def test_a_constant_is_the_same_in_feel(value: object) -> None:
    found = constant(value)
    if isinstance(found, Unknown):
        assert "characters" in found.reason or "digits" in found.reason
        return
    script = Canvas("p", Chord(Group((Call("t", kwargs={"x": found}),)), Call("t")))
    with Engine() as engine:
        seen: list[object] = []
        engine.worker("t")(lambda job: seen.append(job.variables.get("x")))
        engine.deploy(("m.bpmn", write(script, {}).data))
        assert engine.start("p").wait(10) == "completed"
    assert seen[0] == exact(value)


@pytest.mark.parametrize("value", [float("nan"), {1: 2}, {1, 2}, object(), b"x", 10**40, "\x00", Decimal(1)])
def test_other_values_are_unknown(value: object) -> None:
    assert isinstance(constant(value), Unknown)


CALLS: Final = st.sampled_from([add(1, 2), add(1), total(), add(1, immutable=True), Call("no.such", (one(1),))])
NODES: Final[st.SearchStrategy[Any]] = st.recursive(
    CALLS | st.just(Map("shop.add", one([1]))) | st.just(Unread("x")),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda steps: Chain(tuple(steps)))
        | st.lists(inner | st.builds(Each, st.just("i"), st.just(one([1, 2])), inner), max_size=3).map(
            lambda members: Group(tuple(members))
        )
        | st.builds(lambda members, body: Chord(Group(tuple(members)), body), st.lists(inner, max_size=3), inner)
        | st.builds(lambda link: add(1, 2, extras=Extras(links=(link,), wait=Wait("timeDuration", "PT1S"))), inner)
    ),
    max_leaves=12,
)


@given(NODES)
@settings(max_examples=60, deadline=None)
def test_every_tree_is_a_process_that_can_be_deployed(tree: Node) -> None:
    with Engine() as engine:
        assert engine.deploy(("m.bpmn", write(Canvas("p", tree), TASKS).data)).diagnostics == ()
