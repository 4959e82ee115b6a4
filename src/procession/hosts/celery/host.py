"""The host on Celery: what an application says once, beside its Celery app (docs/celery.md).

What must not live here: what becomes of a job (performing.py), and how messages are made (courier.py).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar, cast, final

from celery import Celery, signals
from celery.app.task import Task
from celery.exceptions import Reject

from procession.base.failure import BadValue, ProcessionError, StoreError
from procession.base.job import Function, error_text
from procession.base.signature import Signature
from procession.base.values import Json, told
from procession.hosts.celery.courier import CeleryCourier, send
from procession.hosts.celery.names import ATTRIBUTE, LOST, SWEEP, WAKE, Place, place_of
from procession.hosts.celery.opening import Engine, Engines, Open, opener
from procession.hosts.celery.options import LOST_S, SWEEP_S, Options, Route
from procession.hosts.celery.performing import perform
from procession.hosts.celery.sweeper import Sweeper
from procession.runtime.courier import Parcel, Wake
from procession.runtime.requests import AnyRequest, FailJob
from procession.runtime.rows import DueRow, JobRow, NamedRow, TimerRow
from procession.runtime.tenants import EVERYBODY, span_of

ROUNDS_MAX: Final = 64
"""Rounds of one wake-up; what is left then is another one's, so that jobs have their turn."""
RELAYED_MAX: Final = 256
"""Jobs of one commit that are sent again."""
TIMERS_MAX: Final = 1_000
"""Timers of one tenant for which one sweep sends wake-ups; those behind them follow when these have fired."""

_LOG: Final = logging.getLogger("procession")
_F = TypeVar("_F", bound=Function)
_WRAPPED: Final = "procession_wrapped"


