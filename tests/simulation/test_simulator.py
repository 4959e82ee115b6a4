"""The simulator itself: a seed is a run, every fault is met, every commit is crashed at, a broken promise is seen."""

from __future__ import annotations

from collections import Counter
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procession.hosts.embedded import shard as shard_module
from procession.hosts.embedded.handlers import HANDLERS
from procession.runtime.requests import FinishJob
from procession.testing.sim import SimulationFailed, simulate
from procession.testing.sim.faults import FAULTS
from procession.testing.sim.plans import PLANS


@pytest.mark.parametrize("seed", [1, 7, 40, 87, 178, 857])
def test_the_same_seed_is_the_same_run(seed: int) -> None:
    first, second = simulate(seed), simulate(seed)
    assert first.digest == second.digest
    assert first == second


def test_other_seeds_are_other_runs() -> None:
    assert len({simulate(seed).digest for seed in range(10)}) == 10


def test_every_fault_is_met() -> None:
    fired: Counter[str] = Counter()
    for seed in range(60):
        fired.update(simulate(seed, faults=FAULTS).fired)
    assert set(fired) == set(FAULTS)


@pytest.mark.parametrize("plan", [name for name in PLANS if name != "long"])
def test_a_process_may_end_before_and_after_each_commit(plan: str) -> None:
    calm = simulate(3, plan=plan, faults=())
    for commit in range(calm.commits):
        for when in ("before", "after"):
            report = simulate(3, plan=plan, faults=(), crash_at=(when, commit))
            assert report.crashes == 1, (when, commit)


def test_a_long_step_may_be_cut_anywhere() -> None:
    calm = simulate(3, plan="long", faults=())
    for commit in range(calm.commits):
        assert simulate(3, plan="long", faults=(), crash_at=("after", commit)).crashes == 1


@settings(max_examples=25)
@given(st.data())
def test_models_and_scripts_drawn_by_hypothesis(data: st.DataObject) -> None:
    simulate(choose=lambda low, high: data.draw(st.integers(low, high)))


def test_an_unknown_fault_is_named() -> None:
    with pytest.raises(ValueError, match="no such fault: rain"):
        simulate(1, faults=["rain"])


# --- faults planted into the engine: a simulator that sees none of them would prove nothing


def _planted(seeds: int) -> str:
    for seed in range(seeds):
        try:
            simulate(seed)
        except SimulationFailed as failed:
            return str(failed)
    return ""


def test_a_late_result_that_is_taken_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    finish = HANDLERS[FinishJob]

    def careless(shard: shard_module.Shard, request: FinishJob) -> object:
        return finish(shard, FinishJob(request.tenant, request.job, request.variables, 0))

    monkeypatch.setitem(cast("dict[type, object]", HANDLERS), FinishJob, careless)
    found = _planted(200)
    assert "lease" in found
    assert "again: python -m procession.testing.sim --first" in found


def test_memory_that_is_kept_after_a_failed_commit_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard_module.Shard, "undo", lambda self: None)
    assert _planted(200)


def test_a_lost_consequence_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard_module.Shard, "post", lambda self, request: None)
    assert _planted(200)
