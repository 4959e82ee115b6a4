"""W3's steps, counted and timed on files of different size: what was there before must not matter."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

from bench import loader
from bench.counting import Meter, Work
from bench.workloads import MODELS
from procession import Engine, Instance
from procession.store.sqlite import SQLiteStore

NEW: Final = ("start", "publish", "complete")
"""Steps of an instance that is in memory."""
OLD: Final = ("publish to one that waits", "complete a task that waits")
"""Steps of an instance that is only in the file."""


def counted(path: Path, n: int, *, times: int = 20, old: bool = False) -> dict[str, Work]:
    """The work of each step, one step a commit, on a file of `n` instances made by the loader.

    The virtual clock stands behind the last instance of the largest file that is compared.
    """
    meter = Meter()
    store = SQLiteStore(path, connect=meter.connect)
    with closing(Engine(store=store, clock=lambda: _AT)) as engine:
        _new(engine, "warm-%03d", range(4), _run)
        found: dict[str, list[Work]] = {}

        def count(name: str, work: Callable[[], object]) -> None:
            found.setdefault(name, []).append(meter.count(work))

        if old:
            _old(engine, waiting(n, "message")[: times + 1], waiting(n, "task")[: times + 1], count)
        else:
            steps = iter(NEW * times)
            _new(engine, "new-%04d", range(times), lambda work: count(next(steps), work))
    # The first of a kind prepares statements and reads pages that no later one does.
    return {name: _mean(works[1:]) for name, works in found.items()}


def opened(path: Path) -> Work:
    """The work of opening an engine on a file, and of a round in which nothing is due."""
    meter = Meter()

    def work() -> None:
        engine = Engine(store=SQLiteStore(path, connect=meter.connect), clock=lambda: _AT)
        engine.run_until_idle()
        kept.append(engine)

    kept: list[Engine] = []
    done = meter.count(work)
    kept[0].close()
    return done


def deployed(path: Path) -> Work:
    """The work of deploying a new version of W3 beside everything that runs the old one."""
    meter = Meter()
    source = (MODELS / "w3.bpmn").read_bytes().replace(b'name="w3"', b'name="w3 again"', 1)
    with closing(Engine(store=SQLiteStore(path, connect=meter.connect), clock=lambda: _AT)) as engine:
        return meter.count(lambda: engine.deploy(("w3.bpmn", source)))


def timed(paths: list[Path], rounds: int = 30, at_once: int = 100) -> list[list[tuple[float, float]]]:
    """(wall, CPU) ms an instance of W3 on each file, `at_once` at a time, a round on one file and then on the next."""
    engines = [Engine(path) for path in paths]
    found: list[list[tuple[float, float]]] = [[] for _ in paths]
    for round in range(rounds + 2):
        # Whoever goes first finds the disk as the other left it, so they take turns.
        order = list(range(len(paths)))[:: 1 if round % 2 else -1]
        for i in order:
            wall, cpu = time.perf_counter(), time.process_time()
            _together(engines[i], round, at_once)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            if round > 1:
                found[i].append((wall / at_once * 1000, cpu / at_once * 1000))
    for engine in engines:
        engine.close()
    return found


def middle(samples: list[tuple[float, float]]) -> tuple[float, float]:
    """The medians of wall and CPU."""
    return median(wall for wall, _ in samples), median(cpu for _, cpu in samples)


def waiting(n: int, fate: str) -> list[int]:
    """The numbers of the loader's instances that wait so, spread over all."""
    found = [i for i in range(0, n, 11) if loader.fate(i) == fate]
    stride = max(1, len(found) // 200)
    return found[::stride]


_AT: Final = loader.FIRST_AT + 20_000_000


def _run(work: Callable[[], object]) -> None:
    work()


def _new(engine: Engine, name: str, numbers: range, step: Callable[[Callable[[], object]], None]) -> None:
    started: list[Instance] = []

    def start(key: str) -> None:
        started.append(engine.start("w3", {"key": key}))

    for i in numbers:
        step(partial(start, name % i))
        step(partial(engine.publish, "go", name % i))
        step(partial(engine.complete_task, engine.tasks(instance=started[-1].key)[0].key))


def _old(
    engine: Engine, messages: list[int], tasks: list[int], count: Callable[[str, Callable[[], object]], None]
) -> None:
    for i in messages:
        count(OLD[0], partial(engine.publish, "go", loader.MARK % i))
    for i in tasks:
        task = engine.tasks(instance=loader.key_of(i))[0].key
        count(OLD[1], partial(engine.complete_task, task))


def _together(engine: Engine, round: int, n: int) -> None:
    instances = engine.start_many("w3", [{"key": f"timed-{round:04d}-{i:04d}"} for i in range(n)])
    engine.publish_many([("go", f"timed-{round:04d}-{i:04d}") for i in range(n)])
    engine.complete_tasks([task.key for task in engine.tasks(after=instances[0].key, limit=n)])


def _mean(works: list[Work]) -> Work:
    total = Work()
    for each in works:
        total = Work(**{name: value + getattr(each, name) for name, value in total.items()})
    return total.each(len(works))
