"""Data of the standard, compiled: what is said about it, what it becomes, and where it is only drawn."""

from __future__ import annotations

from typing import Final

import pytest

from procession import Engine
from procession.core.facts import DataAwaited
from procession.ir.program import Data
from unit.compile.snippets import compiled, document, flow, found, node, text_of

START: Final = '<startEvent id="s"/>'
OBJECTS: Final = '<dataObject id="a"/><dataObject id="b"/>'
STORE: Final = '<dataStoreReference id="st" name="stock"/>'
SPECIFIED: Final = """<ioSpecification><dataInput id="i" name="in"/><dataOutput id="o" name="out"/>
  <inputSet><dataInputRefs>i</dataInputRefs></inputSet><outputSet><dataOutputRefs>o</dataOutputRefs></outputSet>
  </ioSpecification>"""
KEY: Final = """<message id="m1" name="m1"/><resource id="r" name="r"/><correlationProperty id="cp" name="cp">
  <correlationPropertyRetrievalExpression messageRef="m1"><messagePath>=id</messagePath>
  </correlationPropertyRetrievalExpression></correlationProperty>
  <collaboration id="co"><participant id="pool" processRef="p"><participantMultiplicity maximum="3"/></participant>
  <correlationKey id="k"><correlationPropertyRef>cp</correlationPropertyRef></correlationKey></collaboration>"""


def task(inner: str, kind: str = "task") -> str:
    return f'{OBJECTS}{STORE}{START}<{kind} id="x">{inner}</{kind}>{flow("s", "x")}'


def move(source: str, target: str, inner: str = "", *, side: str = "Input") -> str:
    sources = "".join(f"<sourceRef>{each}</sourceRef>" for each in source.split())
    tag = f"data{side}Association"
    return f"<{tag}>{sources}<targetRef>{target}</targetRef>{inner}</{tag}>"


def assign(source: str, target: str) -> str:
    return f"<assignment><from>{source}</from><to>{target}</to></assignment>"


def subscribed(key: str) -> str:
    return task("") + f'<correlationSubscription id="cs" correlationKeyRef="{key}"/>'


PLACED: Final = '<property id="pp" name="__targetRef_placeholder"/>'
MAPPED: Final = """<extensionElements><zeebe:ioMapping><zeebe:input source="=1" target="n"/></zeebe:ioMapping>
  </extensionElements>"""
COLLECTS: Final = (
    "<multiInstanceLoopCharacteristics><loopDataInputRef>a</loopDataInputRef><loopDataOutputRef>b</loopDataOutputRef>"
    "</multiInstanceLoopCharacteristics>"
)
BOTH: Final = (
    '<multiInstanceLoopCharacteristics><extensionElements><zeebe:loopCharacteristics inputCollection="=a"/>'
    "</extensionElements><loopDataInputRef>a</loopDataInputRef></multiInstanceLoopCharacteristics>"
)
PERFORMER: Final = "<performer><resourceRef>r</resourceRef></performer>"
PART: Final = assign("=out", "=stock.n")

SAID: Final = [
    ("several sources", "data", "error", task(SPECIFIED + move("a b", "i"))),
    ("no from", "data", "error", task(SPECIFIED + move("a", "i", assign("", "=in")))),
    ("a part of a store", "data", "error", task(SPECIFIED + move("o", "st", PART, side="Output"))),
    ("no source", "data", "info", task(move("", "a", side="Output"))),
    ("a placeholder", "data", "info", task(PLACED + move("a", "pp"))),
    ("moved by name", "data", "info", task(SPECIFIED)),
    ("beside mappings", "data", "warning", task(MAPPED + SPECIFIED + move("a", "i"))),
    ("beside collections", "element-type", "warning", task(BOTH)),
    ("nothing collected", "loop-characteristics", "error", task(COLLECTS)),
    ("multiplicity", "element-type", "info", task("")),
    ("no such key", "correlation", "error", subscribed("other")),
    ("a property without a path", "correlation", "error", subscribed("k")),
    ("nobody", "user-task-definition", "warning", task("<performer/>", "userTask")),
    ("two performers", "user-task-definition", "warning", task(PERFORMER * 2, "userTask")),
]


@pytest.mark.parametrize(("what", "rule", "severity", "body"), SAID, ids=[row[0] for row in SAID])
def test_what_data_means_or_lacks_is_said(what: str, rule: str, severity: str, body: str) -> None:
    assert (rule, severity) in {(d.rule, d.severity) for d in found(document(body, roots=KEY))}


