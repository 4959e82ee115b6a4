"""Batch operations: walking over instances in portions (docs/design/0010).

A portion is one request: its steps and the moved cursor are one commit, so an instance is treated once, whatever
crashes. What is refused becomes a row beside the batch. What must not live here: when a portion is due (pump.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias, final

import msgspec

from procession.base.failure import Conflict, NotFound, ProcessionError, StoreError, Unreadable
from procession.base.values import told
from procession.core import events as e
from procession.core.state import Status
from procession.hosts.embedded.changing import migrate, resident_of, target_of
from procession.hosts.embedded.residents import Resident, Stranded
from procession.hosts.embedded.shard import Shard
from procession.hosts.embedded.starting import accepted
from procession.runtime import batches as b
from procession.runtime import codec
from procession.runtime import requests as q
from procession.runtime.rows import BatchRow, DefinitionRow, InstanceRow

PORTION: Final = 20
"""Instances that one portion treats."""
LOOKED_MAX: Final = 200
"""Instances that one portion looks at."""
INSTANCES_MAX: Final = 10_000
"""Instances that a filter may name one by one."""
PAUSED: Final = 1
_RUNNING, _FINISHED = 0, 2
_STEERED: Final = {0: (1,), 1: (0,), 3: (0, 1)}
"""State of a batch that is asked for -> those in which it may be."""
_BODY: Final = msgspec.json.Decoder(b.Body)


@final
class RunBatch(msgspec.Struct, frozen=True, gc=False):
    """The next portion of a batch, of at most `limit` instances; with `skip` the next one is left out, and why.

    Never sent to another process: it reads the cursor that only its own commit may move."""

    tenant: str
    batch: int
    limit: int = PORTION
    skip: str = ""


def start_batch(shard: Shard, request: q.StartBatch) -> int:
    """Notes what is to be done; instances that start from now on are not part of it."""
    tenant = shard.catalog.tenant(request.tenant)
    if len(request.which.instances) > INSTANCES_MAX:
        raise Conflict(f"a batch names at most {INSTANCES_MAX} instances")
    if isinstance(request.action, b.MigrateEach):
        plan = request.action.plan
        target_of(shard, tenant, plan, plan.from_process or request.which.process_id)
    key = shard.keys.take(shard.at)
    body = codec.encode_json(b.Body(request.which, request.action))
    shard.batch["batch"].insert(key, (tenant, key, shard.at, _RUNNING, 0, 0, 0, 0, body))
    shard.batches.setdefault(tenant, {})[key] = None
    return key


def steer_batch(shard: Shard, request: q.SteerBatch) -> None:
    """Pauses, resumes or cancels a batch. Raises `Conflict` where it is not in a state for that."""
    tenant = shard.catalog.tenant(request.tenant)
    rows = shard.store.read("batch", (tenant, request.batch), BatchRow)
    if not rows:
        raise NotFound(f"no batch {request.batch}")
    if rows[0].state not in _STEERED.get(request.state, ()):
        raise Conflict(f"batch {request.batch} is {b.STATES[rows[0].state]}")
    shard.batch["batch"].change("batch_state", (request.state, tenant, request.batch))
    if request.state == _RUNNING:
        shard.batches.setdefault(tenant, {})[request.batch] = None
    else:
        shard.batch_over(tenant, request.batch)


def run_batch(shard: Shard, request: RunBatch) -> int:
    """One portion; gives how many instances were looked at."""
    tenant = shard.catalog.tenant(request.tenant)
    rows = shard.store.read("batch", (tenant, request.batch), BatchRow)
    if not rows or rows[0].state != _RUNNING:
        shard.batch_over(tenant, request.batch)
        return 0
    row = rows[0]
    body = codec.read(_BODY, row.body)
    after, seen, done, failed = row.after, row.seen, row.done, row.failed
    page, whole = _page(shard, tenant, body.which, row)
    treated = 0
    for each in page:
        if treated >= request.limit:
            whole = False
            break
        after = each.key
        seen += 1
        skip = request.skip if not treated else ""
        text = _treat(shard, tenant, body, each, skip)
        if text is None:
            continue
        treated += 1
        done += not text
        if text:
            failed += 1
            error = (tenant, row.key, each.key, told(text))
            shard.batch["batch_error"].insert((row.key, each.key), error)
    state = _FINISHED if whole else _RUNNING
    shard.batch["batch"].change("batch_moved", (state, after, seen, done, failed, tenant, row.key))
    if whole:
        shard.batch_over(tenant, row.key)
    return len(page)


def _treat(shard: Shard, tenant: int, body: b.Body, row: InstanceRow, skip: str) -> str | None:
    """None for an instance that is not meant, else why it could not be treated, "" if it was."""
    try:
        resident = _meant(shard, tenant, body.which, row)
        if resident is None:
            return None
        if skip:
            return skip
        ACTIONS[type(body.action)](shard, resident, body.which, body.action)
    except StoreError as error:
        if not isinstance(error, Unreadable):
            raise
        return str(error)
    except (ProcessionError, Stranded) as error:
        return str(error)
    return ""


def _page(shard: Shard, tenant: int, which: b.Filter, row: BatchRow) -> tuple[list[InstanceRow], bool]:
    """The next active instances that may be meant, in the order of their keys, and whether they are the last."""
    read = shard.store.read
    found: list[InstanceRow] = []
    if which.instances:
        keys = sorted(key for key in which.instances if key > row.after)
        for key in keys[:LOOKED_MAX]:
            found += read("instance", (tenant, key), InstanceRow)
        return [each for each in found if each.state == 0], len(keys) <= LOOKED_MAX
    if which.business_key:
        found = read("instances_business", (tenant, which.business_key, row.after, LOOKED_MAX), InstanceRow)
        last = len(found) < LOOKED_MAX
        return [each for each in found if each.state == 0 and each.key < row.key], last
    for definition in read("definitions", (tenant,), DefinitionRow):
        if which.process_id in ("", definition.process_id) and which.version in (0, definition.version):
            found += read("instances_active", (tenant, definition.key, row.after, LOOKED_MAX), InstanceRow)
    found = [each for each in found if each.key < row.key]
    return sorted(found, key=lambda each: each.key)[:LOOKED_MAX], len(found) <= LOOKED_MAX


def _meant(shard: Shard, tenant: int, which: b.Filter, row: InstanceRow) -> Resident | None:
    """The instance, if all of the filter holds for it."""
    if which.started_from > row.started or (which.started_to and row.started >= which.started_to):
        return None
    definition = shard.catalog.definition(tenant, row.definition)
    if which.process_id not in ("", definition.process_id) or which.version not in (0, definition.version):
        return None
    resident = resident_of(shard, tenant, row.key)
    state, nodes = resident.state, resident.linked.nodes
    if state.status is not Status.ACTIVE or (which.business_key and state.business_key != which.business_key):
        return None
    if which.state == "suspended" and not state.suspended:
        return None
    incidents = [i for i in state.incidents.values() if which.incident in ("", i.code)]
    if (which.state == "incident" or which.incident) and not incidents:
        return None
    if which.element and not any(nodes[each.node].id == which.element for each in state.elements.values()):
        return None
    return resident


def _cancel(shard: Shard, resident: Resident, which: b.Filter, action: b.CancelEach) -> None:
    accepted(shard.advance(resident, e.Cancel(action.reason)))


def _resolve(shard: Shard, resident: Resident, which: b.Filter, action: b.ResolveEach) -> None:
    _again(shard, resident, which, action.retries, jobs_only=False)


def _retry(shard: Shard, resident: Resident, which: b.Filter, action: b.RetryEach) -> None:
    _again(shard, resident, which, action.retries, jobs_only=True)


def _again(shard: Shard, resident: Resident, which: b.Filter, retries: int, *, jobs_only: bool) -> None:
    state = resident.state
    for incident in list(state.incidents.values()):
        element = state.elements.get(incident.element)
        if element is None or incident.key not in state.incidents or which.incident not in ("", incident.code):
            continue
        if which.element and resident.linked.nodes[element.node].id != which.element:
            continue
        if incident.job or not jobs_only:
            accepted(shard.advance(resident, e.ResolveIncident(incident.key, retries)))


def _migrate(shard: Shard, resident: Resident, which: b.Filter, action: b.MigrateEach) -> None:
    target = target_of(shard, resident.tenant, action.plan, resident.linked.program.process_id)
    if (target.program, target.version) != (resident.state.program, resident.state.version):
        migrate(shard, resident, action.plan)


def _suspend(shard: Shard, resident: Resident, which: b.Filter, action: b.SuspendEach) -> None:
    if not resident.state.suspended:
        accepted(shard.advance(resident, e.Suspend()))


def _resume(shard: Shard, resident: Resident, which: b.Filter, action: b.ResumeEach) -> None:
    if resident.state.suspended:
        accepted(shard.advance(resident, e.Resume()))


def _modify(shard: Shard, resident: Resident, which: b.Filter, action: b.ModifyEach) -> None:
    accepted(shard.advance(resident, e.Modify(action.instructions)))


Act: TypeAlias = Callable[[Shard, Resident, b.Filter, Any], None]

ACTIONS: Final[dict[type[Any], Act]] = {
    b.CancelEach: _cancel,
    b.ResolveEach: _resolve,
    b.RetryEach: _retry,
    b.MigrateEach: _migrate,
    b.SuspendEach: _suspend,
    b.ResumeEach: _resume,
    b.ModifyEach: _modify,
}
"""What each action does to one instance."""
