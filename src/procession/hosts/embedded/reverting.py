"""Taking back what a batch of moves did: another batch, over exactly the instances that it moved (docs/design/0019)."""

from __future__ import annotations

from typing import Final

from procession.base.failure import Conflict, NotFound
from procession.hosts.embedded.batches import BODY, STOPPED, UNDER_WAY, begin_batch
from procession.hosts.embedded.shard import Shard
from procession.runtime import batches as b
from procession.runtime import codec
from procession.runtime import requests as q
from procession.runtime.rows import BatchRow
from procession.services.routes import HERE

PAGE: Final = 200


def revert_batch(shard: Shard, request: q.RevertBatch) -> int:
    """See `requests.RevertBatch`. Asked again, it answers the same."""
    tenant = shard.catalog.tenant(request.tenant)
    rows = shard.store.read("batch", (tenant, request.batch), BatchRow)
    if not rows:
        raise NotFound(f"no batch {request.batch}")
    body = codec.read(BODY, rows[0].body)
    if not isinstance(body.action, b.MoveEach):
        raise Conflict(f"batch {request.batch} moved nothing: only moves are taken back")
    known = _reverting(shard, tenant, request.batch)
    if known:
        return known
    if shard.placement is None:
        raise Conflict("no other host is beside this store: revert it where the engine is opened with that host")
    if rows[0].state in UNDER_WAY:
        shard.batch["batch"].change("batch_state", (STOPPED, tenant, request.batch))
        shard.batch_over(tenant, request.batch)
    to = HERE if body.action.to != HERE else shard.placement.host
    # Its filter shows of which process they are; what is meant is what that batch moved.
    which = b.Filter(process_id=body.which.process_id)
    return begin_batch(shard, tenant, b.Body(which, b.MoveEach(to, reverts=request.batch)))


def _reverting(shard: Shard, tenant: int, batch: int) -> int:
    """The batch that reverts one; 0 for none. It is younger."""
    after = batch
    while True:
        rows = shard.store.read("batches", (tenant, after, PAGE), BatchRow)
        for row in rows:
            action = codec.read(BODY, row.body).action
            if isinstance(action, b.MoveEach) and action.reverts == batch:
                return row.key
        if len(rows) < PAGE:
            return 0
        after = rows[-1].key
