"""Handing instances over to another host, and taking them back (docs/design/0019). What requests mean in the shard.

An instance moves with all that it called. Its history, its subscriptions, tasks and incidents are rows of this store
wherever it runs; what changes hands is who steps it, who does its jobs, and who keeps its time. Each way is one commit
here, and whoever had it is fenced by it. What must not live here: how the other host is spoken to.
"""

from __future__ import annotations

from typing import Final

import msgspec

from procession.base.failure import Busy, Conflict, NotFound
from procession.core import commands as c
from procession.core import events as e
from procession.core.jobs import REISSUED_MAX
from procession.core.pending import pending
from procession.core.snapshot import dump
from procession.core.state import Status
from procession.hosts.embedded import elsewhere
from procession.hosts.embedded.hearing import heard
from procession.hosts.embedded.residents import Resident
from procession.hosts.embedded.shard import Shard
from procession.runtime import codec
from procession.runtime import requests as q
from procession.runtime.elsewhere import OUTGOING, Delivery, Handover, Moving, Placement
from procession.runtime.rows import HELD, JobRow, OutboxRow
from procession.services.routes import HERE

WAIT: Final = "wait"
"""A policy for jobs under way: nothing moves while somebody works on one."""
CARRY: Final = "carry"
"""Another: they are done again over there, under the same idempotency key; who works on one now is refused."""
REISSUE: Final = "reissue"
"""A third: they are cancelled and issued anew in the same commit, so that who works on one now has another key."""
POLICIES: Final = (CARRY, WAIT, REISSUE)


def no_policy(jobs: str) -> str:
    """What is said of one that is none."""
    return f"jobs={jobs!r:.40}: there are {', '.join(POLICIES[:-1])} and {POLICIES[-1]}"


def hand_over(shard: Shard, request: q.HandOver, *, batch: int = 0) -> int:
    """See `requests.HandOver`. A `batch` is told when the other host has it."""
    placement = shard.placement
    if placement is None or placement.host != request.host:
        raise Conflict(f"no host {request.host!r:.80} is beside this store")
    tenant = shard.catalog.tenant(request.tenant)
    root = root_of(shard, tenant, request.instance)
    if root.host == placement.host:
        return 0
    moving = tree(shard, root, "")
    if request.jobs == REISSUE:
        for each in moving:
            _reissue(shard, each)
    jobs = [_jobs(shard, each, request.jobs) for each in moving]
    first, last = shard.take_blocks(elsewhere.KEY_BLOCKS * len(moving))
    for each in moving:
        _leave(shard, each, placement, root.key)
    bodies = {each.key: msgspec.Raw(dump(each.state)) for each in moving}
    carried = [job for some in jobs for job in some]
    if request.jobs == REISSUE:
        gone = {job for job, _, _ in carried}
        # What is new in this commit is on no offer here, and with no courier.
        shard.for_board = [each for each in shard.for_board if isinstance(each, int) or each.key not in gone]
    what = Handover(0, root.linked.program.process_id, bodies, carried, first, last, shard.at, batch)
    root.handed = shard.send(root, what)
    shard.batch["instance"].change("instance_handed", (root.handed, tenant, root.key))
    shard.mark_elsewhere()
    return len(moving)


def take_back(shard: Shard, request: q.TakeBack, *, batch: int = 0) -> int:
    """See `requests.TakeBack`. It may be the move of a `batch`."""
    tenant = shard.catalog.tenant(request.tenant)
    root = root_of(shard, tenant, request.instance)
    if not root.host:
        return 0
    if request.seen < root.handed:
        # Somebody took it back, and it went there again, since whoever asks heard that it had left.
        raise Busy(f"instance {request.instance} was handed over once more: ask again")
    moving = tree(shard, root, root.host)
    if {each.key: each.state.seq for each in moving} != request.seqs:
        # Steps are missing here, or an end there, or what it called there.
        raise Busy(f"instance {request.instance} has not told all that it did: ask again in a moment")
    for each in moving:
        _arrive(shard, each, request.jobs)
    _readdress(shard, request, root, batch)
    return len(moving)


def root_of(shard: Shard, tenant: int, instance: int) -> Resident:
    """An active instance that no other one called. Raises `NotFound`, `Conflict`."""
    resident = shard.residents.get(tenant, instance)
    if resident is None or resident.state.status is not Status.ACTIVE:
        raise NotFound(f"instance {instance} is not active")
    if reason := called(resident):
        raise Conflict(reason)
    return resident


def called(resident: Resident) -> str:
    """Why an instance does not move alone; "" for one that does."""
    state = resident.state
    if not state.parent_instance:
        return ""
    return (
        f"instance {resident.key} is called by instance {state.parent_instance}, and moves with that: "
        f"move instance {state.root_instance}"
    )


