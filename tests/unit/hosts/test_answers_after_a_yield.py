"""An instance that stops after its bound of transitions still gets the answers to what it asked before it stopped."""

from __future__ import annotations

from typing import Final

from procession import Engine

CALLS: Final = 600
"""More than one step can begin: each call takes three transitions of the thousand."""
MODEL: Final = f"""<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="urn:t">
<process id="child" isExecutable="true"><startEvent id="begin"/></process>
<process id="parent" isExecutable="true">
  <startEvent id="start"/><endEvent id="end"/>
  <callActivity id="call" calledElement="child">
    <multiInstanceLoopCharacteristics><loopCardinality>{CALLS}</loopCardinality></multiInstanceLoopCharacteristics>
  </callActivity>
  <sequenceFlow id="to-call" sourceRef="start" targetRef="call"/>
  <sequenceFlow id="to-end" sourceRef="call" targetRef="end"/>
</process></definitions>"""


def test_more_calls_than_one_step_can_begin_are_all_made() -> None:
    with Engine(":memory:") as engine:
        engine.deploy(("calls.bpmn", MODEL.encode()))
        parent = engine.start("parent")
        assert parent.wait(30) == "completed"
