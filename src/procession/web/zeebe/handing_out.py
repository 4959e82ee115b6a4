"""Handing out jobs: by long poll, and as a stream. What a client never got is given back, as if nobody had taken it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final, cast, final

import msgspec

from procession.base.failure import NotFound
from procession.base.values import Json
from procession.runtime import requests as q
from procession.services.access import Caller
from procession.web.zeebe import gateway_pb2 as pb
from procession.web.zeebe.calls import Call, text_of
from procession.web.zeebe.leases import Lease
from procession.web.zeebe.statuses import invalid

POLL_S: Final = 10.0
"""How long a poll waits for a job if the client does not say."""
LOOK_S: Final = 1.0
"""Longest time after which it is looked again: a lease or a back-off may have ended, or another process owns the shard."""
PAUSES_S: Final = (0.0, 0.001, 0.002, 0.005, 0.01)
"""Pause before the next look after so many in vain: commits that come meanwhile are one reason to look, not many."""
ASKED_MAX: Final = 256
"""Most jobs of one request, and of one look of a stream."""
RESPONSE_BYTES_MAX: Final = 2 * 1024 * 1024
"""Size at which an answer with jobs is sent and the next one begun; clients refuse what is larger than 4 MiB."""
TENANTS_MAX: Final = 100
"""Most tenants of one request."""


@final
class Wanted(msgspec.Struct, frozen=True):
    """What a worker asks for."""

    type: str
    worker: str
    timeout: int
    fetch: tuple[str, ...]


@final
class Handed(msgspec.Struct, frozen=True):
    """A job in a worker's hands, and for whom it was taken."""

    caller: Caller
    key: int
    token: int
    job: pb.ActivatedJob


async def activate_jobs(call: Call, request: pb.ActivateJobsRequest) -> AsyncIterator[pb.ActivateJobsResponse]:
    """Jobs, as soon as there are any; nothing when the time is over."""
    if request.maxJobsToActivate < 1:
        raise invalid(f"maxJobsToActivate is {request.maxJobsToActivate}: at least 1 job must be asked for")
    wanted = Wanted(request.type, request.worker, request.timeout, tuple(request.fetchVariable))
    callers = await _callers(call, wanted, request.tenantIds)
    seconds = 0.0 if request.requestTimeout < 0 else call.seconds(request.requestTimeout, POLL_S)
    limit = min(request.maxJobsToActivate, ASKED_MAX)
    found = await _jobs(call, callers, wanted, limit=limit, seconds=seconds)
    while found:
        size = 0
        part: list[Handed] = []
        while found and (not part or size < RESPONSE_BYTES_MAX):
            part.append(found.pop(0))
            size += part[-1].job.ByteSize()
        try:
            yield pb.ActivateJobsResponse(jobs=[each.job for each in part])
        except BaseException:
            give_back(call, [*part, *found])
            raise


async def stream_activated_jobs(call: Call, request: pb.StreamActivatedJobsRequest) -> AsyncIterator[pb.ActivatedJob]:
    """Jobs as they come, until the client has enough. The next are taken when the connection has taken the last."""
    wanted = Wanted(request.type, request.worker, request.timeout, tuple(request.fetchVariable))
    callers = await _callers(call, wanted, request.tenantIds)
    while not call.gateway.closing:
        found = await _jobs(call, callers, wanted, limit=ASKED_MAX, seconds=POLL_S)
        while found:
            try:
                yield found[0].job
            except BaseException:
                give_back(call, found)
                raise
            del found[0]


async def _callers(call: Call, wanted: Wanted, tenants: Sequence[str]) -> list[Caller]:
    if not wanted.type:
        raise invalid("jobs have a type: say which")
    if wanted.timeout < 1:
        raise invalid(f"the timeout is {wanted.timeout} ms: a job is handed out for at least 1")
    if len(tenants) > TENANTS_MAX:
        raise invalid(f"{len(tenants)} tenants are too many: at most {TENANTS_MAX}")
    callers = [await call.caller(tenant) for tenant in tenants or [""]]
    for caller in callers:
        caller.need("jobs:work")
    return list({caller.tenant: caller for caller in callers}.values())