def test_an_association_becomes_a_transfer_between_variables() -> None:
    program = compiled(document(task(SPECIFIED + move("a", "i") + move("o", "b", side="Output"))))
    data = node(program, "x").data
    assert data is not None
    assert data.variables == ("in", "out")
    (taken,), (given,) = data.inputs, data.outputs
    assert (taken.target, taken.needs, text_of(program, taken.source)) == (("in",), ("a",), "`a`")
    assert (given.target, given.needs, text_of(program, given.source)) == (("b",), ("out",), "`out`")
    assert [each.required for each in (*data.input_sets, *data.output_sets)] == [("in",), ("out",)]
    assert program.nodes[0].data == Data(variables=("a", "b"))


@pytest.mark.parametrize(
    ("target", "path"), [("=b", ()), ("b", ()), ("=b.c.d", ("c", "d")), ("c", ("c",)), ("`b`.c", ("c",))]
)
def test_where_an_assignment_writes(target: str, path: tuple[str, ...]) -> None:
    body = task(SPECIFIED + move("o", "b", assign("=out", target), side="Output"))
    data = node(compiled(document(body)), "x").data
    assert data is not None
    assert [each.target for each in data.outputs] == [("b", *path)]


def test_the_collection_of_a_loop_is_not_copied_into_each_instance() -> None:
    loop = COLLECTS.replace("<loopDataInputRef>a", "<loopDataInputRef>i").replace(
        "</loopDataOutputRef>", '</loopDataOutputRef><inputDataItem id="item"/><outputDataItem id="got"/>'
    )
    program = compiled(document(task(SPECIFIED + move("a", "i") + loop)))
    body, inner = node(program, "x"), node(program, "x", inner=True)
    assert body.loop is not None
    assert (text_of(program, body.loop.items), body.loop.item_name) == ("`a`", "item")
    assert (body.loop.output_name, body.loop.output_local) == ("b", "got")
    assert inner.data is None


def test_data_of_a_document_for_camunda_8_is_only_drawn() -> None:
    attributes = 'xmlns:modeler="http://camunda.org/schema/modeler/1.0" modeler:executionPlatform="Camunda Cloud"'
    text = document(task(SPECIFIED + move("a", "i") + '<property id="pr"/>'), attributes=attributes)
    program = compiled(text)
    assert program.nodes[0].data is None
    assert node(program, "x").data is None
    said = [(d.rule, d.severity) for d in found(text)]
    assert ("element-type", "warning") in said
    assert {rule for rule, _ in said} == {"element-type"}


def test_what_is_sent_without_an_association_is_the_variable_of_its_name() -> None:
    io = '<ioSpecification><dataInput id="i" name="a"/><inputSet/><outputSet/></ioSpecification>'
    body = f'{START}<sendTask id="x" messageRef="m">{io}</sendTask>{flow("s", "x")}'
    data = node(compiled(document(body)), "x").data
    assert data is not None
    assert [each.target for each in data.inputs] == [("a",)]
    assert (data.message, data.content) == ("paid", ("a",))


def test_a_user_task_tells_its_lanes_and_whom_resource_roles_name() -> None:
    lanes = """<laneSet id="ls"><lane id="l1" name="Sales"><flowNodeRef>x</flowNodeRef>
      <childLaneSet id="c"><lane id="l2" name="Clerk"><flowNodeRef>x</flowNodeRef></lane></childLaneSet></lane>
      <lane id="l3"><flowNodeRef>y</flowNodeRef></lane></laneSet>"""
    tasks = """<userTask id="x"><humanPerformer><resourceAssignmentExpression><formalExpression>=who</formalExpression>
      </resourceAssignmentExpression></humanPerformer></userTask>
      <userTask id="y"><potentialOwner><resourceRef>r</resourceRef></potentialOwner></userTask>"""
    body = f"{lanes}{START}{tasks}{flow('s', 'x')}{flow('s', 'y')}"
    with Engine(":memory:") as engine:
        engine.deploy(("f.bpmn", document(body, roots='<resource id="r" name="accounts"/>').encode()))
        engine.start("p", {"who": "ada"})
        shown = {task.element_id: task.attributes for task in engine.tasks()}
    assert shown == {
        "x": {"assignee": "ada", "lane": "Clerk", "lanes": ["Sales", "Clerk"]},
        "y": {"candidate_groups": ["accounts"], "lane": "l3"},
    }


def test_an_activity_that_waits_for_data_says_for_which() -> None:
    body = task(SPECIFIED + move("a", "i") + move("i", "b", side="Output"))
    with Engine(":memory:") as engine:
        engine.deploy(("f.bpmn", document(body).encode()))
        instance = engine.start("p")
        assert instance.state == "active"
        assert [entry.fact.names for entry in instance.history if isinstance(entry.fact, DataAwaited)] == [["a"]]
        instance.set_variables({"a": 7})
        assert instance.state == "completed"
        assert instance.variables == {"a": 7, "b": 7}
