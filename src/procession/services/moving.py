"""What would become of an instance that moves to another host, part by part. It reads, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, TypeAlias, final

import msgspec

from procession.base.failure import NotFound
from procession.core import commands as c
from procession.core.linked import Linked
from procession.core.pending import pending
from procession.core.state import State, Status
from procession.runtime.ports import Reads
from procession.runtime.replay import load_instance
from procession.services.catalog import Catalog


@final
class Fate(msgspec.Struct, frozen=True, gc=False):
    """What an instance waits for at an element, and what becomes of that."""

    instance: int
    element_id: str
    what: str
    becomes: str


def fates(store: Reads, tenant: str, instance: int, to: str) -> list[Fate]:
    """Of an instance and all that it called, on its way to a host (`here`: this store's own). Raises `NotFound`."""
    catalog = Catalog(store)
    number = catalog.tenant(tenant)
    found: list[Fate] = []
    waiting = [instance]
    while waiting:
        key = waiting.pop(0)
        loaded = load_instance(store, number, key, partial(catalog.linked, number))
        if loaded is None or loaded.state.status is not Status.ACTIVE:
            if key == instance:
                raise NotFound(f"instance {instance} is not active")
            continue
        found += _of(loaded.linked, loaded.state, to)
        waiting += [element.child for element in loaded.state.elements.values() if element.child]
    return found


def _of(linked: Linked, state: State, to: str) -> list[Fate]:
    found: list[Fate] = []
    for command in pending(linked, state):
        tell = _TOLD.get(type(command))
        if tell is not None:
            what, becomes = tell(command, to)
            found.append(Fate(state.instance, _element_id(linked, state, command), what, becomes))
    return found


def _element_id(linked: Linked, state: State, command: Any) -> str:
    element = state.elements.get(getattr(command, "element", 0))
    node = getattr(command, "node", element.node if element is not None else None)
    return linked.nodes[node].id if node is not None else ""


def _job(job: c.CreateJob, to: str) -> tuple[str, str]:
    becomes = "given out here" if to == "here" else "done there"
    return f"job {job.type}", f"{becomes}, under the key {job.idempotency_key}"


def _timer(timer: c.SetTimer, to: str) -> tuple[str, str]:
    due = datetime.fromtimestamp(timer.due / 1000, UTC).isoformat(timespec="seconds")
    return "timer", f"due at {due} as before"


def _waits(command: c.Subscribe, to: str) -> tuple[str, str]:
    kind = "signal" if command.signal else "message"
    key = f" {command.key!r}" if command.key else ""
    return f"{kind} {command.name}{key}", "still found by it, without a gap"


def _task(command: c.OpenTask, to: str) -> tuple[str, str]:
    return "user task", "stays open"


def _incident(command: c.OpenIncident, to: str) -> tuple[str, str]:
    return f"incident {command.code}", "stays open"


def _still(command: c.Standstill, to: str) -> tuple[str, str]:
    return "suspension", "stands still there, too"


Told: TypeAlias = Mapping[type[Any], Callable[[Any, str], tuple[str, str]]]

_TOLD: Final[Told] = {
    c.CreateJob: _job,
    c.SetTimer: _timer,
    c.Subscribe: _waits,
    c.OpenTask: _task,
    c.OpenIncident: _incident,
    c.Standstill: _still,
}
"""What an open part of a state is called, and what becomes of it."""
