"""What waits in the inbox of a shard, tenant by tenant, and what of it was taken before."""

from __future__ import annotations

from procession.hosts.embedded.shard import Shard
from procession.runtime.rows import InboxRow, IntRow, TextRow


def waiting(shard: Shard, turn: str, limit: int) -> tuple[list[InboxRow], bool, str]:
    """What waits in the inbox, of each tenant its share, at most `limit`; whether there is more; and the tenant whose
    requests were taken last, `turn` before."""
    store = shard.store
    tenants = [row.value for row in store.read("inbox_tenants", (shard.number,), TextRow)]
    # Those behind the last one that had a turn come first.
    tenants = [t for t in tenants if t > turn] + [t for t in tenants if t <= turn]
    shares = shard.weights.rounds(tenants, limit)
    rows: list[InboxRow] = []
    more = False
    for tenant in tenants:
        share = shares[tenant]
        # Whose share has no room has it next time, undivided: they are the first then.
        if len(rows) + share > limit:
            return rows, True, turn
        found = store.read("inbox_open", (shard.number, tenant, share), InboxRow)
        more = more or len(found) == share
        rows += found
        turn = tenant
    return rows, more, turn


def was_taken(shard: Shard, row: InboxRow) -> bool:
    """Whether a request is one that its sender repeats, not knowing that it was carried out."""
    if row.source.startswith(("i:", "k:", "r:")):
        return False
    last = shard.store.read("source_last", (row.tenant, row.source), IntRow)
    return bool(last) and row.source_number <= (last[0].value or 0)
