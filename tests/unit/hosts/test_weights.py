"""Turns have weights, commits that several tenants wait for stay small, and who takes how much can be seen."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import drawn as d
from host_rig import FakeClock, opened, shard_of
from procession import Engine
from procession.hosts.embedded import incoming
from procession.hosts.embedded.neighbours import OTHERS, Neighbours
from procession.hosts.embedded.pace import CAP_MIN, Pace
from procession.hosts.embedded.tickets import MIXED_S, QUANTUM, Intake, Ticket
from procession.runtime import requests as q
from procession.runtime.ports import Cells
from procession.services.tenancy.limits import KIND

WEIGHTS = st.lists(st.integers(1, 8), min_size=2, max_size=5)


class Seconds:
    """A clock that stands still unless somebody moves it."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def tickets(tenant: str, count: int) -> list[Ticket]:
    return [Ticket(q.PublishMessage(tenant, "m", "", {})) for _ in range(count)]


MANY = [tickets(str(number), 2_000) for number in range(5)]
"""More than is taken, for every test anew: nothing is done with them."""


def weighted(engine: Engine, tenant: str, weight: int) -> None:
    engine.pump.call(q.Asked(tenant, q.PutRecord(tenant, KIND, KIND, {"weight": weight}), "user:ada"))


@example([1, 1], 7, True)  # smaller commits, now and then, cut short the turns of one tenant alone
@given(WEIGHTS, st.integers(1, 256), st.booleans())
def test_under_saturation_shares_are_as_the_weights(weights: list[int], limit: int, mixed: bool) -> None:
    clock = Seconds()
    intake = Intake(clock)
    intake.weights = {str(number): weight for number, weight in enumerate(weights) if weight != 1}
    for number in range(len(weights)):
        intake.put(MANY[number])
    clock.now += 0 if mixed else MIXED_S
    got: Counter[str] = Counter()
    while max(got.values(), default=0) < 1_500:
        got.update(ticket.request.tenant for ticket in intake.take(limit))
    whole, total = sum(got.values()), sum(weights)
    for number, weight in enumerate(weights):
        # One round may be under way, and each turn in it is at most this long.
        assert abs(got[str(number)] - whole * weight / total) <= 2 * QUANTUM * weight


@given(WEIGHTS, st.integers(1, 64), st.integers(1, 20))
def test_a_quiet_tenant_waits_one_round_at_most(weights: list[int], limit: int, before: int) -> None:
    intake = Intake(Seconds())
    intake.weights = {str(number): weight for number, weight in enumerate(weights)}
    for number in range(len(weights)):
        intake.put(MANY[number])
    for _ in range(before):
        intake.take(limit)
    intake.put(tickets("quiet", 1))
    seen = 0
    while True:
        names = [ticket.request.tenant for ticket in intake.take(limit)]
        if "quiet" in names:
            break
        seen += len(names)
    assert seen <= QUANTUM * sum(weights)


def test_a_commit_is_small_while_several_tenants_ask_and_full_when_one_does() -> None:
    clock = Seconds()
    intake = Intake(clock)
    intake.put(tickets("loud", 10_000))
    assert len(intake.take(256)) == 256
    intake.put(tickets("quiet", 1))
    sizes: list[int] = []
    for _ in range(200):
        taken = intake.take(256)
        sizes.append(len(taken))
        # Whatever is in it a commit takes 2 ms, and 0.1 ms a request: 10 cost half of 2 ms.
        clock.now += 0.002 + 0.0001 * len(taken)
        intake.put(tickets("quiet", 1))
    assert sizes[-1] <= 16
    assert max(sizes[100:]) <= 16
    clock.now += MIXED_S
    intake.put(tickets("quiet", 1))
    intake.take(256)
    clock.now += MIXED_S
    assert len(intake.take(256)) == 256


