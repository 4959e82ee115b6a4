"""A handle on one instance. It holds a key and an engine, no state: every question is put to the store."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final, Protocol, final

from procession.base.failure import NotFound
from procession.base.values import Variables, checked_all
from procession.core.events import Cancel, SetVariables, TriggerActivity
from procession.runtime.requests import AnyRequest, Deliver
from procession.services.histories import Entry, WarningView
from procession.services.reading import Reader
from procession.services.views import IncidentView, InstanceView, JobView, Moment, TaskView

APPEAR_S: Final = 30.0
"""How long `wait` lets the transaction that starts an instance take."""


class Mover(Protocol):
    """What knows the other host of an engine."""

    def move(self, tenant: str, instance: int, to: str, jobs: str) -> int: ...


class Door(Protocol):
    """What a handle needs of its engine."""

    @property
    def hosting(self) -> Mover: ...

    def reader(self) -> Reader: ...
    def call(self, request: AnyRequest) -> object: ...
    def wait_until(self, condition: Callable[[], bool], timeout: float | None = None) -> bool: ...
    def incidents(self, *, instance: int = ..., tenant: str = ...) -> list[IncidentView]: ...
    def tasks(self, *, instance: int = ..., tenant: str = ...) -> list[TaskView]: ...
    def jobs(self, *, instance: int = ..., tenant: str = ...) -> list[JobView]: ...
    def instances(self, *, parent: int = ..., tenant: str = ...) -> list[Instance]: ...
    def task_of(self, instance: int, element_id: str, tenant: str = ...) -> TaskView: ...
    def complete_task(self, task: int, variables: Mapping[str, object] | None = None, *, tenant: str = ...) -> None: ...
    def resolve_incident(self, incident: int, *, retries: int = 1, tenant: str = ...) -> None: ...
    def publish(
        self,
        name: str,
        key: str = "",
        variables: Mapping[str, object] | None = None,
        *,
        ttl: float | str = ...,
        message_id: str = ...,
        tenant: str = ...,
    ) -> int: ...
    def broadcast(self, name: str, variables: Mapping[str, object] | None = None, *, tenant: str = ...) -> int: ...


@final
class Instance:
    """A process instance. Raises `NotFound` where it does not exist (yet: one started in an open transaction)."""

    __slots__ = ("_engine", "_tenant", "key")

    def __init__(self, engine: Door, tenant: str, key: int) -> None:
        self._engine = engine
        self._tenant = tenant
        self.key = key

    def __repr__(self) -> str:
        return f"<Instance {self.key}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Instance) and other.key == self.key and other._tenant == self._tenant

    def __hash__(self) -> int:
        return hash(self.key)

    @property
    def info(self) -> InstanceView:
        """Process, version, state, times."""
        return self._engine.reader().instance(self._tenant, self.key)

    @property
    def state(self) -> str:
        """`active`, `incident` (active, and something waits to be resolved), `completed` or `terminated`.

        A plain `str`: a type checker would take a literal for unchanged from one look to the next.
        """
        return self.info.state

    @property
    def variables(self) -> Variables:
        """The variables of the process's own scope."""
        return self._engine.reader().variables(self._tenant, self.key)

    def variables_at(self, element: int | str) -> Variables:
        """All variables that an element instance sees: a key, or the id of an element that is active once."""
        return self._engine.reader().variables(self._tenant, self.key, self._element(element))

    @property
    def tokens(self) -> dict[str, int]:
        """Element id -> how many element instances are active there; sub-processes are, the process itself is not."""
        return self._engine.reader().tokens(self._tenant, self.key)

    @property
    def history(self) -> list[Entry]:
        """Every fact, in order."""
        return self._engine.reader().history(self._tenant, self.key)

    def as_of(self, seq: int) -> Moment:
        """The instance as it was after the step `seq` of its history; raises `NotFound` for a step it does not have."""
        return self._engine.reader().moment(self._tenant, self.key, seq)

    @property
    def warnings(self) -> list[WarningView]:
        """What expressions had to say, in order: a value that was missing, operands of the wrong type."""
        return self._engine.reader().warnings(self._tenant, self.key)

    @property
    def incidents(self) -> list[IncidentView]:
        """What waits to be resolved."""
        return self._engine.incidents(instance=self.key, tenant=self._tenant)

    @property
    def tasks(self) -> list[TaskView]:
        """Open user tasks."""
        return self._engine.tasks(instance=self.key, tenant=self._tenant)

    @property
    def jobs(self) -> list[JobView]:
        """Open jobs."""
        return self._engine.jobs(instance=self.key, tenant=self._tenant)

    @property
    def children(self) -> list[Instance]:
        """The instances that this one called."""
        return self._engine.instances(parent=self.key, tenant=self._tenant)

    def wait(self, timeout: float | None = None) -> str:
        """Waits for the end and gives the state; after `timeout` seconds, whatever it is then.

        Without `serve()`, and if this process owns the store, it runs the engine meanwhile. One started in an open
        transaction may not exist yet: after `APPEAR_S` seconds without it, `NotFound` is raised.
        """
        return self.wait_unless(lambda: False, timeout)

    def wait_unless(self, given_up: Callable[[], bool], timeout: float | None = None) -> str:
        """`wait` that also ends soon after `given_up` comes true, which is asked again and again."""
        appears_until = time.monotonic() + APPEAR_S

        def is_over() -> bool:
            try:
                return self.state in {"completed", "terminated"}
            except NotFound:
                if time.monotonic() > appears_until:
                    raise
                return False

        self._engine.wait_until(lambda: given_up() or is_over(), timeout)
        return self.state

    def set_variables(self, variables: Mapping[str, object], *, element: int | str = 0, local: bool = False) -> None:
        """Sets variables as seen from an element, or from the process: each in the nearest scope that has it, in
        the process's where none has; with `local` in the element's own scope.

        `element` is the key of an element instance, or the id of an element that is active once; raises `NotFound`,
        or `Conflict` where several are active.
        """
        event = SetVariables(self._element(element), checked_all(variables), local)
        self._engine.call(Deliver(self._tenant, self.key, event))

    def cancel(self, reason: str = "") -> None:
        """Ends the instance and all that it called. Canceling listeners of its user tasks run first; asked again, it
        does not wait for them."""
        self._engine.call(Deliver(self._tenant, self.key, Cancel(reason)))

    def complete_task(self, element_id: str, variables: Mapping[str, object] | None = None) -> None:
        """Completes the open user task of an element (the oldest, if there are several)."""
        self._engine.complete_task(
            self._engine.task_of(self.key, element_id, self._tenant).key, variables, tenant=self._tenant
        )

    def resolve_incident(self, incident: int = 0, retries: int = 1) -> None:
        """Resolves one incident, or all of this instance."""
        keys = [incident] if incident else [each.key for each in self.incidents]
        for key in keys:
            self._engine.resolve_incident(key, retries=retries, tenant=self._tenant)

    def trigger(self, *activities: str, variables: Mapping[str, object] | None = None, element: int | str = 0) -> None:
        """Begins activities of an ad-hoc sub-process, by their ids; each has `variables` of its own.

        `element` says which sub-process, as a key or as an id that is active once; 0: the only active one that has
        them all. Raises `NotFound`, or `Conflict` where several are active, or nothing may begin any more.
        """
        event = TriggerActivity(self._element(element), list(activities), checked_all(variables))
        self._engine.call(Deliver(self._tenant, self.key, event))

    def publish(
        self,
        name: str,
        key: str = "",
        variables: Mapping[str, object] | None = None,
        *,
        ttl: float | str = 0,
        message_id: str = "",
    ) -> int:
        """Publishes a message to this instance's tenant: its key decides who gets it. See `Engine.publish`."""
        return self._engine.publish(name, key, variables, ttl=ttl, message_id=message_id, tenant=self._tenant)

    def broadcast(self, name: str, variables: Mapping[str, object] | None = None) -> int:
        """Broadcasts a signal to all of this instance's tenant. See `Engine.broadcast`."""
        return self._engine.broadcast(name, variables, tenant=self._tenant)

    def _element(self, element: int | str) -> int:
        return element if isinstance(element, int) else self._engine.reader().element(self._tenant, self.key, element)
