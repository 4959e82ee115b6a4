"""A rollout on a real cluster: a share of the starts, all of them, what is in flight, and the way back by itself."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import pytest

from procession import Engine, Rollouts, Routing
from procession.base.job import Job
from procession.hosts.embedded.rolling import Shadow, Standing
from procession.rollout.promoting import shadows_on
from procession.runtime.rows import InstanceRow
from procession.services.routes import Routes
from procession.testing.temporal import DevServer
from temporal_rig import Engines

MODEL: Final = b"""<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="x"><message id="m" name="go">
  <extensionElements><zeebe:subscription correlationKey="=k"/></extensionElements></message>
  <process id="p" isExecutable="true">
  <startEvent id="s"/><sequenceFlow id="f1" sourceRef="s" targetRef="c"/>
  <intermediateCatchEvent id="c"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>
  <sequenceFlow id="f2" sourceRef="c" targetRef="t"/>
  <serviceTask id="t"><extensionElements><zeebe:taskDefinition type="work" retries="1"/></extensionElements>
  </serviceTask>
  <sequenceFlow id="f3" sourceRef="t" targetRef="e"/><endEvent id="e"/></process></definitions>"""
WAITS_S: Final = 120.0


class Shop:
    """An engine with a cluster beside it, and a worker that can be broken."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.effects: Counter[str] = Counter()
        self.broken = threading.Event()
        self.count = 0

        @engine.worker("work")
        def work(job: Job) -> dict[str, bool]:
            if self.broken.is_set():
                raise RuntimeError("the card reader is out of order")
            self.effects[job.idempotency_key] += 1
            return {"worked": True}

        # Its worker has just begun to poll, or is about to.
        assert engine.wait_until(lambda: not Routing(engine).stranded(Routes(default="temporal")), WAITS_S)

    def start(self, n: int) -> list[int]:
        """Instances, by key."""
        self.count += n
        return [
            self.engine.start("p", {"k": f"k{each}"}, business_key=f"k{each}").key
            for each in range(self.count - n, self.count)
        ]

    def hosts(self, keys: list[int]) -> Counter[str]:
        """How many are on which host."""
        return Counter(self.engine.store.read("instance", (0, key), InstanceRow)[0].host for key in keys)

    def send(self, *numbers: int) -> None:
        """What instances wait for, by their numbers."""
        for number in numbers:
            self.engine.publish("go", f"k{number}")

    def until(self, wanted: Callable[[], bool]) -> None:
        assert self.engine.wait_until(wanted, WAITS_S)


@pytest.fixture
def shop(temporal_engines: Engines) -> Shop:
    Routing(engine := temporal_engines(("p.bpmn", MODEL))).set({"default": "here"})
    return Shop(engine)


def plan(*steps: dict[str, Any], **more: Any) -> Any:
    return {"name": "r", "to": "temporal", "processes": ["p"], "steps": list(steps), **more}


def looked(rollouts: Rollouts, shop: Shop, wanted: tuple[str, int], shadow: Shadow | None = None) -> Standing:
    """Looks until a rollout is in a state, at a step."""
    found: list[Standing] = []

    def there() -> bool:
        found.append(rollouts.look("r", shadow))
        return (found[-1].rollout.state, found[-1].rollout.step) == wanted

    assert shop.engine.wait_until(there, WAITS_S), found[-1]
    return found[-1]


def test_from_the_first_shadow_to_the_last_instance(shop: Shop, temporal_server: DevServer) -> None:
    rollouts = Rollouts(shop.engine, who="user:ann")
    old, before = shop.start(3), shop.start(6)
    shop.send(*range(3))
    assert [shop.engine.instance(key).wait(WAITS_S) for key in old] == ["completed"] * 3
    steps = ({"shadow": 100}, {"starts": 50}, {"starts": 100}, {"move": "all"}, {"retire": True})
    rollouts.begin(plan(*steps, gates={"finished": 2, "errors": 0.0}))
    shadow = shadows_on(shop.engine, address=temporal_server.address, namespace=temporal_server.namespace)
    standing = looked(rollouts, shop, ("running", 1), shadow)
    assert (standing.measures.compared, standing.measures.different) == (3, 0)
    assert len(shop.effects) == 3, "a shadow has no effects"
    some = shop.start(10)
    there = shop.hosts(some)["temporal"]
    assert 2 <= there < 10
    shop.send(*range(9, 19))
    looked(rollouts, shop, ("running", 2))
    every = shop.start(4)
    assert shop.hosts(every) == {"temporal": 4}
    shop.send(*range(19, 23))
    # The next look begins to move, the last one finds that all are there.
    standing = looked(rollouts, shop, ("finished", 5))
    assert shop.hosts(before) == {"temporal": 6}
    assert standing.measures.left == 0
    said = [each.what for each in standing.rollout.past]
    assert said == ["begun", "starts 50 %", "starts 100 %", "move all", "retire", "finished"]
    shop.send(*range(3, 9))
    assert [shop.engine.instance(key).wait(WAITS_S) for key in before + some + every] == ["completed"] * 20
    assert len(shop.effects) == 23
    assert set(shop.effects.values()) == {1}


def test_it_goes_back_by_itself_with_what_it_moved(shop: Shop) -> None:
    rollouts = Rollouts(shop.engine, who="user:ann")
    before = shop.start(6)
    rollouts.begin(plan({"starts": 100}, {"move": "all"}, {"retire": True}, gates={"finished": 0, "stay": "PT0S"}))
    rollouts.look("r")
    shop.until(lambda: shop.hosts(before)["temporal"] == 6)
    shop.broken.set()
    shop.send(0)
    shop.until(lambda: len(shop.engine.incidents()) == 1)
    # One more has an incident than may; whatever step it is at by now.
    standing = rollouts.look("r")
    if standing.rollout.state == "running":
        standing = looked(rollouts, shop, ("rolled back", standing.rollout.step))
    assert standing.rollout.state == "rolled back"
    assert "have an incident" in standing.rollout.past[-1].why
    shop.until(lambda: shop.hosts(before)[""] == 6)
    assert shop.hosts(shop.start(3)) == {"": 3}
    shop.broken.clear()
    [incident] = shop.engine.incidents()
    shop.engine.resolve_incident(incident.key)
    shop.send(*range(1, 9))
    assert [shop.engine.instance(key).wait(WAITS_S) for key in before] == ["completed"] * 6
    assert set(shop.effects.values()) == {1}
