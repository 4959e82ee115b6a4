"""AsyncEngine: the names of `Engine` as coroutines. Each call runs in a thread and shares the writer's commits.

What a method does is said in `Engine` and `Instance`; tests hold the two faces together, parameter by parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar, final

from procession.base.job import Choice, Function, Job
from procession.base.values import Json
from procession.hosts.embedded.aio_calls import off, off_until
from procession.hosts.embedded.aio_changes import AsyncChanges
from procession.hosts.embedded.aio_instance import AsyncInstance
from procession.hosts.embedded.aio_playing import AsyncPlay
from procession.hosts.embedded.door import DEFAULT_TENANT, Source
from procession.hosts.embedded.engine import CALL_TIMEOUT_S, Duration, Engine
from procession.hosts.embedded.scripting import ScriptCrew
from procession.hosts.embedded.workers import TIMEOUT_S
from procession.runtime.courier import Courier
from procession.runtime.elsewhere import Host
from procession.runtime.ports import ForeignTransaction, Store
from procession.runtime.requests import Forgotten
from procession.scripts.ports import Runtime
from procession.services.deploy import Deployment
from procession.services.views import (
    LIMIT,
    DefinitionView,
    FaultView,
    IncidentView,
    JobView,
    TaskView,
)

_F = TypeVar("_F", bound=Function)


@final
class AsyncEngine:
    """An engine for code that runs in an event loop. `engine` is the one behind it."""

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
        """See `Engine`. Opening reads and writes the file."""
        self.engine = Engine(
            path,
            clock=clock,
            store=store,
            zone=zone,
            call_timeout=call_timeout,
            takeover=takeover,
            host=host,
            scripts=scripts,
            courier=courier,
        )

    async def __aenter__(self) -> AsyncEngine:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<Async{repr(self.engine)[1:]}"

    @property
    def owner(self) -> bool:
        """See `Engine.owner`."""
        return self.engine.owner

    async def close(self) -> None:
        """See `Engine.close`."""
        await off(self.engine.close)

    @property
    def changes(self) -> AsyncChanges:
        """See `Engine.changes`."""
        return AsyncChanges(self.engine.changes)

    @property
    def play(self) -> AsyncPlay:
        """See `Engine.play`."""
        return AsyncPlay(self.engine.play)

    # --- processes

    async def deploy(self, *sources: Source, name: str = "", tenant: str = DEFAULT_TENANT) -> Deployment:
        """See `Engine.deploy`."""
        return await off(self.engine.deploy, *sources, name=name, tenant=tenant)

    async def start(
        self,
        process_id: str,
        variables: Mapping[str, object] | None = None,
        *,
        version: int | None = None,
        business_key: str = "",
        tenant: str = DEFAULT_TENANT,
        connection: ForeignTransaction | None = None,
    ) -> AsyncInstance:
        """See `Engine.start`. With `connection` it runs in the caller's thread, which the connection belongs to."""
        if connection is not None:
            return AsyncInstance(
                self.engine.start(
                    process_id,
                    variables,
                    version=version,
                    business_key=business_key,
                    tenant=tenant,
                    connection=connection,
                )
            )
        found = await off(
            self.engine.start, process_id, variables, version=version, business_key=business_key, tenant=tenant
        )
        return AsyncInstance(found)

    async def start_many(
        self,
        process_id: str,
        variables: Sequence[Mapping[str, object]],
        *,
        version: int | None = None,
        tenant: str = DEFAULT_TENANT,
    ) -> list[AsyncInstance]:
        """See `Engine.start_many`."""
        found = await off(self.engine.start_many, process_id, variables, version=version, tenant=tenant)
        return [AsyncInstance(each) for each in found]

    async def instance(self, key: int, *, tenant: str = DEFAULT_TENANT) -> AsyncInstance:
        """See `Engine.instance`."""
        return AsyncInstance(await off(self.engine.instance, key, tenant=tenant))

    async def instances(
        self,
        *,
        process_id: str = "",
        state: str = "",
        business_key: str = "",
        parent: int = 0,
        after: int = 0,
        limit: int = LIMIT,
        tenant: str = DEFAULT_TENANT,
    ) -> list[AsyncInstance]:
        """See `Engine.instances`."""
        found = await off(
            self.engine.instances,
            process_id=process_id,
            state=state,
            business_key=business_key,
            parent=parent,
            after=after,
            limit=limit,
            tenant=tenant,
        )
        return [AsyncInstance(each) for each in found]

    async def counts(self, *, tenant: str = DEFAULT_TENANT) -> dict[str, int]:
        """See `Engine.counts`."""
        return await off(self.engine.counts, tenant=tenant)

    async def definitions(self, *, tenant: str = DEFAULT_TENANT) -> list[DefinitionView]:
        """See `Engine.definitions`."""
        return await off(self.engine.definitions, tenant=tenant)

    async def source(self, definition: int, *, tenant: str = DEFAULT_TENANT) -> bytes:
        """See `Engine.source`."""
        return await off(self.engine.source, definition, tenant=tenant)

    # --- messages, signals, tasks, incidents

    async def publish(
        self,
        name: str,
        key: str = "",
        variables: Mapping[str, object] | None = None,
        *,
        ttl: Duration = 0,
        message_id: str = "",
        tenant: str = DEFAULT_TENANT,
    ) -> int:
        """See `Engine.publish`."""
        return await off(self.engine.publish, name, key, variables, ttl=ttl, message_id=message_id, tenant=tenant)

    async def publish_many(
        self, messages: Sequence[tuple[str, str]], *, ttl: Duration = 0, tenant: str = DEFAULT_TENANT
    ) -> list[int]:
        """See `Engine.publish_many`."""
        return await off(self.engine.publish_many, messages, ttl=ttl, tenant=tenant)

    async def broadcast(
        self, name: str, variables: Mapping[str, object] | None = None, *, tenant: str = DEFAULT_TENANT
    ) -> int:
        """See `Engine.broadcast`."""
        return await off(self.engine.broadcast, name, variables, tenant=tenant)

    async def evaluate_conditions(
        self, variables: Mapping[str, object], *, process: str = "", tenant: str = DEFAULT_TENANT
    ) -> int:
        """See `Engine.evaluate_conditions`."""
        return await off(self.engine.evaluate_conditions, variables, process=process, tenant=tenant)

    async def tasks(
        self,
        *,
        instance: int = 0,
        assignee: str = "",
        after: int = 0,
        limit: int = LIMIT,
        tenant: str = DEFAULT_TENANT,
    ) -> list[TaskView]:
        """See `Engine.tasks`."""
        return await off(
            self.engine.tasks, instance=instance, assignee=assignee, after=after, limit=limit, tenant=tenant
        )

    async def task_of(self, instance: int, element_id: str, tenant: str = DEFAULT_TENANT) -> TaskView:
        """See `Engine.task_of`."""
        return await off(self.engine.task_of, instance, element_id, tenant)

    async def complete_task(
        self, task: int, variables: Mapping[str, object] | None = None, *, tenant: str = DEFAULT_TENANT
    ) -> None:
        """See `Engine.complete_task`."""
        await off(self.engine.complete_task, task, variables, tenant=tenant)

    async def complete_tasks(self, tasks: Sequence[int], *, tenant: str = DEFAULT_TENANT) -> None:
        """See `Engine.complete_tasks`."""
        await off(self.engine.complete_tasks, tasks, tenant=tenant)

    async def assign_task(self, task: int, assignee: str, *, tenant: str = DEFAULT_TENANT) -> None:
        """See `Engine.assign_task`."""
        await off(self.engine.assign_task, task, assignee, tenant=tenant)

    async def update_task(self, task: int, changes: Mapping[str, object], *, tenant: str = DEFAULT_TENANT) -> None:
        """See `Engine.update_task`."""
        await off(self.engine.update_task, task, changes, tenant=tenant)

    async def incidents(
        self, *, instance: int = 0, after: int = 0, limit: int = LIMIT, tenant: str = DEFAULT_TENANT
    ) -> list[IncidentView]:
        """See `Engine.incidents`."""
        return await off(self.engine.incidents, instance=instance, after=after, limit=limit, tenant=tenant)

    async def resolve_incident(self, incident: int, *, retries: int = 1, tenant: str = DEFAULT_TENANT) -> None:
        """See `Engine.resolve_incident`."""
        await off(self.engine.resolve_incident, incident, retries=retries, tenant=tenant)

    async def trigger(
        self,
        instance: int,
        *activities: str,
        variables: Mapping[str, object] | None = None,
        element: int = 0,
        tenant: str = DEFAULT_TENANT,
    ) -> None:
        """See `Engine.trigger`."""
        await off(self.engine.trigger, instance, *activities, variables=variables, element=element, tenant=tenant)

    async def faults(self, *, tenant: str = DEFAULT_TENANT) -> list[FaultView]:
        """See `Engine.faults`."""
        return await off(self.engine.faults, tenant=tenant)

    # --- jobs

    def worker(
        self,
        type: str,
        *,
        max_jobs: int = 32,
        timeout: float = TIMEOUT_S,
        backoff: Sequence[float] = (),
    ) -> Callable[[_F], _F]:
        """See `Engine.worker`. Coroutine functions run in a loop of the engine's own."""
        return self.engine.worker(type, max_jobs=max_jobs, timeout=timeout, backoff=backoff)

    async def jobs(
        self,
        *,
        instance: int = 0,
        type: str = "",
        after: int = 0,
        limit: int = LIMIT,
        tenant: str = DEFAULT_TENANT,
    ) -> list[JobView]:
        """See `Engine.jobs`."""
        return await off(self.engine.jobs, instance=instance, type=type, after=after, limit=limit, tenant=tenant)

    async def activate_jobs(
        self,
        type: str,
        limit: int = 1,
        *,
        worker: str = "",
        timeout: float = TIMEOUT_S,  # noqa: ASYNC109 - of the lease, not of the call
        tenant: str = DEFAULT_TENANT,
    ) -> list[Job]:
        """See `Engine.activate_jobs`."""
        return await off(self.engine.activate_jobs, type, limit, worker=worker, timeout=timeout, tenant=tenant)

    async def complete_job(
        self, job: Job | int, variables: Mapping[str, object] | Choice | None = None, *, tenant: str = DEFAULT_TENANT
    ) -> None:
        """See `Engine.complete_job`."""
        await off(self.engine.complete_job, job, variables, tenant=tenant)

    async def deny_job(self, job: Job | int, reason: str = "", *, tenant: str = DEFAULT_TENANT) -> None:
        """See `Engine.deny_job`."""
        await off(self.engine.deny_job, job, reason, tenant=tenant)

    async def fail_job(
        self,
        job: Job | int,
        message: str,
        *,
        retries: int | None = None,
        backoff: float | None = None,
        tenant: str = DEFAULT_TENANT,
    ) -> int:
        """See `Engine.fail_job`."""
        return await off(self.engine.fail_job, job, message, retries=retries, backoff=backoff, tenant=tenant)

    async def throw_job_error(
        self,
        job: Job | int,
        code: str,
        message: str = "",
        variables: Mapping[str, object] | None = None,
        *,
        tenant: str = DEFAULT_TENANT,
    ) -> None:
        """See `Engine.throw_job_error`."""
        await off(self.engine.throw_job_error, job, code, message, variables, tenant=tenant)

    # --- running

    async def run_until_idle(
        self,
        timeout: float | None = None,  # noqa: ASYNC109 - the name of `Engine`
        until: Callable[[], bool] | None = None,
    ) -> bool:
        """See `Engine.run_until_idle`; `until` is called in another thread."""
        if until is None:
            return await off(self.engine.run_until_idle, timeout)
        return await off_until(lambda given_up: self.engine.run_until_idle(timeout, lambda: given_up() or until()))

    async def serve(self, threads: int = 4) -> None:
        """See `Engine.serve`; it returns at once. To stay, wait for what ends your program, then `stop`."""
        await off(self.engine.serve, threads)

    async def stop(self) -> None:
        """See `Engine.stop`."""
        await off(self.engine.stop)

    async def forget(
        self, history: Duration, instances: Duration | None = None, *, tenant: str = DEFAULT_TENANT
    ) -> Forgotten:
        """See `Engine.forget`."""
        return await off(self.engine.forget, history, instances, tenant=tenant)

    async def switch(self, *flags: int) -> None:
        """See `Engine.switch`."""
        await off(self.engine.switch, *flags)

    async def wait_until(
        self,
        condition: Callable[[], bool],
        timeout: float | None = None,  # noqa: ASYNC109 - the name of `Engine`
    ) -> bool:
        """See `Engine.wait_until`; `condition` is called in another thread."""
        return await off_until(lambda given_up: self.engine.wait_until(lambda: given_up() or condition(), timeout))

    async def backup(self, path: str | Path) -> None:
        """See `Engine.backup`."""
        await off(self.engine.backup, path)

    async def decide(
        self,
        decision_id: str,
        variables: Mapping[str, object] | None = None,
        *,
        tenant: str = DEFAULT_TENANT,
    ) -> Json:
        """See `Engine.decide`."""
        return await off(self.engine.decide, decision_id, variables, tenant=tenant)
