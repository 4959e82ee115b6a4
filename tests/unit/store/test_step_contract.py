"""The store's contract under a host that keeps instances in memory, and under one that loads them for every step
(decision 5): both write the same, and neither writes over what another process wrote."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import drawn as d
from procession.core.events import CompleteJob, SetVariables, Start
from procession.core.facts import JobCompleted
from procession.core.linked import Linked
from procession.core.snapshot import dump
from procession.core.state import Status
from procession.runtime import codec
from procession.runtime.link import link
from procession.runtime.ports import Fenced, Store
from procession.runtime.rows import FactRow
from procession.services.deploy import compile_resources
from procession.store.sqlite import SQLiteStore
from store_rig import FAR, STORES, Stepper

_BRANCHES = 6
_NAMES = [f"t{n}" for n in range(_BRANCHES)]
MODEL = d.process(
    "p",
    ", ".join(["a -> s", *(f"s -> {t}, {t} -> j" for t in _NAMES), "j -> b"]),
    a=d.start(),
    s=d.parallel(),
    j=d.parallel(),
    b=d.end(),
    **{name: d.service("work") for name in _NAMES},
)
START = Start(instance=7, tenant="<default>", program="hash", version=1, variables={"n": 1})


def linked() -> Linked:
    compiled = compile_resources([("p.bpmn", d.document(MODEL))])
    return link(compiled.processes[0].program, "hash")


LINKED = linked()


@pytest.fixture(params=list(STORES))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = STORES[request.param](tmp_path)
    assert opened.take(0, "me", 0, FAR)
    yield opened
    opened.close()


def rows(store: Store) -> list[FactRow]:
    return store.read("facts", (0, 7, 0), FactRow)


def completed(store: Store) -> list[int]:
    facts = [fact for row in rows(store) for fact in codec.decode_facts(row.data)]
    return [fact.job for fact in facts if isinstance(fact, JobCompleted)]


def work(stepper: Stepper) -> None:
    stepper.start(7, START)
    for job in list(stepper.load(7).jobs):
        stepper.send(7, SetVariables(0, {"job": job}))
        stepper.send(7, CompleteJob(job, {"done": job}))


@pytest.mark.parametrize("keep", [True, False], ids=["resident", "load-step-save"])
def test_both_ways_write_the_same_bytes(store: Store, tmp_path: Path, keep: bool) -> None:
    stepper = Stepper(store, LINKED, keep=keep)
    work(stepper)
    assert stepper.load(7).status is Status.COMPLETED
    other = SQLiteStore(":memory:")
    other.take(0, "me", 0, FAR)
    work(Stepper(other, LINKED, keep=not keep))
    assert rows(store) == rows(other)
    other.close()


@pytest.mark.parametrize("first", [True, False], ids=["resident", "load-step-save"])
@pytest.mark.parametrize("second", [True, False], ids=["resident", "load-step-save"])
def test_two_hosts_that_step_one_instance_in_turns_lose_and_double_nothing(
    store: Store, first: bool, second: bool
) -> None:
    hosts = [Stepper(store, LINKED, keep=first), Stepper(store, LINKED, keep=second)]
    hosts[0].start(7, START)
    jobs = list(hosts[1].load(7).jobs)
    for number, job in enumerate(jobs):
        assert hosts[number % 2].send(7, CompleteJob(job, {})) == ""
        assert hosts[(number + 1) % 2].send(7, CompleteJob(job, {})) == "not-found"
    assert completed(store) == jobs
    assert hosts[0].load(7).status is Status.COMPLETED
    # A state that was kept is a cache: the store refused what did not follow, and it was read anew.
    assert bool(hosts[0].fenced + hosts[1].fenced) == (first or second)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, _BRANCHES - 1)), max_size=40),
    st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
def test_any_interleaving_of_hosts_leaves_one_history(moves: list[tuple[int, int]], keep: tuple[bool, ...]) -> None:
    store = SQLiteStore(":memory:")
    assert store.take(0, "me", 0, FAR)
    hosts = [Stepper(store, LINKED, keep=each) for each in keep]
    hosts[0].start(7, START)
    jobs = list(hosts[0].load(7).jobs)
    accepted = [jobs[job] for host, job in moves if not hosts[host].send(7, CompleteJob(jobs[job], {}))]
    assert completed(store) == accepted
    assert len(set(accepted)) == len(accepted)
    for host in hosts:
        host.send(7, SetVariables(0, {"x": 1}))
    stored = dump(Stepper(store, LINKED, keep=False).load(7))
    assert dump(hosts[2].load(7)) == stored
    assert [row.seq for row in rows(store)] == list(range(1, len(rows(store)) + 1))
    store.close()


@pytest.mark.parametrize("keep", [True, False], ids=["resident", "load-step-save"])
def test_a_host_of_an_earlier_epoch_writes_nothing_more(store: Store, keep: bool) -> None:
    old = Stepper(store, LINKED, keep=keep)
    old.start(7, START)
    (job, *_) = old.load(7).jobs
    assert store.take(0, "you", 1, FAR)
    before = rows(store)
    with pytest.raises(Fenced):
        old.send(7, CompleteJob(job, {}))
    assert rows(store) == before
    assert Stepper(store, LINKED, keep=keep, epoch=2).send(7, CompleteJob(job, {})) == ""
    assert len(rows(store)) == len(before) + 1
