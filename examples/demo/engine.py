"""The engine process of the demo: the example processes, their workers, and who starts instances and does tasks.

It knows nothing of being killed: started again, it finds what there is and goes on. It reports on stdout, one JSON
object a line. The clock is the machine's until nothing is left to do but wait; then it is moved on by some days.
"""

from __future__ import annotations

import functools
import inspect
import json
import logging
import sys
import time
import typing
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import final

from examples.claim import workers as claim
from examples.demo.ledger import Ledger
from examples.demo.workload import answer, planned
from examples.loan import workers as loan
from examples.onboarding import workers as onboarding
from examples.order import workers as order
from examples.registry import Function
from examples.subscription import workers as subscription
from procession import Engine, Job, ProcessionError

EXAMPLES = Path(__file__).parent.parent
TENURE_S = 10 * 365 * 86_400.0
"""A worker's time is up after years: the clock is moved by days while it works."""
FLAKY = frozenset({"ship-order", "pay-out", "pay-out-loan"})
STEP_MS = 3 * 86_400_000
QUIET_S = 0.12
REPLY_S = 0.002
"""How long the world outside takes to answer after an effect. A kill falls into it: the effect is there, the engine was
not told, and the job is executed again, with the same key."""
BURST = 25
TTL_S = 3_600.0


@final
class Clock:
    """The machine's clock and an offset (ms), which survives the process: time never runs backwards."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = int(path.read_text()) if path.exists() else 0

    def __call__(self) -> int:
        return time.time_ns() // 1_000_000 + self._offset

    def move(self, ms: int) -> None:
        """Moves on."""
        self._path.write_text(str(self._offset + ms))
        self._offset += ms


@final
class Recording:
    """Passes worker functions on to an engine; each call and each effect goes into the ledger."""

    def __init__(self, engine: Engine, ledger: Ledger) -> None:
        self._engine = engine
        self._ledger = ledger

    def worker(self, type: str, /) -> Callable[[Function], Function]:
        """Registers a function like `Engine.worker`."""

        def register(function: Function) -> Function:
            self._engine.worker(type, timeout=TENURE_S, backoff=(0.02,))(self._recorded(type, function))
            return function

        return register

    def _recorded(self, type: str, function: Function) -> Callable[..., object]:
        signature = inspect.signature(function)
        wants_job = "job" in signature.parameters

        @functools.wraps(function)
        def call(job: Job, **variables: object) -> object:
            self._ledger.call(job)
            if type in FLAKY and job.attempt == 1 and zlib.crc32(job.idempotency_key.encode()) % 25 == 0:
                raise ConnectionError("the line is busy")
            self._ledger.effect(job)
            time.sleep(REPLY_S)
            return function(job=job, **variables) if wants_job else function(**variables)

        # The engine reads the variables and types that the function asks for; the job is added.
        hints = typing.get_type_hints(function)
        parameters = [p for name, p in signature.parameters.items() if name != "job"]
        parameters.append(inspect.Parameter("job", inspect.Parameter.KEYWORD_ONLY, annotation=Job))
        call.__annotations__ = {**hints, "job": Job}
        vars(call)["__signature__"] = signature.replace(parameters=parameters)
        return call


@final
class Driver:
    """Starts what is missing, does what people do, and says how far things are."""

    def __init__(self, engine: Engine, ledger: Ledger, clock: Clock, count: int) -> None:
        self._engine = engine
        self._ledger = ledger
        self._clock = clock
        there = {int(each.info.business_key) for each in engine.instances(limit=10 * count) if each.info.business_key}
        tell(found=sorted(there))
        self._missing = [number for number in range(count) if number not in there]
        self._before = (0, 0, 0)
        self._quiet_since = time.monotonic()

    def turn(self) -> bool:
        """One round; False when every instance has ended."""
        burst, self._missing = self._missing[:BURST], self._missing[BURST:]
        for number in burst:
            self._start(number)
        tasks = self._engine.tasks(limit=1_000)
        for task in tasks:
            self._complete(task.key, answer(task.element_id, task.instance))
        counts = self._engine.counts()
        calls = self._ledger.calls()
        tell(counts=counts, calls=calls)
        if not self._missing and counts.get("active", 0) + counts.get("incident", 0) == 0:
            return False
        self._move_on((sum(counts.values()), counts.get("completed", 0), calls), bool(burst or tasks))
        return True

    def _start(self, number: int) -> None:
        """Messages first: they are buffered, and their ids keep a second sending from doubling them."""
        wanted = planned(number)
        for name, key, variables in wanted.messages:
            try:
                self._engine.publish(name, key, variables, ttl=TTL_S, message_id=f"{name}/{number}")
            except ProcessionError:
                continue  # sent before the kill, and still buffered
        self._engine.start(wanted.process, wanted.variables, business_key=str(number))
        tell(started=number)

    def _complete(self, task: int, variables: Mapping[str, object]) -> None:
        try:
            self._engine.complete_task(task, variables)
        except ProcessionError:
            return  # a deadline was faster

    def _move_on(self, now: tuple[int, int, int], busy: bool) -> None:
        """When all that is left is waiting, days pass."""
        if busy or now != self._before:
            self._before = now
            self._quiet_since = time.monotonic()
        elif time.monotonic() - self._quiet_since > QUIET_S:
            self._clock.move(STEP_MS)
            self._quiet_since = time.monotonic()
        time.sleep(0.01)


def tell(**what: object) -> None:
    """One line for whoever watches."""
    print(json.dumps(what), flush=True)


def main(directory: Path, count: int, run: int) -> None:
    """Runs until all instances have ended."""
    # When the clock jumps by days, deadlines overtake workers; that their answers are then refused is no news here.
    logging.getLogger("procession").setLevel(logging.ERROR)
    ledger = Ledger(directory / "effects.db", run)
    clock = Clock(directory / "clock")
    with Engine(directory / "demo.db", clock=clock) as engine:
        for folder in ("claim", "loan", "onboarding", "order", "subscription"):
            engine.deploy(*sorted((EXAMPLES / folder).glob("*.bpmn")), *sorted((EXAMPLES / folder).glob("*.dmn")))
        recording = Recording(engine, ledger)
        for workers in (claim, loan, onboarding, order, subscription):
            workers.register(recording)
        driver = Driver(engine, ledger, clock, count)
        engine.serve(threads=4)
        while driver.turn():
            continue
    ledger.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