@final
class CeleryHost:
    """Processes on a Celery app. Nothing is opened before it is needed, so it may stand in the app's module."""

    def __init__(
        self,
        app: Celery,
        store: str | Path | None = None,
        *,
        open: Open | None = None,
        queues: Route = "",
        queue: str = "",
        tasks: Callable[[str], str] | None = None,
        external: Collection[str] = (),
        lost: float = LOST_S,
        sweep: float = SWEEP_S,
        ignore_result: bool = True,
    ) -> None:
        """`store` is a path or URL, else `open` opens an engine with the courier that it is given.

        `queues` names the queue of a job (`"jobs.{tenant}.{process}.{type}"`, or a function of the job), `queue` that
        of wake-ups; without, Celery's own routing does. `tasks` names the task of a job type, which is the type itself
        if nothing is said. Types that are `external` are left to workers of the server. A job that nobody answered
        for `lost` seconds is sent again; every `sweep` seconds it is looked what a broker lost. Raises `BadValue`.
        """
        if (store is None) == (open is None):
            raise BadValue("name either the store, or how an engine on it is opened")
        self.app = app
        self.options = Options(
            queues=queues,
            queue=queue,
            tasks=tasks,
            external=external,
            lost=lost,
            sweep=sweep,
            ignore_result=ignore_result,
        )
        self.lost_ms = self.options.lost_ms
        self._workers: dict[str, tuple[Function, Mapping[str, Any]]] = {}
        self._courier: CeleryCourier | None = None
        self._engines = Engines(open or opener(cast("str | Path", store)), self.courier, self._furnish)
        self._register()

    def courier(self) -> CeleryCourier:
        """The courier of this process."""
        if self._courier is None:
            self._courier = CeleryCourier(self.app, self.options, self._misfit)
        return self._courier

    def engine(self) -> Engine:
        """The engine of this process, for whoever deploys, starts, asks. It is closed with the process."""
        return self._engines.get()

    def close(self) -> None:
        """Closes the engine of this process."""
        self._engines.close()

    def worker(self, type: str, *, backoff: Sequence[float] = (), **options: object) -> Callable[[_F], _F]:
        """Registers a function for the jobs of a type, as `Engine.worker` does: it becomes the Celery task of that
        name. `options` are Celery's (`queue`, `time_limit`, …). Raises `TypeError` as `Engine.worker`."""

        def register(function: _F) -> _F:
            signature = Signature(type, function)
            self._workers[type] = (function, {"backoff": backoff})

            def work(**variables: object) -> None:
                raise BadValue(f"task {type!r} does jobs of processes, and is sent by them alone")

            work.__doc__ = function.__doc__
            name = self.options.task_of(type)
            made: Any = self.app.task
            task = made(**{"acks_late": True, "typing": False, **options, "name": name, "shared": False})(work)
            task.procession_worker = signature
            return function

        return register

    # --- what a task needs of the engine of its process: `performing.Door`

    def is_open(self, place: Place) -> bool:
        """See `Door.is_open`."""
        rows = self.engine().store.read("job", (place.number, place.job), JobRow)
        return bool(rows) and rows[0].token == place.token

    def call(self, request: AnyRequest) -> object:
        """See `Door.call`."""
        return self.engine().call(request)

    def answered(self, job: Mapping[str, Json], tenant: str) -> AnyRequest:
        """See `Door.answered`."""
        return self.engine().crew.answered(job, tenant)

    # --- the host's own tasks

    def wake(self, shard: int) -> None:
        """Does what is due in a shard."""
        pump = self.engine().pumps.all[shard]
        for _ in range(ROUNDS_MAX):
            if not pump.turn():
                return
        self.courier().send([Wake(shard, 0)])

    def sweep(self) -> int:
        """Does what is due in all shards, sends again what was lost, and what comes soon; how many messages."""
        found = 0
        pumps = self.engine().pumps
        pumps.set_clock()
        now = pumps.clock()
        for number, pump in enumerate(pumps.all):
            self.wake(number)
            while (some := pump.relay(RELAYED_MAX)) == RELAYED_MAX:
                found += some
            found += some
            found += self._announce(number, now + self.options.horizon_ms)
        return found

    def _announce(self, shard: int, until: int) -> int:
        """Wakes a shard when its timers are due, as far as they are due until then (Unix ms)."""
        due: set[int] = set()
        store = self.engine().store
        for row in store.read("timer_tenants", span_of(shard), DueRow):
            if row.due <= until:
                due.update(each.due for each in store.read("timers_due", (row.tenant, until, TIMERS_MAX), TimerRow))
        self.courier().send([Wake(shard, each) for each in sorted(due)])
        return len(due)

    def lost(self, id: str, error: str) -> None:
        """A task ended without having told what became of its job: killed, or at a hard time limit."""
        place = place_of(id)
        if place is None or not self.is_open(place):
            return
        engine = self.engine()
        names = {row.number: row.name for row in engine.store.read("tenants", EVERYBODY, NamedRow)}
        try:
            engine.call(FailJob(names[place.number], place.job, error, place.token))
        except ProcessionError as late:
            _LOG.info("job %s: %s", place.job, late)

    def _misfit(self, parcel: Parcel, error: str) -> None:
        job, token = int(cast("str", parcel.job["key"])), int(cast("str", parcel.job["token"]))
        self.call(FailJob(parcel.tenant, job, f"its task cannot be called: {error}", token, 0))

    def _furnish(self, engine: Engine) -> None:
        for type, (function, options) in self._workers.items():
            engine.worker(type, **options)(function)

    def _register(self) -> None:
        own: dict[str, Any] = {"shared": False, "acks_late": True, "ignore_result": True, "reject_on_worker_lost": True}

        def guarded(what: Callable[..., object]) -> Callable[..., None]:
            def run(*args: object) -> None:
                try:
                    what(*args)
                except StoreError as error:
                    # The sweeper comes again; a message that is given out at once would only turn in circles.
                    raise Reject(error, requeue=False) from error

            return run

        for name, what in ((WAKE, self.wake), (SWEEP, self.sweep), (LOST, self.lost)):
            made: Any = self.app.task
            made(name=name, **own)(guarded(what))
        steps: Any = self.app.steps
        steps["worker"].add(Sweeper)
        setattr(self.app, ATTRIBUTE, self)  # where the sweeper of a worker finds it
        signals.worker_init.connect(self._wrap_all, weak=False)
        signals.import_modules.connect(self._wrap_all, weak=False)
        signals.worker_process_shutdown.connect(self._ended, weak=False)
        signals.worker_shutdown.connect(self._ended, weak=False)
        signals.task_failure.connect(self._failed, weak=False)
        signals.task_unknown.connect(self._unknown, weak=False)

    def _ended(self, **_: object) -> None:
        self.close()

    def _wrap_all(self, **_: object) -> None:
        for task in list(self.app.tasks.values()):
            if not task.name.startswith(("celery.", "procession.")):
                self._wrap(task)

    def _wrap(self, task: Any) -> None:
        """Around the code of a task: where it does a job, the outcome is stored before it ends."""
        cls = cast("Any", type(task))
        if _WRAPPED in vars(cls):
            return
        host, inner = self, cast("Callable[..., object]", cls.__call__)
        custom = inner is not cast("Any", Task).__call__

        def call(task: Any, *args: object, **kwargs: object) -> object:
            place = None if task.request.called_directly else place_of(task.request.id)
            run = (lambda: inner(task, *args, **kwargs)) if custom else (lambda: task.run(*args, **kwargs))
            return run() if place is None else perform(host, task, place, run)

        cls.__call__ = call
        setattr(cls, _WRAPPED, True)

    def _failed(
        self, sender: Any = None, task_id: str = "", exception: BaseException | None = None, **_: object
    ) -> None:
        """Celery tells of every failure; what the task's own process could not tell is told here, in the main one."""
        from billiard.exceptions import TimeLimitExceeded, WorkerLostError

        if isinstance(exception, (TimeLimitExceeded, WorkerLostError)) and place_of(task_id) is not None:
            self._tell(task_id, told(error_text(exception)))

    def _unknown(self, name: str = "", id: str = "", **_: object) -> None:
        """A worker threw a message away, for it has no such task. Another one may have: that is an attempt."""
        if place_of(id) is not None:
            self._tell(id, f"a worker has no task {name!r}: does it include the module in which that is?")

    def _tell(self, id: str, error: str) -> None:
        send(self.app, self.options, LOST, (id, error), retry=None)  # as the app says: nobody tells it again
