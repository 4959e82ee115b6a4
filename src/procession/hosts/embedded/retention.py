"""Forgetting: what is older than it has to be kept, a page of instances in each commit (decision 12).

A replay needs a snapshot and the facts since; everything before is history. What was deployed stays: an instance or
its history may name it. What must not live here: how long a tenant keeps what.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from procession.base.decoding import taken
from procession.hosts.embedded.shard import Shard
from procession.runtime.requests import Forget, Forgotten
from procession.runtime.rows import InstanceRow, SnapshotRow

PAGE: Final = 100
"""Instances of one commit: others wait for it."""
_ALL: Final = (1 << 63) - 1


def forget(shard: Shard, request: Forget) -> Forgotten:
    """One page. An active instance keeps its snapshot and the facts since, however old they are."""
    tenant = shard.catalog.tenant(request.tenant)
    rows = shard.store.read("instances", (tenant, request.after, PAGE), InstanceRow)
    histories = instances = 0
    changes = shard.batch["instance"]
    if request.instances and not request.after:
        # What batches did to instances is in the histories of these.
        changes.change("batch_errors_forget", (tenant, request.instances))
        changes.change("batches_sent_forget", (tenant, request.instances))
        changes.change("batches_forget", (tenant, request.instances))
    for row in rows:
        if row.ended is None:
            for snapshot in shard.store.read("snapshot", (tenant, row.key), SnapshotRow):
                changes.change("facts_forget", (tenant, row.key, snapshot.seq, request.history))
                histories += 1
            continue
        gone = row.ended < request.instances
        if gone:
            changes.delete((tenant, row.key), (tenant, row.key))
            instances += 1
        if gone or row.ended < request.history:
            changes.change("facts_forget", (tenant, row.key, _ALL, _ALL))
            histories += 1
    return Forgotten(len(rows), histories, instances, rows[-1].key if len(rows) == PAGE else 0)


def forget_all(call: Callable[[Forget], object], request: Forget) -> Forgotten:
    """Page after page, each in a commit of its own; what was forgotten in all."""
    total = Forgotten(0, 0, 0)
    while True:
        answer = call(msgspec.structs.replace(request, after=total.after))
        # The owner of the shard may be another process: then the answer came as JSON.
        page = taken(answer, Forgotten)
        total = Forgotten(
            total.seen + page.seen,
            total.histories + page.histories,
            total.instances + page.instances,
            page.after,
        )
        if not page.after:
            return total
