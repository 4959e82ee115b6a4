"""Nothing is silently ignored: what an expression has to say is stored with its element, and shown."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from host_rig import FakeClock, opened
from procession.core.facts import Drew
from unit.compile.snippets import document, flow, path

WRONG: Final = '1 + "a"'
"""Null, with a warning."""


def mapped(kind: str) -> str:
    mapping = f"<zeebe:ioMapping><zeebe:{kind} source='={WRONG}' target='a'/></zeebe:ioMapping>"
    return f'<task id="x"><extensionElements>{mapping}</extensionElements></task>'


def straight(body: str) -> str:
    return f'<startEvent id="s"/>{body}<endEvent id="e"/>' + path("s", "x", "e")


def repeated(output: str) -> str:
    loop = f"inputCollection='=[1]' outputCollection='all' outputElement='={output}'"
    extension = f"<extensionElements><zeebe:loopCharacteristics {loop}/></extensionElements>"
    return f"<multiInstanceLoopCharacteristics>{extension}</multiInstanceLoopCharacteristics>"


PLACES: Final = [
    ("input mapping", straight(mapped("input")), "x", "input mapping to a"),
    ("output mapping", straight(mapped("output")), "x", "output mapping to a"),
    (
        "script",
        straight(
            "<scriptTask id='x'><extensionElements>"
            f"<zeebe:script expression='={WRONG}' resultVariable='r'/></extensionElements></scriptTask>"
        ),
        "x",
        "script",
    ),
    (
        "condition of a flow, whose gateway ends with it",
        '<startEvent id="s"/><exclusiveGateway id="x" default="x-e"/><endEvent id="e"/><endEvent id="o"/>'
        + flow("s", "x")
        + flow("x", "e")
        + flow("x", "o", f"=({WRONG}) = 7"),
        "x",
        "condition",
    ),
    (
        "output element, whose item ends with it",
        straight(f'<task id="x">{repeated(WRONG)}</task>'),
        "x",
        "output element",
    ),
    (
        "user task",
        straight(
            "<userTask id='x'><extensionElements><zeebe:userTask/>"
            f"<zeebe:assignmentDefinition candidateGroups='={WRONG}'/></extensionElements></userTask>"
        ),
        "x",
        "candidate groups",
    ),
]


@pytest.mark.parametrize(("what", "body", "element", "attribute"), PLACES, ids=[row[0] for row in PLACES])
def test_a_warning_is_kept_with_its_element(tmp_path: Path, what: str, body: str, element: str, attribute: str) -> None:
    clock = FakeClock()
    with opened(tmp_path / "e.db", clock) as engine:
        engine.deploy(("f.bpmn", document(body).encode()))
        key = engine.start("p").key
        engine.run_until_idle()
    with opened(tmp_path / "e.db", clock) as engine:
        (warning,) = engine.instance(key).warnings
    assert (warning.element_id, warning.attribute) == (element, attribute)
    assert warning.expression[warning.start : warning.end] in WRONG
    assert "string" in warning.message
    assert warning.element


def test_a_warning_inside_a_decision_is_kept_with_its_task(tmp_path: Path) -> None:
    decision = (
        '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="t">'
        '<decision id="price" name="price"><variable name="price"/><literalExpression>'
        f"<text>{WRONG}</text></literalExpression></decision></definitions>"
    )
    called = "<zeebe:calledDecision decisionId='price' resultVariable='r'/>"
    body = straight(f'<businessRuleTask id="x"><extensionElements>{called}</extensionElements></businessRuleTask>')
    with opened(tmp_path / "e.db", FakeClock()) as engine:
        engine.deploy(("f.bpmn", document(body).encode()), ("d.dmn", decision.encode()))
        instance = engine.start("p")
        engine.run_until_idle()
        (warning,) = instance.warnings
    assert (warning.element_id, warning.attribute) == ("x", "")


def test_random_numbers_are_counted_once(tmp_path: Path) -> None:
    """Each draw has a number of its own, and evaluating something else moves no counter."""
    script = "<zeebe:script expression='=random number()' resultVariable='{}'/>"
    tasks = "".join(
        f"<scriptTask id='{id}'><extensionElements>{script.format(id)}</extensionElements></scriptTask>" for id in "abc"
    )
    body = f'<startEvent id="s"/>{tasks}<endEvent id="e"/>' + path("s", "a", "b", "c", "e")
    with opened(tmp_path / "e.db", FakeClock()) as engine:
        engine.deploy(("f.bpmn", document(body).encode()))
        instance = engine.start("p")
        engine.run_until_idle()
        drawn = [entry.fact for entry in instance.history if entry.kind == "drew"]
        assert [fact.count for fact in drawn if isinstance(fact, Drew)] == [1, 1, 1]
        assert len(set(instance.variables.values())) == 3


def test_a_sound_process_says_nothing(tmp_path: Path) -> None:
    with opened(tmp_path / "e.db", FakeClock()) as engine:
        engine.deploy(("f.bpmn", document(straight('<task id="x"/>')).encode()))
        instance = engine.start("p")
        engine.run_until_idle()
        assert instance.warnings == []