@pytest.mark.parametrize(("anyway_ms", "each_ms", "cap"), [(2.0, 0.1, 10), (5.0, 0.01, 250), (0.01, 1.0, CAP_MIN)])
def test_the_pace_finds_what_a_commit_costs_and_what_a_request(anyway_ms: float, each_ms: float, cap: int) -> None:
    pace = Pace()
    for _ in range(300):
        size = pace.next(pace.cap(256))
        pace.note(size, anyway_ms / 1_000 + each_ms / 1_000 * size)
    assert abs(pace.cap(256) - cap) <= max(1, cap // 2)


def test_commits_of_one_size_tell_nothing_and_change_nothing() -> None:
    pace = Pace()
    before = pace.cap(256)
    for _ in range(100):
        pace.note(32, 0.001)
    assert pace.cap(256) == before


def test_weights_come_from_the_tenants_limits_while_it_runs_and_after_a_restart(tmp_path: Path) -> None:
    clock = FakeClock()
    with opened(tmp_path / "e.db", clock) as engine:
        for tenant in "ab":
            engine.deploy(d.one_task(), tenant=tenant)
            engine.start_many("p", [{}] * 40, tenant=tenant)
        weighted(engine, "a", 3)
        shard = shard_of(engine)
        taken = Counter(shard.catalog.names[offer.tenant] for offer in shard.board.take("work", 40, clock.at, 60_000))
        assert taken == {"a": 30, "b": 10}
        assert engine.pump._intake.weights == {"a": 3}
    with opened(tmp_path / "e.db", clock) as engine:
        assert engine.pump._intake.weights == {"a": 3}
        shard_of(engine).undo()
        assert engine.pump._intake.weights == {"a": 3}
        weighted(engine, "a", 1)
        assert engine.pump._intake.weights == {}
        assert shard_of(engine).weights.by_number == {}


def test_timers_that_are_due_are_shared_by_weight(tmp_path: Path) -> None:
    clock = FakeClock()
    timed = d.document(
        d.process("p", "a -> t, t -> b", a=d.start(), t=d.catch(d.on_timer("duration", "PT1S")), b=d.end())
    )
    with opened(tmp_path / "e.db", clock) as engine:
        for tenant in "ab":
            engine.deploy(("p.bpmn", timed), tenant=tenant)
            engine.start_many("p", [{}] * 40, tenant=tenant)
        weighted(engine, "a", 3)
        clock.pass_by(10)
        shard = shard_of(engine)
        rows = shard.alarms.take(clock.at, 40)
        assert Counter(shard.catalog.names[row.tenant] for row in rows) == {"a": 30, "b": 10}


def waiting(engine: Engine, tenant: str, count: int) -> None:
    """What another process asks for a tenant."""
    rows: list[Cells] = [
        (tenant, 0, f"c:{tenant}", number, 0, q.encode(q.StartProcess(tenant, "p", {})))
        for number in range(1, count + 1)
    ]
    engine.store.post(rows)


def test_requests_of_other_processes_are_shared_by_weight(tmp_path: Path) -> None:
    with opened(tmp_path / "e.db", FakeClock()) as engine:
        for tenant in "ab":
            engine.deploy(d.one_task(), tenant=tenant)
            waiting(engine, tenant, 400)
        weighted(engine, "a", 3)
        assert engine.pump.turn()
        assert [engine.counts(tenant=tenant) for tenant in "ab"] == [{"active": 192}, {"active": 64}]
        engine.run_until_idle()
        assert [engine.counts(tenant=tenant) for tenant in "ab"] == [{"active": 400}, {"active": 400}]


def test_so_they_are_where_more_tenants_wait_than_a_batch_has_room_for(tmp_path: Path) -> None:
    names = [f"t{number:03}" for number in range(300)]
    weights = {"t010": 20, "t299": 7}
    with opened(tmp_path / "e.db", FakeClock()) as engine:
        for tenant in names:
            engine.pump.call(q.AddTenant(tenant))
            waiting(engine, tenant, weights.get(tenant, 2))
        for tenant, weight in weights.items():
            weighted(engine, tenant, weight)
        got: Counter[str] = Counter()
        turn = ""
        # A round is 325 requests. Nothing is carried out meanwhile: everybody has as much as before.
        for _ in range(13 * 5):
            rows, more, turn = incoming.waiting(shard_of(engine), turn, 256)
            assert more
            assert len(rows) <= 256
            got.update(row.tenant for row in rows)
        rounds = got["t000"]
        assert rounds >= 40
        assert all(abs(got[tenant] - rounds) <= 1 for tenant in names if tenant not in {"t010", "t299"})
        assert abs(got["t010"] - 20 * rounds) <= 20
        assert abs(got["t299"] - 7 * rounds) <= 7


def test_neighbours_tell_who_takes_how_much_and_how_long_it_waits() -> None:
    clock = Seconds()
    intake = Intake(clock, counted=True)
    intake.put(tickets("loud", 30))
    clock.now += 2
    intake.put(tickets("quiet", 10))
    clock.now += 1
    while intake.take(256):
        continue
    loud, quiet = intake.neighbours()
    assert (loud.tenant, loud.requests, loud.share, loud.waited_max_s) == ("loud", 30, 0.75, 3.0)
    assert (quiet.tenant, quiet.requests, quiet.waited_s) == ("quiet", 10, 10.0)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)), max_size=80))
def test_neighbours_are_bounded_and_lose_no_request(takes: list[tuple[int, int]]) -> None:
    neighbours = Neighbours(named_max=3)
    for tenant, count in takes:
        neighbours.took(str(tenant), count, 0.0, 0.0)
        assert len(neighbours._counts) <= 6
    found = neighbours.snapshot()
    assert len(found) <= 4
    assert sum(each.requests for each in found) == sum(count for _, count in takes)
    assert all(each.tenant != OTHERS for each in found[:-1])
