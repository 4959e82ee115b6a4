"""What becomes of jobs in workers' hands: completed, failed, an error thrown, given more time or retries."""

from __future__ import annotations

from procession.base.failure import NotFound
from procession.core import events as e
from procession.runtime import requests as q
from procession.services.access import Caller
from procession.services.reading import Reader
from procession.services.views import JobView
from procession.web.zeebe import gateway_pb2 as pb
from procession.web.zeebe.calls import Call, variables_in
from procession.web.zeebe.handing_out import admit
from procession.web.zeebe.statuses import invalid, unserved


async def complete_job(call: Call, request: pb.CompleteJobRequest) -> pb.CompleteJobResponse:
    """Completes a job. A lease that is known to have gone to somebody else is NOT_FOUND."""
    caller, token = await _held(call, request.jobKey, request.jobLeaseToken)
    result = request.result
    if result.HasField("corrections"):
        raise unserved("a task listener corrects nothing: set variables, or change the task itself")
    what = q.FinishJob(
        caller.tenant,
        request.jobKey,
        variables_in(request.variables),
        token,
        denied=result.denied,
        reason=result.deniedReason,
        choice=_choice(result),
    )
    await _finish(call, caller, what)
    return pb.CompleteJobResponse()


def _choice(result: pb.JobResult) -> e.Choice | None:
    """How an ad-hoc sub-process goes on; None for the job of anything else."""
    if result.type.lower() != "adhocsubprocess" and not result.activateElements:
        return None
    activities = [
        (each.elementId, variables_in(each.variables, "variables of an activity")) for each in result.activateElements
    ]
    return e.Choice(activities, result.isCompletionConditionFulfilled, result.isCancelRemainingInstances)


async def fail_job(call: Call, request: pb.FailJobRequest) -> pb.FailJobResponse:
    """A failed attempt. Its variables, if any, are set in the job's element before."""
    caller, token = await _held(call, request.jobKey, request.jobLeaseToken)
    if request.retryBackOff < 0:
        raise invalid(f"the back-off is {request.retryBackOff} ms: it must not be below 0")
    variables = variables_in(request.variables)
    if variables:
        job = await call.read(caller, lambda reader: _job(reader, caller, request.jobKey))
        event = e.SetVariables(job.element, variables, local=True)
        await call.ask(caller, q.Deliver(caller.tenant, job.instance, event))
    retries = max(0, request.retries)
    what = q.FailJob(caller.tenant, request.jobKey, request.errorMessage, token, retries, request.retryBackOff)
    await _finish(call, caller, what)
    return pb.FailJobResponse()


async def throw_error(call: Call, request: pb.ThrowErrorRequest) -> pb.ThrowErrorResponse:
    """Throws a BPMN error at the job's element."""
    caller, token = await _held(call, request.jobKey, request.jobLeaseToken)
    what = q.ThrowJob(
        caller.tenant,
        request.jobKey,
        request.errorCode,
        request.errorMessage,
        variables_in(request.variables),
        token,
    )
    await _finish(call, caller, what)
    return pb.ThrowErrorResponse()


async def update_job_retries(call: Call, request: pb.UpdateJobRetriesRequest) -> pb.UpdateJobRetriesResponse:
    """Gives a job so many retries. One that is out of them goes on when its incident is resolved."""
    if request.retries < 1:
        raise invalid(f"the retries are {request.retries}: a job needs at least 1")
    caller, _ = await _held(call, request.jobKey, request.jobLeaseToken)
    await call.ask(caller, q.UpdateJob(caller.tenant, request.jobKey, request.retries))
    return pb.UpdateJobRetriesResponse()


async def update_job_timeout(call: Call, request: pb.UpdateJobTimeoutRequest) -> pb.UpdateJobTimeoutResponse:
    """Lets a lease end so long from now."""
    if request.timeout < 1:
        raise invalid(f"the timeout is {request.timeout} ms: it must be at least 1")
    caller, token = await _held(call, request.jobKey, request.jobLeaseToken)
    deadline = await call.ask(caller, q.ExtendJob(caller.tenant, request.jobKey, request.timeout, token))
    assert isinstance(deadline, int)
    call.gateway.site.desk.extended(caller.tenant, request.jobKey, deadline)
    return pb.UpdateJobTimeoutResponse()


async def _finish(call: Call, caller: Caller, what: q.FinishJob | q.FailJob | q.ThrowJob) -> None:
    desk = call.gateway.site.desk
    try:
        await call.ask(caller, what)
    except NotFound:
        # What is remembered of the lease stays: asked again, it is as late.
        desk.over(caller.tenant, what.job, what.token)
        raise
    desk.over(caller.tenant, what.job, what.token)
    call.gateway.leases.forget(what.job, call.peer)


async def _held(call: Call, job: int, named: str) -> tuple[Caller, int]:
    """Who asks about a job, and under which lease: the one that they name, or that of their connection; 0 for none.

    The tenant is the one for which the job was handed out; of a job that was not, the caller's own."""
    lease = call.gateway.leases.find(job, call.peer)
    caller = await call.caller("" if lease is None else lease.tenant)
    admit(caller)
    if named:
        if not (named.isascii() and named.isdigit() and len(named) < 20):
            raise invalid(f"{named!r:.60} is no lease token of this gateway")
        return caller, int(named)
    return caller, 0 if lease is None else lease.token


def _job(reader: Reader, caller: Caller, key: int) -> JobView:
    """An open job; raises `NotFound`."""
    found = reader.views.job(caller.tenant, key)
    if found is None:
        raise NotFound(f"job {key} is not open: it was completed, or its element has ended")
    return found
