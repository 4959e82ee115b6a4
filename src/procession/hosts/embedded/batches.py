"""Batch operations: walking over instances in portions (docs/design/0010).

A portion is one request: its steps and the moved cursor are one commit, so an instance is treated once, whatever
crashes. What is refused becomes a row beside the batch. An instance on another host is sent what is to be done, and
the batch awaits what becomes of it. What must not live here: when a portion is due (pump.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias, final

import msgspec

from procession.base.decoding import known
from procession.base.failure import Conflict, NotFound, ProcessionError, StoreError, Unreadable
from procession.core import events as e
from procession.core.events import AnyEvent
from procession.core.linked import Linked
from procession.core.state import State
from procession.hosts.embedded.changing import migrate, migration_of, resident_of, runs, target_of
from procession.hosts.embedded.hearing import awaits, note
from procession.hosts.embedded.key_blocks import BLOCKS
from procession.hosts.embedded.moving import admitted, move, moves_left, room
from procession.hosts.embedded.residents import Resident, Stranded
from procession.hosts.embedded.shard import Shard
from procession.hosts.embedded.starting import accepted
from procession.runtime import batches as b
from procession.runtime import codec
from procession.runtime import requests as q
from procession.runtime.elsewhere import Delivery
from procession.runtime.rows import BatchRow, DefinitionRow, InstanceRow
from procession.services.filtering import meant

PORTION: Final = 20
"""Instances that one portion treats."""
LOOKED_MAX: Final = 200
"""Instances that one portion looks at."""
INSTANCES_MAX: Final = 10_000
"""Instances that a filter may name one by one."""
PAUSED: Final = 1
_RUNNING, _SENT = 0, 4
STOPPED: Final = 3
UNDER_WAY: Final = (_RUNNING, PAUSED, _SENT)
_STEERED: Final = {0: (1,), 1: (0, _SENT), STOPPED: UNDER_WAY}
"""State of a batch that is asked for -> those in which it may be."""
_ELSEWHERE: Final = BLOCKS
"""Instances that were started on another host have keys above this one."""
BODY: Final = msgspec.json.Decoder(known(b.Body))


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
        target_of(shard.catalog, tenant, plan, plan.from_process or request.which.process_id)
    elif isinstance(request.action, b.MoveEach):
        admitted(shard, request.action)
    return begin_batch(shard, tenant, b.Body(request.which, request.action))


def begin_batch(shard: Shard, tenant: int, body: b.Body) -> int:
    """Notes a batch; gives its key."""
    key = shard.keys.take(shard.at)
    shard.batch["batch"].insert(key, (tenant, key, shard.at, _RUNNING, 0, 0, 0, 0, codec.encode_json(body)))
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
    try:
        body = codec.read(BODY, row.body)
    except Unreadable as error:
        return _put_aside(shard, row, f"this version cannot carry it out: {error}")
    limit = request.limit
    if isinstance(body.action, b.MoveEach):
        limit = min(limit, room(shard, row, body.action))
    if not limit:
        return 0
    seen = done = failed = awaited = 0
    page, after, whole = _page(shard, body, row)
    for n, each in enumerate(page):
        if done + failed + awaited >= limit:
            after, whole = page[n - 1].key, False
            break
        seen += 1
        skip = "" if done or failed or awaited else request.skip
        found = _treat(shard, row, body, each, skip)
        done += found == "done"
        failed += found == "failed"
        awaited += found == "sent"
    rows_of = shard.batch["batch"]
    rows_of.change("batch_moved", (after, seen, done, failed, awaited, tenant, row.key))
    if whole:
        rows_of.change("batch_walked", (tenant, row.key))
        shard.batch_over(tenant, row.key)
    return len(page)


def _put_aside(shard: Shard, row: BatchRow, text: str) -> int:
    """A batch that a newer version wrote is kept for it, and says so: of itself, for it names no instance."""
    note(shard, (row.tenant, row.key, row.key), text)
    shard.batch["batch"].change("batch_state", (PAUSED, row.tenant, row.key))
    shard.batch_over(row.tenant, row.key)
    return 0


def _treat(shard: Shard, batch: BatchRow, body: b.Body, row: InstanceRow, skip: str) -> str:
    """Whether an instance is `done`, has `failed`, or was `sent` what is to be done; "" for one that is not meant."""
    text = skip
    place = (batch.tenant, batch.key, row.key)
    try:
        moves = isinstance(body.action, b.MoveEach) and body.action
        which = b.Filter() if moves and moves.reverts else body.which
        resident = _meant(shard, batch.tenant, which, row)
        if resident is None:
            return ""
        if moves and not text:
            return move(shard, resident, batch, moves, named=bool(which.instances))
        events = ACTIONS[type(body.action)](shard, resident, body.which, body.action)
        if not text and not resident.host:
            for event in events:
                accepted(shard.advance(resident, event))
        elif not text and (rest := list(events)):
            shard.send(resident, Delivery(0, row.key, rest[0], shard.at, batch=batch.key, more=rest[1:]))
            awaits(shard, *place)
            return "sent"
    except StoreError as error:
        if not isinstance(error, Unreadable):
            raise
        text = str(error)
    except (ProcessionError, Stranded) as error:
        text = str(error)
    return _failed(shard, place, text) if text else "done"


def _failed(shard: Shard, place: tuple[int, int, int], text: str) -> str:
    note(shard, place, text)
    return "failed"


def _page(shard: Shard, body: b.Body, batch: BatchRow) -> tuple[list[InstanceRow], int, bool]:
    """The next active instances that may be meant, in the order of their keys; the key behind which it goes on after
    them, and whether they are the last."""
    read, tenant, limit = shard.store.read, batch.tenant, LOOKED_MAX + 1
    found: list[InstanceRow] = []
    which = body.which
    moves = body.action.reverts if isinstance(body.action, b.MoveEach) else 0
    if which.instances or moves:
        keys = (
            moves_left(shard, batch, moves, limit) if moves else sorted(k for k in which.instances if k > batch.after)
        )
        for key in keys[:LOOKED_MAX]:
            found += read("instance", (tenant, key), InstanceRow)
        end = keys[:LOOKED_MAX][-1] if keys else batch.after
        return [each for each in found if each.state == 0], end, len(keys) <= LOOKED_MAX
    if which.business_key:
        found = read("instances_business", (tenant, which.business_key, batch.after, limit), InstanceRow)
    else:
        for definition in read("definitions", (tenant,), DefinitionRow):
            if which.process_id in ("", definition.process_id) and which.version in (0, definition.version):
                found += read("instances_active", (tenant, definition.key, batch.after, limit), InstanceRow)
        found.sort(key=lambda each: each.key)
    whole = len(found) <= LOOKED_MAX
    found = found[:LOOKED_MAX]
    end = found[-1].key if found else batch.after
    if any(batch.key < each.key < _ELSEWHERE for each in found):
        # So are all further ones of this engine's keys. Those that other hosts gave lie behind them.
        end = max(end, _ELSEWHERE)
        whole = whole or not shard.residents.elsewhere
    return [each for each in found if each.state == 0 and _was_there(each, batch)], end, whole


def _was_there(row: InstanceRow, batch: BatchRow) -> bool:
    """Whether an instance was started before a batch. Keys of other hosts are drawn from blocks and do not tell."""
    return row.key < batch.key or (row.key > _ELSEWHERE and row.started <= batch.at)


def _meant(shard: Shard, tenant: int, which: b.Filter, row: InstanceRow) -> Resident | None:
    """The instance, if all of the filter holds for it."""
    found: list[Resident] = []

    def load() -> tuple[Linked, State]:
        found.append(resident_of(shard, tenant, row.key))
        return found[0].linked, found[0].state

    return found[0] if meant(which, row, shard.catalog.definition(tenant, row.definition), load) else None


def _cancel(shard: Shard, resident: Resident, which: b.Filter, action: b.CancelEach) -> Iterator[AnyEvent]:
    yield e.Cancel(action.reason)


def _resolve(shard: Shard, resident: Resident, which: b.Filter, action: b.ResolveEach) -> Iterator[AnyEvent]:
    return _again(resident, which, action.retries, jobs_only=False)


def _retry(shard: Shard, resident: Resident, which: b.Filter, action: b.RetryEach) -> Iterator[AnyEvent]:
    return _again(resident, which, action.retries, jobs_only=True)


def _again(resident: Resident, which: b.Filter, retries: int, *, jobs_only: bool) -> Iterator[AnyEvent]:
    state = resident.state
    for incident in list(state.incidents.values()):
        element = state.elements.get(incident.element)
        if element is None or incident.key not in state.incidents or which.incident not in ("", incident.code):
            continue
        if which.element and resident.linked.nodes[element.node].id != which.element:
            continue
        if incident.job or not jobs_only:
            yield e.ResolveIncident(incident.key, retries)


def _migrate(shard: Shard, resident: Resident, which: b.Filter, action: b.MigrateEach) -> Iterator[AnyEvent]:
    now = runs(shard, resident)
    target = target_of(shard.catalog, resident.tenant, action.plan, now.process_id)
    if target.key == now.key:
        return
    if resident.host:
        yield migration_of(shard, resident, action.plan)[0]
    else:
        migrate(shard, resident, action.plan)


def _suspend(shard: Shard, resident: Resident, which: b.Filter, action: b.SuspendEach) -> Iterator[AnyEvent]:
    if not resident.state.suspended:
        yield e.Suspend()


def _resume(shard: Shard, resident: Resident, which: b.Filter, action: b.ResumeEach) -> Iterator[AnyEvent]:
    if resident.state.suspended:
        yield e.Resume()


def _modify(shard: Shard, resident: Resident, which: b.Filter, action: b.ModifyEach) -> Iterator[AnyEvent]:
    yield e.Modify(action.instructions)


Act: TypeAlias = Callable[[Shard, Resident, b.Filter, Any], Iterator[AnyEvent]]

ACTIONS: Final[dict[type[Any], Act]] = {
    b.CancelEach: _cancel,
    b.ResolveEach: _resolve,
    b.RetryEach: _retry,
    b.MigrateEach: _migrate,
    b.SuspendEach: _suspend,
    b.ResumeEach: _resume,
    b.ModifyEach: _modify,
}
"""What each action means for one instance: events, each asked for after the one before is taken in, if it runs here."""
