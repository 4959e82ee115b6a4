"""Moves of batches: what they mean in the shard (docs/design/0019).

Only so many instances are on their way at the same time, so that none is long without an owner. What is handed over is
awaited until the other host has it; what comes back is asked for by a row of the outbox, which stays until it is here.
What must not live here: how the other host is spoken to.
"""

from __future__ import annotations

from typing import Final

from procession.base.failure import BadValue, Busy, Conflict, NotFound
from procession.hosts.embedded.handover import POLICIES, called, hand_over, no_policy, root_of, take_back, tree
from procession.hosts.embedded.hearing import awaits, heard, park
from procession.hosts.embedded.ownership import wall_ms
from procession.hosts.embedded.residents import Resident
from procession.hosts.embedded.shard import Shard
from procession.runtime import batches as b
from procession.runtime import requests as q
from procession.runtime.elsewhere import Moving
from procession.runtime.rows import BatchRow, IntRow
from procession.services.routes import HERE

BACK_MAX: Final = 64
"""Instances of a batch that are on their way back at the same time."""
TRIED_MS: Final = 300_000
"""How long an instance is tried again that is busy, before that is an error of its batch."""
PAUSE_MIN_MS: Final = 250
PAUSE_MAX_MS: Final = 15_000
"""Pauses between tries: half of the time that passed since the first one, within these."""
_PAUSED: Final = 1
_STOPPED: Final = 3


def admitted(shard: Shard, action: b.MoveEach) -> None:
    """Raises `BadValue` or `Conflict` for moves that cannot be."""
    if action.jobs not in POLICIES:
        raise BadValue(no_policy(action.jobs))
    if action.reverts:
        raise BadValue("what a batch moved is taken back by reverting that batch")
    if shard.placement is None:
        raise Conflict("no other host is beside this store: start the batch where the engine is opened with that host")
    if action.to not in (HERE, shard.placement.host):
        raise Conflict(f"no host {action.to!r:.80} is beside this store")


