"""The courier: jobs become tasks by the name of their type, wake-ups become tasks with a time (`runtime.courier`).

What it cannot send now it leaves to the sweeper. What must not live here: what a job's outcome means.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, cast, final

from celery import Celery
from kombu.exceptions import KombuError, OperationalError

from procession.base.values import Json
from procession.hosts.celery.arguments import arguments
from procession.hosts.celery.line import producers
from procession.hosts.celery.names import HEADER, HOST, WAKE, Place
from procession.hosts.celery.options import Options
from procession.runtime.courier import Parcel, Wake

DOWN_S: Final = 1.0
"""After a failure nothing is sent for so long: who is in the middle of his work waits for no broker that is away."""
DOWN_TIMES: Final = 5
"""Nor for one that says nothing: nothing is sent for so many times what the failure took."""
KEPT_MAX: Final = 1_000
"""Messages that wait for the broker in a process. What is more is left to the sweeper."""
NOW_MS: Final = 20
"""What is due so soon is sent as due."""

_LOG: Final = logging.getLogger("procession")
FAULTS: Final = (KombuError, OperationalError, OSError)
"""What says that a broker takes no messages."""


@final
class CeleryCourier:
    """See `runtime.courier.Courier`. Thread-safe; every process has one of its own."""

    def __init__(self, app: Celery, options: Options, misfit: Callable[[Parcel, str], object]) -> None:
        """`misfit` is told of a job that cannot be given to its task, and why."""
        self._app = app
        self._options = options
        self._misfit = misfit
        self._lock = threading.Lock()
        self._down_until = 0.0
        self._told = False
        self._kept: deque[Parcel | Wake] = deque(maxlen=KEPT_MAX)
        self.sent = 0
        self.unsent = 0
        """Messages that the broker took, and that it did not take at once, since the process began."""

    @property
    def host(self) -> str:
        """See `Courier.host`."""
        return HOST

    @property
    def lost_ms(self) -> int:
        """See `Courier.lost_ms`."""
        return self._options.lost_ms

    @property
    def horizon_ms(self) -> int:
        """See `Courier.horizon_ms`."""
        return self._options.horizon_ms

    def carries(self, type: str) -> bool:
        """See `Courier.carries`."""
        return type not in self._options.external

    def send(self, parcels: Sequence[Parcel | Wake]) -> None:
        """See `Courier.send`. What the broker did not take before goes first."""
        with self._lock:
            waiting = [*self._kept, *parcels] if time.monotonic() >= self._down_until else []
            if waiting:
                self._kept.clear()
        for n, parcel in enumerate(waiting):
            begun = time.monotonic()
            try:
                if isinstance(parcel, Wake):
                    self._wake(parcel)
                else:
                    self._job(parcel)
                self.sent += 1
                self._told = False
            except FAULTS as error:
                self._down(error, time.monotonic() - begun)
                self._keep(waiting[n:], min(len(waiting) - n, len(parcels)))
                return
        if not waiting:
            self._keep(parcels, len(parcels))

    def _keep(self, waiting: Sequence[Parcel | Wake], new: int) -> None:
        with self._lock:
            self._kept.extend(waiting)
            self.unsent += new

    def _down(self, error: BaseException, took: float) -> None:
        with self._lock:
            self._down_until = time.monotonic() + max(DOWN_S, DOWN_TIMES * took)
            if not self._told:
                self._told = True
                _LOG.warning(
                    "the broker takes no messages (%s); what is committed is sent when it does, within %g s",
                    error,
                    (self._options.lost_ms + self._options.sweep_ms) / 1000,
                )

    def _wake(self, wake: Wake) -> None:
        send(self._app, self._options, WAKE, (wake.shard,), eta=_eta(wake.due))

    def _job(self, parcel: Parcel) -> None:
        job = parcel.job
        type = cast("str", job["type"])
        name = self._options.task_of(type)
        task: Any = self._app.tasks.get(name)
        adapted: Any = getattr(task, "procession_worker", None)
        if adapted is not None:
            variables = cast("Mapping[str, Json]", job["variables"])
            names = adapted.names
            kwargs: dict[str, Any] = {each: variables[each] for each in names or variables if each in variables}
        else:
            kwargs = arguments(parcel, task.run if task is not None else None)
        place = Place(parcel.number, int(cast("str", job["key"])), int(cast("str", job["token"])))
        header = {each: value for each, value in job.items() if each != "variables"} | {"tenant": parcel.tenant}
        options: dict[str, Any] = {
            "task_id": str(place),
            "eta": _eta(parcel.due),
            "headers": {HEADER: header},
            "ignore_result": self._options.ignore_result,
            "retry": False,
        }
        queue = self._options.queue_of(parcel)
        if queue:
            options["queue"] = queue
        try:
            with producers(self._app).acquire(block=True) as producer:
                if task is not None:
                    task.apply_async((), kwargs, producer=producer, **options)
                else:
                    self._app.send_task(name, (), kwargs, producer=producer, **options)
        except TypeError as error:
            # Celery holds the arguments against the task's signature. No attempt can go better than this one.
            self._misfit(parcel, str(error))


def send(app: Celery, options: Options, name: str, args: tuple[object, ...] = (), **how: object) -> None:
    """Sends one of the host's own messages, and tries it once unless `how` says otherwise; raises one of `FAULTS`."""
    given: dict[str, Any] = {"retry": False, **how}
    with producers(app).acquire(block=True) as producer:
        app.send_task(name, args, queue=options.queue or None, ignore_result=True, producer=producer, **given)


def _eta(due: int) -> datetime | None:
    return datetime.fromtimestamp(due / 1000, UTC) if due > time.time_ns() // 1_000_000 + NOW_MS else None
