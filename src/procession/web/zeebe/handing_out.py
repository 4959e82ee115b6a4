"""Handing out jobs: by long poll, and as a stream. What a client never got is given back, as if nobody had taken it.

The desk of the site knows who waits; here stands what Zeebe's clients ask for and are told.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, Literal, NamedTuple, cast

from procession.base.failure import Busy
from procession.base.values import Json
from procession.services.access import Caller
from procession.services.backend import Who
from procession.web.desk import Wanted, place_of
from procession.web.zeebe import gateway_pb2 as pb
from procession.web.zeebe.calls import Call, text_of
from procession.web.zeebe.leases import Lease
from procession.web.zeebe.statuses import invalid

POLL_S: Final = 10.0
"""How long a poll waits for a job if the client does not say."""
BUSY_S: Final = 1.0
"""After so long a stream asks again that was told that too many jobs are leased, or that has enough of them."""
ASKED_MAX: Final = 256
"""Most jobs of one answer to a poll, and of one look of a stream."""
ACTIVE_MAX: Final = 1_024
"""Most jobs that a stream has in its client's hands; the client cannot say how many it works on at a time."""
RESPONSE_BYTES_MAX: Final = 2 * 1024 * 1024
"""Size at which an answer with jobs is sent and the next one begun; clients refuse what is larger than 4 MiB."""
TENANTS_MAX: Final = 100
"""Most tenants of one request."""


class Taken(NamedTuple):
    """A job that was leased for a caller, as the engine told it."""

    caller: Caller
    job: dict[str, Json]


async def activate_jobs(call: Call, request: pb.ActivateJobsRequest) -> AsyncIterator[pb.ActivateJobsResponse]:
    """Jobs, as soon as there are any; nothing when the time is over."""
    if request.maxJobsToActivate < 1:
        raise invalid(f"maxJobsToActivate is {request.maxJobsToActivate}: at least 1 job must be asked for")
    callers = await _callers(call, request, request.tenantIds)
    seconds = 0.0 if request.requestTimeout < 0 else call.seconds(request.requestTimeout, POLL_S)
    left = await _take(call, callers, request, min(request.maxJobsToActivate, ASKED_MAX), seconds=seconds)
    try:
        while left:
            size, part = 0, list[pb.ActivatedJob]()
            while len(part) < len(left) and size < RESPONSE_BYTES_MAX:
                part.append(await _told(call, left[len(part)], request))
                size += part[-1].ByteSize()
            yield pb.ActivateJobsResponse(jobs=part)
            del left[: len(part)]
    finally:
        _give_back(call, left)


async def stream_activated_jobs(call: Call, request: pb.StreamActivatedJobsRequest) -> AsyncIterator[pb.ActivatedJob]:
    """Jobs as they come, until the client goes. The next are taken when the connection has taken the last."""
    callers = await _callers(call, request, request.tenantIds)
    desk = call.gateway.site.desk
    freed = asyncio.Event()
    active: dict[str, list[int]] = {caller.tenant: [] for caller in callers}
    left: list[Taken] = []
    try:
        while not call.gateway.closing:
            freed.clear()
            active = {tenant: desk.held(tenant, keys) for tenant, keys in active.items()}
            room = ACTIVE_MAX - sum(map(len, active.values()))
            if room <= 0:
                await _rest(freed)
                for tenant, keys in active.items():
                    await desk.look_after(tenant, keys)
                continue
            try:
                left = await _take(call, callers, request, min(room, ASKED_MAX), seconds=POLL_S, freed=freed)
            except Busy:
                await _rest(freed)
            while left:
                active[left[0].caller.tenant].append(place_of(left[0].job)[0])
                yield await _told(call, left[0], request)
                del left[0]
    finally:
        _give_back(call, left)


