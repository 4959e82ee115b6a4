"""Engine: the public door of the embedded host. What it promises stands here; how, in the modules beside it.

Every call that changes something returns after what it did is durable, and raises a `ProcessionError` otherwise.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias, TypeVar, cast, final

from procession.base.decoding import taken
from procession.base.failure import NotFound
from procession.base.job import Choice, Function, Job, job_from
from procession.base.values import Json, checked_all, told
from procession.core.events import AssignTask, CompleteTask, TriggerActivity, UpdateTask
from procession.hosts.embedded.changes import Changes
from procession.hosts.embedded.choice import answered
from procession.hosts.embedded.crew import Crew
from procession.hosts.embedded.door import DEFAULT_TENANT, Source, admitted, known_zone, milliseconds, read_source
from procession.hosts.embedded.hosting import Hosting
from procession.hosts.embedded.instance import Instance
from procession.hosts.embedded.mailbox import start_in
from procession.hosts.embedded.ownership import wall_ms
from procession.hosts.embedded.playing import Play
from procession.hosts.embedded.retention import forget_all
from procession.hosts.embedded.running import Running
from procession.hosts.embedded.scripting import ScriptCrew, crew_of
from procession.hosts.embedded.tickets import InHouse
from procession.hosts.embedded.workers import TIMEOUT_S, Worker, addressed
from procession.runtime import requests as q
from procession.runtime.courier import Courier
from procession.runtime.elsewhere import Host
from procession.runtime.ports import ForeignTransaction, Store
from procession.scripts.ports import Runtime
from procession.services.deploy import Deployment, InstallCompiled
from procession.services.reading import Reader
from procession.services.views import LIMIT, DefinitionView, FaultView, IncidentView, JobView, TaskView
from procession.store.opening import open_store

CALL_TIMEOUT_S: Final = 30.0
"""How long a call waits for the process that owns the store."""

Duration: TypeAlias = "float | str"
"""Seconds, or an ISO 8601 duration."""

_F = TypeVar("_F", bound=Function)


@final
class Engine:
    """A process engine on one store. Thread-safe. Close it, or use it as a context manager."""

    def __init__(
        self,
        path: str | Path = ":memory:",
        *,
        clock: Callable[[], int] | None = None,
        store: Store | None = None,
        zone: str = "UTC",
        call_timeout: float = CALL_TIMEOUT_S,
        takeover: bool = False,
        host: Host | None = None,
        scripts: Runtime | ScriptCrew | bool = True,
        courier: Courier | None = None,
    ) -> None:
        """`clock` gives Unix ms (default: the machine's), `zone` is what local times of timers mean. With a `host`
        (`procession.Temporal`) instances that start from now on are run there; those with a `courier` (`CeleryHost`)
        own the store together. Scripts run in processes of their own, where the extra `js` is installed, in the runtime
        that `scripts` is, or, when it is False, not here.

        Where another process runs an engine on the same store, this one hands its requests to it; `takeover` puts
        that one out of office instead (it is fenced). Raises `StoreError` when the store cannot be used.
        """
        self.clock: Callable[[], int] = clock or wall_ms
        zone = known_zone(zone)
        self.store: Store = store or open_store(path)
        try:
            self.hosting = Hosting(host, self.store)
            self.pumps = self.hosting.pumps(self.clock, zone, takeover=takeover, courier=courier)
        except BaseException:
            self.store.close()
            raise
        self.pump = self.pumps.first
        self.crew = Crew(self.pumps)
        self.hosting.attach(self.crew)
        self.scripts = crew_of(scripts, self.crew)
        self._running = Running(self.pumps, self.crew, virtual=clock is not None)
        self._readers = threading.local()
        self._call_timeout = call_timeout
        self._closed = False

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Engine {self.store.name!r}, {'owner' if self.owner else 'client'}>"

    @property
    def owner(self) -> bool:
        """Whether this process carries out the requests, or another one does it for us."""
        return self.pumps.owned

    def close(self) -> None:
        """Stops serving and lets the store go. Idempotent."""
        if self._closed:
            return
        self._closed = True
        if self.pump.forked:
            return  # the original's locks and files are not ours to let go
        self.stop()
        self.hosting.close()
        self.crew.close()
        self.scripts.close()
        try:
            self.pumps.release()
        finally:
            self.store.close()

    @property
    def changes(self) -> Changes:
        """What changes instances under way: modify, migrate, suspend, restart, one or many."""
        return Changes(self)

    @property
    def play(self) -> Play:
        """For who plays an instance: start one, or look at one, and be told what is next."""
        return Play(self, self.hosting)

    # --- processes

    def deploy(self, *sources: Source, name: str = "", tenant: str = DEFAULT_TENANT) -> Deployment:
        """Deploys documents together: paths, or (file name, bytes). A document that is the latest already stays.

        Raises `Refused` with every diagnostic when one of them is an error; then nothing is deployed.
        """
        resources = [read_source(source) for source in sources]
        admitted(q.DeployResources(tenant, [], name))
        # Compiled here and not by the writer: nobody has to wait for it.
        answer = self.call(InstallCompiled(tenant, self.reader().compiled(tenant, resources), name))
        return taken(answer, Deployment)

    def start(
        self,
        process_id: str,
        variables: Mapping[str, object] | None = None,
        *,
        version: int | None = None,
        business_key: str = "",
        tenant: str = DEFAULT_TENANT,
        connection: ForeignTransaction | None = None,
    ) -> Instance:
        """Starts an instance of the latest version, or of `version`. Raises `NotFound` and `BadValue`.

        With `connection`, the application's own connection to the same file, the start is part of its transaction:
        it happens if, and when, the application commits.
        """
        request = q.StartProcess(
            tenant, process_id, checked_all(variables), version=version or 0, business_key=business_key
        )
        if connection is None:
            return Instance(self, tenant, cast("int", self.call(request)))
        # Nobody waits for what becomes of it, so what cannot become anything is refused here.
        self.reader().definition(admitted(request))
        return Instance(self, tenant, start_in(self.store, connection, self.pumps.of(tenant).number, request))

    def start_many(
        self,
        process_id: str,
        variables: Sequence[Mapping[str, object]],
        *,
        version: int | None = None,
        tenant: str = DEFAULT_TENANT,
    ) -> list[Instance]:
        """Starts one instance for each set of variables; they share commits. The first failure is raised."""
        found = self._call_all(
            [q.StartProcess(tenant, process_id, checked_all(each), version=version or 0) for each in variables]
        )
        return [Instance(self, tenant, cast("int", key)) for key in found]

    def instance(self, key: int, *, tenant: str = DEFAULT_TENANT) -> Instance:
        """A handle on an instance; raises `NotFound`."""
        self.reader().instance(tenant, key)
        return Instance(self, tenant, key)

    def instances(
        self,
        *,
        process_id: str = "",
        state: str = "",
        business_key: str = "",
        parent: int = 0,
        after: int = 0,
        limit: int = LIMIT,
        tenant: str = DEFAULT_TENANT,
    ) -> list[Instance]:
        """Instances behind the key `after`, at most `limit`. `state` as in `Instance.state`, or `suspended`; active
        ones include those with an incident. Raises `BadValue` for another state."""
        found = self.reader().views.instances(
            tenant,
            process_id=process_id,
            state=state,
            business_key=business_key,
            parent=parent,
            after=after,
            limit=limit,
        )
        return [Instance(self, tenant, each.key) for each in found]

    def counts(self, *, tenant: str = DEFAULT_TENANT) -> dict[str, int]:
        """How many instances are in each state; reads all of them."""
        return self.reader().views.counts(tenant)

    def definitions(self, *, tenant: str = DEFAULT_TENANT) -> list[DefinitionView]:
        """All versions of all processes."""
        return self.reader().views.definitions(tenant)

    def source(self, definition: int, *, tenant: str = DEFAULT_TENANT) -> bytes:
        """The document that a definition (`DefinitionView.key`) came from; raises `NotFound`."""
        return self.reader().views.source(tenant, definition)

    # --- messages, signals, tasks, incidents

    def publish(
        self,
        name: str,
        key: str = "",
        variables: Mapping[str, object] | None = None,
        *,
        ttl: Duration = 0,
        message_id: str = "",
        tenant: str = DEFAULT_TENANT,
    ) -> int:
        """Publishes a message; gives its own key. Nobody waiting: it is buffered for `ttl`, else gone.

        `key` is what the receiver's correlation key must be. `ttl` is in seconds, or an ISO 8601 duration. Raises
        `Conflict` when a message with this id is buffered already.
        """
        values = checked_all(variables)
        wait = milliseconds("time to live", ttl)
        return cast("int", self.call(q.PublishMessage(tenant, name, key, values, wait, message_id)))

    def publish_many(
        self, messages: Sequence[tuple[str, str]], *, ttl: Duration = 0, tenant: str = DEFAULT_TENANT
    ) -> list[int]:
        """Publishes messages (name, key) that share commits; the first failure is raised."""
        wait = milliseconds("time to live", ttl)
        found = self._call_all([q.PublishMessage(tenant, name, key, {}, wait) for name, key in messages])
        return [cast("int", key) for key in found]

    def broadcast(
        self, name: str, variables: Mapping[str, object] | None = None, *, tenant: str = DEFAULT_TENANT
    ) -> int:
        """Broadcasts a signal; gives the number of those who waited for it, processes that it starts included."""
        return cast("int", self.call(q.BroadcastSignal(tenant, name, checked_all(variables))))

    def evaluate_conditions(
        self, variables: Mapping[str, object], *, process: str = "", tenant: str = DEFAULT_TENANT
    ) -> int:
        """Starts each process (or `process`) whose conditional start event is true of the variables; how many."""
        return cast("int", self.call(q.EvaluateConditions(tenant, checked_all(variables), process)))

    def tasks(
        self,
        *,
        instance: int = 0,
        assignee: str = "",
        after: int = 0,
        limit: int = LIMIT,
        tenant: str = DEFAULT_TENANT,
    ) -> list[TaskView]:
        """Open user tasks, by key."""
        views = self.reader().views
        return views.tasks(tenant, instance=instance, assignee=assignee, after=after, limit=limit)

    def task_of(self, instance: int, element_id: str, tenant: str = DEFAULT_TENANT) -> TaskView:
        """The oldest open user task of an element; raises `NotFound`."""
        for task in self.tasks(instance=instance, limit=10_000, tenant=tenant):
            if task.element_id == element_id:
                return task
        raise NotFound(f"instance {instance} has no open user task {element_id!r}")

    def complete_task(
        self, task: int, variables: Mapping[str, object] | None = None, *, tenant: str = DEFAULT_TENANT
    ) -> None:
        """Completes a user task. Raises `NotFound` when it is not open, `Conflict` when a listener runs for it."""
        self.call(q.TaskEvent(tenant, task, CompleteTask(task, checked_all(variables))))

    def complete_tasks(self, tasks: Sequence[int], *, tenant: str = DEFAULT_TENANT) -> None:
        """Completes user tasks that share commits; the first failure is raised."""
        self._call_all([q.TaskEvent(tenant, task, CompleteTask(task)) for task in tasks])

    def assign_task(self, task: int, assignee: str, *, tenant: str = DEFAULT_TENANT) -> None:
        """Gives a user task to somebody; "" takes it away. Raises as `complete_task` does."""
        self.call(q.TaskEvent(tenant, task, AssignTask(task, assignee)))

    def update_task(self, task: int, changes: Mapping[str, object], *, tenant: str = DEFAULT_TENANT) -> None:
        """Changes attributes of a user task: candidate_groups, candidate_users, due, follow_up, priority.

        Raises `Conflict` for another attribute, or a value that it cannot have.
        """
        self.call(q.TaskEvent(tenant, task, UpdateTask(task, checked_all(changes))))

    def incidents(
        self, *, instance: int = 0, after: int = 0, limit: int = LIMIT, tenant: str = DEFAULT_TENANT
    ) -> list[IncidentView]:
        """Open incidents, by key."""
        return self.reader().views.incidents(tenant, instance=instance, after=after, limit=limit)

    def resolve_incident(self, incident: int, *, retries: int = 1, tenant: str = DEFAULT_TENANT) -> None:
        """Does again what failed; a job gets `retries` anew. Raises `NotFound` when it is not open."""
        self.call(q.Resolve(tenant, incident, retries))

    def faults(self, *, tenant: str = DEFAULT_TENANT) -> list[FaultView]:
        """What faults of the engine itself stopped. It is tried again when a store is opened anew."""
        return self.reader().views.faults(tenant)

    def trigger(
        self,
        instance: int,
        *activities: str,
        variables: Mapping[str, object] | None = None,
        element: int = 0,
        tenant: str = DEFAULT_TENANT,
    ) -> None:
        """Begins activities of an ad-hoc sub-process, each with `variables` of its own. See `Instance.trigger`."""
        event = TriggerActivity(element, list(activities), checked_all(variables))
        self.call(q.Deliver(tenant, instance, event))

    # --- jobs

    def worker(
        self,
        type: str,
        *,
        max_jobs: int = 32,
        timeout: float = TIMEOUT_S,
        backoff: Sequence[float] = (),
    ) -> Callable[[_F], _F]:
        """Registers a function for the jobs of a type: arguments by variable name, a dict of variables as result.

        `max_jobs` at the same time, `timeout` in seconds until the job is given to another worker, `backoff` the
        seconds after each failed attempt, the last one repeating (default: what the model says, else 1, 5, 30, 300).
        Raise `BpmnError` for what the process is to handle, `Denied` to say no as a task listener. Raises `TypeError`
        for a signature that cannot be filled.
        """

        def register(function: _F) -> _F:
            worker = Worker(type, function, max_jobs=max_jobs, timeout_s=timeout, backoff_s=backoff)
            with self.pump.lock:
                self.crew.add(worker)
            return function

        return register

    def jobs(
        self,
        *,
        instance: int = 0,
        type: str = "",
        after: int = 0,
        limit: int = LIMIT,
        tenant: str = DEFAULT_TENANT,
    ) -> list[JobView]:
        """Open jobs, by key."""
        return self.reader().views.jobs(tenant, instance=instance, type=type, after=after, limit=limit)

    def activate_jobs(
        self,
        type: str,
        limit: int = 1,
        *,
        worker: str = "",
        timeout: float = TIMEOUT_S,
        tenant: str = DEFAULT_TENANT,
    ) -> list[Job]:
        """Leases up to `limit` jobs for `timeout` seconds to a worker outside of this engine; none: an empty list."""
        answer = self.call(q.ActivateJobs(tenant, type, limit, worker, max(1, milliseconds("timeout", timeout))))
        return [job_from(each, tenant) for each in cast("list[dict[str, Json]]", answer)]

    def complete_job(
        self, job: Job | int, variables: Mapping[str, object] | Choice | None = None, *, tenant: str = DEFAULT_TENANT
    ) -> None:
        """Completes a job, that of an ad-hoc sub-process with a `Choice`. Raises `NotFound` when it is over, or when
        the lease of this `Job` ran out."""
        key, token, tenant = addressed(job, tenant)
        values, choice = answered(variables)
        self.call(q.FinishJob(tenant, key, values, token, choice=choice))

    def deny_job(self, job: Job | int, reason: str = "", *, tenant: str = DEFAULT_TENANT) -> None:
        """A task listener says no to what its user task was about to do; raises `Conflict` where it cannot."""
        key, token, tenant = addressed(job, tenant)
        self.call(q.FinishJob(tenant, key, {}, token, True, reason))

    def fail_job(
        self,
        job: Job | int,
        message: str,
        *,
        retries: int | None = None,
        backoff: float | None = None,
        tenant: str = DEFAULT_TENANT,
    ) -> int:
        """A failed attempt; gives the retries left (default: one less; at 0 an incident). `backoff` is in seconds.

        Attempts of a job that is an activity are Temporal's: it can only be given up, and raises `Conflict` where
        retries would be left."""
        key, token, tenant = addressed(job, tenant)
        pause = None if backoff is None else milliseconds("back-off", backoff)
        return cast("int", self.call(q.FailJob(tenant, key, told(message), token, retries, pause)))

    def throw_job_error(
        self,
        job: Job | int,
        code: str,
        message: str = "",
        variables: Mapping[str, object] | None = None,
        *,
        tenant: str = DEFAULT_TENANT,
    ) -> None:
        """A BPMN error instead of a result; raises `NotFound` as `complete_job` does."""
        key, token, tenant = addressed(job, tenant)
        self.call(q.ThrowJob(tenant, key, code, message, checked_all(variables), token))

    # --- running

    def run_until_idle(self, timeout: float | None = None, until: Callable[[], bool] | None = None) -> bool:
        """Does everything that is due, in this thread; True when `until` came true, or nothing is left to do.

        With `timeout` (seconds) it also waits that long for timers and back-offs that are not due yet.
        """
        return self._running.until_idle(timeout, until)

    def serve(self, threads: int = 4, *, foreground: bool = False) -> None:
        """Keeps going in background threads until `stop` or `close`; `threads` of them do jobs.

        It returns at once, and a program that ends then ends the threads with it. With `foreground` it returns after
        Ctrl-C, SIGTERM (both when called from the main thread), or `stop` from another thread; the jobs under way
        are finished, and a second Ctrl-C does not wait for them.
        """
        self.pumps.usable()
        self._running.serve(threads, foreground=foreground)

    def stop(self) -> None:
        """Ends `serve` after the jobs under way. Without `serve` nothing happens."""
        self._running.stop()

    def wait_until(self, condition: Callable[[], bool], timeout: float | None = None) -> bool:
        """Waits until `condition` holds, at most `timeout` seconds; whether it does."""
        return self._running.wait_until(condition, timeout)

    def forget(
        self, history: Duration, instances: Duration | None = None, *, tenant: str = DEFAULT_TENANT
    ) -> q.Forgotten:
        """Forgets the history of what ended longer ago than `history`, and with `instances` also that it ever was.

        Of an active instance goes what is older and not needed to go on. Call it now and then, for each tenant."""
        oldest = 0 if instances is None else self.clock() - milliseconds("age of instances", instances)
        return forget_all(self.call, q.Forget(tenant, self.clock() - milliseconds("age of history", history), oldest))

    def switch(self, *flags: int) -> None:
        """Switches behaviour flags (core.flags) for instances that start from now on: these are on, all others off.

        Raises `Conflict` for a flag that this version does not know."""
        for pump in self.pumps.all:
            pump.call(admitted(q.SwitchFlags(DEFAULT_TENANT, flags)))

    def backup(self, path: str | Path) -> None:
        """Copies the store to a new file while it is in use; raises `StoreError`, also when the file is there."""
        self.store.backup(Path(path))

    def decide(
        self, decision_id: str, variables: Mapping[str, object] | None = None, *, tenant: str = DEFAULT_TENANT
    ) -> Json:
        """The result of the latest version of a decision, for trying it out. Raises `NotFound`, `DecisionError`."""
        return self.reader().decide(tenant, decision_id, checked_all(variables))

    # --- for the modules beside this one
    def reader(self) -> Reader:
        """This thread's reader."""
        self.pumps.usable()
        found: Reader | None = getattr(self._readers, "reader", None)
        if found is None:
            found = self._readers.reader = Reader(self.store)
        return found

    def call(self, request: InHouse) -> object:
        """Carries out one request."""
        return self.hosting.call(admitted(request), self._call_timeout)

    def _call_all(self, requests: Sequence[q.AnyRequest]) -> list[object]:
        return self.hosting.call_all([admitted(request) for request in requests], self._call_timeout)
