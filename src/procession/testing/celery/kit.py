"""The kit: a store, an engine that asks, and a Celery worker of this process that does, on a clock that stands still.

Both have a connection and a memory of their own, as two processes would, and take turns in the shard. One kit serves
many scenarios, one after the other, each with a tenant of its own. Every job and wake-up goes over the broker.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, final

import msgspec
from celery import Celery, signals
from celery.contrib.testing.worker import start_worker
from celery.exceptions import Ignore

from procession.base.failure import NotFound, ProcessionError
from procession.hosts.celery import CeleryHost
from procession.hosts.celery.courier import CeleryCourier
from procession.hosts.celery.names import Place, place_of
from procession.hosts.embedded.engine import Engine
from procession.hosts.embedded.pump import Pump
from procession.hosts.embedded.tickets import InHouse
from procession.runtime import requests as q
from procession.runtime.courier import Courier
from procession.runtime.elsewhere import Placement
from procession.runtime.ports import Store
from procession.services.catalog import Catalog
from procession.store.sqlite import SQLiteStore
from procession.testing.engines import open_job

ARRIVES_S: Final = 60.0
"""How long a job may take from its fact to its task, and an answer to be taken."""
WAKES_S: Final = 0.1
SHM: Final = Path("/dev/shm")
DESK: Final = "procession.test.desk"
ANSWER: Final = "procession.test.answer"
RELAYED_MAX: Final = 256


@final
class CeleryKit:
    """Everything in one process, over the broker at `url`."""

    def __init__(
        self,
        url: str,
        queue: str,
        *,
        pool: str = "solo",
        store: Callable[[], Store] | None = None,
        moving: bool = False,
    ) -> None:
        """`store` opens the store anew for each of the two; without, it is a file. With `moving` an engine of one
        process takes over from the workers, or leaves all to them again, whenever a scenario would open its engine
        anew."""
        self.moving = moving
        # In memory where the machine has a place for that: both have a connection, and nothing has to outlive them.
        place = SHM if SHM.is_dir() else None
        self._folder = tempfile.TemporaryDirectory(prefix="procession-celery-", dir=place)
        path = Path(self._folder.name) / "kit.db"
        self.open = store or (lambda: SQLiteStore(path))
        self.clock: Callable[[], int] = lambda: 0
        self.app = Celery(queue, broker=url, set_as_current=False)
        self.app.conf.update(
            task_default_queue=queue,
            worker_hijack_root_logger=False,
            broker_connection_retry_on_startup=True,
            broker_transport_options={"polling_interval": 0.01},
            worker_enable_remote_control=False,
        )
        self._moved = threading.Condition()
        self._lying: dict[int, Place] = {}
        self._answers: dict[str, tuple[object, Exception | None]] = {}
        self._asked: dict[str, InHouse] = {}
        self._told = 0
        self._done = 0
        self.host = CeleryHost(self.app, open=self._opened, tasks=lambda type: DESK, lost=3_600)
        # Nothing is due later on a clock that stands still: who moves it sees to what is due then.
        self.host.options.horizon_ms = 0
        self.app.steps["worker"].clear()
        self.app.task(name=DESK, acks_late=True, typing=False, shared=False)(self._lay)
        self.app.task(name=ANSWER, acks_late=True, shared=False)(self._answer)
        signals.task_postrun.connect(self._counted, weak=False)
        self.store: Store = self.open()
        self.courier = CeleryCourier(self.app, self.host.options, self._misfit)
        self.pump = Pump(self.store, clock=self._now, zone="UTC", courier=self.courier)
        self._worker = start_worker(self.app, concurrency=1, pool=pool, loglevel="ERROR", perform_ping_check=False)
        self._worker.__enter__()

    def beside(self, placement: Placement) -> None:
        """Instances may be on another host from now on; both sides know how they reach it."""
        for pump in (self.pump, self.host.engine().pump):
            pump.placement = placement
            pump.lost()

    def _opened(self, courier: Courier) -> Engine:
        return Engine(store=self.open(), clock=self._now, courier=courier, scripts=False)

    def _now(self) -> int:
        return self.clock()

    def _counted(self, task: Any = None, **_: object) -> None:
        if task.app is self.app:
            with self._moved:
                self._done += 1
                self._moved.notify_all()

    def _lay(self, **variables: object) -> None:
        task = self.app.current_task
        place = place_of(task.request.id) if task is not None else None
        if place is None:
            raise Ignore  # it only wakes the worker
        with self._moved:
            self._lying[place.job] = place
            self._moved.notify_all()
        raise Ignore  # whoever runs the scenario says what becomes of it

    def _answer(self, id: str) -> None:
        result: object = None
        failed: Exception | None = None
        try:
            result = self.host.engine().hosting.call(self._asked.pop(id))
        except Exception as error:  # whatever it is, it belongs to who asked
            failed = error
        with self._moved:
            self._answers[id] = (result, failed)
            self._moved.notify_all()

    def _misfit(self, parcel: object, error: str) -> None:
        raise ProcessionError(f"the desk takes every job: {error}")

    def answer(self, request: q.FinishJob | q.FailJob | q.ThrowJob) -> object:
        """Lets the worker answer a job, when it lies on the desk."""
        deadline = time.monotonic() + ARRIVES_S
        tenant = Catalog(self.store).tenants[request.tenant]
        token = open_job(self.pump, self.store, tenant, request.job).token
        with self._moved:
            while (place := self._lying.get(request.job)) is None or place.token != token:
                if not self._moved.wait(deadline - time.monotonic()):
                    raise NotFound(f"job {request.job} did not become a task in {ARRIVES_S:g} s")
            id = f"{self.app.main}-{self._told}"
            self._told += 1
            self._asked[id] = msgspec.structs.replace(request, token=token)
        self.app.send_task(ANSWER, (id,))
        with self._moved:
            while id not in self._answers:
                if not self._moved.wait(deadline - time.monotonic()):
                    raise ProcessionError(f"the worker did not answer in {ARRIVES_S:g} s")
            result, error = self._answers.pop(id)
        if error is not None:
            raise error
        return result

    def settled(self) -> None:
        """Returns when every message that was sent has been taken."""
        deadline = time.monotonic() + ARRIVES_S
        with self._moved:
            while self._done < self.courier.sent + self.host.courier().sent + self._told:
                if not self._moved.wait(min(0.05, max(0.0, deadline - time.monotonic()))) and (
                    time.monotonic() > deadline
                ):
                    raise ProcessionError(f"the broker did not bring every message in {ARRIVES_S:g} s")

    def turn(self) -> bool:
        """What the sweeper would do, and what is on its way; whether there may be more."""
        busy = self.pump.turn()
        self.pump.relay(RELAYED_MAX)
        self.settled()
        with self.pump.lock:  # the memory of who only looks is as old as his last turn
            pass
        return busy

    def zone(self, zone: str) -> None:
        """What local times of timers mean from now on, on both sides."""
        for pump in (self.pump, self.host.engine().pump):
            pump.zone = zone
            with pump.lock:
                shard = pump.own()
                assert shard is not None
                shard.zone = zone

    def reach(self) -> None:
        """Raises an error of the client if the broker cannot be reached."""
        with self.app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=int(ARRIVES_S))

    def close(self) -> None:
        """Ends worker and engines."""
        # It looks whether it is to end when a message comes, and else some seconds later.
        waking = threading.Timer(WAKES_S, self.app.send_task, (DESK,))
        waking.start()
        self._worker.__exit__(None, None, None)
        waking.join()
        signals.task_postrun.disconnect(self._counted)
        self.host.close()
        self.pump.release()
        self.store.close()
        self.app.close()
        self._folder.cleanup()


@final
class OnCelery:
    """See `engines.Engines`: one scenario's view of a kit."""

    def __init__(self, kit: CeleryKit, clock: Callable[[], int], zone: str) -> None:
        self._kit = kit
        self._zone = zone
        self.pump = kit.pump
        self.store = kit.store
        kit.clock = clock
        kit.zone(zone)
        self.tenant = ""

    def take_tenant(self, known: int) -> str:
        """See `Engines.take_tenant`."""
        self.tenant = f"{self._kit.app.main}-{known}"
        return self.tenant

    def renew(self) -> None:
        """See `Engines.renew`: neither side remembers anything. On a kit that moves, the store changes hands."""
        if self._kit.moving:
            self._change_hands()
        self.pump.lost()
        self._kit.host.engine().pump.lost()

    @property
    def _alone(self) -> bool:
        """Whether an engine of one process has the store, and no worker."""
        return self.pump is not self._kit.pump

    def _change_hands(self) -> None:
        if self._alone:
            self.pump.release()
            self.pump.store.close()
            self.pump = self._kit.pump
        else:
            self.pump = Pump(self._kit.open(), clock=self._kit.clock, zone=self._zone, takeover=True)
        while self.turn():
            continue

    def call(self, request: InHouse) -> object:
        """See `Engines.call`. Jobs are tasks, so they are answered by the worker."""
        if isinstance(request, q.FinishJob | q.FailJob | q.ThrowJob) and not self._alone:
            return self._kit.answer(request)
        return self.pump.call(request)

    def moved(self, by: int) -> None:
        """See `Engines.moved`."""

    def next_timer(self) -> int | None:
        """See `Engines.next_timer`."""
        return None

    def turn(self) -> bool:
        """See `Engines.turn`."""
        return self.pump.turn() if self._alone else self._kit.turn()

    def close(self) -> None:
        """See `Engines.close`: the kit stays with the workers."""
        if self._alone:
            self._change_hands()
