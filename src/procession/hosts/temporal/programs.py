"""Programs by their hash, once a process: what they are never depends on when they are read."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import final

from procession.core.linked import Linked
from procession.ir.program import Program, jobs_of
from procession.runtime.ports import Store
from procession.services.catalog import Catalog


@final
class Programs:
    """The linked programs that the workflows of this process run. Thread-safe."""

    def __init__(self, store: Store, seen: Callable[[Linked], None] | None = None) -> None:
        """`seen` is told of each program that is read."""
        self._seen = seen
        self._store = store
        self._catalog = Catalog(store, None)
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], Linked] = {}

    def linked(self, tenant: str, hash: str) -> Linked:
        """See `workflow.Surroundings`. Raises `NotFound` or `Unreadable` while the program is not in the store."""
        found = self._known.get((tenant, hash))
        if found is None:
            with self._lock:
                found = self._catalog.linked(self._catalog.tenant(tenant), hash)
            self._known[tenant, hash] = found
            if self._seen is not None:
                self._seen(found)
        return found


def types_of(program: Program) -> set[str]:
    """The types of jobs that a program names; those that it computes are not among them."""
    return {job.type.literal for job in jobs_of(program) if job.type.literal}