def room(shard: Shard, row: BatchRow, action: b.MoveEach) -> int:
    """How many more instances of a batch may set out now; without any its next portion waits for those on their way."""
    if shard.placement is None:
        # It is for a process that has the host.
        shard.batch_over(row.tenant, row.key)
        return 0
    reverted = shard.store.read("batch", (row.tenant, action.reverts), BatchRow) if action.reverts else []
    if reverted and reverted[0].awaited:
        # What that one has on its way is its own, too, once it is there.
        park(shard, row.tenant, row.key, action.reverts)
        return 0
    # Those that wait to be tried again are on no way.
    resting = shard.store.read("outbox_resting", (row.tenant, wall_ms()), IntRow)[0].value or 0
    most = BACK_MAX if action.to == HERE else shard.pace.most
    free = most - max(0, row.awaited - resting)
    # Portions of one each would be a commit each.
    if free >= max(1, most // 4):
        return free
    park(shard, row.tenant, row.key, row.key)
    return 0


def moves_left(shard: Shard, batch: BatchRow, moved_by: int, limit: int) -> list[int]:
    """Instances that a batch moved, by key, behind those that the batch which reverts it looked at."""
    rows = shard.store.read("batch_moves", (batch.tenant, moved_by, batch.after, limit), IntRow)
    return [row.value or 0 for row in rows]


def move(shard: Shard, resident: Resident, batch: BatchRow, action: b.MoveEach, *, named: bool) -> str:
    """Lets an instance set out: `sent`, `done` if it is there, "" for one that was called, unless it is `named`.
    Raises `Conflict` for what cannot move."""
    reason = called(resident)
    if reason and not named:
        return ""
    if reason:
        raise Conflict(reason)
    if resident.host == ("" if action.to == HERE else action.to):
        return "done"
    if action.to == HERE:
        _apart(shard, resident)
        _set_out(shard, resident, batch.key, action, 0)
    else:
        try:
            tenant = shard.catalog.names[batch.tenant]
            hand_over(shard, q.HandOver(tenant, resident.key, action.to, action.jobs), batch=batch.key)
        except Busy:
            _set_out(shard, resident, batch.key, action, wall_ms() + PAUSE_MIN_MS)
    awaits(shard, batch.tenant, batch.key, resident.key)
    return "sent"


def move_on(shard: Shard, request: q.MoveOn) -> bool:
    """See `requests.MoveOn`."""
    tenant = shard.catalog.tenant(request.tenant)
    what = shard.sent(tenant, request.number)
    if not isinstance(what, Moving):
        return True  # somebody else came to its end
    try:
        return _moved(shard, request, tenant, what)
    except NotFound:
        # It ended by itself.
        _over(shard, tenant, what, "")
    except Busy as busy:
        _later(shard, tenant, what, str(busy))
    except Conflict as refused:
        _over(shard, tenant, what, str(refused))
    return True


def _moved(shard: Shard, request: q.MoveOn, tenant: int, what: Moving) -> bool:
    left = request.left
    if left is not None and left.seqs:
        return _came_back(shard, request, tenant, what)
    root = root_of(shard, tenant, what.instance)
    if left is not None:
        return False  # it has ended there, which is not told yet
    rows = shard.store.read("batch", (tenant, what.batch), BatchRow)
    state = rows[0].state if rows else _STOPPED
    if state == _STOPPED:
        raise Conflict("the batch was stopped before this instance could be moved")
    if state == _PAUSED:
        _drop(shard, tenant, what)
        _set_out(shard, root, what.batch, b.MoveEach(what.to, what.jobs), wall_ms() + PAUSE_MAX_MS)
    elif request.gone and root.host:
        raise Busy("its workflow has ended, and did not tell that the instance has")
    elif request.busy:
        raise Busy(request.busy)
    elif what.to != HERE:
        if hand_over(shard, q.HandOver(request.tenant, root.key, what.to, what.jobs), batch=what.batch):
            _drop(shard, tenant, what)
        else:
            _over(shard, tenant, what, "")
    elif not root.host:
        _over(shard, tenant, what, "")
    return True


def _came_back(shard: Shard, request: q.MoveOn, tenant: int, what: Moving) -> bool:
    assert request.left is not None
    back = q.TakeBack(request.tenant, what.instance, request.left.seqs, request.left.seen, what.jobs)
    try:
        if not take_back(shard, back, batch=what.batch):
            _over(shard, tenant, what, "")
    except Busy:
        return False  # its last steps are not told yet
    return True


def _set_out(shard: Shard, resident: Resident, batch: int, action: b.MoveEach, due: int) -> None:
    what = Moving(0, resident.key, action.to, action.jobs, batch, wall_ms())
    shard.send(resident, what, home=resident.home or resident.key, due=due)


def _apart(shard: Shard, root: Resident) -> None:
    """Raises `Conflict` for one that called another with a workflow of its own: two would have to let go at once."""
    for each in tree(shard, root, root.host):
        if each.home != root.home:
            raise Conflict(f"instance {each.key}, which it called, has a workflow of its own, and cannot move with it")


def _later(shard: Shard, tenant: int, what: Moving, reason: str) -> None:
    waited = wall_ms() - what.at
    if waited >= TRIED_MS:
        _over(shard, tenant, what, f"{reason}; this was so for {waited // 1000} s")
        return
    pause = min(max(waited // 2, PAUSE_MIN_MS), PAUSE_MAX_MS)
    shard.batch["outbox"].change("outbox_due", (wall_ms() + pause, tenant, what.number))
    # There is room for others meanwhile.
    for waiting in shard.parked.pop((tenant, what.batch), ()):
        shard.batches.setdefault(tenant, {})[waiting] = None


def _over(shard: Shard, tenant: int, what: Moving, text: str) -> None:
    _drop(shard, tenant, what)
    heard(shard, tenant, what.batch, what.instance, text)


def _drop(shard: Shard, tenant: int, what: Moving) -> None:
    key = (tenant, what.number)
    shard.batch["outbox"].delete(key, key)
