"""Playing: start an instance, or look at one, and be told what is next for who plays it (a screen)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol, cast, final

from procession.base.failure import NotFound
from procession.base.values import checked_all
from procession.core.variables import visible
from procession.hosts.embedded.door import DEFAULT_TENANT, admitted
from procession.hosts.embedded.hosting import Hosting
from procession.hosts.embedded.instance import Instance
from procession.runtime.elsewhere import Screen
from procession.runtime.requests import StartProcess
from procession.services.reading import Reader

MOMENT_S: Final = 0.1
"""How long "what is next" waits for an answer, in seconds."""


class Engine(Protocol):
    """What this needs of an engine."""

    def reader(self) -> Reader: ...
    def instance(self, key: int, *, tenant: str = ...) -> Instance: ...
    def wait_until(self, condition: Callable[[], bool], timeout: float | None = ...) -> bool: ...


@final
class Play:
    """`Engine.play`. Every answer is a `Screen`: a task, or `working` when there is nothing after a moment."""

    __slots__ = ("_engine", "_hosting")

    def __init__(self, engine: Engine, hosting: Hosting) -> None:
        self._engine = engine
        self._hosting = hosting

    def start(
        self,
        process_id: str,
        variables: Mapping[str, object] | None = None,
        *,
        version: int | None = None,
        business_key: str = "",
        tenant: str = DEFAULT_TENANT,
    ) -> Screen:
        """Starts an instance (`Screen.instance`) and gives its first screen; on Temporal that is one call of the
        cluster. Raises as `Engine.start` does."""
        request = admitted(
            StartProcess(tenant, process_id, checked_all(variables), version or 0, business_key, direct=True)
        )
        key = cast("int", self._hosting.begin(request))
        return self._hosting.first_screen(tenant, key) or self.screen(key, tenant=tenant)

    def screen(self, instance: int, *, tenant: str = DEFAULT_TENANT) -> Screen:
        """What is next in an instance, as soon as there is something, within a moment. Raises `NotFound`."""
        found = self._hosting.screen(tenant, instance)
        if found is not None:
            return found
        self._engine.wait_until(lambda: self._seen(instance, tenant) is not None, MOMENT_S)
        return self._seen(instance, tenant) or Screen("working", instance)

    def _seen(self, key: int, tenant: str) -> Screen | None:
        """The screen as the store tells it; None while there is none."""
        views = self._engine.reader().views
        keys = [key]
        for each in keys:
            keys += [child.key for child in views.instances(tenant, parent=each)]
            tasks = views.tasks(tenant, instance=each, limit=1)
            if tasks:
                task = tasks[0]
                loaded = views.load(tenant, each)
                element = loaded.state.elements.get(task.key)
                if element is None:
                    raise NotFound(f"user task {task.key} is over")
                seen = visible(element)
                return Screen("task", each, task.key, task.element_id, task.attributes, seen, loaded.state.seq)
        state = views.instance(tenant, key).state
        return None if state == "active" else Screen(state, key, variables=self._engine.reader().variables(tenant, key))
