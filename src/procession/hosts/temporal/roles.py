"""What the processes of a worker do: those of workflows, and those of activities.

They are spawned, never forked: the SDK's machinery does not survive a fork. Each says that it is ready, and each second
that it lives. It ends, after what is under way, when it is told to or its stdin ends. What must not live here: who
starts them (supervisor.py), and where functions come from (the command line).
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Final, TypeAlias

from temporalio.client import Client
from temporalio.worker import Worker

from procession.hosts.temporal.activities import JobWorkers, Perform
from procession.hosts.temporal.cells.cell_reader import load_cell
from procession.hosts.temporal.cluster import Histories, Loop, check_namespace, codec_of, connect, converter_of
from procession.hosts.temporal.metrics import measures_of, serve_metrics
from procession.hosts.temporal.place import Place, job_queue, settle
from procession.runtime import tracing as spans

BEAT_S: Final = 1.0
END_S: Final = 60.0
"""How long a worker may take to end, beyond the grace of its jobs."""
THREADS: Final = 16
"""For local activities: what instances ask the store."""

Say: TypeAlias = Callable[[Mapping[str, object]], None]
"""Takes a line for whoever started this process."""


def run_workflows(place: Place, say: Say) -> None:
    """Runs workflows until it is told to end. The store's owner, another process, hands out keys and takes reports."""
    # Late, so that processes for jobs load nothing of the interpreter.
    from procession.hosts.temporal.asking import Asking
    from procession.hosts.temporal.reporter import Reporter
    from procession.hosts.temporal.worker import workflow_worker
    from procession.store.sqlite import SQLiteStore

    over = _told()
    store = SQLiteStore(place.db)
    try:
        with _connected(place) as (loop, client):
            reporter = Reporter(store, Histories(client, loop))
            measures = measures_of(tenants=place.tenants)

            async def started() -> tuple[Worker, asyncio.Task[None]]:
                worker = workflow_worker(
                    client,
                    store,
                    reporter,
                    Asking(store).keys,
                    queue=place.queue,
                    cached=place.cached,
                    measures=measures,
                    deployment=place.deployment,
                )
                return worker, asyncio.create_task(worker.run())

            worker, running = loop.run(started())
            _settled(say, [place.queue])
            while not over.wait(BEAT_S) and not running.done():
                say({"beat": time.time()})
                measures.reporter(reporter)
            loop.run(_ended(worker, running), END_S)
            reporter.close()
    finally:
        store.close()


def run_activities(place: Place, types: Mapping[str, int], perform: Perform, say: Say) -> None:
    """Does jobs until it is told to end. `types` are those that `perform` does, each with how many at a time."""
    over = _told()
    with _connected(place) as (loop, client):
        perform = measures_of(tenants=place.tenants).jobs(perform)

        async def started() -> JobWorkers:
            workers = JobWorkers(client, partial(job_queue, place), perform, grace_s=place.grace)
            for type, slots in types.items():
                await workers.serve(type, slots)
            return workers

        workers = loop.run(started())
        _settled(say, [job_queue(place, type) for type in types])
        while not over.wait(BEAT_S) and workers.running:
            say({"beat": time.time()})
        loop.run(workers.close(), place.grace + END_S)


@contextmanager
def _connected(place: Place) -> Generator[tuple[Loop, Client]]:
    if place.metrics:
        serve_metrics(place.metrics)
    spans.configure("procession-worker")
    loop = Loop()
    try:
        loop.loop.set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="procession-local"))
        yield loop, loop.run(_client(place))
    finally:
        loop.close()
        spans.flush()


async def _client(place: Place) -> Client:
    client = await connect(
        place.address,
        place.namespace,
        converter_of(codec_of(place.codec)),
        identity=place.identity,
        cell=load_cell(Path(place.cell)) if place.cell else None,
    )
    # A worker without its namespace ends with words that nobody reads.
    await check_namespace(client)
    return client


def _settled(say: Say, queues: Sequence[str]) -> None:
    settle()
    say({"ready": queues})


async def _ended(worker: Worker, running: asyncio.Task[None]) -> None:
    if not running.done():
        await worker.shutdown()
    await running


def _told() -> threading.Event:
    """Set when this process is to end: by SIGTERM, by SIGINT, or because whoever started it is gone."""
    over = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        over.set()

    def listen() -> None:
        # Nothing is ever written there: it ends with the process at the other end.
        while os.read(0, 1):
            continue
        over.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    threading.Thread(target=listen, name="procession-leash", daemon=True).start()
    return over
