"""Starting an instance: its row and its first step, where every way to start one ends; and starting by condition."""

from __future__ import annotations

from typing import cast

from procession.base.failure import Conflict, Failure, NotFound
from procession.base.values import Json
from procession.core import events as e
from procession.core.facts import InstanceStarted
from procession.core.linked import Linked
from procession.core.outcome import Outcome
from procession.hosts.embedded.residents import Resident
from procession.hosts.embedded.shard import Shard
from procession.ir.program import ConditionalTrigger
from procession.runtime import requests as q
from procession.runtime.ports import Cells
from procession.runtime.rows import CONDITION_START, DefinitionRow
from procession.services.routes import HERE


def start_instance(
    shard: Shard, tenant: int, definition: DefinitionRow, start: e.Start, *, trace: str = ""
) -> Resident:
    """Starts an instance under the key in its event; raises when its first step is refused."""
    key = start.instance
    resident = shard.residents.add(key, tenant, shard.catalog.linked(tenant, definition.program))
    host = _host(shard, definition, start)
    if host:
        resident.host, resident.home, resident.trace = host, key, trace
        shard.mark_elsewhere()
    row = instance_row(resident, definition, start, shard.at)
    shard.batch["instance"].insert((tenant, key), row)
    shard.quotas.started(tenant)
    outcome = shard.advance(resident, start)
    if outcome.rejected:
        shard.batch["instance"].delete((tenant, key), (tenant, key))
        shard.residents.drop(tenant, key)
        shard.quotas.ended(tenant)
        accepted(outcome)
    return resident


def _host(shard: Shard, definition: DefinitionRow, start: e.Start) -> str:
    """On which other host an instance starts; "" for here. What is called stays with its caller, who is here."""
    placement = shard.placement
    if shard.routes is None or start.parent_instance:
        takes = placement is not None and placement.takes(start.tenant, definition.process_id)
        return placement.host if placement is not None and takes and shard.routes is None else ""
    key = start.business_key or str(start.instance)
    host = shard.routes.decide(start.tenant, definition.process_id, definition.version, key).host
    return "" if host == HERE else host


def instance_row(resident: Resident, definition: DefinitionRow, start: e.Start | InstanceStarted, at: int) -> Cells:
    """The row of an instance that starts."""
    return (
        resident.tenant,
        start.instance,
        definition.key,
        0,
        at,
        None,
        start.business_key,
        start.parent_instance,
        start.root_instance or start.instance,
        start.message,
        resident.host,
        resident.home,
    )


def start_refused(shard: Shard, tenant: int, definition: DefinitionRow) -> Conflict | None:
    """Why nothing of a definition may start just now; None if it may."""
    if shard.is_suspended(tenant, definition.key):
        return Conflict(suspended(definition))
    return shard.quotas.start_refused(tenant, shard.batch, shard.finished)


def suspended(definition: DefinitionRow) -> str:
    """Why nothing of a process starts that is suspended."""
    return f"process {definition.process_id!r} version {definition.version} is suspended"


def accepted(outcome: Outcome) -> None:
    """Raises `NotFound` or `Conflict` when an event was refused."""
    if outcome.rejected:
        raise (NotFound if outcome.rejected == "not-found" else Conflict)(outcome.reason)


def evaluate_conditions(shard: Shard, request: q.EvaluateConditions) -> int:
    """Starts each process whose conditional start event is true of the variables; how many that are."""
    tenant = shard.catalog.tenant(request.tenant)
    true: list[q.StartProcess] = []
    for start in shard.postbox.starts(tenant, "", CONDITION_START):
        if request.process_id and start.process_id != request.process_id:
            continue
        definition = shard.catalog.definition(tenant, start.definition)
        if shard.is_suspended(tenant, definition.key):
            continue
        linked = shard.catalog.linked(tenant, definition.program)
        if _holds(shard, linked, start.node, request.variables):
            found = q.StartProcess(
                request.tenant, start.process_id, request.variables, definition=start.definition, node=start.node
            )
            true.append(found)
    # Nothing is started if one of the conditions cannot be told.
    shard.following.extend(true)
    return len(true)


def _holds(shard: Shard, linked: Linked, index: int, variables: dict[str, Json]) -> bool:
    node = linked.nodes[index]
    trigger = node.trigger
    assert isinstance(trigger, ConditionalTrigger)
    environment = linked.environment(shard.at, shard.zone, 0, 0)
    text = linked.program.expressions[trigger.condition].text
    try:
        value = linked.expressions[trigger.condition](lambda name: variables.get(name, linked.missing), environment)
    except Failure as failure:
        raise Conflict(f"the condition `{text}` of {node.id}: {failure.message}") from None
    if value is None or isinstance(value, bool):
        return value is True
    raise Conflict(f"the condition `{text}` of {node.id} is {cast('object', value)!r:.60}, not a boolean")
