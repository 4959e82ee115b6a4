"""Tenants take turns, in everything that queues; who has nothing to do costs nothing (decision 13)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import drawn as d
from host_rig import FakeClock, opened, shard_of
from procession import Engine, Job
from procession.base.failure import Conflict
from procession.hosts.embedded.alarms import Alarms
from procession.hosts.embedded.mailbox import Mailbox
from procession.hosts.embedded.tickets import QUANTUM, WAITING_MAX, WAITING_TENANT_MAX, Intake, Ticket
from procession.runtime.requests import PublishMessage, StartProcess
from procession.runtime.tenants import EVERYBODY

LOUD = "loud"
_SECOND = d.catch(d.on_timer("duration", "PT1S"))
TIMED = ("p.bpmn", d.document(d.process("p", "a -> t, t -> b", a=d.start(), t=_SECOND, b=d.end())))


def tickets(tenant: str, count: int) -> list[Ticket]:
    return [Ticket(PublishMessage(tenant, "m", str(n), {})) for n in range(count)]


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(1, 60)), min_size=1, max_size=12), st.integers(1, 64))
def test_the_intake_gives_every_tenant_its_turn_and_loses_no_request(puts: list[tuple[str, int]], limit: int) -> None:
    intake = Intake()
    put: list[Ticket] = []
    for tenant, count in puts:
        more = tickets(tenant, count)
        intake.put(more)
        put += more
    waiting = Counter(each.request.tenant for each in put)
    taken: list[Ticket] = []
    behind = dict.fromkeys(waiting, 0)
    while batch := intake.take(limit):
        assert len(batch) <= limit
        taken += batch
        served = Counter(each.request.tenant for each in batch)
        for tenant in waiting:
            # Between two turns of a tenant lies at most one turn of each other tenant.
            behind[tenant] = 0 if served[tenant] else behind[tenant] + len(batch)
            waiting[tenant] -= served[tenant]
            assert not waiting[tenant] or behind[tenant] <= QUANTUM * len(waiting) + limit
    for tenant in waiting:
        of_tenant = [each for each in put if each.request.tenant == tenant]
        assert [each for each in taken if each.request.tenant == tenant] == of_tenant


def test_an_intake_that_is_full_refuses_instead_of_growing() -> None:
    intake = Intake()
    intake.put(tickets(LOUD, WAITING_TENANT_MAX))
    with pytest.raises(Conflict, match="of this tenant"):
        intake.put([*tickets("quiet", 1), *tickets(LOUD, 1)])
    assert len(intake) == WAITING_TENANT_MAX
    intake.put(tickets("quiet", WAITING_MAX - WAITING_TENANT_MAX))
    with pytest.raises(Conflict, match="wait already"):
        intake.put(tickets("third", 1))
    assert len(intake) == WAITING_MAX


def engine_with(path: Path, clock: FakeClock, model: tuple[str, bytes], tenants: Sequence[str]) -> Engine:
    engine = opened(path, clock)
    for tenant in tenants:
        engine.deploy(model, tenant=tenant)
    return engine


def test_a_tenant_with_many_timers_due_does_not_hold_up_the_others(tmp_path: Path) -> None:
    clock = FakeClock()
    quiet = [f"quiet-{n}" for n in range(5)]
    with engine_with(tmp_path / "e.db", clock, TIMED, [LOUD, *quiet]) as engine:
        engine.start_many("p", [{}] * 1_000, tenant=LOUD)
        clock.pass_by(0.001)
        for tenant in quiet:
            engine.start("p", tenant=tenant)
        clock.pass_by(10)
        # One round: the loud tenant's timers were all due before anybody else's.
        engine.pump.turn()
        assert [engine.counts(tenant=tenant) for tenant in quiet] == [{"completed": 1}] * 5
        assert engine.counts(tenant=LOUD)["active"] > 700
        engine.run_until_idle()
        assert engine.counts(tenant=LOUD) == {"completed": 1_000}
        assert engine.pump.next_due() is None


def test_more_tenants_than_fit_into_one_round_have_their_turns_one_after_the_other(tmp_path: Path) -> None:
    clock = FakeClock()
    with engine_with(tmp_path / "e.db", clock, TIMED, ["a", "b", "c"]) as engine:
        for tenant in "abc":
            engine.start_many("p", [{}] * 4, tenant=tenant)
        clock.pass_by(10)
        alarms = Alarms(engine.store, EVERYBODY)
        rounds = [[shard_of(engine).catalog.names[row.tenant] for row in alarms.take(clock.at, 2)] for _ in range(3)]
        assert rounds == [["a", "b"], ["c", "a"], ["b", "c"]]


def test_jobs_are_given_out_in_turns(tmp_path: Path) -> None:
    clock = FakeClock()
    with engine_with(tmp_path / "e.db", clock, d.one_task(), [LOUD, "a", "b"]) as engine:
        engine.start_many("p", [{}] * 500, tenant=LOUD)
        engine.start_many("p", [{}] * 10, tenant="a")
        engine.start_many("p", [{}] * 2, tenant="b")
        board = shard_of(engine).board
        names = shard_of(engine).catalog.names
        taken = [names[offer.tenant] for offer in board.take("work", 30, clock.at, 60_000)]
        assert Counter(taken) == {LOUD: 18, "a": 10, "b": 2}
        assert [names[offer.tenant] for offer in board.take("work", 2, clock.at, 60_000)] == [LOUD, LOUD]


@pytest.mark.parametrize("reopened", [False, True])
def test_many_tenants_share_few_workers_whether_their_jobs_are_in_memory_or_not(tmp_path: Path, reopened: bool) -> None:
    clock = FakeClock()
    tenants = [f"t{n}" for n in range(7)]
    engine = engine_with(tmp_path / "e.db", clock, d.one_task(), tenants)
    for tenant in tenants:
        engine.start_many("p", [{}] * 6, tenant=tenant)
    if reopened:
        engine.close()
        engine = opened(tmp_path / "e.db", clock)
    done: list[str] = []

    @engine.worker("work", max_jobs=1)
    def work(job: Job) -> None:
        done.append(job.tenant)

    while engine.crew.round():
        spread = Counter(done)
        assert max(spread.values()) - min(spread.get(tenant, 0) for tenant in tenants) <= 2
    assert Counter(done) == dict.fromkeys(tenants, 6)
    engine.close()


def test_many_jobs_in_back_off_are_rows_and_not_memory(tmp_path: Path) -> None:
    clock = FakeClock()
    with engine_with(tmp_path / "e.db", clock, d.one_task(retries=9), ["a"]) as engine:
        engine.start_many("p", [{"n": n} for n in range(300)], tenant="a")
        calls: list[int] = []

        @engine.worker("work")
        def work(n: int, job: Job) -> None:
            calls.append(n)
            if job.attempt < 3:
                raise ValueError("not yet")

        engine.run_until_idle()
        board = shard_of(engine).board
        assert (len(board.offers), len(board._wakes)) == (0, 1)
        for _ in range(2):
            clock.pass_by(30)
            engine.run_until_idle()
        assert Counter(calls) == dict.fromkeys(range(300), 3)
        assert engine.counts(tenant="a") == {"completed": 300}


def test_a_tenant_that_fills_the_inbox_does_not_hold_up_the_others(tmp_path: Path) -> None:
    with engine_with(tmp_path / "e.db", FakeClock(), d.one_task(), [LOUD, "a", "b"]) as engine:
        client = opened(tmp_path / "e.db")
        assert not client.owner
        mailbox = Mailbox(client.store, 0)
        mailbox.post([StartProcess(LOUD, "p", {}) for _ in range(2_000)], 0)
        mailbox.post([StartProcess(tenant, "p", {}) for tenant in ("a", "b", LOUD)], 0)
        engine.pump.turn()
        assert [engine.counts(tenant=tenant) for tenant in "ab"] == [{"active": 1}] * 2
        assert engine.counts(tenant=LOUD)["active"] < 200
        engine.run_until_idle()
        assert engine.counts(tenant=LOUD) == {"active": 2_001}
        client.close()


def test_a_tenant_with_nothing_to_do_is_nowhere_in_memory_but_in_the_list_of_names(tmp_path: Path) -> None:
    clock = FakeClock()
    tenants = [f"t{n}" for n in range(20)]
    engine = engine_with(tmp_path / "e.db", clock, d.one_task(), tenants)
    for tenant in tenants:
        engine.complete_job(engine.start("p", tenant=tenant).jobs[0].key, tenant=tenant)
    busy = engine.start("p", tenant="t7").key
    engine.close()
    with opened(tmp_path / "e.db", clock) as engine:
        seen: list[int] = []
        for type in ("work", "mail", "print"):
            engine.worker(type)(lambda job: seen.append(job.instance))
        engine.run_until_idle()
        assert seen == [busy]
        shard = shard_of(engine)
        assert shard.board._queues == {"work": {}}
        assert shard.board.offers == {}
        assert shard.alarms._due == {}
        assert len(shard.residents) == 0
        number = shard.catalog.tenant("t7")
        assert shard.catalog._linked.keys() == {(number, shard.catalog.latest(number, "p").program)}
