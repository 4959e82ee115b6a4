"""Deploying over the gateway: processes, decisions and forms are deployed together."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from procession.base.decoding import taken
from procession.runtime import requests as q
from procession.services.access import Caller
from procession.services.deploy import Deployment
from procession.services.reading import Reader
from procession.web.zeebe import gateway_pb2 as pb
from procession.web.zeebe.calls import Call
from procession.web.zeebe.statuses import invalid, unserved


class _Place(NamedTuple):
    """Where something deployed stands: its document, by name, and the deployment that holds it. Of a document of
    decisions also its id and name inside."""

    resource: str
    deployment: int
    id: str = ""
    name: str = ""


async def deploy_resource(call: Call, request: pb.DeployResourceRequest) -> pb.DeployResourceResponse:
    """Deploys documents together. All of them are checked before any is stored."""
    caller = await call.caller(request.tenantId)
    caller.need("definitions:deploy")
    resources = [(each.name, each.content) for each in request.resources]
    if not resources:
        raise invalid("there is nothing to deploy")
    key, deployments = await _deploy(call, caller, resources)
    return pb.DeployResourceResponse(key=key, deployments=deployments, tenantId=caller.tenant)


async def deploy_process(call: Call, request: pb.DeployProcessRequest) -> pb.DeployProcessResponse:
    """Deploys processes, as clients before 8.0 do."""
    caller = await call.caller()
    caller.need("definitions:deploy")
    if not request.processes:
        raise invalid("there is nothing to deploy")
    key, found = await _deploy(call, caller, [(each.name, each.definition) for each in request.processes])
    processes = [each.process for each in found if each.HasField("process")]
    return pb.DeployProcessResponse(key=key, processes=processes)


async def delete_resource(call: Call, request: pb.DeleteResourceRequest) -> pb.DeleteResourceResponse:
    """Not served: instances and their history name the versions that they run."""
    (await call.caller()).need("definitions:deploy")
    raise unserved(
        "definitions are not deleted: instances and histories refer to them. Suspend a definition to refuse new starts"
    )


async def _deploy(call: Call, caller: Caller, models: list[tuple[str, bytes]]) -> tuple[int, list[pb.Deployment]]:
    for name, _ in models:
        if not name:
            raise invalid("a resource needs a name, with the end .bpmn, .dmn or .form")
    answer = await call.ask(caller, q.DeployResources(caller.tenant, models))
    deployment = taken(answer, Deployment)
    names = {hashlib.sha256(data).hexdigest(): name for name, data in models}
    places = await call.read(caller, lambda reader: _places(reader, caller.tenant, deployment, names))
    tenant = caller.tenant
    found = [
        pb.Deployment(
            process=pb.ProcessMetadata(
                bpmnProcessId=each.process_id,
                version=each.version,
                processDefinitionKey=each.key,
                resourceName=places[each.key].resource,
                tenantId=tenant,
            )
        )
        for each in deployment.processes
    ]
    graphs: dict[str, pb.DecisionRequirementsMetadata] = {}
    for each in deployment.decisions:
        place = places[each.key]
        graph = graphs.setdefault(
            place.resource,
            pb.DecisionRequirementsMetadata(
                dmnDecisionRequirementsId=place.id,
                dmnDecisionRequirementsName=place.name,
                version=each.version,
                decisionRequirementsKey=place.deployment,
                resourceName=place.resource,
                tenantId=tenant,
            ),
        )
        decision = pb.DecisionMetadata(
            dmnDecisionId=each.decision_id,
            dmnDecisionName=each.name,
            version=each.version,
            decisionKey=each.key,
            dmnDecisionRequirementsId=graph.dmnDecisionRequirementsId,
            decisionRequirementsKey=graph.decisionRequirementsKey,
            tenantId=tenant,
        )
        found.append(pb.Deployment(decision=decision))
    found += [pb.Deployment(decisionRequirements=graph) for graph in graphs.values()]
    found += [
        pb.Deployment(
            form=pb.FormMetadata(
                formId=each.form_id,
                version=each.version,
                formKey=each.key,
                resourceName=places[each.key].resource,
                tenantId=tenant,
            )
        )
        for each in deployment.forms
    ]
    # What was there already stays, and so does the deployment that brought it.
    return deployment.key or next((place.deployment for place in places.values()), 0), found


def _places(reader: Reader, tenant: str, deployment: Deployment, names: dict[str, str]) -> dict[int, _Place]:
    """Key -> where it stands; the documents of this deployment are known by their digests."""
    deployed = reader.deployed
    found: dict[int, _Place] = {}
    for process in deployment.processes:
        definition = deployed.definition(tenant, process.key)
        found[process.key] = _Place(names.get(definition.digest, ""), definition.deployment)
    for each in deployment.decisions:
        decision = deployed.decision(tenant, each.key)
        document = deployed.document(tenant, decision)
        found[each.key] = _Place(names.get(decision.digest, ""), decision.deployment, document.id, document.name)
    for made in deployment.forms:
        form = reader.forms.form(tenant, made.key)
        found[made.key] = _Place(names.get(form.digest, ""), form.deployment)
    return found
