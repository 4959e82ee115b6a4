"""Options of the host on Celery, and what they say of a job: its task, its queue."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Final, TypeAlias, cast, final

from procession.base.failure import BadValue
from procession.base.values import Json
from procession.runtime.courier import Parcel

Route: TypeAlias = "str | Callable[[Mapping[str, Json]], str | None]"
"""A queue, with `{tenant}`, `{process}` and `{type}` in its name, or what says it of a job; "" or None: Celery's own
routing (`task_routes`) does."""

LOST_S: Final = 30.0
SWEEP_S: Final = 10.0
_FIELDS: Final = ("tenant", "process", "type")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
"""What a queue's name may not have of a tenant's: brokers and shells take the rest as it is."""


@final
class Options:
    """See `CeleryHost`. Times are in ms."""

    __slots__ = ("_queue", "_tasks", "external", "horizon_ms", "ignore_result", "lost_ms", "queue", "sweep_ms")

    def __init__(
        self,
        *,
        queues: Route = "",
        queue: str = "",
        tasks: Callable[[str], str] | None = None,
        external: Collection[str] = (),
        lost: float = LOST_S,
        sweep: float = SWEEP_S,
        ignore_result: bool = True,
    ) -> None:
        """Raises `BadValue` for times that mean nothing, and for queues of something that no job has."""
        if not 0 < sweep <= 3_600 or not 0 < lost <= 86_400:
            raise BadValue(f"lost={lost:g} and sweep={sweep:g} are seconds: above 0, at most a day and an hour")
        if isinstance(queues, str):
            try:
                queues.format(**dict.fromkeys(_FIELDS, ""))
            except (KeyError, IndexError, ValueError) as error:
                raise BadValue(
                    f"queues={queues!r} may name {{tenant}}, {{process}} and {{type}} alone: {error}"
                ) from None
        self._queue = queues
        self._tasks = tasks
        self.queue = queue
        """Of wake-ups and sweeps; "": the app's default one."""
        self.external = frozenset(external)
        self.lost_ms = int(lost * 1000)
        self.sweep_ms = int(sweep * 1000)
        self.horizon_ms = int(sweep * 1500)
        self.ignore_result = ignore_result

    def task_of(self, type: str) -> str:
        """The name of the task that does jobs of a type."""
        return self._tasks(type) if self._tasks is not None else type

    def queue_of(self, parcel: Parcel) -> str | None:
        """The queue of a job; None where Celery's own routing says it."""
        job = parcel.job
        if callable(self._queue):
            return self._queue({**job, "tenant": parcel.tenant}) or None
        if not self._queue:
            return None
        values = (parcel.tenant, cast("str", job["process_id"]), cast("str", job["type"]))
        return self._queue.format(**{name: _safe(value) for name, value in zip(_FIELDS, values, strict=True)})


def _safe(name: str) -> str:
    return _UNSAFE.sub("_", name).strip("_") or "_"
