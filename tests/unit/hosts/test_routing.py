"""Routing in an engine: where instances start by the rules that hold then, and that nothing moves which runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from procession import BadValue, Conflict, Engine, Routing
from procession.base.failure import Outdated
from procession.runtime.rows import InstanceRow
from procession.services.routes import Routes

MODEL = b"""<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="x">
  <process id="p" isExecutable="true"><startEvent id="s"/><sequenceFlow id="f" sourceRef="s" targetRef="t"/>
  <userTask id="t"/><sequenceFlow id="g" sourceRef="t" targetRef="e"/><endEvent id="e"/></process></definitions>"""


def rules(percent: float = 100, **more: Any) -> Any:
    return {"rules": [{"name": "away", "to": "elsewhere", "percent": percent, **more}]}


def hosts(engine: Engine, *keys: int) -> list[str]:
    return [engine.store.read("instance", (0, key), InstanceRow)[0].host for key in keys]


def start(engine: Engine, n: int) -> list[int]:
    return [engine.start("p", business_key=f"k{number}").key for number in range(n)]


@pytest.fixture
def engine(tmp_path: Path) -> Any:
    with Engine(tmp_path / "e.db") as found:
        found.deploy(("p.bpmn", MODEL))
        yield found


def test_rules_hold_for_what_starts_from_then_on(engine: Engine) -> None:
    routing = Routing(engine)
    assert routing.get() == (Routes(), 0)
    before = start(engine, 3)
    assert routing.set(rules(), force=True) == 1
    after = start(engine, 3)
    assert routing.set(rules(0), force=True) == 2
    again = start(engine, 3)
    assert hosts(engine, *before, *after, *again) == [""] * 3 + ["elsewhere"] * 3 + [""] * 3
    # What runs goes on where it is.
    for key in before:
        engine.complete_task(engine.task_of(key, "t").key)
    assert all(engine.instance(key).state == "completed" for key in before)


def test_a_share_grows_around_those_who_are_in_it(engine: Engine) -> None:
    routing = Routing(engine)
    routing.set(rules(20), force=True)
    few = hosts(engine, *start(engine, 60))
    routing.set(rules(60), force=True)
    more = hosts(engine, *start(engine, 60))
    assert 0 < few.count("elsewhere") < more.count("elsewhere") < 60
    assert all(then or not now for now, then in zip(few, more, strict=True))
    decided = [routing.decide("p", tenant="<default>", version=1, key=f"k{n}").host for n in range(60)]
    assert [host == "elsewhere" for host in decided] == [bool(host) for host in more]


def test_they_are_kept_and_a_commit_that_fails_leaves_them(engine: Engine, tmp_path: Path) -> None:
    Routing(engine).set(rules(tenants=["<default>"]), force=True)
    engine.close()
    with Engine(tmp_path / "e.db") as again:
        assert hosts(again, *start(again, 1)) == ["elsewhere"]
        with pytest.raises(Outdated):
            Routing(again).set({}, version=7)
        assert hosts(again, *start(again, 1)) == ["elsewhere"]
        assert again.pump.shard is not None
        again.pump.shard.undo()
        assert hosts(again, *start(again, 1)) == ["elsewhere"]
        assert Routing(again).set({}, version=1) == 2
        assert hosts(again, *start(again, 1)) == [""]


def test_rules_that_would_strand_a_tenant_are_refused(engine: Engine) -> None:
    routing = Routing(engine)
    with pytest.raises(Conflict, match="rule 'away' sends starts of '<default>' to 'elsewhere', where they would wait"):
        routing.set(rules())
    with pytest.raises(BadValue, match="these are no routes"):
        routing.set({"rules": 1})
    assert routing.get()[1] == 0
    assert routing.set(rules(tenants=["nobody"])) == 1


def test_what_is_called_stays_with_its_caller(engine: Engine) -> None:
    caller = MODEL.replace(b'id="p"', b'id="c"').replace(
        b'<userTask id="t"/>',
        b'<callActivity id="t"><extensionElements><zeebe:calledElement xmlns:zeebe='
        b'"http://camunda.org/schema/zeebe/1.0" processId="p"/></extensionElements></callActivity>',
    )
    engine.deploy(("c.bpmn", caller))
    Routing(engine).set(rules(processes=["p"]), force=True)
    instance = engine.start("c")
    assert instance.tokens == {"t": 1}
    [child] = [task.instance for task in engine.tasks()]
    assert hosts(engine, instance.key, child) == ["", ""]
