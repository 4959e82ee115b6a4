"""What changes an instance under way: variables, cancelling, modification, migration, suspension, restart."""

from __future__ import annotations

from typing import Annotated, Final, final

import msgspec
from litestar import patch, post
from litestar.params import JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler

from procession.base.failure import BadValue, Conflict
from procession.core import events as e
from procession.core.instructions import Activate, Instruction, Move, PutToken, SetLocal, TakeToken, Terminate
from procession.core.plans import MigrationAction, MigrationPlan
from procession.runtime import requests as q
from procession.services.access import Caller
from procession.services.migrations import actions_of, plan_between
from procession.services.reading import Reader
from procession.web.asking import Idempotent, TheCaller, TheSite, allow, seen, who
from procession.web.openapi import EXAMPLE
from procession.web.routes.instances import Version, element_of
from procession.web.shapes import Key, KeyPath, Text, VariablesBody, key_of, variables_in
from procession.web.site import Site

INSTRUCTIONS_MAX: Final = 1_000
_CHANGE: Final = "instances:change"


@final
class VariablesIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Variables to set, as seen from an element instance (a key, or the id of an element that is active once) or from
    the process: each in the nearest scope that has it. `local`: in the element's own scope."""

    variables: VariablesBody
    element: Text | None = None
    local: bool = False


@final
class ReasonIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why, for the history."""

    reason: Text = ""


@final
class ActivateIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Begin an element, with variables of its own. `ancestor` is an active scope around it, where there are several."""

    element: Text
    ancestor: Key | None = None
    variables: VariablesBody = {}


@final
class TerminateIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """End all instances of an `element`, or the one with this `key`."""

    element: Text | None = None
    key: Key | None = None


@final
class MoveIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """End each instance of `source`, or the one with this `key`, and begin `target` in its place."""

    source: Text
    target: Text
    key: Key | None = None
    variables: VariablesBody = {}


@final
class TokenIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token on a sequence flow; `ancestor` names the scope where several are active."""

    flow: Text
    ancestor: Key | None = None


@final
class ModifyIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change by hand. It is carried out in the order of these fields, all of it or nothing."""

    activate: Annotated[list[ActivateIn], msgspec.Meta(max_length=INSTRUCTIONS_MAX)] = []
    terminate: Annotated[list[TerminateIn], msgspec.Meta(max_length=INSTRUCTIONS_MAX)] = []
    move: Annotated[list[MoveIn], msgspec.Meta(max_length=INSTRUCTIONS_MAX)] = []
    put: Annotated[list[TokenIn], msgspec.Meta(max_length=INSTRUCTIONS_MAX)] = []
    take: Annotated[list[TokenIn], msgspec.Meta(max_length=INSTRUCTIONS_MAX)] = []
    variables: VariablesBody = {}


@final
class MigrateIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where an instance goes: by a `plan`, or by equal ids to `to_version` (default: the latest)."""

    plan: MigrationPlan | None = None
    to_version: Version | None = None


@final
class ActionOut(msgspec.Struct, frozen=True):
    """One thing that a migration does to one element instance; see `MigrationAction` in docs/reference/python.md."""

    element: Key
    element_id: str
    what: str
    target: str
    wait: Key | None
    node: str


@final
class Migrated(msgspec.Struct, frozen=True):
    """The version that the instance runs now, or would; of a dry run also what would happen, in order."""

    version: int
    plan: MigrationPlan
    actions: list[ActionOut] | None = None


@final
class PlanIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two versions of a process, or of two. `to_version` is the latest by default."""

    process_id: Text
    from_version: Version
    to_version: Version | None = None
    to_process: Text | None = None


@final
class RestartIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where to begin, with the variables of the instance and these over them. `in_place`: in the same instance, whose
    active elements end; else in a new one, of the same version or of `version`."""

    begin: Annotated[list[ActivateIn], msgspec.Meta(min_length=1, max_length=INSTRUCTIONS_MAX)]
    variables: VariablesBody = {}
    in_place: bool = False
    version: Version | None = None


@final
class Restarted(msgspec.Struct, frozen=True):
    """The instance that goes on: a new one, or the same."""

    key: Key


@final
class TriggerIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Activities of an ad-hoc sub-process to begin, each with these variables of its own. `element` says which
    sub-process (a key, or an id that is active once), where there are several."""

    activities: Annotated[list[Text], msgspec.Meta(min_length=1, max_length=INSTRUCTIONS_MAX)]
    element: Text | None = None
    variables: VariablesBody = {}


