"""Instances of five processes move from Celery to Temporal and back, while messages come and everything is killed.

`python -m bench.storm [--instances 10000] [--seed 1] [--every 5] [--broker rabbitmq]`: every few seconds one of the
mover, the bridge, a worker of Celery, the broker and the Temporal server gets SIGKILL, and is started again. Exits 1 if
anything was lost, done under another key than it would have been, or differs from instances that never moved.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, final

from bench import machine, owners
from bench.storm import models, state
from procession import Engine
from procession.testing.celery.brokers import RABBIT, Kind, rabbit_environment, redis_command, url_of
from procession.testing.ports import free_port
from procession.testing.temporal import dev_server

ROOT: Final = Path(__file__).resolve().parents[2]
CALM_S: Final = 900.0
"""How long everything has to end when nothing is killed any more."""
SHARES: Final = (0.3, 0.3)
"""Of the messages, how many come while instances go there, and while they come back; the rest comes at the end."""


@final
class Process:
    """Something that is killed and started again."""

    def __init__(self, command: list[str], log: Path, more: Mapping[str, str], again: bool = True) -> None:
        self.again = again
        self._command, self._log, self._more = command, log, more
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, in a group of its own."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig=KILL", *self._command],
                cwd=ROOT,
                env={**os.environ, **self._more},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def over(self) -> bool:
        """Whether it ended by itself, in order. One that fails is started again."""
        code = self._process.poll() if self._process is not None else -1
        if code is None:
            return False
        if code == 0 and not self.again:
            return True
        self.start()
        return False

    def kill(self) -> None:
        """As a power cut would. Who watches starts it again: a process ends with the thread that started it."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)


@final
class Storm:
    """All processes, and the one that kills them."""

    def __init__(self, folder: Path, seed: int, every: float, kind: Kind) -> None:
        self._folder, self._every = folder, every
        self._draw = random.Random(seed)
        self._over, self._ended = threading.Event(), threading.Event()
        self.kills: Counter[str] = Counter()
        self.cluster = dev_server("server", db_filename=folder / "temporal.db")
        asyncio.run(self.cluster.start())
        port, more = free_port(), dict[str, str]()
        command = redis_command(port, folder, "--appendonly", "yes")
        if kind == "rabbitmq":
            command, more = [RABBIT], rabbit_environment(port, free_port(), folder)
        os.environ.update(
            STORM_BROKER=url_of(kind, port),
            STORM_STORE=str(folder / "storm.db"),
            STORM_EFFECTS=str(folder / "effects"),
            STORM_BACK=str(folder / "back"),
            STORM_TEMPORAL=self.cluster.address,
        )
        worker = [sys.executable, "-m", "celery", "-A", "bench.storm.app", "worker", "-l", "ERROR", "-c", "1"]
        self.processes = {
            "broker": Process(command, folder / "broker.log", more),
            "worker 1": self._process("worker 1", [*worker, "-n", "one@%h"]),
            "worker 2": self._process("worker 2", [*worker, "-n", "two@%h"]),
            "bridge": self._process("bridge", [sys.executable, "-m", "bench.storm.bridge", "serve"]),
        }
        threading.Thread(target=self.watch, daemon=True).start()

    def _process(self, name: str, command: list[str], again: bool = True) -> Process:
        return Process(command, self._folder / f"{name.replace(' ', '-')}.log", {}, again)

    def moves(self, to: str) -> None:
        """Returns when the mover found that nothing is left to be moved."""
        mover = self._process("mover", [sys.executable, "-m", "bench.storm.bridge", "move", to], again=False)
        self.processes["mover"] = mover
        while not mover.over():
            time.sleep(0.2)
        del self.processes["mover"]

    def rage(self) -> None:
        """Kills one after the other, until `calm`."""
        while not self._over.wait(self._every):
            names = [*self.processes, "Temporal server"]
            name = self._draw.choice(names)
            self.kills[name] += 1
            if name == "Temporal server":
                self.cluster.kill()
                asyncio.run(self.cluster.restart())
            elif (process := self.processes.get(name)) is not None:
                process.kill()

    def watch(self) -> None:
        """Starts again whatever ended by itself, as whoever runs it would."""
        while not self._ended.wait(0.2):
            for process in list(self.processes.values()):
                if process.again:
                    process.over()

    def calm(self) -> None:
        """Nothing is killed any more, and all runs."""
        self._over.set()

    def end(self) -> None:
        """For good."""
        self._ended.set()
        for process in self.processes.values():
            process.kill()
        self.cluster.kill()


def main() -> None:
    """Runs the storm, and prints what it did."""
    parser = argparse.ArgumentParser(prog="python -m bench.storm")
    parser.add_argument("--instances", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two kills")
    parser.add_argument("--broker", choices=("redis", "rabbitmq"), default="redis")
    parser.add_argument("--directory", type=Path, default=None, help="where all of it lies; kept if anything is wrong")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="storm-", dir=options.directory))
    _print(f"{machine.describe()}; {options.instances:,} instances, {options.broker}, seed {options.seed}, in {folder}")
    storm = Storm(folder, options.seed, options.every, options.broker)
    try:
        wrong = _run(storm, folder, options.instances)
    finally:
        storm.end()
    if wrong:
        raise SystemExit("\n".join(wrong[:20]))
    shutil.rmtree(folder, ignore_errors=True)


