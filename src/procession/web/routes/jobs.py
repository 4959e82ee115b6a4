"""Jobs for workers of other processes: by request, by stream, and what became of them."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final, TypeAlias, cast

import msgspec
from litestar import Request, Response, get, patch, post
from litestar.datastructures import State
from litestar.params import JSONBody, QueryParameter
from litestar.response import Stream
from litestar.types import ControllerRouterHandler

from procession.base.failure import BadValue, ProcessionError
from procession.base.values import Json
from procession.runtime import requests as q
from procession.services.access import Caller
from procession.services.backend import Who
from procession.web import job_shapes as s
from procession.web.asking import Idempotent, TheCaller, TheSite, who
from procession.web.body import JSON, exactly
from procession.web.desk import Wanted
from procession.web.job_stream import stream
from procession.web.openapi import EXAMPLE
from procession.web.problems import problem_of
from procession.web.shapes import KeyPath, key_of, moment, texts
from procession.web.site import Site
from procession.web.turns import step_aside

LINES: Final = "application/x-ndjson"

Types: TypeAlias = Annotated[
    list[str], QueryParameter(name="type", min_items=1, max_items=100, description="Job types; repeatable.")
]
WorkerName: TypeAlias = Annotated[str, QueryParameter(name="worker", max_length=255, description="Who works.")]
Active: TypeAlias = Annotated[
    int, QueryParameter(name="max_active", ge=1, le=1_000, description="Jobs at the same time.")
]
LeaseTime: TypeAlias = Annotated[
    int, QueryParameter(name="timeout_ms", ge=1, le=s.LEASE_MS_MAX, description="How long a job is leased.")
]
Fetch: TypeAlias = Annotated[
    list[str] | None,
    QueryParameter(name="fetch_variables", description="Names of variables, repeated or with commas. None named: all."),
]


@post(
    "/jobs/activate",
    status_code=200,
    opt={EXAMPLE: {"types": ["pay"], "max_jobs": 10, "worker": "payments", "timeout_ms": 30_000}},
)
async def activate_jobs(
    data: JSONBody[s.ActivateJobsIn],
    request: Request[Any, Any, State],
    caller: TheCaller,
    site: TheSite,
    idempotency_key: Idempotent = None,
) -> Response[s.JobsOut]:
    """Leases jobs to a worker. Nothing there: it waits for the first, as long as `request_timeout_ms` says."""
    _admit(caller)
    wanted = Wanted(caller.tenant, tuple(data.types), data.worker, data.timeout_ms, tuple(data.fetch_variables))
    if idempotency_key is None:
        asks = Who(caller.subject, caller.origin)
        if data.request_timeout_ms:
            step_aside(request.scope)
        jobs = await site.desk.take(wanted, asks, data.max_jobs, seconds=data.request_timeout_ms / 1000)
    else:
        # Asked again, the same jobs are told, which are leased already; so nothing is waited for.
        asked = q.ActivateJobs(caller.tenant, data.types[0], data.max_jobs, data.worker, data.timeout_ms, wanted.fetch)
        if len(data.types) > 1:
            raise BadValue("with an Idempotency-Key jobs of one type are leased: ask for each by itself")
        found = await site.backend.ask(asked, who(caller, idempotency_key, asked))
        jobs = cast("list[dict[str, Json]]", found)
    shown = [s.shown(job, caller.tenant) for job in jobs]
    return cast("Response[s.JobsOut]", Response(exactly({"items": shown}), media_type=JSON))


@get("/jobs/stream", media_type=LINES)
async def stream_jobs(
    caller: TheCaller,
    site: TheSite,
    types: Types,
    *,
    worker: WorkerName = "",
    max_active: Active = 32,
    timeout_ms: LeaseTime = 300_000,
    fetch_variables: Fetch = None,
) -> Stream:
    """Jobs as they come, a line of JSON each (`JobOut`), as long as the connection lasts.

    At most `max_active` of them are leased to this stream and not finished. Empty lines mean that it is alive. A line
    with a `problem` is the last one."""
    _admit(caller)
    if not all(types):
        raise BadValue("a job type is a text that is not empty")
    wanted = Wanted(caller.tenant, tuple(dict.fromkeys(types)), worker, timeout_ms, texts(fetch_variables or ()))
    lines = stream(site.desk, wanted, Who(caller.subject, caller.origin), max_active)
    return Stream(lines, media_type=LINES, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


@post(
    "/jobs/finish",
    status_code=200,
    opt={EXAMPLE: {"items": [{"outcome": "complete", "key": "4503599627370497", "variables": {"paid": True}}]}},
)
async def finish_jobs(
    data: JSONBody[s.FinishIn], caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None
) -> Response[s.FinishedAll]:
    """Tells what became of many jobs at once.

    Under the token of its lease a job is finished once; the second time its problem is `not-found`."""
    _admit(caller)
    found: list[s.Finished] = [s.Finished(each.key) for each in data.items]
    asked: list[tuple[int, q.Plain]] = []
    for place, outcome in enumerate(data.items):
        try:
            asked.append((place, s.request_of(caller.tenant, outcome)))
        except ProcessionError as error:
            found[place] = _finished(outcome, error)
    for (place, _), answer in zip(asked, await _ask(site, caller, idempotency_key, asked), strict=True):
        outcome = data.items[place]
        found[place] = _finished(outcome, answer)
        _note(site, caller.tenant, outcome, answer)
    return cast("Response[s.FinishedAll]", Response(exactly(s.FinishedAll(found)), media_type=JSON))


async def _ask(site: Site, caller: Caller, key: str | None, asked: list[tuple[int, q.Plain]]) -> list[object]:
    """Carries them out; under an idempotency key each has one of its own, by its place."""
    if key is None:
        return await site.backend.ask_all([request for _, request in asked], Who(caller.subject, caller.origin))
    asking = [site.backend.ask(request, who(caller, f"{key}\0{place}", request)) for place, request in asked]
    answers = await asyncio.gather(*asking, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, ProcessionError):
            raise answer
    return list(answers)


class Result(msgspec.Struct, forbid_unknown_fields=True):
    """The result of a job. See `CompleteIn`."""

    token: s.Token = ""
    variables: dict[str, Json] = {}
    choice: s.ChoiceIn | None = None


class Failed(msgspec.Struct, forbid_unknown_fields=True):
    """A failed attempt. See `FailIn`."""

    token: s.Token = ""
    error: str = ""
    retries: Annotated[int, msgspec.Meta(ge=0)] | None = None
    backoff_ms: s.Duration | None = None


class Thrown(msgspec.Struct, forbid_unknown_fields=True):
    """A BPMN error. See `ThrowIn`."""

    code: str
    token: s.Token = ""
    message: str = ""
    variables: dict[str, Json] = {}


class Refusal(msgspec.Struct, forbid_unknown_fields=True):
    """A task listener says no. See `DenyIn`."""

    token: s.Token = ""
    reason: str = ""


class Longer(msgspec.Struct, forbid_unknown_fields=True):
    """A lease that ends `timeout_ms` from now."""

    timeout_ms: s.LeaseTime
    token: s.Token = ""


class Changed(msgspec.Struct, forbid_unknown_fields=True):
    """How many retries a job has from now on."""

    retries: Annotated[int, msgspec.Meta(ge=1)]


@post("/jobs/{key:str}/complete", status_code=200, opt={EXAMPLE: {"variables": {"paid": True}}})
async def complete_job(
    key: KeyPath, data: JSONBody[Result], caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None
) -> s.Finished:
    """Completes a job."""
    outcome = s.CompleteIn(key, data.token, data.variables, data.choice)
    return await _one(site, caller, idempotency_key, outcome)


@post(
    "/jobs/{key:str}/fail",
    status_code=200,
    opt={EXAMPLE: {"error": "the bank does not answer", "retries": 2, "backoff_ms": 5_000}},
)
async def fail_job(
    key: KeyPath, data: JSONBody[Failed], caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None
) -> s.Finished:
    """Tells that an attempt failed; out of retries, the job becomes an incident."""
    outcome = s.FailIn(key, data.token, data.error, data.retries, data.backoff_ms)
    return await _one(site, caller, idempotency_key, outcome)


@post("/jobs/{key:str}/throw", status_code=200, opt={EXAMPLE: {"code": "no_funds", "message": "the account is empty"}})
async def throw_job_error(
    key: KeyPath, data: JSONBody[Thrown], caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None
) -> s.Finished:
    """Ends a job with a BPMN error."""
    outcome = s.ThrowIn(key, data.code, data.token, data.message, data.variables)
    return await _one(site, caller, idempotency_key, outcome)


@post("/jobs/{key:str}/deny", status_code=200, opt={EXAMPLE: {"reason": "the amount is missing"}})
async def deny_job(
    key: KeyPath, data: JSONBody[Refusal], caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None
) -> s.Finished:
    """Says no as a task listener."""
    return await _one(site, caller, idempotency_key, s.DenyIn(key, data.token, data.reason))


@post("/jobs/{key:str}/extend", status_code=200, opt={EXAMPLE: {"timeout_ms": 30_000}})
async def extend_job(
    key: KeyPath, data: JSONBody[Longer], caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None
) -> s.Finished:
    """Lets a lease end later."""
    return await _one(site, caller, idempotency_key, s.ExtendIn(key, data.timeout_ms, data.token))


@patch("/jobs/{key:str}", opt={EXAMPLE: {"retries": 3}})
async def change_job(
    key: KeyPath, data: JSONBody[Changed], caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None
) -> None:
    """Gives an open job retries. One that is out of them goes on when its incident is resolved."""
    _admit(caller)
    request = q.UpdateJob(caller.tenant, key_of(key, "job"), data.retries)
    await site.backend.ask(request, who(caller, idempotency_key, request))


async def _one(site: Site, caller: Caller, key: str | None, outcome: s.AnyOutcome) -> s.Finished:
    _admit(caller)
    request = s.request_of(caller.tenant, outcome)
    try:
        answer = await site.backend.ask(request, who(caller, key, request))
    except ProcessionError as error:
        _note(site, caller.tenant, outcome, error)
        raise
    _note(site, caller.tenant, outcome, answer)
    return _finished(outcome, answer)


def _admit(caller: Caller) -> None:
    # What is leased is a type's next job, of whichever process.
    caller.need_everywhere("jobs:work")


def _finished(outcome: s.AnyOutcome, answer: object) -> s.Finished:
    if isinstance(answer, ProcessionError):
        return s.Finished(outcome.key, problem_of(answer, f"/v1/jobs/{outcome.key}"))
    if isinstance(answer, int) and isinstance(outcome, s.FailIn):
        return s.Finished(outcome.key, retries=answer)
    if isinstance(answer, int) and isinstance(outcome, s.ExtendIn):
        return s.Finished(outcome.key, deadline=moment(answer))
    return s.Finished(outcome.key)


def _note(site: Site, tenant: str, outcome: s.AnyOutcome, answer: object) -> None:
    """A stream may have room for another job."""
    job, token = key_of(outcome.key, "job"), s.token_of(outcome.token)
    problem = problem_of(answer, "") if isinstance(answer, ProcessionError) else None
    if isinstance(outcome, s.ExtendIn) and isinstance(answer, int):
        site.desk.extended(tenant, job, answer)
    elif problem is None or problem.status == 404:
        site.desk.over(tenant, job, token)


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (
    activate_jobs,
    stream_jobs,
    finish_jobs,
    complete_job,
    fail_job,
    throw_job_error,
    deny_job,
    extend_job,
    change_job,
)
