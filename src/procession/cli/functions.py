"""Worker functions in a process that has no engine: registered as on one, called for jobs from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Final, TypeVar, final

from procession.base.values import Json
from procession.cli.workers import Worker as Function
from procession.hosts.embedded.performing import Performing
from procession.hosts.embedded.workers import TIMEOUT_S, Worker
from procession.runtime.requests import AnyRequest

THREADS_MAX: Final = 256

_F = TypeVar("_F", bound=Function)


@final
class Functions:
    """By job type. `worker` is that of `Engine`."""

    def __init__(self) -> None:
        self._workers: dict[str, Worker] = {}
        self._performing = Performing(THREADS_MAX)

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

    def add(self, worker: Worker, *, spare: bool = False) -> None:
        """See `Crew.add`."""
        self._workers[worker.type] = worker

    def perform(self, job: Mapping[str, Json], tenant: str) -> Future[AnyRequest]:
        """See `runtime.elsewhere.Door.perform`."""
        return self._performing.perform(self._workers, job, tenant)
