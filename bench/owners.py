"""How long instances that move are without an owner: there, from the commit that hands one over to the end of its
workflow's first task; back, from the end of its workflow to the end of the commit that takes it back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Final, final

import msgspec
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from procession import Temporal
from procession.base.keys import made_at_ms
from procession.hosts.temporal.cluster import DATA_CONVERTER
from procession.hosts.temporal.ids import workflow_id
from procession.hosts.temporal.taking import TOOK
from procession.runtime.elsewhere import Answer, Door, Placement
from procession.runtime.ports import Store
from procession.runtime.requests import MoveOn

TENANT: Final = "<default>"
AT_ONCE: Final = 16
"""Workflows that are read at the same time."""


@final
class _Door:
    """A door that tells when a move was taken note of."""

    def __init__(self, door: Door, back: Callable[[int, float], object]) -> None:
        self._door = door
        self._back = back

    def call(self, request: Any) -> Any:
        return self._door.call(request)

    def call_all(self, requests: Sequence[Any]) -> list[Any]:
        found = self._door.call_all(requests)
        now = time.time()
        for each, said in zip(requests, found, strict=True):
            if isinstance(each, MoveOn) and each.left and said:
                for key in each.left.seqs:
                    self._back(int(key), now)
        return found

    def posted(self) -> None:
        self._door.posted()

    def perform(self, job: Answer, tenant: str) -> Future[Any]:
        return self._door.perform(job, tenant)


@final
class Watched:
    """Temporal; `back` is told of each instance that was taken back, and when (Unix s)."""

    def __init__(self, inner: Temporal, back: Callable[[int, float], object]) -> None:
        self._inner = inner
        self._back = back

    def open(self, store: Store) -> Placement:
        return self._inner.open(store)

    def attach(self, door: Door) -> None:
        self._inner.attach(_Door(door, self._back))

    def serve(self, type: str, spare: bool) -> None:
        self._inner.serve(type, spare)

    def close(self) -> None:
        self._inner.close()


@final
class Without(msgspec.Struct):
    """Seconds, one of each instance that went there, and that came back as somebody was told."""

    there: list[float]
    back: list[float]


async def without(address: str, keys: Sequence[int], told: Mapping[int, float]) -> Without:
    """What the cluster knows of instances that moved."""
    client = await Client.connect(address, data_converter=DATA_CONVERTER)
    found, room = Without([], []), asyncio.Semaphore(AT_ONCE)

    async def look(key: int) -> None:
        async with room:
            handle = client.get_workflow_handle(workflow_id(TENANT, key))
            try:
                described = await handle.describe()
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:  # it ended before it was to move
                    return
                raise
            handed = made_at_ms(await described.memo_value(TOOK, 0)) / 1000
            async for event in handle.fetch_history_events(page_size=16):
                if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
                    found.there.append(event.event_time.ToMilliseconds() / 1000 - handed)
                    break
            if key in told and described.close_time is not None:
                found.back.append(told[key] - described.close_time.timestamp())

    await asyncio.gather(*(look(key) for key in keys))
    return found


def line(seconds: list[float]) -> str:
    """The middle, the 99th of a hundred, the longest."""
    ordered = sorted(seconds)
    p50, p99 = (ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.99))
    return (
        f"without an owner p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, "
        f"longest {ordered[-1] * 1000:.0f} ms of {len(ordered):,}"
    )
