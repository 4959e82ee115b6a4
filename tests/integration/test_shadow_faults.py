"""Shadows on a cluster that is killed in the middle: host A knows nothing of it, and the run goes on where it was."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from procession import Engine, HostLost, Shadowed, shadow_run
from procession.testing.temporal.servers import dev_server
from temporal_rig import need

ORDERS = 6
ORDER = b"""<?xml version="1.0"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
                  xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="shop">
  <bpmn:process id="order" isExecutable="true">
    <bpmn:startEvent id="start"/>
    <bpmn:serviceTask id="charge">
      <bpmn:extensionElements><zeebe:taskDefinition type="charge"/></bpmn:extensionElements>
    </bpmn:serviceTask>
    <bpmn:sequenceFlow id="a" sourceRef="start" targetRef="charge"/>
  </bpmn:process>
</bpmn:definitions>
"""


def charge(amount: int) -> dict[str, int]:
    return {"paid": amount}


@pytest.mark.large
def test_a_cluster_that_is_killed_in_the_middle(tmp_path: Path) -> None:
    need("server")
    server = dev_server("server")
    asyncio.run(server.start())
    told: list[Shadowed] = []
    try:
        with Engine(tmp_path / "shop.db") as engine:
            engine.deploy(("order.bpmn", ORDER))
            engine.worker("charge")(charge)
            for n in range(ORDERS):
                engine.start("order", {"amount": n})
            engine.run_until_idle()

            def kills(shadowed: Shadowed) -> None:
                told.append(shadowed)
                if len(told) == 2:
                    server.kill()

            with pytest.raises(HostLost, match="temporal is lost"):
                shadow_run(engine, "temporal", address=server.address, told=kills)
            assert [each.status for each in told] == ["equal", "equal"]
            assert all(each.state == "completed" for each in engine.instances())
            with pytest.raises(HostLost, match="temporal cannot be reached"):
                shadow_run(engine, "temporal", address=server.address)
            asyncio.run(server.restart())
            found = shadow_run(engine, "temporal", address=server.address, told=told.append)
    finally:
        server.kill()
    assert (found.compared, found.equal) == (ORDERS, ORDERS)
    assert len({each.instance for each in told}) == ORDERS
