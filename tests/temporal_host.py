"""An engine whose instances run on a real Temporal server, in real time: its workers come and go as a test likes.

The store and its engine are this process's; workers of workflows and of jobs are started and stopped one by one, here
or in a process of their own (`temporal_child.py`). What must not live here: any check.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol, Self, TypeVar, cast, final

import msgspec
import pytest
from temporalio.client import Client
from temporalio.converter import DataConverter
from temporalio.worker import Worker

import temporal_child
from fault_models import document, message, process
from procession.base.failure import ProcessionError, StoreError
from procession.base.values import Json
from procession.hosts.embedded.pump import Pump
from procession.hosts.temporal.cluster import DATA_CONVERTER, Histories, Loop
from procession.hosts.temporal.ids import workflow_id
from procession.hosts.temporal.payloads import Settings
from procession.hosts.temporal.placement import TemporalPlacement
from procession.hosts.temporal.reporter import Reporter
from procession.hosts.temporal.sweeper import Sweeper
from procession.hosts.temporal.worker import workflow_worker
from procession.runtime import requests as q
from procession.runtime.canonical import canonical
from procession.runtime.rows import FactRow, IncidentRow, InstanceRow
from procession.services.views import Views
from procession.store.sqlite import SQLiteStore
from temporal_child import READY, Orders
from temporal_jobs import Work, jobs_worker

T = TypeVar("T")

TENANT: Final = "<default>"
WAITS_S: Final = 60.0
"""How long a test waits for what a server promises, and promises no moment for."""

BRIEF: Final = timedelta(seconds=3)


def _deaf(arrived: list[q.Arrived]) -> object:
    raise StoreError("the engine is stopped")


async def _end_the_rest() -> None:
    """What is still under way, such as a call of a cluster that is not there."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for each in rest:
        each.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


def wall_ms() -> int:
    """Unix ms."""
    return time.time_ns() // 1_000_000


