"""The desk where workers of other processes wait for jobs, and what is leased over it.

Nobody polls: one watcher a tenant looks when something happened there, or when a back-off ends, and wakes as many of
those who wait as there are jobs. What must not live here: HTTP, and what becomes of a job.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from typing import Final, cast, final

import msgspec

from procession.base.failure import Busy, ProcessionError
from procession.base.values import Json
from procession.runtime import requests as q
from procession.services.backend import Backend, Who
from procession.services.job_views import Awaited
from procession.services.reading import Reader

LOOK_S: Final = 1.0
"""After this a watcher looks though nothing was told: another process may own the shard, and telling may fail."""
LOOK_MAX_S: Final = 8.0
"""Each look in vain doubles the time to the next one, up to this: an idle worker costs the store next to nothing."""
EMPTY_S: Final = 0.05
"""A pause when jobs are said to be ready and are not given out, which another worker was faster to take."""
LEASED_MAX: Final = 20_000
"""Jobs of one tenant that are leased over one process at the same time."""


class Wanted(msgspec.Struct, frozen=True, gc=False):
    """Jobs that a worker takes: of these types, leased for `timeout` ms, with these variables (none named: all)."""

    tenant: str
    types: tuple[str, ...]
    worker: str
    timeout: int
    fetch: tuple[str, ...] = ()


@final
class Lease:
    """A job that is leased over this process until `deadline` (Unix ms). `freed` is set when it is over."""

    __slots__ = ("deadline", "freed", "token")

    def __init__(self, token: int, deadline: int, freed: asyncio.Event | None) -> None:
        self.token = token
        self.deadline = deadline
        self.freed = freed


@final
class _Waiter:
    __slots__ = ("limit", "ready", "types")

    def __init__(self, types: tuple[str, ...], limit: int) -> None:
        self.types = types
        self.limit = limit
        self.ready: asyncio.Future[dict[str, int]] = asyncio.get_running_loop().create_future()


@final
class _Place:
    """Those of one tenant who wait, and the task that watches for them."""

    __slots__ = ("came", "task", "waiting")

    def __init__(self) -> None:
        self.waiting: list[_Waiter] = []
        self.came = asyncio.Event()
        self.task: asyncio.Task[None] | None = None


@final
class Desk:
    """One server process's. Belongs to its event loop."""

    __slots__ = ("_backend", "_leases", "_places", "_returns", "asking", "closing")

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.closing = False
        self.asking = asyncio.Event()
        """Set while leases are asked for: until they are told, they are not given back either."""
        self._places: dict[str, _Place] = {}
        self._leases: dict[str, dict[int, Lease]] = {}
        self._returns: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Nobody waits any more, and streams end; what was leased and not told is given back. Idempotent."""
        self.closing = True
        for place in list(self._places.values()):
            for waiter in place.waiting:
                if not waiter.ready.done():
                    waiter.ready.set_result({})
            place.waiting.clear()
            place.came.set()
        for leases in list(self._leases.values()):
            for lease in leases.values():
                if lease.freed is not None:
                    lease.freed.set()
        await asyncio.gather(*self._returns, return_exceptions=True)

    async def take(
        self, wanted: Wanted, who: Who, limit: int, *, seconds: float, freed: asyncio.Event | None = None
    ) -> list[dict[str, Json]]:
        """Leases up to `limit` jobs; waits at most so long for the first. Raises `Busy` when too many are leased.

        Cancelled, it gives back what it has just leased."""
        until = time.monotonic() + seconds
        while True:
            self._admit(wanted.tenant)
            left = max(0.0, until - time.monotonic())
            ready = await self._ready(wanted.tenant, wanted.types, limit, left)
            if not ready:
                return []
            found = await self._lease(wanted, who, limit, ready)
            if found:
                self._note(wanted.tenant, found, freed)
                return found
            if time.monotonic() >= until or self.closing:
                return []
            await asyncio.sleep(min(EMPTY_S, left))

    def over(self, tenant: str, key: int, token: int) -> None:
        """A job is over, or its lease is (`token` 0: whichever): whoever was given it may get another."""
        leases = self._leases.get(tenant)
        lease = leases.get(key) if leases is not None else None
        if leases is None or lease is None or (token and lease.token != token):
            return
        del leases[key]
        if not leases:
            del self._leases[tenant]
        if lease.freed is not None:
            lease.freed.set()

    def extended(self, tenant: str, key: int, deadline: int) -> None:
        """The lease of a job ends at another time (Unix ms)."""
        lease = self._leases.get(tenant, {}).get(key)
        if lease is not None:
            lease.deadline = deadline

    def held(self, tenant: str, keys: Sequence[int]) -> list[int]:
        """Those of these jobs whose lease is not over, as far as this process knows."""
        now = _now_ms()
        leases = self._leases.get(tenant, {})
        held: list[int] = []
        for key in keys:
            lease = leases.get(key)
            if lease is None:
                continue
            if lease.deadline > now:
                held.append(key)
            else:
                self.over(tenant, key, lease.token)
        return held

    async def look_after(self, tenant: str, keys: Sequence[int]) -> None:
        """Asks the store about leases: a job may have been finished over another process, or have lost its reason."""
        leases = self._leases.get(tenant, {})
        asked = [(key, leases[key].token) for key in keys if key in leases]
        found = await self._backend.read(tenant, lambda reader: reader.jobs.leases(tenant, asked))
        for key, token in asked:
            if key in found:
                self.extended(tenant, key, found[key])
            else:
                self.over(tenant, key, token)

    def give_back(self, tenant: str, who: Who, jobs: Sequence[dict[str, Json]]) -> None:
        """Returns leases in the background: nobody was told of these jobs."""
        if jobs:
            task = asyncio.ensure_future(self._return(tenant, who, jobs))
            self._returns.add(task)
            task.add_done_callback(self._returns.discard)

    async def _return(self, tenant: str, who: Who, jobs: Sequence[dict[str, Json]]) -> None:
        requests = [q.ReturnJob(tenant, *place_of(job)) for job in jobs]
        for request in requests:
            self.over(tenant, request.job, request.token)
        await self._backend.ask_all(requests, who)

    def _admit(self, tenant: str) -> None:
        leases = self._leases.get(tenant, {})
        if len(leases) >= LEASED_MAX and len(self.held(tenant, list(leases))) >= LEASED_MAX:
            raise Busy(f"{LEASED_MAX} jobs of this tenant are leased already: finish some, or let their leases end")

    def _note(self, tenant: str, jobs: Sequence[dict[str, Json]], freed: asyncio.Event | None) -> None:
        leases = self._leases.setdefault(tenant, {})
        for job in jobs:
            key, token = place_of(job)
            leases[key] = Lease(token, cast("int", job["deadline"]), freed)

    async def _lease(self, wanted: Wanted, who: Who, limit: int, ready: dict[str, int]) -> list[dict[str, Json]]:
        requests: list[q.Plain] = []
        left = limit
        for place, (type, count) in enumerate(ready.items()):
            share = min(count, max(1, left // (len(ready) - place)), left)
            if share:
                requests.append(q.ActivateJobs(wanted.tenant, type, share, wanted.worker, wanted.timeout, wanted.fetch))
                left -= share
        asking = asyncio.ensure_future(self._ask(requests, who))
        try:
            answers = await asyncio.shield(asking)
        except asyncio.CancelledError:
            asking.add_done_callback(lambda done: self._too_late(wanted.tenant, who, done))
            raise
        found: list[dict[str, Json]] = []
        for answer in answers:
            if isinstance(answer, ProcessionError):
                self.give_back(wanted.tenant, who, found)
                raise answer
            found += cast("list[dict[str, Json]]", answer)
        return found

    async def _ask(self, requests: Sequence[q.Plain], who: Who) -> list[object]:
        self.asking.set()
        try:
            return await self._backend.ask_all(requests, who)
        finally:
            self.asking.clear()

    def _too_late(self, tenant: str, who: Who, done: asyncio.Future[list[object]]) -> None:
        if not done.cancelled() and done.exception() is None:
            jobs: list[dict[str, Json]] = []
            for answer in done.result():
                if not isinstance(answer, ProcessionError):
                    jobs += cast("list[dict[str, Json]]", answer)
            self.give_back(tenant, who, jobs)

    async def _ready(self, tenant: str, types: tuple[str, ...], limit: int, seconds: float) -> dict[str, int]:
        """Type -> how many jobs of it are ready; none when that is so for so long."""
        if seconds <= 0:
            found = await self._awaited(tenant, types, _now_ms())
            return {type: each.ready for type, each in found.items() if each.ready}
        if self.closing:
            return {}
        place = self._places.setdefault(tenant, _Place())
        waiter = _Waiter(types, limit)
        place.waiting.append(waiter)
        place.came.set()
        if place.task is None:
            place.task = asyncio.ensure_future(self._watch(tenant, place))
        try:
            async with asyncio.timeout(seconds):
                return await waiter.ready
        except TimeoutError:
            return {}
        finally:
            if waiter in place.waiting:
                place.waiting.remove(waiter)
                if not place.waiting:
                    place.came.set()

    async def _awaited(self, tenant: str, types: Sequence[str], now: int) -> dict[str, Awaited]:
        """What there is of each type. The store is asked about those alone of which nobody here knows."""
        known = {type: Awaited(count, None) for type, count in self._backend.awaited(tenant, types).items()}
        others = [type for type in types if type not in known]
        if not others:
            return known
        return known | await self._backend.read(tenant, partial(_awaited, tenant, others, now))

    async def _watch(self, tenant: str, place: _Place) -> None:
        """Looks for those who wait, as long as there are any."""
        pause = LOOK_S
        try:
            while place.waiting:
                place.came.clear()
                seen = await self._backend.moved(tenant, 0, 0)
                now = _now_ms()
                types = list(dict.fromkeys(type for waiter in place.waiting for type in waiter.types))
                found = await self._awaited(tenant, types, now)
                _wake(place, found)
                if place.waiting:
                    dues = [each.due - now for each in found.values() if each.due is not None]
                    told = await self._something(tenant, seen, place, min([pause, *(due / 1000 for due in dues)]))
                    pause = LOOK_S if told else min(LOOK_MAX_S, pause * 2)
        except Exception as error:
            # Whatever it was, it is told to those who wait, who may ask again.
            for waiter in place.waiting:
                if not waiter.ready.done():
                    waiter.ready.set_exception(error)
            place.waiting.clear()
        finally:
            place.task = None
            if self._places.get(tenant) is place and not place.waiting:
                del self._places[tenant]

    async def _something(self, tenant: str, seen: int, place: _Place, seconds: float) -> bool:
        """Until something happened for the tenant, or somebody came or went, at most so long; whether it happened."""
        moved = asyncio.ensure_future(self._backend.moved(tenant, seen, LOOK_MAX_S * 2))
        came = asyncio.ensure_future(place.came.wait())
        try:
            done, _ = await asyncio.wait((moved, came), timeout=max(0.0, seconds), return_when=asyncio.FIRST_COMPLETED)
            return moved in done
        finally:
            moved.cancel()
            came.cancel()


def _awaited(tenant: str, types: Sequence[str], now: int, reader: Reader) -> dict[str, Awaited]:
    return reader.jobs.awaited(tenant, types, now)


def _wake(place: _Place, found: dict[str, Awaited]) -> None:
    """In turns: who was woken comes behind the others when he waits again."""
    left = {type: each.ready for type, each in found.items()}
    for waiter in list(place.waiting):
        ready = {type: left[type] for type in waiter.types if left.get(type)}
        if not ready:
            continue
        room = waiter.limit
        for type, count in ready.items():
            used = min(room, count)
            left[type] -= used
            room -= used
        place.waiting.remove(waiter)
        if not waiter.ready.done():
            waiter.ready.set_result(ready)


def place_of(job: dict[str, Json]) -> tuple[int, int]:
    """(key, token of the lease) of a job."""
    return int(cast("str", job["key"])), int(cast("str", job["token"]))


def _now_ms() -> int:
    return int(time.time() * 1000)
