"""Deleting a tenant: portion by portion, each a commit, until nothing that it stored is left.

From the first portion on nothing else is carried out for it. Instances go first, together with their histories, so that
nobody loads one of which half is there. The rows of the audit log stay for the chain of hashes; what they said goes.
What must not live here: its keys, and who may ask for it.
"""

from __future__ import annotations

from typing import Final

from procession.base.failure import Conflict
from procession.hosts.embedded.shard import Shard
from procession.runtime.requests import ForgetTenant, TenantForgotten
from procession.runtime.rows import AuditRow, InstanceRow, NamedRow
from procession.services.audit import redacted

INSTANCES: Final = 200
"""Instances of one portion, with their histories."""
ROWS: Final = 2_000
"""Rows of one table in a portion."""
ANSWERS_MS: Final = 60_000
_ALL: Final = (1 << 63) - 1
AT_ONCE: Final = frozenset({"start_subscription", "failure", "batch", "weight", "flag", "suspended"})
"""Tables that hold few rows of a tenant; the others are erased so many rows at a time."""


def forget_tenant(shard: Shard, request: ForgetTenant) -> TenantForgotten:
    """One portion. Raises `Conflict` for a tenant some of whose instances another host runs."""
    tenant = shard.catalog.tenant(request.tenant)
    rows = shard.store.read("instances", (tenant, 0, INSTANCES), InstanceRow)
    for row in rows:
        if row.host and row.ended is None:
            raise Conflict(f"instance {row.key} runs on another host ({row.host}): cancel it there, then delete again")
    if (tenant, 0) not in shard.suspended:
        shard.suspended.add((tenant, 0))
        shard.batch["suspended"].insert((tenant, 0), (tenant, 0))
    if rows:
        _forget_instances(shard, tenant, rows)
        return TenantForgotten(tenant, len(rows), True)
    erased = _erase(shard, tenant)
    if erased:
        return TenantForgotten(tenant, erased, True)
    page = shard.store.read("audit_stored_tenant", (tenant, request.after, ROWS), AuditRow)
    log = shard.batch["audit"]
    for said in page:
        log.change("audit_redact", (redacted(said.body), tenant, said.shard, said.number))
    if len(page) == ROWS:
        return TenantForgotten(tenant, len(page), True, page[-1].number)
    _end(shard, tenant, request.tenant)
    return TenantForgotten(tenant, len(page), False)


def _forget_instances(shard: Shard, tenant: int, rows: list[InstanceRow]) -> None:
    # Nobody may be given work on what is gone.
    shard.for_board.extend(key for key, offer in shard.board.offers.items() if offer.tenant == tenant)
    changes = shard.batch["instance"]
    for row in rows:
        changes.change("facts_forget", (tenant, row.key, _ALL, _ALL))
        changes.delete((tenant, row.key), (tenant, row.key))
        shard.batch["snapshot"].delete((tenant, row.key), (tenant, row.key))
        shard.finished.append((tenant, row.key))
        shard.failed.pop(row.key, None)


def _erase(shard: Shard, tenant: int) -> int:
    """Rows of every table that holds any; how many."""
    count = 0
    for left in shard.store.read("tenant_left", (tenant, ROWS), NamedRow):
        if left.number:
            count += left.number
            args = (tenant,) if left.name in AT_ONCE else (tenant, tenant, ROWS)
            # Behind all that this commit writes of other tables.
            shard.batch["weight"].change(f"{left.name}_erase", args)
    return count


def _end(shard: Shard, tenant: int, name: str) -> None:
    shard.batch["inbox"].change("inbox_erase", (name, shard.at - ANSWERS_MS))
    shard.batch["source"].change("source_erase", (name,))
    shard.batch["suspended"].delete((tenant, 0), (tenant, 0))
    shard.suspended = {place for place in shard.suspended if place[0] != tenant}
    shard.batches.pop(tenant, None)
    shard.quotas.changed(tenant)
    shard.weights.set(tenant, name, 1)
    shard.switches.drop(tenant)
    shard.postbox.drop(tenant)
    shard.catalog.drop(tenant)
