"""The worker: functions that do jobs of a server, wherever this program runs. Registration, threads and signals."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import TypeVar, final

from procession.base.failure import BadValue, Conflict
from procession.base.job import Function
from procession.client.aio import AsyncClient
from procession.client.credentials import Provider
from procession.client.duties import TIMEOUT_S, Duty
from procession.client.shift import Shift

_F = TypeVar("_F", bound=Function)


@final
class Worker:
    """Does jobs of a server: `run` until the program is told to end, or in the background from `start` to `stop`.

    Functions are registered as with an `Engine`: arguments by variable name, typed, and a `Job` if they ask for one; a
    dict of variables as result; `BpmnError` for what the process is to handle. Only the variables that a function names
    are fetched. Leases of jobs that take longer are extended while the function runs. A server that is away is asked
    again with growing pauses, and outcomes wait for it. At the end what runs is finished, for `grace` seconds at most;
    what was not begun is given back.

    `name` is shown to operators; the other settings are those of a `Client`."""

    def __init__(
        self,
        url: str,
        *,
        token: str | Provider | None = None,
        tenant: str = "",
        name: str = "",
        grace: float = 30.0,
        timeout: float = 30.0,
        retries: int = 5,
        verify: bool | str | ssl.SSLContext = True,
    ) -> None:
        self._url = url
        self._token = token
        self._tenant = tenant
        self._timeout = timeout
        self._retries = retries
        self._verify = verify
        self._grace = grace
        self._name = name or f"{socket.gethostname()}:{os.getpid()}"
        self._duties: dict[str, Duty] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._shift: Shift | None = None
        self._thread: threading.Thread | None = None
        self._began = threading.Event()
        self._failed: BaseException | None = None

    def worker(
        self, type: str, *, max_jobs: int = 32, timeout: float = TIMEOUT_S, backoff: Sequence[float] = ()
    ) -> Callable[[_F], _F]:
        """Registers a function for the jobs of a type.

        `max_jobs` at the same time; `timeout` in seconds after which a job is given to another worker when this one is
        gone; `backoff` the seconds after each failed attempt, the last one repeating (default: what the model says)."""

        def register(function: _F) -> _F:
            if self._shift is not None:
                raise Conflict("the worker runs: register its functions before")
            self._duties[type] = Duty(type, function, max_jobs=max_jobs, timeout_s=timeout, backoff_s=backoff)
            return function

        return register

    @property
    def duties(self) -> tuple[Duty, ...]:
        """What it was registered for."""
        return tuple(self._duties.values())

    def run(self) -> None:
        """Works until SIGINT or SIGTERM (in the main thread), or `stop`; at a second signal nothing is waited for."""
        asyncio.run(self._signalled())

    async def work(self) -> None:
        """Works in the running loop until `stop`, or until it is cancelled, which does not wait for what runs."""
        if not self._duties:
            raise BadValue("the worker has no functions: register some with worker(type)")
        if self._shift is not None:
            raise Conflict("the worker runs already")
        async with AsyncClient(
            self._url,
            token=self._token,
            tenant=self._tenant,
            timeout=self._timeout,
            retries=self._retries,
            verify=self._verify,
        ) as client:
            self._loop = asyncio.get_running_loop()
            self._shift = Shift(client, self.duties, name=self._name, grace_s=self._grace)
            self._began.set()
            try:
                await self._shift.work()
            finally:
                self._shift = self._loop = None

    def start(self) -> None:
        """Works in a thread, until `stop`."""
        if self._thread is not None:
            raise Conflict("the worker runs already")
        self._began.clear()
        self._failed = None
        self._thread = threading.Thread(target=self._run, name="procession-worker-loop", daemon=True)
        self._thread.start()
        self._began.wait()

    def stop(self) -> None:
        """Ends the work, and waits for that where `start` began it; from any thread. Raises why it ended before."""
        loop, shift = self._loop, self._shift
        if loop is not None and shift is not None:
            with suppress(RuntimeError):  # it has just ended
                loop.call_soon_threadsafe(shift.stop)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
            self._thread = None
            failed, self._failed = self._failed, None
            if failed is not None:
                raise failed

    def __enter__(self) -> Worker:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        try:
            asyncio.run(self.work())
        except BaseException as error:
            self._failed = error
        finally:
            self._began.set()

    async def _signalled(self) -> None:
        loop = asyncio.get_running_loop()
        working = asyncio.ensure_future(self.work())

        def told() -> None:
            if self._shift is None or self._shift.stopping:
                working.cancel()
            else:
                self._shift.stop()

        # Elsewhere a loop takes no signals: then `stop` is what ends it.
        if sys.platform != "win32" and threading.current_thread() is threading.main_thread():
            for each in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(each, told)
        with suppress(asyncio.CancelledError):
            await working