def eventually(what: Callable[[], T], holds: Callable[[T], object] = bool, *, seconds: float = WAITS_S) -> T:
    """What is asked for, once it holds; fails with the last answer."""
    deadline = time.monotonic() + seconds
    pause = 0.01
    while not holds(answer := what()):
        if time.monotonic() > deadline:
            pytest.fail(f"it did not come to hold in {seconds:.0f} s; the last answer:\n{answer}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)
    return answer


@final
class Running:
    """A worker of this process."""

    def __init__(self, loop: Loop, made: Callable[[], Worker], *, and_then: Callable[[], None] = lambda: None) -> None:
        self._loop = loop
        self._and_then = and_then
        self.worker, self._task = loop.run(self._started(made))

    @staticmethod
    async def _started(made: Callable[[], Worker]) -> tuple[Worker, asyncio.Task[None]]:
        worker = made()
        return worker, asyncio.create_task(worker.run())

    def stop(self) -> None:
        """Ends it as an operator would. Idempotent."""
        if self._task.done():
            return
        self._loop.run(self.worker.shutdown())
        self._and_then()


@final
class Host:
    """The book and its engine, which turns in a thread of its own."""

    def __init__(
        self,
        address: str,
        namespace: str,
        path: Path | str = ":memory:",
        *,
        reaches: str = "",
        converter: DataConverter = DATA_CONVERTER,
        **settings: Any,
    ) -> None:
        """`reaches` is where the placement sends, if it is not `address`; `settings` are those of instances."""
        self.path = path
        self.store = SQLiteStore(path)
        self.loop = Loop()
        self.address = address
        self.namespace = namespace
        self.converter = converter
        self.client = self._connected(address, converter)
        # A task that failed is tried again after the task's timeout; the server's ten seconds are long for a test.
        setattr(self.client, "start_workflow", partial(self.client.start_workflow, task_timeout=BRIEF))  # noqa: B010
        self.queue = f"workflows-{time.time_ns()}"
        self.settings = Settings(**({"job_queue": f"{self.queue}-jobs"} | settings))
        sender = self._connected(reaches, converter) if reaches else self.client
        self.placement = TemporalPlacement(
            sender, self.loop, self.store, queue=self.queue, settings=self.settings
        )  # fmt: skip
        self.pump = Pump(self.store, clock=wall_ms, zone="UTC", placement=self.placement)
        self.placement.tells(self.pump.call_all)
        self.troubles: list[str] = []
        """What the engine's thread could not do."""
        self._running: list[Running] = []
        self._over = threading.Event()
        self._engine = threading.Thread(target=self._turn, name="engine")
        self._engine.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._running:
            each.stop()
        self._over.set()
        self._engine.join()
        self.pump.release()
        self.loop.run(_end_the_rest())
        self.store.close()
        self.loop.close()

    def _connected(self, address: str, converter: DataConverter) -> Client:
        # A placement must be able to begin before its cluster is there.
        connecting = Client.connect(
            address, namespace=self.namespace, data_converter=converter, lazy=address != self.address
        )
        return self.loop.run(connecting)

    def stop_engine(self) -> None:
        """Nothing goes on by itself any more: nobody sends, and nobody takes reports in."""
        self.placement.tells(_deaf)
        self._over.set()
        self._engine.join()

    def leave(self) -> None:
        """The store is nobody's. The engine must have been stopped."""
        self.pump.release()

    def _turn(self) -> None:
        while not self._over.is_set():
            try:
                self.pump.keep()
                if not self.pump.turn():
                    self.pump.bell.wait(self.pump.bell.generation, 0.01)
            except ProcessionError as error:
                self.troubles.append(str(error))

    # --- workers

    def workflows(self, *, cached: int = 1_000, converter: DataConverter | None = None) -> Running:
        """A worker for the workflows."""
        client = self._connected(self.address, converter or self.converter)
        reporter = Reporter(self.store, Histories(self.client, self.loop), self._told)
        return self._kept(
            lambda: workflow_worker(
                client, self.store, reporter, self._keys, queue=self.queue, cached=cached
            ),
            reporter.close,
        )  # fmt: skip

    def jobs(self, work: Mapping[str, Work], *, queue: str = "") -> Running:
        """A worker for jobs."""
        return self._kept(lambda: jobs_worker(self.client, queue or self.settings.job_queue, work))

    @contextmanager
    def swept(self) -> Generator[None]:
        """What workers left untold is looked after, as it is by an engine that is opened with the host."""
        sweeper = Sweeper(
            self.store, lambda _: self.client, self.loop, posted=self._told, wake=self.placement.wake, after_s=1.0
        )
        sweeper.start()
        try:
            yield
        finally:
            sweeper.close()

    def _kept(self, made: Callable[[], Worker], and_then: Callable[[], None] = lambda: None) -> Running:
        running = Running(self.loop, made, and_then=and_then)
        self._running.append(running)
        return running

    def _keys(self, request: q.TakeKeys) -> tuple[int, int]:
        first, last = cast("list[int]", self.pump.call(request))
        return first, last

    def _told(self) -> None:
        if self.pump.shard is not None:
            self.pump.shard.inbox_waiting = True

    # --- what a user does

    def deploy(self, *documents: tuple[str, bytes]) -> None:
        """Deploys documents."""
        self.pump.call(q.DeployResources(TENANT, list(documents)))

    def start(self, process_id: str, variables: dict[str, Json] | None = None) -> int:
        """The key of a new instance."""
        return cast("int", self.pump.call(q.StartProcess(TENANT, process_id, variables or {})))

    def publish(
        self, name: str, correlation: str, variables: dict[str, Json] | None = None, *, id: str = "", ttl: int = 60_000
    ) -> None:
        """Publishes a message."""
        self.pump.call(q.PublishMessage(TENANT, name, correlation, variables or {}, ttl=ttl, message_id=id))

    # --- what is to be seen

    def workflow(self, instance: int) -> str:
        """The id of its workflow."""
        return workflow_id(TENANT, instance)

    def state(self, instance: int) -> int:
        """0 active, 1 completed, 2 terminated."""
        return self.store.read("instance", (0, instance), InstanceRow)[0].state

    def incidents(self, instance: int) -> list[IncidentRow]:
        """Those that are open."""
        return self.store.read("incidents_instance", (0, instance, 0, 100), IncidentRow)

    def tokens(self, instance: int) -> set[str]:
        """The elements that are active, as the book shows them."""
        if not self.store.read("facts", (0, instance, 0), FactRow):
            return set()
        loaded = Views(self.store).load(TENANT, instance)
        nodes = loaded.linked.nodes
        elements = loaded.state.elements.values()
        return {nodes[each.node].id for each in elements if each is not loaded.state.root}

    def ends(self, *instances: int, seconds: float = WAITS_S) -> None:
        """Waits until all of them have completed."""
        eventually(
            lambda: {each: (self.state(each), self.tokens(each)) for each in instances if self.state(each) != 1},
            lambda left: not left,
            seconds=seconds,
        )

    def canonical(self, instance: int) -> Json:
        """The canonical form of its facts."""
        return canonical_of(Views(self.store), TENANT, instance)


def canonical_of(views: Views, tenant: str, instance: int) -> Json:
    """The canonical form of the stored facts of an instance."""
    program = views.load(tenant, instance).linked.program
    return canonical(program, [entry.fact for entry in views.history(tenant, instance)])


def timer(id: str, duration: str) -> str:
    """A timer catch event; `duration` is ISO 8601, or FEEL after `=`."""
    return (
        f'<bpmn:intermediateCatchEvent id="{id}"><bpmn:timerEventDefinition>'
        f'<bpmn:timeDuration xsi:type="bpmn:tFormalExpression">{duration}</bpmn:timeDuration>'
        "</bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>"
    )


def model(id: str, *elements: str, messages: Mapping[str, str] | None = None) -> tuple[str, bytes]:
    """A process whose elements follow each other, and the correlation keys of its messages by the catching element."""
    more = "".join(message(each, key) for each, key in (messages or {}).items())
    return (f"{id}.bpmn", document(process(id, *elements), more=more))


class Employer(Protocol):
    """Whom a worker in a process of its own works for."""

    address: str
    namespace: str
    path: Path | str
    queue: str
    settings: Settings


@final
class Child:
    """A process of `temporal_child.py`, until it is killed."""

    def __init__(self, host: Employer, *, workflows: bool = False, jobs: bool = False, **more: Any) -> None:
        orders = Orders(
            address=host.address,
            namespace=host.namespace,
            db=str(host.path),
            workflows=host.queue if workflows else "",
            jobs=host.settings.job_queue if jobs else "",
            **more,
        )
        self._process = subprocess.Popen(
            [sys.executable, str(Path(temporal_child.__file__)), msgspec.json.encode(orders)], stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline().decode().strip() == READY
        self.identity = f"{self._process.pid}@{socket.gethostname()}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """As a power cut would."""
        self._process.kill()
        self.dies()

    def dies(self) -> None:
        """Waits until it has ended."""
        self._process.wait(WAITS_S)
        assert self._process.stdout is not None
        self._process.stdout.close()
