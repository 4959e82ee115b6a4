"""What requests about jobs mean: leases for outside workers, and what becomes of a job. The rows stand in handlers.py.

What must not live here: workers of this process, and what the core does with a result.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Final

from procession.base.failure import BadValue, Conflict, NotFound
from procession.base.values import Json, told
from procession.core import events as e
from procession.core.state import ElementInstance
from procession.core.timers import duration_ms
from procession.core.variables import visible
from procession.hosts.embedded import elsewhere
from procession.hosts.embedded.board import Offer, offer_of
from procession.hosts.embedded.door import DURATION_MS_MAX
from procession.hosts.embedded.residents import Resident
from procession.hosts.embedded.shard import Shard
from procession.hosts.embedded.starting import accepted
from procession.ir.program import JobSpec
from procession.runtime import requests as q
from procession.runtime.rows import HELD, JobRow

BACKOFF_MS: Final = (1_000, 5_000, 30_000, 300_000)
"""Pauses after the first, second … failed attempt of a job whose model names none; the last repeats."""


def finish_job(shard: Shard, request: q.FinishJob) -> None:
    """See `requests.FinishJob`."""
    offer, resident = _leased(shard, request.tenant, request.job, request.token)
    event = e.CompleteJob(offer.key, request.variables, request.denied, request.reason, request.choice)
    outcome = shard.advance(resident, event)
    if request.tolerant and outcome.rejected in {"conflict", "not-found"} and offer.key in resident.state.jobs:
        fail_job(shard, q.FailJob(request.tenant, request.job, outcome.reason, request.token, backoff=request.backoff))
        return
    accepted(outcome)


def throw_job(shard: Shard, request: q.ThrowJob) -> None:
    """See `requests.ThrowJob`."""
    offer, resident = _leased(shard, request.tenant, request.job, request.token)
    event = e.ThrowJobError(offer.key, request.code, request.message, request.variables)
    accepted(shard.advance(resident, event))


def fail_job(shard: Shard, request: q.FailJob) -> int:
    """A failed attempt is telemetry on the job's row; only running out of retries is a fact (decision 8)."""
    offer, resident = _leased(shard, request.tenant, request.job, request.token)
    job = resident.state.jobs.get(offer.key)
    if job is None:
        raise NotFound(f"job {offer.key} is not open")
    if job.held:
        raise Conflict(f"job {offer.key} is out of retries already; resolve its incident")
    retries = offer.retries - 1 if request.retries is None else request.retries
    error = told(request.error)
    attempts = max(1, offer.attempt)
    # What was leased is nobody else's, even where the host is not there to say so.
    if resident.host and not offer.token and not elsewhere.is_ours(shard, offer.type):
        accepted(shard.advance(resident, elsewhere.exhausted(offer.key, retries, error)))
        return 0
    rows = shard.batch["job"]
    if retries > 0:
        due = shard.at + _backoff(resident, offer, attempts, request.backoff)
        rows.change("job_failed", (retries, attempts, due, error, offer.tenant, offer.key))
        shard.for_board.append(offer.key)
        shard.for_wakes.append(
            (due, _again(shard, offer, retries, due) if shard.carrier(offer.type) is not None else offer)
        )
        return retries
    rows.change("job_failed", (0, attempts, HELD, error, offer.tenant, offer.key))
    accepted(shard.advance(resident, e.ExhaustJob(offer.key, attempts, error)))
    return 0


def _again(shard: Shard, offer: Offer, retries: int, due: int) -> Offer:
    """The next attempt at a job that is taken to its worker; without a lease if it is too late for that to be sent now.
    Another offer: should the commit fail, the one before still counts."""
    assert shard.courier is not None
    again = copy(offer)
    again.token, again.retries = 0, retries
    if due - shard.at <= shard.courier.horizon_ms:
        shard.lease(again, due)
    return again


def _backoff(resident: Resident, offer: Offer, attempts: int, wanted: int | None) -> int:
    if wanted is not None:
        return max(0, wanted)
    pauses = offer.backoff
    if pauses is None:
        spec = job_spec(resident, offer)
        pauses = tuple(duration_ms(text) for text in spec.backoff) if spec is not None else ()
    pauses = pauses or BACKOFF_MS
    return pauses[min(attempts, len(pauses)) - 1]


def job_spec(resident: Resident, offer: Offer) -> JobSpec | None:
    """What the model says of a job."""
    node = resident.linked.nodes[offer.node]
    return node.job if offer.listener < 0 else node.listeners[offer.listener].job


