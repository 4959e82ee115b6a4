"""Starting an instance: its row and its first step. Every way to start one ends here."""

from __future__ import annotations

from procession.base.failure import Conflict, NotFound
from procession.core import events as e
from procession.core.outcome import Outcome
from procession.hosts.embedded.residents import Resident
from procession.hosts.embedded.shard import Shard
from procession.runtime.rows import DefinitionRow


def start_instance(shard: Shard, tenant: int, definition: DefinitionRow, start: e.Start) -> Resident:
    """Starts an instance under the key in its event; raises when its first step is refused."""
    key = start.instance
    resident = shard.residents.add(key, tenant, shard.catalog.linked(tenant, definition.program))
    row = (
        tenant,
        key,
        definition.key,
        0,
        shard.at,
        None,
        start.business_key,
        start.parent_instance,
        start.root_instance or key,
        start.message,
    )
    shard.batch["instance"].insert((tenant, key), row)
    outcome = shard.advance(resident, start)
    if outcome.rejected:
        shard.batch["instance"].delete((tenant, key), (tenant, key))
        shard.residents.drop(tenant, key)
        accepted(outcome)
    return resident


def accepted(outcome: Outcome) -> None:
    """Raises `NotFound` or `Conflict` when an event was refused."""
    if outcome.rejected:
        raise (NotFound if outcome.rejected == "not-found" else Conflict)(outcome.reason)