def _run(storm: Storm, folder: Path, n: int) -> list[str]:
    from bench.storm.app import host

    engine = host.engine()
    engine.deploy(*models.documents())
    names = [*models.PARTS]
    each = n // len(names)
    _timed("started on Celery", lambda: _start(engine, names, each))
    numbers = list(range(each * len(names)))
    random.Random(0).shuffle(numbers)
    there, back = (int(len(numbers) * share) for share in SHARES)
    raging = threading.Thread(target=storm.rage)
    raging.start()
    _timed("moved to Temporal", lambda: _while(engine, numbers[:there], lambda: storm.moves("temporal")))
    _print(f"now {dict(state.hosts(engine.store))}")
    _timed("moved back", lambda: _while(engine, numbers[there : there + back], lambda: storm.moves("here")))
    _print(f"now {dict(state.hosts(engine.store))}")
    storm.calm()
    raging.join()
    _publish(engine, numbers[there + back :])
    _timed("ended", lambda: _ended(engine))
    _print(f"killed: {dict(storm.kills)}")
    _without(engine, storm.cluster.address, folder / "back")
    found = _judged(engine, folder / "effects", names)
    host.close()
    return found


def _start(engine: Engine, names: list[str], each: int) -> None:
    for at, name in enumerate(names):
        engine.start_many(name, [{"k": f"k{at * each + number}"} for number in range(each)])


def _while(engine: Engine, numbers: list[int], what: Callable[[], None]) -> None:
    """Publishes, slowly enough to take about as long as what happens meanwhile."""
    publishing = threading.Thread(target=_publish, args=(engine, numbers, 0.01))
    publishing.start()
    what()
    publishing.join()


def _publish(engine: Engine, numbers: list[int], pause: float = 0.0) -> None:
    for number in numbers:
        engine.publish("go", f"k{number}", ttl=86_400)
        time.sleep(pause)


def _ended(engine: Engine) -> None:
    deadline, shown = time.monotonic() + CALM_S, 0.0
    while set(found := state.hosts(engine.store)) != {"ended"}:
        if time.monotonic() > deadline:
            return
        if time.monotonic() > shown + 30:
            shown = time.monotonic()
            _print(f"    {dict(found)}")
        time.sleep(0.5)


def _without(engine: Engine, address: str, file: Path) -> None:
    """Prints how long instances were without an owner, kills included."""
    told: dict[int, float] = {}
    for line in file.read_text().splitlines():
        key, at = line.split()
        told.setdefault(int(key), float(at))
    found = asyncio.run(owners.without(address, [row.key for row in state.rows(engine.store)], told))
    _print(f"there: {owners.line(found.there)}")
    _print(f"back: {owners.line(found.back)}")


def _judged(engine: Engine, file: Path, names: list[str]) -> list[str]:
    """What is wrong with what they did, and prints what is not."""
    wanted = _reference(names)
    seen, again = state.effects(file)
    forms = dict(state.forms(engine.store))
    process = {
        row.key: engine.reader().views.catalog.definition(0, row.definition).process_id
        for row in state.rows(engine.store)
    }
    wrong = [
        f"instance {key} of {process[key]} did: {form}" for key, form in forms.items() if form != wanted[process[key]]
    ]
    wrong += [
        f"instance {key} of {process[key]}: {seen[key]} effects, not {models.EFFECTS[process[key]]}"
        for key in forms
        if seen[key] != models.EFFECTS[process[key]]
    ]
    equal = sum(form == wanted[process[key]] for key, form in forms.items())
    _print(f"{len(forms):,} instances, {equal:,} equal to one that never moved, {sum(seen.values()):,} effects by key")
    _print(f"{again} of them tried again under their key, {len(wrong)} wrong")
    return wrong


def _reference(names: list[str]) -> dict[str, str]:
    """What an instance of each does that never moves."""
    with Engine(":memory:", clock=(clock := _Clock())) as engine:
        engine.deploy(*models.documents())
        engine.worker("storm-work")(lambda: {"worked": True})
        engine.serve()
        found = [engine.start(name, {"k": f"r{n}"}) for n, name in enumerate(names)]
        engine.wait_until(lambda: not engine.jobs(), 60)
        clock.ms += 120_000
        for n in range(len(names)):
            engine.publish("go", f"r{n}", ttl=86_400)
        assert all(instance.wait(60) == "completed" for instance in found)
        told = dict(state.forms(engine.store))
    return {name: told[instance.key] for name, instance in zip(names, found, strict=True)}


@final
class _Clock:
    def __init__(self) -> None:
        self.ms = 1_800_000_000_000

    def __call__(self) -> int:
        return self.ms


def _timed(what: str, do: Callable[[], None]) -> None:
    begun = time.perf_counter()
    do()
    _print(f"{what} in {time.perf_counter() - begun:.0f} s")


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
