"""kill -9 at every boundary of a commit and inside workers: a new process finishes, nothing lost, nothing doubled."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count, takewhile
from pathlib import Path
from typing import Final

import pytest

from fault_models import CHAIN, ONE, ORDER
from places import place_of
from process_rig import Child, Killed, doubled, effects_of
from procession import Engine, Job
from procession.store.opening import open_store
from store_audit import audit, facts_of

EFFECTS_OF_A_RUN = 2 * (1 + 2) + 2 * 3
"""Two orders with a charge and two shipments, two chains of three jobs."""


@dataclass
class Run:
    """What a process said before it was killed."""

    number: int
    killed: bool = False
    started: list[int] = field(default_factory=list)
    approved: bool = False
    paid: list[str] = field(default_factory=list)


def drive(folder: Path, number: int, environment: dict[str, str]) -> Run:
    """The same calls in each run: the process is killed in one of them, or in none."""
    folder.mkdir()
    run = Run(number)
    with Child(folder / "engine.db", folder / "effects", **environment) as child:
        try:
            child.ready()
            child.ask("deploy")
            for name in ("A", "B"):
                run.started.append(child.ask("start", "order", {"number": name, "items": [1, 2]}))
            run.started.extend(child.ask("start_many", "chain", [{}, {}]))
            child.ask("approve_all")
            run.approved = True
            child.ask("run_until_idle")
            for name in ("A", "B"):
                child.ask("publish", "paid", name, ttl=600)
                run.paid.append(name)
            child.ask("run_until_idle")
            assert child.end() == 0
        except Killed:
            run.killed = True
    return run


def finish(folder: Path, run: Run) -> None:
    """A new process takes over and goes on with the script from where it was told."""
    path = folder / "engine.db"
    open_store(place_of(path)).close()
    told = set(audit(path))
    assert set(run.started) <= told, "an acknowledged start is lost"
    before = facts_of(path)
    with Engine(place_of(path)) as engine:
        assert engine.owner, "the killed owner still holds the store"
        engine.deploy(CHAIN, ORDER, ONE)
        for type in ("first", "second", "third", "charge", "ship"):
            _record(engine, type, folder / "effects")
        for number in ("A", "B"):
            if not any(i.variables.get("number") == number for i in engine.instances(process_id="order")):
                engine.start("order", {"number": number, "items": [1, 2]})
        for _ in range(2 - len(engine.instances(process_id="chain"))):
            engine.start("chain")
        assert not (run.approved and engine.tasks()), "an acknowledged task is open again"
        for task in engine.tasks():
            engine.complete_task(task.key)
        for number in {"A", "B"} - set(run.paid):
            engine.publish("paid", number, ttl=600)
        engine.run_until_idle()
        assert engine.counts() == {"completed": 4}, engine.counts()
    audit(path)
    after = facts_of(path)
    assert all(after[key] == data for key, data in before.items()), "history was rewritten"
    assert doubled(folder / "effects") == {}
    assert len(effects_of(folder / "effects")) == EFFECTS_OF_A_RUN


def _record(engine: Engine, type: str, effects: Path) -> None:
    import json

    @engine.worker(type)
    def work(job: Job) -> None:
        line = {"place": [job.instance, job.element_id, job.variables.get("item")], "key": job.idempotency_key}
        with effects.open("a") as file:
            file.write(json.dumps(line) + "\n")


def _every(folder: Path, variable: str, point: str, *, first: int = 1, step: int = 1) -> int:
    """Kills at the first, second … time, until a run is never killed; how many runs were killed."""
    killed = 0
    with ThreadPoolExecutor(2) as pool:
        for batch in count(0):
            numbers = [first + step * (2 * batch + each) for each in range(2)]
            folders = [folder / f"run{number}" for number in numbers]
            environments = [{variable: f"{point}:{number}"} for number in numbers]
            runs = list(pool.map(drive, folders, numbers, environments))
            for run, place in zip(runs, folders, strict=True):
                finish(place, run)
            killed += sum(1 for _ in takewhile(lambda run: run.killed, runs))
            if not all(run.killed for run in runs):
                return killed
    return killed


POINTS: Final = ("before-commit", "in-commit", "after-commit")


@pytest.mark.parametrize("first", range(1, 4))
def test_killed_at_any_commit_nothing_is_lost_or_doubled(tmp_path: Path, first: int) -> None:
    # Every commit is met by one of the three, each at a point of its own.
    assert _every(tmp_path, "PROCESSION_FAULT", POINTS[first - 1], first=first, step=3) >= 3


@pytest.mark.large
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_each_point_of_every_commit_nothing_is_lost_or_doubled(tmp_path: Path, point: str) -> None:
    # Opening, deploying, two starts, two that share a commit, two tasks, a round of jobs each, two messages …
    assert _every(tmp_path, "PROCESSION_FAULT", point) >= 10


@pytest.mark.parametrize(("when", "first"), [("before", 1), ("after", 3)])
def test_killed_inside_a_worker_the_job_is_done_again_under_its_key(tmp_path: Path, when: str, first: int) -> None:
    assert _every(tmp_path, "FAULT_IN_WORKER", when, first=first, step=4) >= 3


@pytest.mark.large
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_any_call_of_a_worker_the_job_is_done_again_under_its_key(tmp_path: Path, when: str) -> None:
    assert _every(tmp_path, "FAULT_IN_WORKER", when) >= 12