def activate_jobs(shard: Shard, request: q.ActivateJobs) -> list[dict[str, Json]]:
    """Jobs for an outside worker. Their leases are rows, so they outlive this process. Those that a courier takes to
    their workers are nobody else's."""
    _lease_ms(request.timeout)
    tenant = shard.catalog.tenant(request.tenant)
    if shard.carrier(request.type) is not None:
        return []
    shard.board.look(request.type, shard.at)
    found: list[dict[str, Json]] = []
    # What requests before this one, in the same commit, completed or failed leaves the board when that is durable.
    over = {each for each in shard.for_board if isinstance(each, int)}
    taken = shard.board.take(request.type, request.limit, shard.at, request.timeout, only=tenant)
    for offer in taken:
        resident = shard.residents.working(tenant, offer.instance)
        element = resident.state.elements.get(offer.element) if resident is not None else None
        if offer.key in over:
            continue
        if resident is None or element is None:
            shard.board.close(offer.key)
            continue
        row = (offer.deadline, offer.token, request.worker, offer.attempt, tenant, offer.key)
        shard.batch["job"].change("job_leased", row)
        found.append(described(offer, resident, _fetched(element, request.fetch)))
    return found


def _fetched(element: ElementInstance, fetch: Sequence[str]) -> dict[str, Json]:
    variables = visible(element)
    return {name: variables[name] for name in fetch if name in variables} if fetch else variables


def described(offer: Offer, resident: Resident, variables: dict[str, Json]) -> dict[str, Json]:
    """What a worker elsewhere is told of a job."""
    spec = job_spec(resident, offer)
    return {
        "key": str(offer.key),
        "type": offer.type,
        "instance": str(offer.instance),
        "element": str(offer.element),
        "element_id": resident.linked.nodes[offer.node].id,
        "process_id": resident.linked.program.process_id,
        "version": resident.state.version,
        "headers": dict(spec.headers) if spec is not None else {},
        "retries": offer.retries,
        "attempt": offer.attempt,
        "idempotency_key": offer.idempotency_key,
        "token": str(offer.token),
        "deadline": offer.deadline,
        "variables": variables,
    }


def extend_job(shard: Shard, request: q.ExtendJob) -> int:
    """See `requests.ExtendJob`."""
    _lease_ms(request.timeout)
    offer, resident = _leased(shard, request.tenant, request.job, request.token)
    if not offer.token or offer.key not in resident.state.jobs:
        raise Conflict(f"job {offer.key} is leased to nobody")
    # Should the commit fail, the board keeps the job a little longer than its row says, which harms nobody.
    shard.board.extend(offer, shard.at + request.timeout)
    shard.batch["job"].change("job_extended", (offer.deadline, offer.tenant, offer.key))
    return offer.deadline


def update_job(shard: Shard, request: q.UpdateJob) -> None:
    """See `requests.UpdateJob`."""
    if request.retries < 1:
        raise BadValue(f"a job needs at least 1 retry, not {request.retries}; what is to stop has to fail")
    offer, _ = _leased(shard, request.tenant, request.job, 0)
    # The same as with a lease: after a commit that failed, it is no more than one attempt.
    offer.retries = request.retries
    shard.batch["job"].change("job_retries", (request.retries, offer.tenant, offer.key))


def return_job(shard: Shard, request: q.ReturnJob) -> None:
    """See `requests.ReturnJob`."""
    offer = _find_job(shard, request.tenant, request.job)
    resident = shard.residents.get(offer.tenant, offer.instance)
    if not offer.token or offer.token != request.token or resident is None or offer.key not in resident.state.jobs:
        raise NotFound(f"job {request.job}: the lease is over already")
    if offer.key in shard.for_board:
        raise NotFound(f"job {request.job}: another request has just ended the lease")
    back = offer.unleased()
    shard.batch["job"].change("job_returned", (shard.at, back.attempt, offer.tenant, offer.key))
    shard.for_board += (offer.key, back)


def _lease_ms(timeout: int) -> None:
    if not 1 <= timeout <= DURATION_MS_MAX:
        raise BadValue(f"a job cannot be leased for {timeout} ms")


def _find_job(shard: Shard, tenant_name: str, key: int) -> Offer:
    """The job wherever it is: on the board, in work, in back-off, or held."""
    tenant = shard.catalog.tenant(tenant_name)
    offer = shard.board.offers.get(key)
    if offer is not None and offer.tenant == tenant:
        return offer
    rows = shard.store.read("job", (tenant, key), JobRow)
    if not rows:
        raise NotFound(f"job {key} is not open: it was completed, or its element has ended")
    offer = offer_of(rows[0])
    offer.token = rows[0].token
    return offer


def _leased(shard: Shard, tenant: str, key: int, token: int) -> tuple[Offer, Resident]:
    """The job and its instance. Raises `NotFound` when the lease `token` is no longer the job's, `Conflict` when the
    instance is suspended."""
    offer = _find_job(shard, tenant, key)
    resident = shard.residents.get(offer.tenant, offer.instance)
    if resident is not None and resident.state.suspended:
        raise Conflict(f"instance {offer.instance} is suspended; its job {key} is given out again when it is resumed")
    if token and offer.token != token:
        raise NotFound(f"job {key}: the lease ran out and the job was given to somebody else; this result is late")
    if resident is None:
        raise NotFound(f"job {key} has no instance")
    return offer, resident
