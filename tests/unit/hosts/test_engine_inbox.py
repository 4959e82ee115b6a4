"""The inbox: what other processes and other instances ask, once, in order, whatever happens to them (decision 1)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import drawn as d
from host_rig import FakeClock, opened
from procession import Engine
from procession.core.state import State
from procession.core.step import step as real
from procession.hosts.embedded.pump import KEPT_ANSWERS_MS
from procession.runtime import codec, requests
from procession.runtime.requests import StartProcess
from procession.runtime.rows import AnswerRow

STEP = "procession.hosts.embedded.shard.step"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def engine(tmp_path: Path, clock: FakeClock) -> Iterator[Engine]:
    with opened(tmp_path / "e.db", clock) as opened_engine:
        opened_engine.deploy(d.one_task())
        yield opened_engine


def ask(engine: Engine, source: str, number: int, tenant: str = "<default>", **variables: Any) -> None:
    """What another process does to ask for a start."""
    other = opened(engine.store.name)
    body = requests.encode(StartProcess(tenant, "p", variables))
    other.store.post([(tenant, 0, source, number, 0, body)])
    other.close()


def answered(engine: Engine, source: str, number: int, tenant: str = "<default>") -> bool:
    return bool(engine.store.read("inbox_result", (tenant, source, number), AnswerRow))


def started(engine: Engine) -> list[Any]:
    return [each.variables["n"] for each in engine.instances()]


def test_a_number_of_a_source_is_carried_out_once_even_after_its_row_is_gone(engine: Engine, clock: FakeClock) -> None:
    ask(engine, "c:x", 1, n=1)
    ask(engine, "c:x", 1, n="again")
    engine.run_until_idle()
    ask(engine, "c:x", 1, n="again, answered")
    engine.run_until_idle()
    assert started(engine) == [1]
    clock.pass_by(KEPT_ANSWERS_MS / 1000 + 1)
    shard = engine.pump.shard
    assert shard is not None
    shard.begin()
    engine.pump._beat(shard)
    assert not answered(engine, "c:x", 1)
    ask(engine, "c:x", 1, n="again, forgotten")
    ask(engine, "c:x", 2, n=2)
    engine.run_until_idle()
    assert started(engine) == [1, 2]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 1)), max_size=12))
def test_each_tenant_has_the_requests_of_a_source_once_and_in_order(moves: list[tuple[str, int]]) -> None:
    with Engine(clock=FakeClock()) as engine:
        for tenant in "ab":
            engine.deploy(d.one_task(), tenant=tenant)
        expected: dict[str, list[int]] = {"a": [], "b": []}
        for number, (tenant, repeated) in enumerate(moves, 1):
            expected[tenant].append(number)
            body = requests.encode(StartProcess(tenant, "p", {"n": number}))
            engine.store.post([(tenant, 0, "c:x", number, 0, body)] * (1 + repeated))
            shard = engine.pump.shard
            assert shard is not None
            shard.inbox_waiting = True  # in memory there is no other process whose commit could be noticed
            if number % 3 == 0:
                engine.run_until_idle()
        engine.run_until_idle()
        for tenant in "ab":
            found = [each.variables["n"] for each in engine.instances(tenant=tenant)]
            assert found == expected[tenant]


def test_a_request_that_cannot_be_read_is_kept_and_seen_and_holds_up_nobody(engine: Engine) -> None:
    engine.store.post(
        [("<default>", 0, "i:5", 5, 0, codec.encode_json({"request": "OfTheNextVersion", "tenant": "x"}))]
    )
    ask(engine, "c:x", 1, n=1)
    engine.run_until_idle()
    assert started(engine) == [1]
    (fault,) = engine.faults()
    assert "OfTheNextVersion" in fault.text
    assert engine.run_until_idle()
    assert len(engine.faults()) == 1


def test_after_a_fault_a_client_is_told_and_what_nobody_waits_for_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(linked: Any, state: State, event: Any, at: int, key: int) -> Any:
        raise AssertionError("a bug of ours")

    with opened(tmp_path / "e.db") as engine:
        engine.deploy(d.one_task())
        monkeypatch.setattr(STEP, broken)
        for number, source in enumerate(("c:x", "k:77"), 1):
            ask(engine, source, number, n=source)
        engine.run_until_idle()
        assert started(engine) == []
        assert len(engine.faults()) == 2
        monkeypatch.setattr(STEP, real)
        ask(engine, "c:x", 2, n="next")
        engine.run_until_idle()
        assert started(engine) == ["next"]
    with opened(tmp_path / "e.db") as engine:
        engine.run_until_idle()
        assert started(engine) == ["next", "k:77"]
