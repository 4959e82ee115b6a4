"""Migration plans made and tried: what a plan would do to an instance, without doing it."""

from __future__ import annotations

import msgspec

from procession.base.failure import Conflict
from procession.core.mapping import default_plan
from procession.core.migration import intended
from procession.core.plans import MigrationAction, MigrationPlan
from procession.services.views import Views


def plan_between(
    views: Views, tenant: str, process_id: str, from_version: int, *, to_process: str = "", to_version: int = 0
) -> MigrationPlan:
    """The plan from one version to another (0: the latest) that maps what both have. Elements that may have got another
    id are its `proposals`. Raises `NotFound`."""
    number = views.tenant_number(tenant)
    source = views.catalog.version(number, process_id, from_version)
    wanted = to_process or process_id
    target = views.catalog.latest(number, wanted)
    if to_version:
        target = views.catalog.version(number, wanted, to_version)
    plan = default_plan(views.program(tenant, source.program), views.program(tenant, target.program))
    return msgspec.structs.replace(
        plan,
        from_process=process_id,
        from_version=from_version,
        to_process=wanted,
        to_version=target.version,
    )


def actions_of(views: Views, tenant: str, instance: int, plan: MigrationPlan) -> list[MigrationAction]:
    """What a migration would do now, element instance by element instance. Raises `Conflict` as it would."""
    number = views.tenant_number(tenant)
    info = views.instance(tenant, instance)
    loaded = views.load(tenant, instance)
    if info.state in ("completed", "terminated"):
        raise Conflict(f"instance {instance} has ended")
    if plan.from_process and (plan.from_process, plan.from_version) != (info.process_id, info.version):
        raise Conflict(f"instance {instance} runs {info.process_id!r} version {info.version}")
    wanted = plan.to_process or info.process_id
    target = views.catalog.latest(number, wanted)
    if plan.to_version:
        target = views.catalog.version(number, wanted, plan.to_version)
    program = views.program(tenant, target.program)
    found = intended(loaded.linked.program, program, loaded.state, plan)
    if found.problems:
        raise Conflict("the plan cannot be carried out: " + "; ".join(found.problems))
    return found.actions
