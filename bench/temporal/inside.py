"""CPU of workflow tasks: the SDK's runner is wrapped, by a plugin, so that nothing of the SDK is patched.

`activation` is all that Python does for a task once its payloads are there; `code` is what the workflow's own coroutine
takes of that, with what it calls of the SDK. Threads' CPU time, so that other threads do not count.
"""

from __future__ import annotations

import cProfile
import io
import pstats
import threading
import time
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, final

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.client import Client, WorkflowHistory
from temporalio.plugin import SimplePlugin
from temporalio.worker import (
    ExecuteWorkflowInput,
    Interceptor,
    Replayer,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

from bench.temporal import sides
from bench.temporal.figures import Unheard
from bench.temporal.handwritten import W1
from bench.temporal.interpreted import BOOKS
from procession.hosts.temporal.cluster import DATA_CONVERTER, Loop
from procession.hosts.temporal.definition import ProcessWorkflow
from procession.hosts.temporal.watching import Activate, Activations, Settling
from procession.hosts.temporal.worker import in_one_batch
from procession.store.sqlite import SQLiteStore

WARM: Final = 5
MEASURED: Final = 40
"""Instances."""
REPLAYS: Final = 60
"""Of each of three histories."""


@dataclass
class Spent:
    """CPU seconds, a number for each activation that was no eviction; `profile` is made where it is wanted."""

    activation: list[float] = field(default_factory=list[float])
    code: list[float] = field(default_factory=list[float])
    profile: cProfile.Profile | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    now: threading.local = field(default_factory=threading.local)

    def clear(self) -> None:
        """Forgets what was measured while all was warming up."""
        self.activation.clear()
        self.code.clear()
        self.profile = cProfile.Profile() if self.profile is not None else None


def _timed(spent: Spent) -> Callable[[Activate], Activate]:
    """A look at the clock around each activation; see `watching.Activations`."""

    def around(activate: Activate) -> Activate:
        def timed(act: WorkflowActivation) -> WorkflowActivationCompletion:
            if any(job.HasField("remove_from_cache") for job in act.jobs):
                return activate(act)
            spent.now.code = 0.0
            profile = spent.profile
            if profile is not None:
                with spent.lock:
                    profile.enable()
                    try:
                        return activate(act)
                    finally:
                        profile.disable()
            begun = time.thread_time()
            try:
                return activate(act)
            finally:
                spent.activation.append(time.thread_time() - begun)
                spent.code.append(spent.now.code)

        return timed

    return around


class _Measured(Awaitable[Any]):
    """A coroutine whose stretches are measured."""

    def __init__(self, work: Awaitable[Any], spent: Spent) -> None:
        self._work = work
        self._spent = spent

    def __await__(self) -> Generator[Any, Any, Any]:
        inner = self._work.__await__()
        now = self._spent.now
        failed: BaseException | None = None
        while True:
            begun = time.thread_time()
            try:
                wanted = next(inner) if failed is None else inner.throw(failed)
            except StopIteration as end:
                return end.value
            finally:
                now.code = getattr(now, "code", 0.0) + time.thread_time() - begun
            failed = None
            try:
                yield wanted
            except BaseException as error:
                failed = error


@final
class _Around(Interceptor):
    def __init__(self, spent: Spent) -> None:
        self._spent = spent

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:
        """See `Interceptor`."""
        spent = self._spent

        class Inbound(WorkflowInboundInterceptor):
            async def execute_workflow(self, input: ExecuteWorkflowInput) -> object:
                return await _Measured(super().execute_workflow(input), spent)

        return Inbound


async def connect(address: str, spent: Spent) -> Client:
    """A client whose workers are measured."""
    plugin = SimplePlugin("bench", workflow_runner=lambda _: Activations(_timed(spent)), interceptors=[_Around(spent)])
    return await Client.connect(address, data_converter=DATA_CONVERTER, plugins=[plugin])


def measure(side: str, address: str, directory: Path, live: Spent, again: Spent | None = None) -> None:
    """Instances of W1, one at a time; `again`: some of them replayed in a row, so that all is in the CPU's caches."""
    directory.mkdir()
    loop = Loop()
    client = loop.run(connect(address, live))
    made = sides.SIDES[side](client, loop, directory, directory.name)
    for _ in range(WARM):
        made.wave("w1", [{}])
    live.clear()
    ids = [made.wave("w1", [{}])[0] for _ in range(MEASURED)]
    made.settle()
    histories = [loop.run(client.get_workflow_handle(each).fetch_history()) for each in ids[:3]]
    made.close()
    if again is not None:
        loop.run(_replayed(side, directory, histories, again), 600)
    loop.close()


async def _replayed(side: str, directory: Path, histories: list[WorkflowHistory], spent: Spent) -> None:
    store = SQLiteStore(directory / BOOKS) if side == "ours" else None
    replayer = Replayer(
        workflows=[W1] if store is None else [ProcessWorkflow],
        interceptors=[_Around(spent)] if store is None else [Settling(Unheard(store)), _Around(spent)],
        workflow_runner=Activations(_timed(spent)),
        data_converter=DATA_CONVERTER,
    )
    in_one_batch(replayer)
    for _ in range(REPLAYS):
        for each in histories:
            await replayer.replay_workflow(each)


def told(profile: cProfile.Profile, n: int, lines: int = 25) -> str:
    """Where the time of `n` activations went, by the functions' own time; microseconds each."""
    stats = pstats.Stats(profile, stream=io.StringIO())
    found: list[tuple[float, float, int, str]] = []
    for (file, line, name), (_, calls, own, whole, _) in stats.stats.items():  # type: ignore[attr-defined]
        place = "/".join(file.split("/")[-2:])
        found.append((own / n * 1e6, whole / n * 1e6, calls, f"{place}:{line} {name}"))
    found.sort(reverse=True)
    head = f"{sum(own for own, *_ in found):.0f} µs an activation under the profiler, own µs, with callees µs, calls:"
    rows = [f"{own:8.1f} {whole:8.1f} {calls / n:7.2f}  {what}" for own, whole, calls, what in found[:lines]]
    return "\n".join([head, *rows])
