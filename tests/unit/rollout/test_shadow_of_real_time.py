"""Shadows of instances that ran on the machine's clock, with workers, people and timers that were late."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from procession import Engine, Shadowed, shadow_run

HEAD: Final = """<?xml version="1.0"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
                  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
                  xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="shop">
  <bpmn:message id="paid" name="paid"><bpmn:extensionElements>
    <zeebe:subscription correlationKey="=number"/></bpmn:extensionElements></bpmn:message>
"""
ORDER: Final = (
    HEAD
    + """
  <bpmn:process id="order" isExecutable="true">
    <bpmn:startEvent id="start"/>
    <bpmn:sequenceFlow id="f0" sourceRef="start" targetRef="fork"/>
    <bpmn:parallelGateway id="fork"/>
    <bpmn:sequenceFlow id="f1" sourceRef="fork" targetRef="pick"/>
    <bpmn:sequenceFlow id="f2" sourceRef="fork" targetRef="payment"/>
    <bpmn:sequenceFlow id="f3" sourceRef="fork" targetRef="pause"/>
    <bpmn:sequenceFlow id="f4" sourceRef="fork" targetRef="lucky"/>
    <bpmn:serviceTask id="pick">
      <bpmn:extensionElements><zeebe:taskDefinition type="pick" retries="3"/></bpmn:extensionElements>
      <bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements>
        <zeebe:loopCharacteristics inputCollection="=items" inputElement="item" outputCollection="picked"
                                   outputElement="=item + 1"/>
      </bpmn:extensionElements></bpmn:multiInstanceLoopCharacteristics>
    </bpmn:serviceTask>
    <bpmn:receiveTask id="payment" messageRef="paid"/>
    <bpmn:boundaryEvent id="remind" attachedToRef="payment" cancelActivity="false"><bpmn:timerEventDefinition>
      <bpmn:timeDuration xsi:type="bpmn:tFormalExpression">PT0.05S</bpmn:timeDuration></bpmn:timerEventDefinition>
    </bpmn:boundaryEvent>
    <bpmn:intermediateCatchEvent id="pause"><bpmn:timerEventDefinition>
      <bpmn:timeDuration xsi:type="bpmn:tFormalExpression">PT0.1S</bpmn:timeDuration></bpmn:timerEventDefinition>
    </bpmn:intermediateCatchEvent>
    <bpmn:scriptTask id="lucky"><bpmn:extensionElements>
      <zeebe:script expression="=random number()" resultVariable="drawn"/></bpmn:extensionElements></bpmn:scriptTask>
    <bpmn:sequenceFlow id="f5" sourceRef="pick" targetRef="join"/>
    <bpmn:sequenceFlow id="f6" sourceRef="payment" targetRef="join"/>
    <bpmn:sequenceFlow id="f7" sourceRef="pause" targetRef="stamp"/>
    <bpmn:scriptTask id="stamp"><bpmn:extensionElements>
      <zeebe:script expression="=string(now())" resultVariable="stamped"/></bpmn:extensionElements></bpmn:scriptTask>
    <bpmn:sequenceFlow id="f8" sourceRef="stamp" targetRef="join"/>
    <bpmn:sequenceFlow id="f9" sourceRef="lucky" targetRef="join"/>
    <bpmn:parallelGateway id="join"/>
    <bpmn:sequenceFlow id="f10" sourceRef="join" targetRef="approve"/>
    <bpmn:userTask id="approve"><bpmn:extensionElements><zeebe:userTask/></bpmn:extensionElements></bpmn:userTask>
  </bpmn:process>
</bpmn:definitions>
"""
)
PATIENCE_S: Final = 120


def test_what_ran_in_real_time_is_told_again(tmp_path: Path) -> None:
    told: list[Shadowed] = []
    with Engine(tmp_path / "shop.db") as engine:
        engine.deploy(("order.bpmn", ORDER.encode()))
        failing = iter([True, False, True])

        @engine.worker("pick", backoff=[0.01])
        def pick(item: int) -> dict[str, int]:
            if next(failing, False):
                raise OSError("the shelf is empty")
            return {"seen": item}

        orders = [engine.start("order", {"number": f"n{n}", "items": [n, n + 1]}) for n in range(6)]
        assert engine.run_until_idle(PATIENCE_S, lambda: all("stamped" in each.variables for each in orders))
        for n, order in enumerate(orders):
            order.publish("paid", f"n{n}", {"amount": n})
        assert engine.run_until_idle(PATIENCE_S, lambda: all(each.tasks for each in orders))
        for order in orders:
            (task,) = order.tasks
            engine.assign_task(task.key, "ann")
            engine.complete_task(task.key, {"approved": True})
        engine.run_until_idle()
        found = shadow_run(engine, told=told.append)
    assert [(each.status, each.differences, each.reasons) for each in told] == [("equal", (), ())] * 6
    assert found.equal == 6
