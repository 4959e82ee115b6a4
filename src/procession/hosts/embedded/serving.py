"""Serving: the threads that keep an engine going in the background. Without `serve()` there are none."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Final, TypeAlias, final

from procession.base.failure import StoreError
from procession.hosts.embedded.crew import SHORT_S, Crew
from procession.hosts.embedded.ownership import wall_ms
from procession.hosts.embedded.pumps import Pumps
from procession.hosts.embedded.workers import Worker

POLL_S: Final = 0.05
"""Longest time after which the inbox and the clock are looked at again."""
POLL_BUSY_S: Final = 0.002
"""The same while another process is asking for things: it waits for the answer to each."""
BUSY_MS: Final = 500
RETRY_S: Final = 1.0
"""Pause after the store could not be used."""
_ENDINGS: Final = (signal.SIGINT, signal.SIGTERM)
Handler: TypeAlias = "Callable[[int, FrameType | None], object] | int | None"

_LOG: Final = logging.getLogger("procession")


@contextmanager
def asked_to_end() -> Generator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set while this lasts; outside of the main thread nobody may listen to them."""
    asked = threading.Event()
    earlier: dict[int, Handler] = {}

    def ask(number: int, frame: FrameType | None) -> None:
        asked.set()

    if threading.current_thread() is threading.main_thread():
        earlier = {number: signal.signal(number, ask) for number in _ENDINGS}
    try:
        yield asked
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


@final
class Serving:
    """One thread for timers and the inbox, and as many as asked for that do jobs."""

    def __init__(self, pumps: Pumps, crew: Crew, threads: int, stopped: threading.Event | None = None) -> None:
        self._pumps = pumps
        self._crew = crew
        self._stopped = stopped or threading.Event()
        self._busy: dict[str, int] = {}
        self._busy_lock = threading.Lock()
        self._threads = [threading.Thread(target=self._keep_going, name="procession-pump", daemon=True)]
        for number in range(threads):
            name = f"procession-worker-{number + 1}"
            self._threads.append(threading.Thread(target=self._work, name=name, daemon=True))

    def start(self) -> None:
        """Begins; apart from making it, so that a worker that stops the engine at once finds what to stop."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends after the jobs that are under way."""
        self._stopped.set()
        self._pumps.bell.stir()
        for thread in self._threads:
            # One that is not started yet ends by itself.
            if thread is not threading.current_thread() and thread.is_alive():
                thread.join()

    def _keep_going(self) -> None:
        pumps = self._pumps
        while not self._stopped.is_set():
            seen = pumps.bell.generation
            try:
                pumps.keep()
                if pumps.turn():
                    continue
            except StoreError as error:
                _LOG.error("%s", error)
                self._stopped.wait(RETRY_S)
                continue
            except Exception:  # a fault of the engine must not end the thread that keeps it going
                _LOG.exception("a fault of the engine in the thread of its timers and its inbox")
                self._stopped.wait(RETRY_S)
                continue
            pumps.bell.wait(seen, self._pause())

    def _pause(self) -> float:
        poll = POLL_BUSY_S if wall_ms() - self._pumps.asked_ms < BUSY_MS else POLL_S
        due = self._pumps.next_due()
        if due is None:
            return poll
        return min(poll, max(0.001, (due - self._pumps.clock()) / 1000))

    def _work(self) -> None:
        pumps = self._pumps
        while not self._stopped.is_set():
            seen = pumps.bell.generation
            try:
                if not self._one_round():
                    pumps.bell.wait(seen, POLL_S)
            except StoreError as error:
                _LOG.error("%s", error)
                self._stopped.wait(RETRY_S)
            except BaseException:  # nor a fault of the engine, nor what a worker raised, may end the thread that works
                _LOG.exception("a fault of the engine in a worker's thread")
                self._stopped.wait(RETRY_S)

    def _one_round(self) -> bool:
        self._crew.report_kept()
        found = False
        for worker in list(self._crew.workers.values()):
            wanted = self._reserve(worker)
            if not wanted:
                continue
            try:
                works = self._crew.take(worker, wanted)
                # What this thread did not get is for others to take while it works.
                self._free(worker, wanted - len(works))
                wanted = len(works)
                if not works:
                    continue
                found = True
                self._crew.do([(worker, works)])
            finally:
                self._free(worker, wanted)
        return found

    def _reserve(self, worker: Worker) -> int:
        """How many jobs this thread may take now: few of a slow kind, and never more than `max_jobs` in all."""
        # One of a kind that was never seen, too: it may take minutes, and the others would wait behind it.
        share = int(SHORT_S / worker.mean_s) if worker.mean_s else 1
        if worker.asynchronous:
            share = worker.max_jobs
        with self._busy_lock:
            busy = self._busy.get(worker.type, 0)
            wanted = min(max(1, min(share, 64)), worker.max_jobs - busy)
            if wanted <= 0:
                return 0
            self._busy[worker.type] = busy + wanted
        return wanted

    def _free(self, worker: Worker, count: int) -> None:
        with self._busy_lock:
            self._busy[worker.type] -= count