async def _jobs(
    call: Call, callers: Sequence[Caller], wanted: Wanted, *, limit: int, seconds: float
) -> list[Handed]:
    """Up to `limit` jobs of these tenants, waited for; none when the time is over or the server closes."""
    clock = asyncio.get_running_loop().time
    until = clock() + seconds
    seen = [0] * len(callers)
    in_vain = 0
    while True:
        left = max(0.0, until - clock())
        await _moved(call, callers, seen, min(left, LOOK_S))
        await asyncio.sleep(PAUSES_S[min(in_vain, len(PAUSES_S) - 1)])
        found: list[Handed] = []
        try:
            for caller in callers:
                if len(found) < limit:
                    found += await _take(call, caller, wanted, limit - len(found))
        except BaseException:
            give_back(call, found)
            raise
        if found or not left or call.gateway.closing:
            return found
        in_vain += 1


async def _moved(call: Call, callers: Sequence[Caller], seen: list[int], seconds: float) -> None:
    """Waits until something may have happened for one of the tenants; `seen` is brought up to date."""
    moved = call.gateway.site.backend.moved
    if len(callers) == 1:
        seen[0] = await moved(callers[0].tenant, seen[0], seconds)
        return
    waits = [
        asyncio.ensure_future(moved(caller.tenant, number, seconds))
        for caller, number in zip(callers, seen, strict=True)
    ]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for at, wait in enumerate(waits):
            if not wait.cancel():
                seen[at] = wait.result()


async def _take(call: Call, caller: Caller, wanted: Wanted, limit: int) -> list[Handed]:
    request = q.ActivateJobs(caller.tenant, wanted.type, limit, wanted.worker, wanted.timeout, wanted.fetch)
    asked = asyncio.ensure_future(call.ask(caller, request))
    try:
        answer = await asyncio.shield(asked)
    except NotFound:
        return []  # nothing was deployed for this tenant yet
    except asyncio.CancelledError:
        asked.add_done_callback(lambda done: _too_late(call, caller, done))
        raise
    jobs = cast("list[dict[str, Json]]", answer)
    try:
        return [await _handed(call, caller, wanted, job) for job in jobs]
    except BaseException:
        _return(call, caller, jobs)
        raise


async def _handed(call: Call, caller: Caller, wanted: Wanted, job: dict[str, Json]) -> Handed:
    key, token, instance, element = (int(cast("str", job[name])) for name in ("key", "token", "instance", "element"))
    process_id, version = cast("str", job["process_id"]), cast("int", job["version"])
    lease = Lease(caller.tenant, token, instance, element, process_id)
    call.gateway.leases.remember(key, call.peer, lease)
    told = pb.ActivatedJob(
        key=key,
        type=wanted.type,
        processInstanceKey=instance,
        bpmnProcessId=process_id,
        processDefinitionVersion=version,
        processDefinitionKey=await call.gateway.definitions.key(caller.tenant, process_id, version),
        elementId=cast("str", job["element_id"]),
        elementInstanceKey=element,
        customHeaders=text_of(job["headers"]),
        worker=wanted.worker,
        retries=cast("int", job["retries"]),
        deadline=cast("int", job["deadline"]),
        variables=text_of(job["variables"]),
        tenantId=caller.tenant,
        jobLeaseToken=str(token),
    )
    return Handed(caller, key, token, told)


def give_back(call: Call, jobs: Sequence[Handed]) -> None:
    """Jobs that nobody got: their leases end at once, without an attempt."""
    for each in jobs:
        call.gateway.leases.forget(each.key, call.peer)
        call.gateway.later(call.ask(each.caller, q.ReturnJob(each.caller.tenant, each.key, each.token)))


def _return(call: Call, caller: Caller, jobs: Sequence[dict[str, Json]]) -> None:
    for job in jobs:
        key, token = int(cast("str", job["key"])), int(cast("str", job["token"]))
        call.gateway.leases.forget(key, call.peer)
        call.gateway.later(call.ask(caller, q.ReturnJob(caller.tenant, key, token)))


def _too_late(call: Call, caller: Caller, done: asyncio.Future[object]) -> None:
    if not done.cancelled() and done.exception() is None:
        _return(call, caller, cast("list[dict[str, Json]]", done.result()))
