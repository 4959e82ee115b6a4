"""AsyncInstance: the names of `Instance` as coroutines; see `hosts.embedded.aio`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

from procession.base.values import Variables
from procession.hosts.embedded.aio_calls import off, off_until
from procession.hosts.embedded.engine import Duration
from procession.hosts.embedded.instance import Instance
from procession.services.histories import Entry, WarningView
from procession.services.views import IncidentView, InstanceView, JobView, Moment, TaskView


@final
class AsyncInstance:
    """An `Instance` whose questions are coroutines. `handle` is the one behind it."""

    __slots__ = ("handle",)

    def __init__(self, handle: Instance) -> None:
        self.handle = handle

    def __repr__(self) -> str:
        return f"<Async{repr(self.handle)[1:]}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AsyncInstance) and other.handle == self.handle

    def __hash__(self) -> int:
        return hash(self.handle)

    @property
    def key(self) -> int:
        """See `Instance.key`."""
        return self.handle.key

    async def info(self) -> InstanceView:
        """See `Instance.info`."""
        return await off(lambda: self.handle.info)

    async def state(self) -> str:
        """See `Instance.state`."""
        return await off(lambda: self.handle.state)

    async def variables(self) -> Variables:
        """See `Instance.variables`."""
        return await off(lambda: self.handle.variables)

    async def variables_at(self, element: int | str) -> Variables:
        """See `Instance.variables_at`."""
        return await off(self.handle.variables_at, element)

    async def tokens(self) -> dict[str, int]:
        """See `Instance.tokens`."""
        return await off(lambda: self.handle.tokens)

    async def history(self) -> list[Entry]:
        """See `Instance.history`."""
        return await off(lambda: self.handle.history)

    async def as_of(self, seq: int) -> Moment:
        """See `Instance.as_of`."""
        return await off(self.handle.as_of, seq)

    async def warnings(self) -> list[WarningView]:
        """See `Instance.warnings`."""
        return await off(lambda: self.handle.warnings)

    async def incidents(self) -> list[IncidentView]:
        """See `Instance.incidents`."""
        return await off(lambda: self.handle.incidents)

    async def tasks(self) -> list[TaskView]:
        """See `Instance.tasks`."""
        return await off(lambda: self.handle.tasks)

    async def jobs(self) -> list[JobView]:
        """See `Instance.jobs`."""
        return await off(lambda: self.handle.jobs)

    async def children(self) -> list[AsyncInstance]:
        """See `Instance.children`."""
        return [AsyncInstance(each) for each in await off(lambda: self.handle.children)]

    async def wait(self, timeout: float | None = None) -> str:  # noqa: ASYNC109 - the name of `Instance`
        """See `Instance.wait`."""
        return await off_until(lambda given_up: self.handle.wait_unless(given_up, timeout))

    async def set_variables(
        self, variables: Mapping[str, object], *, element: int | str = 0, local: bool = False
    ) -> None:
        """See `Instance.set_variables`."""
        await off(self.handle.set_variables, variables, element=element, local=local)

    async def cancel(self, reason: str = "") -> None:
        """See `Instance.cancel`."""
        await off(self.handle.cancel, reason)

    async def complete_task(self, element_id: str, variables: Mapping[str, object] | None = None) -> None:
        """See `Instance.complete_task`."""
        await off(self.handle.complete_task, element_id, variables)

    async def resolve_incident(self, incident: int = 0, retries: int = 1) -> None:
        """See `Instance.resolve_incident`."""
        await off(self.handle.resolve_incident, incident, retries)

    async def trigger(
        self, *activities: str, variables: Mapping[str, object] | None = None, element: int | str = 0
    ) -> None:
        """See `Instance.trigger`."""
        await off(self.handle.trigger, *activities, variables=variables, element=element)

    async def publish(
        self,
        name: str,
        key: str = "",
        variables: Mapping[str, object] | None = None,
        *,
        ttl: Duration = 0,
        message_id: str = "",
    ) -> int:
        """See `Instance.publish`."""
        return await off(self.handle.publish, name, key, variables, ttl=ttl, message_id=message_id)

    async def broadcast(self, name: str, variables: Mapping[str, object] | None = None) -> int:
        """See `Instance.broadcast`."""
        return await off(self.handle.broadcast, name, variables)
