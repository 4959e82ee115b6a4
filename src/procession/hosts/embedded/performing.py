"""Jobs that come by another way than the board, done by the functions of this process: in threads, or on a loop."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, cast, final

from procession.base.failure import NotFound
from procession.base.values import Json
from procession.hosts.embedded.workers import Worker
from procession.runtime.requests import AnyRequest

if TYPE_CHECKING:
    from procession.hosts.embedded.loops import LoopThread


@final
class Performing:
    """One process's, by at most so many threads at the same time. Thread-safe: jobs come from several of them."""

    def __init__(self, threads_max: int) -> None:
        self._threads_max = threads_max
        self._threads: ThreadPoolExecutor | None = None
        self._loop: LoopThread | None = None
        self._begun = threading.Lock()
        """Held while a thread or a pool of them is made."""

    def perform(self, workers: Mapping[str, Worker], job: Mapping[str, Json], tenant: str) -> Future[AnyRequest]:
        """Does a job with the worker of its type: the request that tells its outcome, when it has one.

        Raises `NotFound` when there is no such worker.
        """
        type = cast("str", job["type"])
        worker = workers.get(type)
        if worker is None:
            raise NotFound(f"no function is registered for jobs of type {type!r}")
        work = worker.outside_work(job, tenant)
        if worker.asynchronous:
            return self.loop().begin(worker.call_async(work))
        with self._begun:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(self._threads_max, thread_name_prefix="procession-job")
        # A function sees what its caller's context holds, such as the span of its activity.
        return self._threads.submit(copy_context().run, worker.call, work)

    def loop(self) -> LoopThread:
        """The thread in which coroutines run."""
        with self._begun:
            if self._loop is None:
                from procession.hosts.embedded.loops import LoopThread

                self._loop = LoopThread()
            return self._loop

    def close(self) -> None:
        """Ends the threads when they are done."""
        if self._threads is not None:
            self._threads.shutdown()
            self._threads = None
        if self._loop is not None:
            self._loop.close()
            self._loop = None
