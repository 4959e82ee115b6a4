"""What changes instances under way and needs more than their state: another program, another instance, a definition.

Modification, suspension and a restart in place are events like others (core.modification, core.suspension).
"""

from __future__ import annotations

from procession.base.failure import Conflict, NotFound
from procession.core import events as e
from procession.core.plans import MigrationPlan
from procession.hosts.embedded.residents import Resident
from procession.hosts.embedded.shard import Shard
from procession.hosts.embedded.starting import accepted, start_instance, start_refused
from procession.runtime import requests as q
from procession.runtime.rows import DefinitionRow, InstanceRow
from procession.services.catalog import Catalog


def migrate_instance(shard: Shard, request: q.MigrateInstance) -> int:
    """Lets an instance go over; gives the version that it runs now."""
    tenant = shard.catalog.tenant(request.tenant)
    return migrate(shard, resident_of(shard, tenant, request.instance), request.plan)


def migrate(shard: Shard, resident: Resident, plan: MigrationPlan) -> int:
    """Carries a plan out for one instance. Raises `Conflict` where it cannot be, and when it is for another version."""
    event, target = migration_of(shard, resident, plan)
    linked = shard.catalog.linked(resident.tenant, target.program)
    accepted(shard.advance(resident, event, linked))
    if not resident.host:
        # Of one on another host it is its report that tells.
        shard.batch["instance"].change("instance_moved", (target.key, resident.tenant, resident.key))
    return target.version


def migration_of(shard: Shard, resident: Resident, plan: MigrationPlan) -> tuple[e.Migrate, DefinitionRow]:
    """What a plan means for an instance, and where it goes. Raises `Conflict` when it is for another version."""
    return migration_from(shard.catalog, resident.tenant, plan, runs(shard, resident), resident.key)


def migration_from(
    catalog: Catalog, tenant: int, plan: MigrationPlan, now: DefinitionRow, instance: int
) -> tuple[e.Migrate, DefinitionRow]:
    """`migration_of` for an instance that runs `now`."""
    where = f"instance {instance} runs {now.process_id!r} version {now.version}"
    if plan.from_process and (plan.from_process, plan.from_version) != (now.process_id, now.version):
        raise Conflict(f"the plan is for {plan.from_process!r} version {plan.from_version}, and {where}")
    target = target_of(catalog, tenant, plan, now.process_id)
    if target.key == now.key:
        raise Conflict(f"{where} already")
    return e.Migrate(target.program, target.version, plan), target


def runs(shard: Shard, resident: Resident) -> DefinitionRow:
    """The definition that an instance runs, as far as is known."""
    if resident.state.version:
        process_id = resident.linked.program.process_id
        return shard.catalog.version(resident.tenant, process_id, resident.state.version)
    rows = shard.store.read("instance", (resident.tenant, resident.key), InstanceRow)
    if not rows:
        raise Conflict(f"instance {resident.key} has not begun yet")
    return shard.catalog.definition(resident.tenant, rows[0].definition)


def target_of(catalog: Catalog, tenant: int, plan: MigrationPlan, process_id: str) -> DefinitionRow:
    """The definition that a plan goes to; raises `NotFound`."""
    wanted = plan.to_process or process_id
    if plan.to_version:
        return catalog.version(tenant, wanted, plan.to_version)
    return catalog.latest(tenant, wanted)


def restart_instance(shard: Shard, request: q.RestartInstance) -> int:
    """A new instance with the variables of an old one, at chosen elements."""
    tenant = shard.catalog.tenant(request.tenant)
    old = resident_of(shard, tenant, request.instance)
    state = old.state
    version = request.version or state.version
    definition = shard.catalog.version(tenant, old.linked.program.process_id, version)
    refused = start_refused(shard, tenant, definition)
    if refused is not None:
        raise refused
    if not request.begin:
        raise Conflict("a restart needs at least one element to begin at")
    variables = dict(state.root.variables or {}) if state.root is not None else {}
    key = shard.keys.take(shard.at)
    start = e.Start(
        instance=key,
        tenant=request.tenant,
        program=definition.program,
        version=definition.version,
        variables={**variables, **request.variables},
        business_key=state.business_key,
        zone=shard.zone,
        tz_release=shard.tz_release,
        seed=key,
        flags=shard.switches.of(tenant),
        begin=request.begin,
        source=state.instance,
    )
    start_instance(shard, tenant, definition, start)
    return key


def suspend_definition(shard: Shard, request: q.SuspendDefinition) -> int:
    """Refuses or allows starts; gives the number of versions that this changed."""
    tenant = shard.catalog.tenant(request.tenant)
    if request.version:
        found = [shard.catalog.version(tenant, request.process_id, request.version)]
    else:
        latest = shard.catalog.latest(tenant, request.process_id)
        found = [shard.catalog.version(tenant, request.process_id, n) for n in range(1, latest.version + 1)]
    rows = shard.batch["suspended"]
    changed = 0
    for definition in found:
        place = (tenant, definition.key)
        if request.on is (place in shard.suspended):
            continue
        changed += 1
        if request.on:
            rows.replace(place, place)
            shard.suspended.add(place)
        else:
            rows.delete(place, place)
            shard.suspended.discard(place)
    if changed and not request.on:
        shard.following.extend(shard.postbox.starts_allowed(tenant, request.process_id))
    return changed


def resident_of(shard: Shard, tenant: int, instance: int) -> Resident:
    """An instance, ended ones included; raises `NotFound`."""
    found = shard.residents.get(tenant, instance)
    if found is None:
        raise NotFound(f"no instance {instance}, or nothing of it is kept")
    return found
