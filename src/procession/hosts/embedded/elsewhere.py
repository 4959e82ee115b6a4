"""Instances that another host runs: what goes to them, and what they report is mirrored here (docs/design/0011).

Their facts are stored, and their commands carried out, as if they had been stepped here; but a job is no offer, and a
timer no row, unless that host leaves them to this engine. What must not live here: how anything reaches that host.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, cast

from procession.base.failure import Conflict, NotFound, Unreadable
from procession.base.keys import made_at_ms
from procession.base.values import told
from procession.core import commands as c
from procession.core import events as e
from procession.core.apply import apply_step
from procession.core.facts import InstanceStarted
from procession.core.outcome import Outcome
from procession.core.snapshot import dump, load
from procession.core.state import State
from procession.core.step import step
from procession.hosts.embedded.carry import CARRY
from procession.hosts.embedded.hearing import heard
from procession.hosts.embedded.ownership import wall_ms
from procession.hosts.embedded.residents import Resident
from procession.hosts.embedded.shard import Shard
from procession.hosts.embedded.starting import instance_row
from procession.runtime import codec
from procession.runtime import requests as q
from procession.runtime.elsewhere import Begin, Delivery, Step
from procession.runtime.rows import HELD, IntRow, JobRow, KeyRow

ASKED: Final = (
    e.AssignTask,
    e.Cancel,
    e.CompleteTask,
    e.Migrate,
    e.Modify,
    e.ReissueJobs,
    e.ResolveIncident,
    e.Restart,
    e.Resume,
    e.SetVariables,
    e.Suspend,
    e.TriggerActivity,
    e.UpdateTask,
)
"""What somebody asks for, who wants to know whether it can be. Engines that are opened with the host ask the instance
itself (routing.py); what comes through the inbox, as from the command line, is tried out on what is known here."""
_NO_KEY: Final = 1 << 62
"""Where the keys of what is only tried out begin: no other has them."""
LATER_MS: Final = 500
"""After how long what was sent to an instance that was let go is looked at again."""
UNREAD_MS: Final = 60_000
"""The same, for what a newer version of the engine wrote."""
KEY_BLOCKS: Final = 2
"""Blocks of 4,096 keys that an instance has from its start; it asks for more when half of them are used."""


def send(shard: Shard, resident: Resident, event: e.AnyEvent) -> Outcome:
    """Sends an event to an instance. What becomes of it is not known here and now, but whether it can start is."""
    if isinstance(event, e.FireTimer):
        # It would be due again and again until the instance reports that it took it.
        shard.batch["timer"].delete(event.timer, (resident.tenant, event.timer))
    if not isinstance(event, e.Start):
        refused = _tried(shard, resident, event) if isinstance(event, ASKED) and resident.state.seq else None
        return refused or deliver(shard, resident, event)
    # Tried out on nothing: who asks for the start is told at once what is wrong with it.
    tried = step(resident.linked, State(), event, shard.at, event.instance + 1)
    if tried.rejected:
        return tried
    shard.unheard[resident.tenant, resident.key] = []
    first, last = shard.take_blocks(KEY_BLOCKS)
    shard.send(resident, Begin(resident.linked.program.process_id, event, first, last, shard.at, resident.trace))
    return Outcome([], [], 0)


def _tried(shard: Shard, resident: Resident, event: e.AnyEvent) -> Outcome | None:
    """The refusal of an event by what is known of an instance, for a caller who cannot wait for the instance itself."""
    target = shard.catalog.linked(resident.tenant, event.program) if isinstance(event, e.Migrate) else None
    found = step(resident.linked, load(dump(resident.state)), event, shard.at, _NO_KEY, target=target)
    return found if found.rejected else None


def deliver(shard: Shard, resident: Resident, event: e.AnyEvent, name: str = "", correlation: str = "") -> Outcome:
    """Sends an event; `name` and `correlation` are those of a message that is offered."""
    shard.send(resident, Delivery(0, resident.key, event, shard.at, name, correlation))
    return Outcome([], [], 0)


def exhausted(job: int, retries: int, error: str) -> e.ExhaustJob:
    """A job that the other host does has failed for good. Raises `Conflict` where it shall be tried again."""
    if retries > 0:
        raise Conflict(
            f"job {job} is an activity, whose attempts its own host counts: let its worker fail, "
            "or name 0 retries, which makes it an incident"
        )
    return e.ExhaustJob(job, 1, told(error))


def report(shard: Shard, request: q.Report) -> int:
    """Takes in what an instance did; gives the step that is known of it now."""
    tenant = shard.catalog.tenant(request.tenant)
    resident = shard.residents.get(tenant, request.instance)
    for each in request.steps:
        if resident is None:
            resident = _appeared(shard, tenant, request, each)
        if each.seq <= resident.state.seq:
            continue
        if each.seq != resident.state.seq + 1:
            raise Unreadable(
                f"instance {request.instance}: step {resident.state.seq + 1} was not reported before step {each.seq}"
            )
        _mirror(shard, resident, each)
    if resident is not None and resident.state.seq:
        _hear(shard, resident)
    for refusal in request.refused:
        following = shard.postbox.refused(
            tenant, refusal.subscription, refusal.name, refusal.correlation, refusal.message
        )
        shard.following.extend(following)
    for treated in request.treated:
        heard(shard, tenant, treated.batch, request.instance, treated.reason)
    return resident.state.seq if resident is not None else 0


def unheard(shard: Shard, tenant: int, signal: q.BroadcastSignal) -> set[str]:
    """Keeps a signal for instances of which it is not known yet what they wait for; gives their processes."""
    found: set[str] = set()
    for (number, key), signals in shard.unheard.items():
        resident = shard.residents.get(tenant, key) if number == tenant else None
        if resident is not None:
            signals.append(signal)
            found.add(resident.linked.program.process_id)
    return found


def _hear(shard: Shard, resident: Resident) -> None:
    """Gives an instance the signals that were thrown since it was started, before anybody knew that it waits."""
    for signal in shard.unheard.pop((resident.tenant, resident.key), ()):
        for each in resident.state.subscriptions.values():
            if each.signal and each.name == signal.name and resident.key != signal.origin:
                deliver(shard, resident, e.ReceiveSignal(each.key, signal.variables))


def _appeared(shard: Shard, tenant: int, request: q.Report, first: Step) -> Resident:
    """An instance that was started there: by another one, in or beside its workflow."""
    started = cast("InstanceStarted", codec.decode_facts(codec.wrap(bytes(first.facts)))[0])
    linked = shard.catalog.linked(tenant, started.program)
    definition = shard.catalog.version(tenant, linked.program.process_id, started.version)
    resident = shard.residents.add(request.instance, tenant, linked)
    resident.host, resident.home = request.host, request.home
    row = instance_row(resident, definition, started, first.at)
    shard.batch["instance"].insert((tenant, request.instance), row)
    shard.quotas.started(tenant)
    return resident


def _mirror(shard: Shard, resident: Resident, reported: Step) -> None:
    state, tenant = resident.state, resident.tenant
    data = codec.wrap(bytes(reported.facts))
    before = state.program
    apply_step(
        resident.linked.program,
        state,
        codec.decode_facts(data),
        reported.at,
        lambda hash: shard.catalog.linked(tenant, hash).program,
    )
    if before and state.program != before:
        resident.linked = shard.catalog.linked(tenant, state.program)
        moved = shard.catalog.version(tenant, resident.linked.program.process_id, state.version)
        shard.batch["instance"].change("instance_moved", (moved.key, tenant, state.instance))
    shard.record(resident, data)
    # Nothing is known to be new in this commit: rows may be there from a report that was taken in before.
    shard.step_key = (1 << 63) - 1
    for command in reported.commands:
        MIRROR.get(type(command), CARRY[type(command)])(shard, resident, command)


def _create_job(shard: Shard, r: Resident, job: c.CreateJob) -> None:
    """An activity of that host does it: the row shows it, and nobody here is offered it. Unless it is left to us."""
    if is_ours(shard, job.type):
        CARRY[c.CreateJob](shard, r, job)
        return
    row = (
        r.tenant,
        job.job,
        r.state.instance,
        job.element,
        job.node,
        job.type,
        job.retries,
        0,
        HELD,
        job.priority,
        job.listener,
        job.idempotency_key,
        0,
        "",
        "",
    )
    shard.batch["job"].replace(job.job, row)
    if shard.placement is None:
        # Whose it is, an engine will know that has the host.
        shard.batch["meta"].replace(("unclaimed",), ("unclaimed", 1))


def claim(shard: Shard) -> None:
    """Offers the jobs that are left to this engine, and were reported to one that did not know that."""
    if shard.placement is None or not shard.store.read("unclaimed", (), IntRow):
        return
    for row in shard.store.read("jobs_elsewhere", (shard.placement.host, HELD), KeyRow):
        [job] = shard.store.read("job", (row.tenant, row.key), JobRow)
        resident = shard.residents.working(row.tenant, job.instance)
        known = resident.state.jobs.get(job.key) if resident is not None else None
        if resident is None or known is None or known.held or resident.state.suspended:
            continue
        _offered(shard, resident, c.ReleaseJob(job.key))
    shard.batch["meta"].replace(("unclaimed",), ("unclaimed", 0))


def is_ours(shard: Shard, type: str) -> bool:
    """Whether jobs of a type are left to this engine."""
    return shard.placement is not None and shard.placement.external(type)


def _offered(shard: Shard, r: Resident, command: c.HoldJob | c.ParkJob | c.ReleaseJob) -> None:
    """What is no offer of ours needs no change: its row is there already."""
    job = r.state.jobs.get(command.job)
    if job is not None and is_ours(shard, job.type):
        CARRY[type(command)](shard, r, command)


def _set_timer(shard: Shard, r: Resident, timer: c.SetTimer) -> None:
    if shard.placement is not None and not shard.placement.keeps_time:
        CARRY[c.SetTimer](shard, r, timer)


Mirror: TypeAlias = Mapping[type[Any], "Callable[[Shard, Resident, Any], None]"]

MIRROR: Final[Mirror] = {
    c.CreateJob: _create_job,
    c.HoldJob: _offered,
    c.ParkJob: _offered,
    c.ReleaseJob: _offered,
    c.SetTimer: _set_timer,
}
"""Where a command means something else for an instance on another host."""


def arrived(shard: Shard, request: q.Arrived) -> None:
    """A row of the outbox is delivered. Who lost his addressee must hear of it: a message goes to somebody else."""
    tenant = shard.catalog.tenant(request.tenant)
    key = (tenant, request.number)
    if request.left or request.unread:
        # Whoever takes it back takes this back, too.
        later = UNREAD_MS if request.unread else LATER_MS
        shard.batch["outbox"].change("outbox_due", (wall_ms() + later, *key))
        return
    if request.batch:
        shard.pace.took(shard.at - made_at_ms(request.number))
        heard(shard, tenant, request.batch, request.instance, "", moved=not request.lost)
    if request.lost:
        sent = shard.sent(tenant, request.number)
        event = sent.event if isinstance(sent, Delivery) else None
        if isinstance(event, e.OfferMessage) and isinstance(sent, Delivery):
            shard.following.extend(
                shard.postbox.refused(tenant, event.subscription, sent.name, sent.correlation, event.message)
            )
        elif isinstance(sent, Delivery) and sent.batch:
            heard(shard, tenant, sent.batch, sent.instance, f"instance {sent.instance} has ended")
    shard.batch["outbox"].delete(key, key)


def take_keys(shard: Shard, request: q.TakeKeys) -> list[int]:
    """See `requests.TakeKeys`."""
    if not 0 < request.blocks <= 1_024:
        raise NotFound(f"{request.blocks} blocks of keys are not given at once")
    return list(shard.take_blocks(request.blocks))
