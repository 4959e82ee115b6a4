"""Instances: started, waited for, cancelled, changed, and their incidents."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import grpc

from procession.base.failure import NotFound
from procession.base.values import Variables
from procession.core import events as e
from procession.core.instructions import Activate, Instruction, SetLocal, Terminate
from procession.core.plans import MigrationPlan
from procession.runtime import requests as q
from procession.services.access import Caller
from procession.services.reading import Reader
from procession.services.views import InstanceView
from procession.web.zeebe import gateway_pb2 as pb
from procession.web.zeebe.calls import Call, text_of, variables_in
from procession.web.zeebe.statuses import Status, invalid, unserved

RESULT_S: Final = 15.0
"""How long a start with a result waits if the client does not say."""
LOOK_S: Final = 1.0
"""How long the news are searched for the instance of an element."""


async def create_process_instance(
    call: Call, request: pb.CreateProcessInstanceRequest
) -> pb.CreateProcessInstanceResponse:
    """Starts an instance; it is durable when this answers."""
    caller = await call.caller(request.tenantId)
    key = await _start(call, caller, request)
    view = await call.read(caller, lambda reader: reader.instance(caller.tenant, key))
    return pb.CreateProcessInstanceResponse(
        processDefinitionKey=await call.gateway.definitions.key(caller.tenant, view.process_id, view.version),
        bpmnProcessId=view.process_id,
        version=view.version,
        processInstanceKey=key,
        tenantId=caller.tenant,
    )


async def create_process_instance_with_result(
    call: Call, request: pb.CreateProcessInstanceWithResultRequest
) -> pb.CreateProcessInstanceWithResultResponse:
    """Starts an instance and waits for its end. If that takes longer, the instance goes on all the same."""
    caller = await call.caller(request.request.tenantId)
    key = await _start(call, caller, request.request)
    seconds = call.seconds(request.requestTimeout, RESULT_S)
    view = await call.gateway.endings.wait(caller.tenant, key, seconds)
    if view is None and call.gateway.closing:
        raise Status(grpc.StatusCode.UNAVAILABLE, f"the gateway is closing; instance {key} goes on")
    if view is None:
        text = f"instance {key} did not end in {seconds:.1f} s; it goes on, and nobody waits for its result any more"
        raise Status(grpc.StatusCode.DEADLINE_EXCEEDED, text)
    if view.state == "terminated":
        raise Status(grpc.StatusCode.ABORTED, f"instance {key} was terminated, so it has no result")
    variables = await call.read(caller, lambda reader: reader.variables(caller.tenant, key))
    wanted = list(request.fetchVariables)
    if wanted:
        variables = {name: variables[name] for name in wanted if name in variables}
    return pb.CreateProcessInstanceWithResultResponse(
        processDefinitionKey=await call.gateway.definitions.key(caller.tenant, view.process_id, view.version),
        bpmnProcessId=view.process_id,
        version=view.version,
        processInstanceKey=key,
        variables=text_of(variables),
        tenantId=caller.tenant,
    )


async def _start(call: Call, caller: Caller, request: pb.CreateProcessInstanceRequest) -> int:
    if request.runtimeInstructions:
        raise unserved("runtimeInstructions are not served: an instance is not ended after an element")
    process_id, definition = request.bpmnProcessId, request.processDefinitionKey
    if definition > 0:
        row = await call.read(caller, lambda reader: reader.deployed.definition(caller.tenant, definition))
        process_id = row.process_id
    elif not process_id:
        raise invalid("a start needs a bpmnProcessId or a processDefinitionKey")
    caller.need("instances:start", process_id)
    begin = tuple(Activate(each.elementId) for each in request.startInstructions)
    what = q.StartProcess(
        caller.tenant,
        process_id,
        variables_in(request.variables),
        0 if definition > 0 else max(0, request.version),
        request.businessId,
        definition=max(0, definition),
        begin=begin,
    )
    key = await call.ask(caller, what)
    assert isinstance(key, int)
    return key


async def cancel_process_instance(
    call: Call, request: pb.CancelProcessInstanceRequest
) -> pb.CancelProcessInstanceResponse:
    """Ends an instance and all that it called."""
    caller = await call.caller()
    view = await call.instance(caller, request.processInstanceKey, "instances:change")
    if view.state in {"completed", "terminated"}:
        raise NotFound(f"instance {view.key} has ended already: it is {view.state}")
    await call.ask(caller, q.Deliver(caller.tenant, view.key, e.Cancel("cancelled by a client")))
    return pb.CancelProcessInstanceResponse()


async def set_variables(call: Call, request: pb.SetVariablesRequest) -> pb.SetVariablesResponse:
    """Sets variables as seen from an element instance, or from the process."""
    caller = await call.caller()
    caller.need("instances:change")
    variables = variables_in(request.variables)
    view, element = await _scope(call, caller, request.elementInstanceKey)
    caller.need("instances:change", view.process_id)
    event = e.SetVariables(element, variables, request.local)
    await call.ask(caller, q.Deliver(caller.tenant, view.key, event))
    return pb.SetVariablesResponse(key=0)


async def _scope(call: Call, caller: Caller, key: int) -> tuple[InstanceView, int]:
    """The instance of an element instance, and the key by which it knows that; the instance's own key is its process.

    Raises `NotFound`."""
    tenant = caller.tenant
    try:
        return await call.read(caller, lambda reader: reader.instance(tenant, key)), 0
    except NotFound:
        instance = await _instance_of(call, caller, key)
    return await call.read(caller, lambda reader: reader.instance(tenant, instance)), key


async def _instance_of(call: Call, caller: Caller, element: int) -> int:
    """The instance in which an element instance is active: one that the first commit behind its key has stored.

    Keys and the numbers of the news are drawn from one source, so nothing has to be indexed for this."""
    number = 0
    try:
        async with asyncio.timeout(LOOK_S):
            async for news in call.gateway.site.backend.news(caller.tenant, max(0, element)):
                if number and news.number != number:
                    break
                number, instance = news.number, news.instance
                if await call.read(caller, lambda reader, at=instance: _holds(reader, caller.tenant, at, element)):  # type: ignore[misc]
                    return instance
    except TimeoutError:
        pass
    raise NotFound(f"no element instance {element} is active")


def _holds(reader: Reader, tenant: str, instance: int, element: int) -> bool:
    try:
        return element in reader.views.load(tenant, instance).state.elements
    except NotFound:
        return False


async def modify_process_instance(
    call: Call, request: pb.ModifyProcessInstanceRequest
) -> pb.ModifyProcessInstanceResponse:
    """Changes an instance by hand: all of it, or nothing."""
    caller = await call.caller()
    view = await call.instance(caller, request.processInstanceKey, "instances:change")
    root = 0
    if any(each.ancestorElementInstanceKey == view.key for each in request.activateInstructions):
        root = await call.read(caller, lambda reader: _root(reader, caller.tenant, view.key))
    instructions: list[Instruction] = [Terminate(key=each.elementInstanceKey) for each in request.terminateInstructions]
    for each in request.activateInstructions:
        ancestor = max(0, each.ancestorElementInstanceKey)
        instructions += _activation(each.elementId, root if ancestor == view.key else ancestor, each)
    if not instructions:
        raise invalid("a modification needs at least one instruction")
    await call.ask(caller, q.Deliver(caller.tenant, view.key, e.Modify(tuple(instructions))))
    return pb.ModifyProcessInstanceResponse()


def _activation(
    element: str, ancestor: int, instruction: pb.ModifyProcessInstanceRequest.ActivateInstruction
) -> Sequence[Instruction]:
    own: Variables = {}
    others: list[Instruction] = []
    for each in instruction.variableInstructions:
        variables = variables_in(each.variables, "variables of an instruction")
        if each.scopeId == element:
            own |= variables
        else:
            others.append(SetLocal(variables, each.scopeId))
    return [*others, Activate(element, ancestor, own)]


def _root(reader: Reader, tenant: str, instance: int) -> int:
    root = reader.views.load(tenant, instance).state.root
    return root.key if root is not None else 0


async def migrate_process_instance(
    call: Call, request: pb.MigrateProcessInstanceRequest
) -> pb.MigrateProcessInstanceResponse:
    """Lets an instance go over to another definition."""
    caller = await call.caller()
    view = await call.instance(caller, request.processInstanceKey, "instances:change")
    target = request.migrationPlan.targetProcessDefinitionKey
    row = await call.read(caller, lambda reader: reader.deployed.definition(caller.tenant, target))
    caller.need("instances:change", row.process_id)
    elements = {each.sourceElementId: each.targetElementId for each in request.migrationPlan.mappingInstructions}
    plan = MigrationPlan(to_process=row.process_id, to_version=row.version, elements=elements)
    await call.ask(caller, q.MigrateInstance(caller.tenant, view.key, plan))
    return pb.MigrateProcessInstanceResponse()


async def resolve_incident(call: Call, request: pb.ResolveIncidentRequest) -> pb.ResolveIncidentResponse:
    """Retries what an incident stopped. The retries that its job was given meanwhile are kept."""
    caller = await call.caller()
    caller.need("incidents:resolve")
    retries = await call.read(caller, lambda reader: _retries(reader, caller, request.incidentKey))
    await call.ask(caller, q.Resolve(caller.tenant, request.incidentKey, retries))
    return pb.ResolveIncidentResponse()


def _retries(reader: Reader, caller: Caller, incident: int) -> int:
    """The retries that the job of an incident has, at least one. Raises `NotFound`, `Forbidden`."""
    found = reader.views.incidents(caller.tenant, after=incident - 1, limit=1)
    if not found or found[0].key != incident:
        raise NotFound(f"incident {incident} is not open")
    if caller.within("incidents:resolve") is not None:
        caller.need("incidents:resolve", reader.instance(caller.tenant, found[0].instance).process_id)
    if not found[0].job:
        return 1
    jobs = reader.views.jobs(caller.tenant, instance=found[0].instance, after=found[0].job - 1, limit=1)
    return max(1, jobs[0].retries) if jobs and jobs[0].key == found[0].job else 1
