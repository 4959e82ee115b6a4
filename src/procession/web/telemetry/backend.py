"""A backend that counts what it is asked, and continues traces."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final, TypeVar, cast, final

import msgspec

from procession.runtime.ports import Cells
from procession.runtime.requests import ActivateJobs, Plain, StartProcess
from procession.runtime.tracing import span
from procession.services.backend import Backend, News, Who
from procession.services.reading import Reader
from procession.web.telemetry.metrics import Measures

_T = TypeVar("_T")

DELIVERIES: Final[Mapping[object, str]] = {0: "failed", 1: "delivered", 2: "given-up"}
"""What became of a webhook's delivery, by the state that is written down."""


@final
class MeasuredBackend:
    """See `services.backend.Backend`."""

    def __init__(self, backend: Backend, measures: Measures) -> None:
        self._backend = backend
        self._measures = measures

    async def ask(self, request: Plain, who: Who) -> object:
        """See `Backend.ask`."""
        name, started = type(request).__name__, time.perf_counter()
        error: BaseException | None = None
        self._measures.waiting.inc()
        try:
            if isinstance(request, StartProcess):
                # The instance belongs to the trace of who asked for it, also where it runs elsewhere.
                with span("procession.start", {"procession.process": request.process_id}) as trace:
                    asked = msgspec.structs.replace(request, trace=trace) if trace else request
                    result = await self._backend.ask(asked, who)
            else:
                result = await self._backend.ask(request, who)
            self._jobs(request, result)
            return result
        except BaseException as raised:
            error = raised
            raise
        finally:
            self._measures.waiting.dec()
            self._measures.answered(name, error, time.perf_counter() - started)

    async def ask_all(self, requests: Sequence[Plain], who: Who) -> list[object]:
        """See `Backend.ask_all`."""
        started = time.perf_counter()
        self._measures.waiting.inc(len(requests))
        try:
            results = await self._backend.ask_all(requests, who)
        finally:
            self._measures.waiting.dec(len(requests))
        seconds = time.perf_counter() - started
        for request, result in zip(requests, results, strict=True):
            error = result if isinstance(result, BaseException) else None
            self._measures.answered(type(request).__name__, error, seconds)
            self._jobs(request, result)
        return results

    async def read(self, tenant: str, question: Callable[[Reader], _T]) -> _T:
        """See `Backend.read`."""
        return await self._backend.read(tenant, question)

    async def write(self, tenant: str, statement: str, rows: Sequence[Cells]) -> None:
        """See `Backend.write`."""
        await self._backend.write(tenant, statement, rows)
        if statement == "delivery_tried":
            for row in rows:
                self._measures.delivered(DELIVERIES.get(row[0], "failed"))

    def news(self, tenant: str, after: int) -> AsyncIterator[News]:
        """See `Backend.news`."""
        return self._backend.news(tenant, after)

    async def moved(self, tenant: str, seen: int, seconds: float) -> int:
        """See `Backend.moved`."""
        return await self._backend.moved(tenant, seen, seconds)

    def awaited(self, tenant: str, types: Sequence[str]) -> dict[str, int]:
        """See `Backend.awaited`."""
        return self._backend.awaited(tenant, types)

    def runs(self, tenant: str, instance: int) -> bool:
        """See `Backend.runs`."""
        return self._backend.runs(tenant, instance)

    def _jobs(self, request: Plain, result: object) -> None:
        if isinstance(request, ActivateJobs) and isinstance(result, list) and result:
            self._measures.shares["jobs"].add(request.tenant, len(cast("list[object]", result)))
