"""A worker at work: a stream for each type of job, calls, leases that are kept, and a good end.

One loop holds it all; functions that are no coroutines run in threads. What must not live here: registration, signals.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from typing import Final, final

from procession.base.failure import BadValue, Conflict, NotFound, ProcessionError
from procession.client import calls
from procession.client.aio import AsyncClient
from procession.client.duties import Duty, Outcome
from procession.client.errors import Forbidden, ServerError, Unauthorized
from procession.client.reports import Report, Reports
from procession.client.shapes import Finished, LeasedJob
from procession.client.wire import Pauses

POLL_S: Final = 20.0
"""How long a server may wait with the answer to a poll, where it does not stream."""
STREAM_AGAIN_S: Final = 60.0
"""When a server that refused to stream is asked for a stream again."""
PAUSE_MAX_S: Final = 15.0
THREADS_MAX: Final = 128

_LOG: Final = logging.getLogger("procession.client")


@final
class _Running:
    __slots__ = ("deadline", "duty", "leased", "task")

    def __init__(self, duty: Duty, leased: LeasedJob) -> None:
        self.duty = duty
        self.leased = leased
        self.deadline = time.monotonic() + duty.timeout_s
        """When the lease ends, by the clock of this machine."""
        self.task: asyncio.Task[None] | None = None


@final
class Shift:
    """One run of a worker. Belongs to the loop that it is made in."""

    def __init__(self, client: AsyncClient, duties: Sequence[Duty], *, name: str, grace_s: float) -> None:
        self._client = client
        self._duties = duties
        self._name = name
        self._grace_s = grace_s
        self._reports = Reports(client)
        self._running: dict[str, _Running] = {}
        self._over = asyncio.Event()
        self._stopping = asyncio.Event()
        blocking = sum(duty.max_jobs for duty in duties if not duty.signature.asynchronous)
        threads = min(THREADS_MAX, max(1, blocking))
        self._pool = ThreadPoolExecutor(threads, "procession-worker")
        self._threads = asyncio.Semaphore(threads)
        self._slots = {duty.type: asyncio.Semaphore(duty.max_jobs) for duty in duties}
        """A stream that follows another knows nothing of what that one sent: here is who counts."""

    def stop(self) -> None:
        """Lets it end: nothing new is taken, what is under way is finished."""
        self._stopping.set()

    @property
    def stopping(self) -> bool:
        """Whether it was told to end."""
        return self._stopping.is_set()

    async def work(self) -> None:
        """Works until `stop`. Raises `Unauthorized` or `Forbidden` when the server lets nobody in."""
        sender = asyncio.create_task(self._reports.run())
        keeper = asyncio.create_task(self._keep())
        lanes = [asyncio.create_task(self._lane(duty)) for duty in self._duties]
        stopped = asyncio.create_task(self._stopping.wait())
        try:
            done, _ = await asyncio.wait((stopped, *lanes), return_when=asyncio.FIRST_COMPLETED)
            self._stopping.set()
            await _ended(lanes)
            await self._finish_running()
            for task in done:
                task.result()
        finally:
            await self._reports.flush(self._grace_s)
            for running in self._running.values():
                if running.task is not None:
                    running.task.cancel()
            await _ended([stopped, sender, keeper])
            self._pool.shutdown(wait=False, cancel_futures=True)

    async def _finish_running(self) -> None:
        tasks = [running.task for running in self._running.values() if running.task is not None]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self._grace_s)
            if late:
                _LOG.warning("%s jobs did not end within %g s and are left to their leases", len(late), self._grace_s)

    # --- taking

    async def _lane(self, duty: Duty) -> None:
        """Takes the jobs of a type, by stream, or by polls where there is none."""
        pauses = Pauses(PAUSE_MAX_S)
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                try:
                    await self._stream(duty)
                except (NotFound, Conflict, BadValue, ServerError) as error:
                    _LOG.info("worker %r polls, as there is no stream: %s", duty.type, error)
                    await self._poll(duty, time.monotonic() + STREAM_AGAIN_S)
                pauses.reset()
            except (Unauthorized, Forbidden):
                raise
            except ProcessionError as error:
                _LOG.warning("worker %r asks again: %s", duty.type, error)
            if time.monotonic() - began > PAUSE_MAX_S:
                pauses.reset()  # it went well for a while
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pauses.next())

    async def _stream(self, duty: Duty) -> None:
        names = duty.signature.names
        lines = self._client.job_stream(
            duty.type,
            max_active=duty.max_jobs,
            lease=duty.timeout_s,
            worker=self._name,
            fetch=names or (),
        )
        async with aclosing(lines):
            async for jobs in lines:
                for job in jobs:
                    self._begin(duty, job)

    async def _poll(self, duty: Duty, until: float) -> None:
        while time.monotonic() < until:
            self._over.clear()
            room = duty.max_jobs - sum(running.duty is duty for running in self._running.values())
            if room <= 0:
                await self._over.wait()
                continue
            jobs = await self._client.activate_jobs(
                duty.type,
                max_jobs=room,
                lease=duty.timeout_s,
                worker=self._name,
                fetch=duty.signature.names or (),
                wait=POLL_S,
            )
            for job in jobs:
                self._begin(duty, job)

    # --- doing

    def _begin(self, duty: Duty, leased: LeasedJob) -> None:
        running = self._running[leased.key] = _Running(duty, leased)
        running.task = asyncio.create_task(self._do(running))

    async def _do(self, running: _Running) -> None:
        duty, leased = running.duty, running.leased
        outcome: Outcome
        try:
            async with self._slots[duty.type]:
                if duty.signature.asynchronous:
                    outcome = _unbegun(leased) if self.stopping else await duty.call_async(leased)
                else:
                    async with self._threads:
                        outcome = _unbegun(leased) if self.stopping else await self._in_thread(duty, leased)
        except asyncio.CancelledError:
            if self._stopping.is_set():
                raise  # its time is over: what it did is not known
            outcome = duty.failed(leased, "its task was cancelled")
        finally:
            if self._running.get(leased.key) is running:
                del self._running[leased.key]
            self._over.set()
        self._reports.put(Report(outcome, refused=lambda reason: _other(duty, leased, outcome, reason)))

    async def _in_thread(self, duty: Duty, leased: LeasedJob) -> Outcome:
        return await asyncio.get_running_loop().run_in_executor(self._pool, duty.call, leased)

    # --- keeping

    async def _keep(self) -> None:
        """Extends the lease of whatever takes longer than half of it."""
        pause = min([30.0, *(duty.timeout_s / 6 for duty in self._duties)])
        while True:
            await asyncio.sleep(pause)
            now = time.monotonic()
            for running in list(self._running.values()):
                if running.deadline - now < running.duty.timeout_s / 2:
                    self._extend(running)

    def _extend(self, running: _Running) -> None:
        timeout = running.duty.timeout_s
        until = time.monotonic() + timeout
        running.deadline = until

        def answered(answer: Finished) -> None:
            if answer.problem is not None:
                _LOG.warning("job %s goes on without its lease", answer.key)
                running.deadline = float("inf")

        outcome: Outcome = {
            "outcome": "extend",
            "key": running.leased.key,
            "token": running.leased.token,
            "timeout_ms": calls.lease_ms(timeout),
        }
        self._reports.put(Report(outcome, answered))


def _unbegun(leased: LeasedJob) -> Outcome:
    return {"outcome": "return", "key": leased.key, "token": leased.token}


def _other(duty: Duty, leased: LeasedJob, outcome: Outcome, reason: str) -> Outcome | None:
    """What the server cannot take as a result is a failed attempt."""
    return duty.failed(leased, reason) if outcome["outcome"] in {"complete", "throw", "deny"} else None


async def _ended(tasks: Sequence[asyncio.Task[object] | asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