def tree(shard: Shard, root: Resident, host: str) -> list[Resident]:
    """An instance on a host, and all that it called which is active there."""
    found: list[Resident] = []
    waiting = [root]
    while waiting:
        resident = waiting.pop()
        if resident.state.agenda:
            raise Busy(f"instance {resident.key} is in the middle of a long step: ask again in a moment")
        found.append(resident)
        for element in resident.state.elements.values():
            child = shard.residents.get(resident.tenant, element.child) if element.child else None
            if child is not None and child.state.status is Status.ACTIVE and child.host == host:
                waiting.append(child)
    return found


def _jobs(shard: Shard, resident: Resident, policy: str) -> list[tuple[int, int, int]]:
    """(job, retries, attempts) of what is open and moves. Raises `Busy` by the policy `WAIT`."""
    found: list[tuple[int, int, int]] = []
    if policy == REISSUE:
        # Their rows are of this commit, and nobody has tried them yet.
        fresh = [job for job in resident.state.jobs.values() if not job.held]
        return [(job.key, job.retries, 0) for job in fresh if not elsewhere.is_ours(shard, job.type)]
    for job in resident.state.jobs.values():
        rows = shard.store.read("job", (resident.tenant, job.key), JobRow)
        if not rows or elsewhere.is_ours(shard, job.type):
            continue
        offer = shard.board.offers.get(job.key)
        leased = (rows[0].due > shard.at and bool(rows[0].token)) or (offer is not None and bool(offer.token))
        if leased and policy == WAIT:
            raise Busy(f"job {job.key} ({job.type}) of instance {resident.key} is under way")
        found.append((job.key, rows[0].retries, rows[0].attempt))
    return found


def _reissue(shard: Shard, resident: Resident) -> None:
    """Cancels what is open and issues it anew, as many at once as a step may."""
    jobs = [job.key for job in resident.state.jobs.values() if not job.held]
    for at in range(0, len(jobs), REISSUED_MAX):
        outcome = shard.advance(resident, e.ReissueJobs(tuple(jobs[at : at + REISSUED_MAX])))
        assert not outcome.rejected, outcome.reason


def _leave(shard: Shard, resident: Resident, placement: Placement, home: int) -> None:
    tenant, state = resident.tenant, resident.state
    for job in state.jobs.values():
        if not elsewhere.is_ours(shard, job.type):
            shard.batch["job"].change("job_due", (HELD, tenant, job.key))
            shard.for_board.append(job.key)
    if placement.keeps_time:
        for timer in state.timers.values():
            shard.batch["timer"].delete(timer.key, (tenant, timer.key))
    resident.host, resident.home = placement.host, home
    shard.batch["instance"].change("instance_placed", (placement.host, home, tenant, resident.key))


def _arrive(shard: Shard, resident: Resident, policy: str) -> None:
    tenant = resident.tenant
    resident.host, resident.home = "", 0
    shard.batch["instance"].change("instance_placed", ("", 0, tenant, resident.key))
    # Rows of its jobs are there, and say that nobody here is offered them.
    shard.step_key = (1 << 63) - 1
    anew = policy == REISSUE
    for command in pending(resident.linked, resident.state):
        if isinstance(command, c.SetTimer) or (
            isinstance(command, c.CreateJob) and not anew and not elsewhere.is_ours(shard, command.type)
        ):
            shard.carry[type(command)](shard, resident, command)
    if anew:
        _reissue(shard, resident)


def _readdress(shard: Shard, request: q.TakeBack, root: Resident, batch: int) -> None:
    """What was on its way to the other host, and did not get there, is for the instance here. Batches that waited for
    its moves hear of them."""
    tenant = root.tenant
    for row in shard.store.read("outbox_home_all", (tenant, root.key), OutboxRow):
        key = (tenant, row.number)
        what = codec.read(OUTGOING, row.body)
        if isinstance(what, Moving) and what.to != HERE:
            continue  # a batch that is not done with it, which finds it here
        shard.batch["outbox"].delete(key, key)
        if isinstance(what, Moving | Handover) and what.batch:
            there = isinstance(what, Handover)
            heard(shard, tenant, what.batch, root.key, "", moved=there or what.batch == batch)
        if not isinstance(what, Delivery) or row.number <= request.seen:
            continue
        event = what.event
        if isinstance(event, e.OfferMessage):
            # Not refused: whoever refuses a message is not offered it again.
            offer = (event.subscription, event.message, what.name, what.correlation, event.variables)
            shard.following.append(q.DeliverOffer(request.tenant, what.instance, *offer))
        elif what.batch:
            heard(shard, tenant, what.batch, what.instance, "the instance was moved to another host meanwhile")
        else:
            shard.following.append(q.Deliver(request.tenant, what.instance, event, True))