async def _rest(freed: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(BUSY_S):
            await freed.wait()
    except TimeoutError:
        return


def admit(caller: Caller) -> None:
    """Raises `Forbidden` for who may not work on jobs."""
    # What is leased is a type's next job, of whichever process.
    caller.need_everywhere("jobs:work")


async def _callers(
    call: Call, request: pb.ActivateJobsRequest | pb.StreamActivatedJobsRequest, tenants: Sequence[str]
) -> list[Caller]:
    if not request.type:
        raise invalid("jobs have a type: say which")
    if request.timeout < 1:
        raise invalid(f"the timeout is {request.timeout} ms: a job is handed out for at least 1")
    if len(tenants) > TENANTS_MAX:
        raise invalid(f"{len(tenants)} tenants are too many: at most {TENANTS_MAX}")
    callers = [await call.caller(tenant) for tenant in tenants or [""]]
    for caller in callers:
        admit(caller)
    return list({caller.tenant: caller for caller in callers}.values())


async def _take(
    call: Call,
    callers: Sequence[Caller],
    request: pb.ActivateJobsRequest | pb.StreamActivatedJobsRequest,
    limit: int,
    *,
    seconds: float,
    freed: asyncio.Event | None = None,
) -> list[Taken]:
    """Up to `limit` jobs of these tenants, waited for; none when the time is over or the server closes."""
    desk = call.gateway.site.desk

    async def take(caller: Caller) -> list[Taken]:
        wanted = Wanted(caller.tenant, (request.type,), request.worker, request.timeout, tuple(request.fetchVariable))
        who = Who(caller.subject, caller.origin)
        return [Taken(caller, job) for job in await desk.take(wanted, who, limit, seconds=seconds, freed=freed)]

    asking = [asyncio.ensure_future(take(caller)) for caller in callers]
    closed = asyncio.ensure_future(call.gateway.closed.wait())
    try:
        await _first(asking, closed)
    finally:
        # One that is cancelled gives back what it has just leased.
        for each in (*asking, closed):
            each.cancel()
        await asyncio.wait(asking)
    found: list[Taken] = []
    for each in asking:
        if not each.cancelled():
            found += each.result()
    _give_back(call, found[limit:])
    return found[:limit]


async def _first(asking: Sequence[asyncio.Task[list[Taken]]], closed: asyncio.Task[Literal[True]]) -> None:
    """Until one of them has jobs or failed, or none will."""
    waiting: list[asyncio.Task[list[Taken]]] = list(asking)
    while waiting and not closed.done():
        everything: list[asyncio.Task[Any]] = [*waiting, closed]
        await asyncio.wait(everything, return_when=asyncio.FIRST_COMPLETED)
        if any(each.exception() is not None or each.result() for each in waiting if each.done()):
            return
        waiting = [each for each in waiting if not each.done()]


async def _told(
    call: Call, taken: Taken, request: pb.ActivateJobsRequest | pb.StreamActivatedJobsRequest
) -> pb.ActivatedJob:
    caller, job = taken
    key, token = place_of(job)
    instance, element = int(cast("str", job["instance"])), int(cast("str", job["element"]))
    process_id, version = cast("str", job["process_id"]), cast("int", job["version"])
    call.gateway.leases.remember(key, call.peer, Lease(caller.tenant, token))
    return pb.ActivatedJob(
        key=key,
        type=request.type,
        processInstanceKey=instance,
        bpmnProcessId=process_id,
        processDefinitionVersion=version,
        processDefinitionKey=await call.gateway.definitions.key(caller.tenant, process_id, version),
        elementId=cast("str", job["element_id"]),
        elementInstanceKey=element,
        customHeaders=text_of(job["headers"]),
        worker=request.worker,
        retries=cast("int", job["retries"]),
        deadline=cast("int", job["deadline"]),
        variables=text_of(job["variables"]),
        tenantId=caller.tenant,
        jobLeaseToken=str(token),
    )


def _give_back(call: Call, jobs: Sequence[Taken]) -> None:
    """Jobs that nobody got: their leases end at once, without an attempt."""
    desk = call.gateway.site.desk
    for caller, job in jobs:
        call.gateway.leases.forget(place_of(job)[0], call.peer)
        desk.give_back(caller.tenant, Who(caller.subject, caller.origin), [job])
