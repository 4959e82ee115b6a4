"""Routes with a real host beside the store: who starts there, who starts here, and rules that lead nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from procession import Conflict, Engine, Routing, Temporal
from procession.runtime.rows import InstanceRow
from procession.services.routes import Routes
from procession.testing.temporal import DevServer
from temporal_rig import Engines

MODEL = b"""<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="x"><process id="p" isExecutable="true">
  <startEvent id="s"/><sequenceFlow id="f" sourceRef="s" targetRef="t"/>
  <serviceTask id="t"><extensionElements><zeebe:taskDefinition type="work"/></extensionElements></serviceTask>
  <sequenceFlow id="g" sourceRef="t" targetRef="e"/><endEvent id="e"/></process></definitions>"""


def test_a_share_of_starts_goes_to_the_cluster_and_back(temporal_engines: Engines) -> None:
    engine = temporal_engines(("p.bpmn", MODEL))

    @engine.worker("work")
    def work() -> dict[str, bool]:
        return {"worked": True}

    routing = Routing(engine)
    # Its worker has just begun to poll, or is about to.
    assert engine.wait_until(lambda: not routing.stranded(Routes(default="temporal")), 60)
    found: dict[float, int] = {}
    for percent in (0, 50, 100, 0):
        routing.set({"rules": [{"name": "some", "to": "temporal", "percent": percent}]})
        started = [engine.start("p", business_key=f"k{n}") for n in range(8)]
        assert [instance.wait(60) for instance in started] == ["completed"] * 8
        assert all(instance.variables == {"worked": True} for instance in started)
        rows = [engine.store.read("instance", (0, instance.key), InstanceRow)[0] for instance in started]
        found[percent] = sum(row.host == "temporal" for row in rows)
    assert found[0] == 0
    assert 0 < found[50] < 8
    assert found[100] == 8


def test_rules_that_lead_to_nobody_are_refused(temporal_server: DevServer, tmp_path: Path) -> None:
    host = Temporal(temporal_server.address, namespace=temporal_server.namespace, queue="nobody", work=False)
    with Engine(tmp_path / "e.db", host=host) as engine:
        with pytest.raises(Conflict, match="no worker polls task queue 'nobody'"):
            Routing(engine).set({"default": "temporal"})
        with pytest.raises(Conflict, match="no host of that name"):
            Routing(engine).set({"default": "mars"})
        assert Routing(engine).get()[1] == 0
