"""Data stores on a file: one value for each tenant, kept with the commit that wrote it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from procession import Engine

MODEL: Final = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="urn:t">
<dataStore id="ds" name="last number"/>
<process id="count" isExecutable="true">
  <dataStoreReference id="ref" dataStoreRef="ds"/><dataObject id="number"/>
  <startEvent id="start"/>
  <task id="next"><property id="before"/>
    <dataInputAssociation><sourceRef>ref</sourceRef><targetRef>before</targetRef>
      <transformation>=if `last number` = null then 1 else `last number` + 1</transformation></dataInputAssociation>
    <dataOutputAssociation><sourceRef>before</sourceRef><targetRef>ref</targetRef></dataOutputAssociation>
    <dataOutputAssociation><sourceRef>before</sourceRef><targetRef>number</targetRef></dataOutputAssociation>
  </task>
  <sequenceFlow id="f" sourceRef="start" targetRef="next"/>
</process></definitions>"""


def numbers(engine: Engine, tenant: str, count: int) -> list[object]:
    started = engine.start_many("count", [{} for _ in range(count)], tenant=tenant)
    return [instance.variables["number"] for instance in started]


def test_each_tenant_has_its_own_value_and_it_stays(tmp_path: Path) -> None:
    path = tmp_path / "e.db"
    with Engine(path) as engine:
        for tenant in ("a", "b"):
            engine.deploy(("count.bpmn", MODEL.encode()), tenant=tenant)
        assert numbers(engine, "a", 3) == [1, 2, 3]
        assert numbers(engine, "b", 2) == [1, 2]
    with Engine(path) as engine:
        assert numbers(engine, "a", 2) == [4, 5]
        assert numbers(engine, "b", 1) == [3]
