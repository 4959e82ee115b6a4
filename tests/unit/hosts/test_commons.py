"""Engines that own one store together: turns, what each of them has in memory, and what goes to the courier."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast

import pytest

from host_rig import FakeClock
from procession import Conflict, Engine, NotFound
from procession.base.failure import StoreError
from procession.hosts.embedded.commons import DIFFERENCE_MS, StoreClock
from procession.hosts.embedded.ownership import wall_ms
from procession.runtime import requests as q
from procession.runtime.courier import Parcel, Wake
from procession.runtime.ports import Store
from procession.runtime.rows import IntRow, JobRow, OutboxRow

MODEL: Final = b"""<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="x">
  <message id="m" name="go"><extensionElements><zeebe:subscription correlationKey="=k"/></extensionElements></message>
  <process id="p" isExecutable="true"><startEvent id="s"/>
  <sequenceFlow id="f1" sourceRef="s" targetRef="a"/>
  <serviceTask id="a"><extensionElements><zeebe:taskDefinition type="work" retries="2"/></extensionElements>
  </serviceTask>
  <sequenceFlow id="f2" sourceRef="a" targetRef="c"/>
  <intermediateCatchEvent id="c"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>
  <sequenceFlow id="f3" sourceRef="c" targetRef="t"/>
  <intermediateCatchEvent id="t"><timerEventDefinition><timeDuration>PT20S</timeDuration></timerEventDefinition>
  </intermediateCatchEvent>
  <sequenceFlow id="f4" sourceRef="t" targetRef="e"/><endEvent id="e"/></process></definitions>"""


class Kept:
    """A courier that keeps what it is given."""

    host = "celery"
    lost_ms = 30_000
    horizon_ms = 15_000

    def __init__(self) -> None:
        self.parcels: list[Parcel | Wake] = []

    def carries(self, type: str) -> bool:
        return type != "external"

    def send(self, parcels: Sequence[Parcel | Wake]) -> None:
        self.parcels += parcels

    def jobs(self) -> list[Parcel]:
        """The jobs that came since this was asked last."""
        found = [each for each in self.parcels if isinstance(each, Parcel)]
        self.parcels.clear()
        return found


def finish(parcel: Parcel, **variables: Any) -> q.FinishJob:
    job = parcel.job
    return q.FinishJob(parcel.tenant, int(cast("str", job["key"])), variables, int(cast("str", job["token"])))


def fail(parcel: Parcel) -> q.FailJob:
    return q.FailJob(
        parcel.tenant, int(cast("str", parcel.job["key"])), "no", int(cast("str", parcel.job["token"])), backoff=1_000
    )


@pytest.fixture
def three(tmp_path: Path) -> Any:
    """Three engines on one file, their courier and their clock."""
    clock, courier = FakeClock(), Kept()
    engines = [Engine(tmp_path / "e.db", clock=clock, courier=courier) for _ in range(3)]
    engines[0].deploy(("p.bpmn", MODEL))
    yield engines, courier, clock
    for each in engines:
        each.close()


def test_none_steps_what_another_one_handed_over(three: Any) -> None:
    (first, second, third), courier, _ = three
    instance = first.start("p", {"k": "a"})
    [parcel] = courier.jobs()
    second.call(finish(parcel))
    for each in (first, third):
        assert each.instance(instance.key).tokens == {"c": 1}
        each.publish("other", "b")  # whose memory has the shard as it was before anybody was elsewhere
    pump = second.pump
    with pump.lock:
        shard = pump.shard
        shard.begin()
        shard.mark_elsewhere()
        shard.batch["instance"].change("instance_placed", ("temporal", instance.key, 0, instance.key))
        shard.residents.get(0, instance.key).host = "temporal"
        shard.commit()
        shard.settle()
    for each in (first, third):
        each.publish("go", "a", {"by": "somebody"}, ttl=60)
        assert each.instance(instance.key).tokens == {"c": 1}
    assert len(first.store.read("outbox", (1 << 62, 10), OutboxRow)) == 1, "it is on its way to who has the instance"


def test_what_could_not_be_committed_says_nothing_of_other_hosts(three: Any) -> None:
    (first, *_), _, _ = three
    instance = first.start("p", {"k": "a"})
    with first.pump.lock:
        shard = first.pump.shard
        shard.begin()
        shard.mark_elsewhere()
        shard.undo()
        assert not shard.residents.elsewhere
        shard.begin()
        shard.mark_elsewhere()
        shard.commit()
        shard.settle()
        shard.undo()
        assert shard.residents.elsewhere
    assert first.instance(instance.key).tokens == {"a": 1}


def test_each_goes_on_where_another_one_was(three: Any) -> None:
    (first, second, third), courier, clock = three
    instance = first.start("p", {"k": "a"})
    [parcel] = courier.jobs()
    assert parcel.job["type"] == "work"
    assert parcel.own is None
    second.call(finish(parcel, done=1))
    third.publish("go", "a", {"went": True})
    assert third.instance(instance.key).tokens == {"t": 1}
    clock.at += 20_000
    first.pump.turn()
    assert second.instance(instance.key).state == "completed"
    assert third.instance(instance.key).variables == {"k": "a", "done": 1, "went": True}
    assert [each.owner for each in (first, second, third)] == [True] * 3


def test_a_lease_is_used_once_whoever_comes_second(three: Any) -> None:
    (first, second, third), courier, _ = three
    first.start("p", {"k": "a"})
    [parcel] = courier.jobs()
    second.call(finish(parcel))
    with pytest.raises(NotFound):
        third.call(finish(parcel))
    assert third.counts() == {"active": 1}


def test_an_attempt_that_failed_is_sent_for_later_under_another_lease(three: Any) -> None:
    (first, second, third), courier, clock = three
    first.start("p", {"k": "a"})
    [parcel] = courier.jobs()
    assert second.call(fail(parcel)) == 1
    [again] = courier.jobs()
    assert again.due == clock.at + 1_000
    assert again.job["token"] != parcel.job["token"]
    assert again.job["retries"] == 1
    assert again.job["attempt"] == 2
    assert again.job["idempotency_key"] == parcel.job["idempotency_key"]
    with pytest.raises(NotFound):
        third.call(finish(parcel))
    assert third.call(fail(again)) == 0
    assert len(first.incidents()) == 1
    first.resolve_incident(first.incidents()[0].key)
    [anew] = courier.jobs()
    first.call(finish(anew))
    assert first.incidents() == []


def test_what_is_later_than_the_horizon_is_the_sweepers(three: Any) -> None:
    (first, second, _), courier, clock = three
    first.start("p", {"k": "a"})
    [parcel] = courier.jobs()
    job, token = int(cast("str", parcel.job["key"])), int(cast("str", parcel.job["token"]))
    second.call(q.FailJob(parcel.tenant, job, "no", token, backoff=60_000))
    assert courier.jobs() == []
    clock.at += 59_000
    assert first.pump.relay(9) == 0
    clock.at += 1_000
    assert first.pump.relay(9) == 1
    [again] = courier.jobs()
    assert again.job["attempt"] == 2
    second.call(finish(again))
    second.publish("go", "a")
    assert courier.parcels == []  # its timer is due in 20 s


def test_what_nobody_answered_is_sent_again_under_the_same_lease(three: Any) -> None:
    (first, second, third), courier, clock = three
    first.start("p", {"k": "a"})
    [parcel] = courier.jobs()
    clock.at += 29_000
    assert second.pump.relay(9) == 0
    clock.at += 1_000
    assert second.pump.relay(9) == 1
    [again] = courier.jobs()
    assert again.job["token"] == parcel.job["token"]
    assert again.job["attempt"] == 1
    assert third.pump.relay(9) == 0
    third.call(finish(parcel))
    clock.at += 31_000
    assert first.pump.relay(9) == 0


def test_jobs_of_an_instance_that_stands_still_wait(three: Any) -> None:
    (first, second, _), courier, clock = three
    instance = first.start("p", {"k": "a"})
    [parcel] = courier.jobs()
    first.changes.suspend(instance.key)
    with pytest.raises(Conflict):
        second.call(finish(parcel))
    clock.at += 40_000
    assert second.pump.relay(9) == 0
    second.changes.resume(instance.key)
    [again] = courier.jobs()
    first.call(finish(again))


def test_what_goes_to_workers_by_the_courier_is_nobody_elses(three: Any) -> None:
    (first, second, _), courier, clock = three
    done: list[str] = []
    second.worker("work")(lambda: done.append("here"))
    first.start("p", {"k": "a"})
    [parcel] = courier.jobs()
    clock.at += 60_000  # nobody answered for long: it is sent again, and given to no other worker
    second.run_until_idle(0)
    assert second.call(q.ActivateJobs("<default>", "work", 9, "me", 1_000)) == []
    assert not done
    first.call(finish(parcel))


def test_what_is_external_is_leased_by_a_row_so_that_nobody_else_does_it(three: Any) -> None:
    (first, second, third), _, _ = three
    first.deploy(("x.bpmn", MODEL.replace(b'"work"', b'"external"').replace(b'id="p"', b'id="x"')))
    held: list[str] = []

    def work(k: str) -> None:
        # Whoever commits meanwhile makes the others forget what they have in memory.
        if k == "a":
            third.start("x", {"k": "b"})
        third.worker("external")(lambda k: held.append(f"third {k}"))
        third.run_until_idle(0)
        held.append(f"second {k}")

    second.worker("external")(work)
    first.start("x", {"k": "a"})
    second.run_until_idle(0)
    assert held == ["third b", "second a"]
    assert not first.jobs()


def test_several_threads_and_engines_start_at_once(three: Any) -> None:
    engines, courier, _ = three
    keys: list[int] = []

    def start(engine: Engine) -> None:
        keys.extend(engine.start("p", {"k": "a"}).key for _ in range(20))

    threads = [threading.Thread(target=start, args=(engine,)) for engine in engines * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(keys)) == 120
    assert len({each.job["key"] for each in courier.jobs()}) == 120
    assert engines[0].counts() == {"active": 120}


def test_an_engine_without_the_courier_asks_those_that_have_it(three: Any, tmp_path: Path) -> None:
    (first, *_), courier, _ = three
    with Engine(tmp_path / "e.db", call_timeout=0.05) as client:
        assert not client.owner
        with pytest.raises(StoreError, match="the workers of celery together"):
            client.start("p", {"k": "a"})
        assert first.pump.turn()
        assert len(courier.jobs()) == 1


def test_who_takes_over_puts_all_of_them_out_of_office(three: Any, tmp_path: Path) -> None:
    (first, second, _), courier, clock = three
    first.start("p", {"k": "a"})
    [parcel] = courier.jobs()
    with Engine(tmp_path / "e.db", clock=clock, takeover=True) as owner:
        owner.serve(1)
        second.call(finish(parcel, by="second"))
        assert owner.counts() == {"active": 1}
        assert not second.owner
    second.publish("go", "a")
    assert second.owner


def test_the_store_gets_no_second_name_for_a_lease(three: Any) -> None:
    (first, *_), courier, _ = three
    first.start("p", {"k": "a"})
    [parcel] = courier.jobs()
    [row] = first.store.read("job", (parcel.number, int(cast("str", parcel.job["key"]))), JobRow)
    assert (str(row.token), row.worker, row.attempt) == (parcel.job["token"], "celery", 1)


@pytest.mark.parametrize(("off", "taken"), [(0, 0), (DIFFERENCE_MS // 2, 0), (300_000, 300_000), (-300_000, -300_000)])
def test_a_clock_goes_by_the_stores(off: int, taken: int) -> None:
    class There:
        name = "there"

        def read(self, query: str, args: object, row: object) -> list[IntRow]:
            assert query == "store_now"
            return [IntRow(wall_ms() + off)]

    clock = StoreClock(cast("Store", There()))
    assert abs(clock() - wall_ms() - taken) <= 60
