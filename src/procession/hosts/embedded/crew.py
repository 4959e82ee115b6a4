"""The crew: the workers of this process, and the rounds in which they do jobs.

A round takes jobs, calls the functions without any lock, and hands all their answers to one commit.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Final, cast, final

from procession.base.failure import NotFound, ProcessionError, StoreError
from procession.base.values import Json
from procession.hosts.embedded.performing import Performing
from procession.hosts.embedded.pump import Pump
from procession.hosts.embedded.pumps import Pumps
from procession.hosts.embedded.shard import Shard
from procession.hosts.embedded.tickets import Ticket
from procession.hosts.embedded.workers import Work, Worker
from procession.runtime.requests import ActivateJobs, AnyRequest
from procession.runtime.rows import DueRow, NamedRow
from procession.runtime.tenants import EVERYBODY

ROUND_MAX: Final = 256
"""Jobs of one round."""
THREADS_MAX: Final = 32
"""Functions at the same time that do jobs which come by another way than the board."""
SHORT_S: Final = 0.005
"""A thread takes as many jobs at a time as it does in this time; one of a slow kind."""

_LOG: Final = logging.getLogger("procession")


@final
class Crew:
    """Workers by job type."""

    def __init__(self, pumps: Pumps | Pump) -> None:
        self.pumps = pumps if isinstance(pumps, Pumps) else Pumps([pumps])
        self._first = 0
        self.workers: dict[str, Worker] = {}
        self._performing = Performing(THREADS_MAX)
        self.added: Callable[[str, bool], object] | None = None
        """Told the type of every worker that is registered, and whether it is there only in case it is wanted."""
        self._kept: deque[AnyRequest] = deque()
        """Answers that the store did not take."""

    def add(self, worker: Worker, *, spare: bool = False) -> None:
        """Registers a worker; a second one for the same type takes the place of the first. With `spare` another host
        asks for jobs of the type when a process that has some comes up: to ask costs it something."""
        self.workers[worker.type] = worker
        if self.added is not None:
            self.added(worker.type, spare)

    def perform(self, job: Mapping[str, Json], tenant: str) -> Future[AnyRequest]:
        """Does a job that came by another way than the board: the request that tells its outcome, when it has one."""
        return self._performing.perform(self.workers, job, tenant)

    def answered(self, job: Mapping[str, Json], tenant: str) -> AnyRequest:
        """Does a job that came by another way in this thread; the request that tells its outcome."""
        worker = self.workers.get(cast("str", job["type"]))
        if worker is None:
            raise NotFound(f"no worker does jobs of type {job['type']!r} here")
        work = worker.outside_work(job, tenant)
        if worker.asynchronous:
            return self._performing.loop().run_all([worker.call_async(work)])[0]
        return worker.call(work)

    def round(self) -> bool:
        """Does the jobs that are ready, in the calling thread. True if there were any."""
        self.report_kept()
        batch: list[tuple[Worker, list[Work]]] = []
        count = 0
        for worker in list(self.workers.values()):
            works = self.take(worker, min(ROUND_MAX - count, worker.max_jobs * 8))
            if works:
                batch.append((worker, works))
                count += len(works)
        self.do(batch)
        return count > 0

    def do(self, batch: Sequence[tuple[Worker, list[Work]]]) -> None:
        """Calls the functions for jobs that were taken, and hands all answers in together."""
        answers: list[AnyRequest] = []
        try:
            for worker, works in batch:
                if worker.asynchronous:
                    answers.extend(self._performing.loop().run_all([worker.call_async(work) for work in works]))
                    continue
                for work in works:
                    answers.append(worker.call(work))
        finally:
            # Even when a worker was interrupted (Ctrl-C): what is done is done, the rest is offered again.
            self._put_back([work for _, works in batch for work in works][len(answers) :])
            if answers:
                self.report(answers)

    def close(self) -> None:
        """Ends the coroutines' thread, and those for jobs that come by another way, when they are done."""
        self._performing.close()

    def take(self, worker: Worker, limit: int) -> list[Work]:
        """Leases jobs to a worker."""
        if limit < 1:
            return []
        pumps = self.pumps.all
        # The shards take turns at being asked first.
        self._first = (self._first + 1) % len(pumps)
        works: list[Work] = []
        for pump in (*pumps[self._first :], *pumps[: self._first]):
            if len(works) < limit and (pump.shard is not None or not self.pumps.many):
                works += self._take_from(pump, worker, limit - len(works))
        return works

    def _take_from(self, pump: Pump, worker: Worker, limit: int) -> list[Work]:
        with pump.lock:
            # Whoever asks may have looked before another function took this one's place.
            if self.workers.get(worker.type) is not worker:
                return []
            shard = pump.own()
            if shard is not None and shard.courier is None:
                return self._take_own(shard, worker, limit)
        if shard is None:
            # With several shards each process does the jobs of its own.
            return [] if self.pumps.many else self._take_outside(pump, worker, limit, EVERYBODY)
        if shard.carrier(worker.type) is not None:
            return []  # a courier takes them to their workers
        return self._take_outside(pump, worker, limit, shard.span)

    def _take_own(self, shard: Shard, worker: Worker, limit: int) -> list[Work]:
        board, now = shard.board, self.pumps.clock()
        board.look(worker.type, now)
        works: list[Work] = []
        for offer in board.take(worker.type, limit, now, worker.timeout_ms):
            resident = shard.residents.working(offer.tenant, offer.instance)
            work = worker.work(offer, resident) if resident is not None else None
            if work is None:
                board.close(offer.key)
            else:
                works.append(work)
        return works

    def report(self, answers: Sequence[AnyRequest]) -> None:
        """Hands the workers' answers in. What comes too late is refused, and said so.

        Raises `StoreError` when some could not be stored; they are kept, and handed in with the next ones.
        """
        tickets = [Ticket(answer) for answer in answers]
        lost: StoreError | None = None
        try:
            self.pumps.submit(tickets)
        except StoreError as error:
            lost = error
        for ticket, answer in zip(tickets, answers, strict=True):
            if not ticket.done or isinstance(ticket.error, StoreError):
                # The work is done; as long as its lease holds, only the answer has to be tried again.
                self._kept.append(answer)
                lost = lost or cast("StoreError", ticket.error)
            elif isinstance(ticket.error, NotFound):
                _LOG.warning("a worker's result was refused: %s", ticket.error)
            elif isinstance(ticket.error, ProcessionError):
                _LOG.error("a worker's result could not be taken: %s", ticket.error)
        if lost is not None:
            raise lost

    def report_kept(self) -> None:
        """Hands in what could not be stored before. Raises `StoreError` when it still cannot: then no more is taken."""
        kept: list[AnyRequest] = []
        while self._kept:
            kept.append(self._kept.popleft())
        if kept:
            self.report(kept)

    def _take_outside(self, pump: Pump, worker: Worker, limit: int, span: tuple[int, int]) -> list[Work]:
        """Another process owns the shard, and leases jobs to this one through the inbox; or several own it together,
        and only what is a row holds among them."""
        works: list[Work] = []
        # A look into the rows first, so that an idle worker writes nothing.
        now = pump.clock()
        rows = pump.store.read("job_tenants", (*span, worker.type), DueRow)
        waiting = [row.tenant for row in rows if row.due <= now]
        tenants = pump.store.read("tenants", EVERYBODY, NamedRow) if waiting else ()
        names = {row.number: row.name for row in tenants}
        for number in waiting:
            name = names[number]
            answer = pump.call(ActivateJobs(name, worker.type, limit, "process", worker.timeout_ms))
            for job in cast("list[dict[str, Json]]", answer):
                works.append(worker.outside_work(job, name))
        return works

    def _put_back(self, works: Sequence[Work]) -> None:
        for pump in self.pumps.all:
            shard = pump.shard
            if shard is None:
                continue
            with pump.lock:
                for work in works:
                    offer = shard.board.offers.get(work.key)
                    if offer is not None and offer.token == work.token:
                        shard.board.put_back(offer)
