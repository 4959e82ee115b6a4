"""Rollouts in an engine: steps by gates, holding, going back; what each look finds and does.

The new host is the store's own, the old one is none that runs: all is seen without a cluster, which
tests/integration/test_rollout.py has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from procession import Conflict, Engine, Filter, Job, NotFound, Rollouts, Routing
from procession.hosts.embedded.rolling import Standing
from procession.runtime.requests import AddTenant
from procession.runtime.rows import InstanceRow
from procession.runtime.tenants import PLATFORM
from procession.services.audit import Which
from procession.services.shadows import begun, stored

MODEL = b"""<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="x"><process id="p" isExecutable="true">
  <startEvent id="s"/><sequenceFlow id="f" sourceRef="s" targetRef="t"/>
  <serviceTask id="t"><extensionElements><zeebe:taskDefinition type="work"/></extensionElements></serviceTask>
  <sequenceFlow id="g" sourceRef="t" targetRef="e"/><endEvent id="e"/></process></definitions>"""


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000_000

    def __call__(self) -> int:
        self.now += 1
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(tmp_path: Path, clock: Clock) -> Iterator[Engine]:
    with Engine(tmp_path / "e.db", clock=clock) as found:
        found.deploy(("p.bpmn", MODEL))
        yield found


@pytest.fixture
def rollouts(engine: Engine) -> Rollouts:
    return Rollouts(engine, who="user:ann", origin="a test")


def plan(*steps: dict[str, Any], **more: Any) -> Any:
    gates = {"finished": 2, **more.pop("gates", {})}
    steps = steps or ({"starts": 50}, {"starts": 100}, {"move": "all"}, {"retire": True})
    return {
        "name": "r",
        "from": "elsewhere",
        "to": "here",
        "processes": ["p"],
        "steps": [*steps],
        "gates": gates,
        **more,
    }


def start(engine: Engine, n: int) -> tuple[int, list[int]]:
    """Instances that go elsewhere, by number; and those that start here."""
    keys = [engine.start("p", business_key=f"k{each}").key for each in range(n)]
    rows = [engine.store.read("instance", (0, key), InstanceRow)[0] for key in keys]
    return sum(row.host == "elsewhere" for row in rows), [row.key for row in rows if not row.host]


def work(engine: Engine) -> None:
    for job in jobs(engine):
        engine.complete_job(job)


def jobs(engine: Engine) -> list[Job]:
    return engine.activate_jobs("work", worker="w", limit=100)


def said(standing: Standing) -> dict[str, str]:
    return {each.gate: each.verdict for each in standing.gates}


def where(standing: Standing) -> tuple[str, int]:
    return standing.rollout.state, standing.rollout.step


def test_it_goes_on_by_its_gates_and_ends(engine: Engine, rollouts: Rollouts) -> None:
    assert [each.step for each in rollouts.foresee(plan())] == ["starts 50 %", "starts 100 %", "move all", "retire"]
    assert rollouts.listed() == []
    standing = rollouts.begin(plan())
    assert (where(standing), said(standing)["finished"]) == (("running", 0), "waits")
    # Without any rules before, the old host is what starts go to by default.
    routes, _ = Routing(engine).get()
    assert (routes.default, [rule.name for rule in routes.rules]) == ("elsewhere", ["rollout r"])
    away, here = start(engine, 12)
    assert away
    assert here
    assert said(rollouts.look("r"))["finished"] == "waits"
    work(engine)
    assert where(rollouts.look("r")) == ("running", 1)
    away, here = start(engine, 4)
    assert (away, len(here)) == (0, 4)
    work(engine)
    # Whoever looks needs the other host to move what is there; that step waits for somebody who has it.
    for _ in range(2):
        with pytest.raises(Conflict, match="no other host is beside this store"):
            rollouts.look("r")
    standing = rollouts.status("r")
    assert (where(standing), said(standing)["left"]) == (("running", 2), "waits")
    assert standing.measures.left > 0


@pytest.mark.parametrize(
    ("on_failure", "state", "rules"), [("rollback", "rolled back", []), ("hold", "held", ["rollout r"])]
)
def test_a_gate_that_fails_ends_it(engine: Engine, rollouts: Rollouts, on_failure: str, state: str, rules: Any) -> None:
    rollouts.begin(plan({"starts": 100}, {"move": "all"}, on_failure=on_failure))
    _, here = start(engine, 3)
    for job in jobs(engine):
        engine.fail_job(job, "broken", retries=0)
    standing = rollouts.look("r")
    assert where(standing) == (state, 0)
    assert standing.rollout.past[-1].why == "errors: 3 of 3 have an incident, at most 1.0%"
    assert [rule.name for rule in Routing(engine).get()[0].rules] == rules
    assert where(rollouts.look("r")) == (state, 0)
    assert len(here) == 3


def test_what_nobody_does_is_stuck(engine: Engine, rollouts: Rollouts, clock: Clock) -> None:
    rollouts.begin(plan({"starts": 100}, {"move": "all"}, on_failure="hold", gates={"stuck_after": "PT1M"}))
    _, [key] = start(engine, 1)
    assert said(rollouts.look("r"))["stuck"] == "holds"
    clock.now += 60_001
    standing = rollouts.look("r")
    assert where(standing) == ("held", 0)
    assert standing.measures.stuck_at[0].startswith(f"instance {key}: nobody takes its job")


def test_what_a_shadow_finds_blocks_promotion(engine: Engine, rollouts: Rollouts) -> None:
    steps = ({"shadow": 5}, {"starts": 100})
    standing = rollouts.begin(plan(*steps))
    asked: list[tuple[str, float, int]] = []
    standing = rollouts.look("r", lambda rule, since, most: asked.append((rule.name, rule.percent, most)))
    assert asked == [(standing.rollout.shadow, 5.0, 100)]
    assert said(standing) == {"finished": "waits", "parity": "holds"}
    report = begun(standing.rollout.shadow, "here", 0, 0)
    engine.call(stored(report.counted("p", "equal", [], 0).counted("p", "different", ["p/t"], 0)))
    standing = rollouts.look("r")
    assert where(standing) == ("rolled back", 0)
    assert standing.rollout.past[-1].why == "parity: 1 of 2 differ, at most 0.0%"
    # Who begins it anew has mended something: what was found before does not count.
    assert rollouts.begin(plan(*steps), again=True).measures.compared == 0


def test_it_stays_as_long_as_it_is_to(engine: Engine, rollouts: Rollouts, clock: Clock) -> None:
    rollouts.begin(plan({"starts": 100, "gates": {"stay": "PT1H", "finished": 0}}))
    clock.now += 3_590_000
    assert where(rollouts.look("r")) == ("running", 0)
    clock.now += 10_000
    assert where(rollouts.look("r")) == ("finished", 1)
    assert [rule.percent for rule in Routing(engine).get()[0].rules] == [100]


def test_people_hold_it_let_it_go_on_and_take_it_back(engine: Engine, rollouts: Rollouts) -> None:
    rollouts.begin(plan())
    assert where(rollouts.hold("r", "lunch")) == ("held", 0)
    assert start(engine, 12)[1], "starts go as they went"
    work(engine)
    assert where(rollouts.look("r")) == ("held", 0)
    assert where(rollouts.resume("r")) == ("running", 0)
    assert where(rollouts.rollback("r", "enough")) == ("rolled back", 0)
    assert start(engine, 12)[1] == []
    assert where(rollouts.rollback("r", "again")) == ("rolled back", 0)
    with pytest.raises(Conflict, match="is rolled back"):
        rollouts.resume("r")
    assert where(rollouts.begin(plan())) == ("rolled back", 0)
    again = rollouts.begin(plan(), again=True)
    assert where(again) == ("running", 0)
    assert [each.what for each in again.rollout.past] == ["begun", "held", "resumed", "rolled back", "begun"]


def test_a_batch_that_ends_while_it_is_stopped_is_at_its_end(
    engine: Engine, rollouts: Rollouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = engine.changes.suspend_each(Filter(process_id="p"))
    assert engine.wait_until(lambda: engine.changes.batch(batch).state == "finished", 30)
    rollout = replace(rollouts.begin(plan()).rollout, batches=(("<default>", batch),))
    # It ran when the rollout looked, and had ended when it was asked to stop.
    seen, state_of = iter(["running"]), Rollouts._state_of
    monkeypatch.setattr(Rollouts, "_state_of", lambda self, *given: next(seen, None) or state_of(self, *given))
    rollouts._steer(rollout, "running", 3)
    assert engine.changes.batch(batch).state == "finished"


def test_somebody_unknown_is_told(rollouts: Rollouts) -> None:
    for ask in (rollouts.look, rollouts.status, rollouts.hold, rollouts.resume, rollouts.rollback):
        with pytest.raises(NotFound, match="no rollout 'x'"):
            ask("x")


def test_each_step_stands_in_the_audit_log(engine: Engine, rollouts: Rollouts) -> None:
    rollouts.begin(plan())
    rollouts.rollback("r", "enough")
    entries = [each.said for each in engine.reader().audit.listed(PLATFORM, Which()).entries]
    puts = [each.on["kind"] for each in entries if each.what == "PutRecord" and each.who == "user:ann"]
    assert {"rollout", "routes"} <= set(puts)


def test_one_that_would_strand_somebody_does_not_begin(engine: Engine, rollouts: Rollouts) -> None:
    with pytest.raises(Conflict, match="would wait: no host of that name"):
        rollouts.begin({"name": "r", "to": "mars", "steps": [{"starts": 1}]})
    engine.call(AddTenant(PLATFORM))
    assert Routing(engine).get()[1] == 0
    assert rollouts.listed() == []