@patch("/instances/{key:str}/variables", status_code=204, opt={EXAMPLE: {"variables": {"approved": True}}})
async def set_instance_variables(
    key: KeyPath,
    data: JSONBody[VariablesIn],
    caller: TheCaller,
    site: TheSite,
    idempotency_key: Idempotent = None,
) -> None:
    """Sets variables of an instance."""
    number = key_of(key, "instance")
    values = variables_in(data.variables)
    await allow(site, caller, _CHANGE, number)
    element = await _element(site, caller, number, data.element)
    await _deliver(site, caller, number, e.SetVariables(element, values, data.local), idempotency_key)


@post("/instances/{key:str}/cancel", status_code=204, opt={EXAMPLE: {"reason": "the order was withdrawn"}})
async def cancel_instance(
    key: KeyPath,
    caller: TheCaller,
    site: TheSite,
    data: JSONBody[ReasonIn | None] = None,
    idempotency_key: Idempotent = None,
) -> None:
    """Ends an instance and all that it called.

    Canceling listeners of its user tasks run first; asked again, it does not wait for them."""
    number = key_of(key, "instance")
    await allow(site, caller, _CHANGE, number)
    await _deliver(site, caller, number, e.Cancel(data.reason if data else ""), idempotency_key)


@post("/instances/{key:str}/suspend", status_code=204, opt={EXAMPLE: {"reason": "under investigation"}})
async def suspend_instance(
    key: KeyPath,
    caller: TheCaller,
    site: TheSite,
    data: JSONBody[ReasonIn | None] = None,
    idempotency_key: Idempotent = None,
) -> None:
    """Lets an instance stand still: no job of it is given out, no timer fires, messages wait."""
    number = key_of(key, "instance")
    await allow(site, caller, _CHANGE, number)
    await _deliver(site, caller, number, e.Suspend(data.reason if data else ""), idempotency_key)


@post("/instances/{key:str}/resume", status_code=204)
async def resume_instance(key: KeyPath, caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None) -> None:
    """Lets a suspended instance go on; what became due meanwhile happens at once."""
    number = key_of(key, "instance")
    await allow(site, caller, _CHANGE, number)
    await _deliver(site, caller, number, e.Resume(), idempotency_key)


@post(
    "/instances/{key:str}/modify",
    status_code=204,
    opt={EXAMPLE: {"activate": [{"element": "check"}], "terminate": [{"element": "pay"}]}},
)
async def modify_instance(
    key: KeyPath,
    data: JSONBody[ModifyIn],
    caller: TheCaller,
    site: TheSite,
    idempotency_key: Idempotent = None,
) -> None:
    """Changes an instance by hand: begins, ends and moves elements. All of it or, with a problem, nothing."""
    number = key_of(key, "instance")
    instructions = _instructions(data)
    await allow(site, caller, _CHANGE, number)
    await _deliver(site, caller, number, e.Modify(instructions), idempotency_key)


@post(
    "/instances/{key:str}/trigger",
    status_code=204,
    opt={EXAMPLE: {"activities": ["call_customer"], "variables": {"urgent": True}}},
)
async def trigger_activities(
    key: KeyPath,
    data: JSONBody[TriggerIn],
    caller: TheCaller,
    site: TheSite,
    idempotency_key: Idempotent = None,
) -> None:
    """Begins activities of an ad-hoc sub-process."""
    number = key_of(key, "instance")
    values = variables_in(data.variables)
    await allow(site, caller, _CHANGE, number)
    element = await _element(site, caller, number, data.element)
    await _deliver(site, caller, number, e.TriggerActivity(element, data.activities, values), idempotency_key)


@post("/instances/{key:str}/migrate", status_code=200, opt={EXAMPLE: {"to_version": 4}})
async def migrate_instance(
    key: KeyPath,
    data: JSONBody[MigrateIn],
    caller: TheCaller,
    site: TheSite,
    idempotency_key: Idempotent = None,
    *,
    dry_run: Annotated[bool, QueryParameter(description="Tell what would happen, and do nothing.")] = False,
) -> Migrated:
    """Lets an instance go over to another version of its process.

    A plan that would strand a token is refused by 409, which names each of them; then nothing happens."""
    number = key_of(key, "instance")
    caller.need(_CHANGE)
    tenant = caller.tenant

    def planned(reader: Reader) -> tuple[MigrationPlan, list[MigrationAction], int]:
        info = seen(reader, caller, number, _CHANGE)
        plan = data.plan
        if plan is None:
            plan = plan_between(reader.views, tenant, info.process_id, info.version, to_version=data.to_version or 0)
        elif data.to_version is not None:
            raise BadValue("the plan says where to go: leave to_version out")
        target = reader.deployed.version(tenant, plan.to_process or info.process_id, plan.to_version)
        caller.need(_CHANGE, target.process_id)
        return plan, actions_of(reader.views, tenant, number, plan) if dry_run else [], target.version

    plan, actions, version = await site.backend.read(tenant, planned)
    if dry_run:
        return Migrated(version, plan, [_action(each) for each in actions])
    request = q.MigrateInstance(tenant, number, plan)
    answer = await site.backend.ask(request, who(caller, idempotency_key, request))
    assert isinstance(answer, int)
    return Migrated(answer, plan)


