"""Worker functions in a process that has no engine: registered as on one, called for jobs from elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, Final, TypeVar, cast, final

from procession.base.failure import NotFound
from procession.base.values import Json
from procession.cli.workers import Worker as Function
from procession.hosts.embedded.workers import TIMEOUT_S, Worker
from procession.runtime.requests import AnyRequest

if TYPE_CHECKING:
    from procession.hosts.embedded.loops import LoopThread

THREADS_MAX: Final = 256

_F = TypeVar("_F", bound=Function)


@final
class Functions:
    """By job type. `worker` is that of `Engine`."""

    def __init__(self) -> None:
        self._workers: dict[str, Worker] = {}
        self._threads = ThreadPoolExecutor(THREADS_MAX, thread_name_prefix="procession-job")
        self._lock = threading.Lock()
        self._loop: LoopThread | None = None

    @property
    def types(self) -> dict[str, int]:
        """Each type, with how many of its jobs are done at a time."""
        return {type: worker.max_jobs for type, worker in self._workers.items()}

    def worker(
        self, type: str, *, max_jobs: int = 32, timeout: float = TIMEOUT_S, backoff: Sequence[float] = ()
    ) -> Callable[[_F], _F]:
        """See `Engine.worker`."""

        def register(function: _F) -> _F:
            self._workers[type] = Worker(type, function, max_jobs=max_jobs, timeout_s=timeout, backoff_s=backoff)
            return function

        return register

    def perform(self, job: Mapping[str, Json], tenant: str) -> Future[AnyRequest]:
        """See `runtime.elsewhere.Door.perform`."""
        type = cast("str", job["type"])
        worker = self._workers.get(type)
        if worker is None:
            raise NotFound(f"no function is registered for jobs of type {type!r}")
        work = worker.outside_work(job, tenant)
        if worker.asynchronous:
            return self._started().begin(worker.call_async(work))
        # A function sees what its caller's context holds, such as the span of its activity.
        return self._threads.submit(copy_context().run, worker.call, work)

    def _started(self) -> LoopThread:
        with self._lock:
            if self._loop is None:
                from procession.hosts.embedded.loops import LoopThread

                self._loop = LoopThread()
            return self._loop