@post(
    "/migration-plans", status_code=200, tags=["changes"], opt={EXAMPLE: {"process_id": "invoice", "from_version": 3}}
)
async def make_migration_plan(data: JSONBody[PlanIn], caller: TheCaller, site: TheSite) -> MigrationPlan:
    """Makes a plan from one version to another that maps what both have. Nothing is stored.

    Elements that may have got another id are its `proposals`: put those that are right into `elements`."""
    caller.need("definitions:read", data.process_id)
    caller.need("definitions:read", data.to_process or "")
    return await site.backend.read(
        caller.tenant,
        lambda reader: plan_between(
            reader.views,
            caller.tenant,
            data.process_id,
            data.from_version,
            to_process=data.to_process or "",
            to_version=data.to_version or 0,
        ),
    )


@post("/instances/{key:str}/restart", status_code=200, opt={EXAMPLE: {"begin": [{"element": "check"}]}})
async def restart_instance(
    key: KeyPath,
    data: JSONBody[RestartIn],
    caller: TheCaller,
    site: TheSite,
    idempotency_key: Idempotent = None,
) -> Restarted:
    """Begins at chosen elements, in a new instance or in place."""
    number = key_of(key, "instance")
    begin = tuple(_activation(each) for each in data.begin)
    values = variables_in(data.variables)
    await allow(site, caller, _CHANGE, number)
    if data.in_place:
        if data.version is not None:
            raise Conflict("a restart in place runs the same version: migrate the instance first")
        await _deliver(site, caller, number, e.Restart(begin, values), idempotency_key)
        return Restarted(str(number))
    await allow(site, caller, "instances:start", number)
    request = q.RestartInstance(caller.tenant, number, begin, values, data.version or 0)
    answer = await site.backend.ask(request, who(caller, idempotency_key, request))
    assert isinstance(answer, int)
    return Restarted(str(answer))


async def _deliver(site: Site, caller: Caller, instance: int, event: e.AnyEvent, key: str | None) -> None:
    request = q.Deliver(caller.tenant, instance, event)
    await site.backend.ask(request, who(caller, key, request))


async def _element(site: Site, caller: Caller, instance: int, element: str | None) -> int:
    """The element instance that is meant, 0 for none given."""
    if not element or element.isdigit():
        return key_of(element, "element instance") if element else 0
    return await site.backend.read(caller.tenant, lambda reader: element_of(reader, caller, instance, element))


def _instructions(data: ModifyIn) -> tuple[Instruction, ...]:
    found: list[Instruction] = [_activation(each) for each in data.activate]
    for at, each in enumerate(data.terminate):
        if (each.element is None) is (each.key is None):
            raise BadValue(f"terminate[{at}] names either an element or a key")
        found.append(Terminate(each.element or "", _key(each.key)))
    found += [Move(each.source, each.target, _key(each.key), variables_in(each.variables)) for each in data.move]
    found += [PutToken(each.flow, _key(each.ancestor)) for each in data.put]
    found += [TakeToken(each.flow, _key(each.ancestor)) for each in data.take]
    if data.variables:
        found.append(SetLocal(variables_in(data.variables)))
    if not found:
        raise BadValue("nothing is to be changed: name at least one instruction")
    return tuple(found)


def _activation(given: ActivateIn) -> Activate:
    return Activate(given.element, _key(given.ancestor), variables_in(given.variables))


def _key(given: str | None) -> int:
    return key_of(given, "element instance") if given is not None else 0


def _action(found: MigrationAction) -> ActionOut:
    wait = str(found.wait) if found.wait else None
    return ActionOut(str(found.element), found.element_id, found.what, found.target, wait, found.node)


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (
    set_instance_variables,
    cancel_instance,
    suspend_instance,
    resume_instance,
    modify_instance,
    trigger_activities,
    migrate_instance,
    make_migration_plan,
    restart_instance,
)
