"""Every method of the Zeebe gateway, asked over gRPC with our own messages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from procession.base.values import Json
from procession.hosts.embedded.engine import Engine
from procession.web.zeebe import gateway_pb2 as pb
from procession.web.zeebe.server import STREAMED, UNARY, WAITING
from zeebe_rig import Rpc, chain, client_of, gateway_of, job, model

C = grpc.StatusCode
WORK = chain("p", job("a"), job("b"))
DENY = """<startEvent id="s"/><userTask id="t"><extensionElements><zeebe:userTask/><zeebe:taskListeners>
 <zeebe:taskListener eventType="completing" type="listen"/></zeebe:taskListeners></extensionElements></userTask>
 <endEvent id="e"/>
 <sequenceFlow id="f" sourceRef="s" targetRef="t"/><sequenceFlow id="g" sourceRef="t" targetRef="e"/>"""
AD_HOC = """<startEvent id="s"/><adHocSubProcess id="h"><extensionElements>
 <zeebe:taskDefinition type="choose"/></extensionElements>
 <serviceTask id="x"><extensionElements><zeebe:taskDefinition type="x"/></extensionElements></serviceTask>
 <serviceTask id="y"><extensionElements><zeebe:taskDefinition type="y"/></extensionElements></serviceTask>
 </adHocSubProcess><endEvent id="e"/>
 <sequenceFlow id="f" sourceRef="s" targetRef="h"/><sequenceFlow id="g" sourceRef="h" targetRef="e"/>"""
DECISION = b"""<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="sums" name="Sums" namespace="t">
 <decision id="sum" name="Sum"><variable name="Sum"/>
  <literalExpression><text>a + 1</text></literalExpression></decision>
 <decision id="one" name="One"><decisionTable id="t" hitPolicy="UNIQUE">
  <input id="i"><inputExpression id="ie"><text>a</text></inputExpression></input><output id="o" name="x"/>
  <rule id="r1"><inputEntry id="e1"><text>&gt; 0</text></inputEntry>
   <outputEntry id="x1"><text>1</text></outputEntry></rule>
  <rule id="r2"><inputEntry id="e2"><text>&gt; 1</text></inputEntry>
   <outputEntry id="x2"><text>2</text></outputEntry></rule></decisionTable></decision></definitions>"""


@asynccontextmanager
async def rigged() -> AsyncIterator[tuple[Engine, Rpc]]:
    with Engine() as engine:
        async with gateway_of(engine) as (_, serving), client_of(serving.port) as rpc:
            yield engine, rpc


def run(told: Callable[[Engine, Rpc], Awaitable[None]]) -> None:
    """Runs a test against a gateway on an empty store."""

    async def main() -> None:
        async with rigged() as (engine, rpc):
            await told(engine, rpc)

    asyncio.run(main())


async def complete(rpc: Rpc, job: pb.ActivatedJob, variables: Json = None, **fields: Any) -> None:
    text = json.dumps(variables) if variables else ""
    request = pb.CompleteJobRequest(jobKey=job.key, variables=text, **fields)
    await rpc.ask("CompleteJob", request, pb.CompleteJobResponse)


def test_the_gateway_has_every_method_of_its_contract() -> None:
    contract = pb.DESCRIPTOR.services_by_name["Gateway"].methods
    assert {each.name for each in contract} == {*UNARY, *WAITING, *STREAMED}
    assert {each.name for each in contract if each.server_streaming} == set(STREAMED)


def test_a_document_that_is_there_already_keeps_its_version_and_key() -> None:
    async def told(_engine: Engine, rpc: Rpc) -> None:
        first = await rpc.deploy(("p.bpmn", WORK), ("sums.dmn", DECISION))
        again = await rpc.deploy(("p.bpmn", WORK), ("sums.dmn", DECISION))
        assert first == again
        kinds = [each.WhichOneof("Metadata") for each in first.deployments]
        assert kinds == ["process", "decision", "decision", "decisionRequirements"]
        assert first.key
        assert first.deployments[1].decision.decisionRequirementsKey == first.key
        old = pb.DeployProcessRequest(processes=[pb.ProcessRequestObject(name="p.bpmn", definition=WORK)])
        found = await rpc.ask("DeployProcess", old, pb.DeployProcessResponse)
        assert list(found.processes) == [first.deployments[0].process]

    run(told)


def test_a_form_is_kept_with_a_version() -> None:
    async def told(_engine: Engine, rpc: Rpc) -> None:
        form = json.dumps({"type": "default", "id": "ask", "components": []}).encode()
        first = await rpc.deploy(("ask.form", form))
        changed = await rpc.deploy(("ask.form", form.replace(b"[]", b'[{"type": "separator"}]')))
        forms = [each.deployments[0].form for each in (first, changed)]
        assert [(each.formId, each.version, each.resourceName) for each in forms] == [
            ("ask", 1, "ask.form"),
            ("ask", 2, "ask.form"),
        ]
        code, text = await rpc.refused(
            "DeployResource", pb.DeployResourceRequest(resources=[pb.Resource(name="x.form", content=b"{")])
        )
        assert (code, "x.form" in text) == (C.INVALID_ARGUMENT, True)

    run(told)


def test_a_refused_deployment_says_what_is_wrong_and_deploys_nothing() -> None:
    async def told(engine: Engine, rpc: Rpc) -> None:
        bad = model("q", '<startEvent id="s"/><sequenceFlow id="f" sourceRef="s" targetRef="nowhere"/>')
        resources = [pb.Resource(name="p.bpmn", content=WORK), pb.Resource(name="q.bpmn", content=bad)]
        code, text = await rpc.refused("DeployResource", pb.DeployResourceRequest(resources=resources))
        assert (code, "nowhere" in text) == (C.INVALID_ARGUMENT, True)
        assert engine.definitions() == []
        code, _ = await rpc.refused("DeployResource", pb.DeployResourceRequest())
        assert code is C.INVALID_ARGUMENT
        code, text = await rpc.refused("DeleteResource", pb.DeleteResourceRequest(resourceKey=1))
        assert (code, "Suspend" in text) == (C.UNIMPLEMENTED, True)

    run(told)


def test_an_instance_starts_by_id_by_version_by_key_or_at_an_element() -> None:
    async def told(_engine: Engine, rpc: Rpc) -> None:
        await rpc.deploy(("p.bpmn", chain("p", job("a"))))
        await rpc.deploy(("p.bpmn", WORK))
        latest = await rpc.start("p")
        first = await rpc.start("p", version=1)
        by_key = await rpc.start("", processDefinitionKey=first.processDefinitionKey)
        assert [each.version for each in (latest, first, by_key)] == [2, 1, 1]
        assert (by_key.bpmnProcessId, by_key.tenantId) == ("p", "<default>")
        at = [pb.ProcessInstanceCreationStartInstruction(elementId="b")]
        there = await rpc.start("p", '{"x": 1}', startInstructions=at)
        found = await rpc.jobs("b")
        assert [(each.processInstanceKey, each.variables) for each in found] == [(there.processInstanceKey, '{"x":1}')]

    run(told)


@pytest.mark.parametrize(
    ("fields", "code", "said"),
    [
        ({}, C.INVALID_ARGUMENT, "bpmnProcessId"),
        ({"bpmnProcessId": "nobody"}, C.NOT_FOUND, "nobody"),
        ({"bpmnProcessId": "p", "version": 7}, C.NOT_FOUND, "version 7"),
        ({"processDefinitionKey": 7}, C.NOT_FOUND, "7"),
        ({"bpmnProcessId": "p", "variables": "[1]"}, C.INVALID_ARGUMENT, "JSON object"),
        ({"bpmnProcessId": "p", "variables": "{"}, C.INVALID_ARGUMENT, "not JSON"),
        ({"bpmnProcessId": "p", "startInstructions": [{"elementId": "no"}]}, C.NOT_FOUND, "no"),
        ({"bpmnProcessId": "p", "runtimeInstructions": [{"terminate": {"afterElementId": "a"}}]}, C.UNIMPLEMENTED, "r"),
        ({"bpmnProcessId": "p" * 5_000}, C.INVALID_ARGUMENT, "4000"),
    ],
)
def test_a_start_that_cannot_be_says_why(fields: dict[str, Any], code: grpc.StatusCode, said: str) -> None:
    async def told(_engine: Engine, rpc: Rpc) -> None:
        await rpc.deploy(("p.bpmn", WORK))
        found, text = await rpc.refused("CreateProcessInstance", pb.CreateProcessInstanceRequest(**fields))
        assert found is code, text
        assert said in text

    run(told)


def test_a_start_with_result_waits_for_the_end_and_not_beyond_its_time() -> None:
    async def told(engine: Engine, rpc: Rpc) -> None:
        await rpc.deploy(("p.bpmn", chain("p", job("a"))))
        name, answer = "CreateProcessInstanceWithResult", pb.CreateProcessInstanceWithResultResponse
        start = pb.CreateProcessInstanceRequest(bpmnProcessId="p", variables='{"x": 1.50, "y": 2}')
        request = pb.CreateProcessInstanceWithResultRequest(request=start, fetchVariables=["x", "z"])
        waiting = asyncio.ensure_future(rpc.ask(name, request, answer))
        await complete(rpc, (await rpc.jobs("a"))[0], {"z": [1]})
        assert json.loads((await waiting).variables) == {"x": 1.5, "z": [1]}

        short = pb.CreateProcessInstanceWithResultRequest(request=start, requestTimeout=20)
        code, text = await rpc.refused(name, short)
        assert (code, "goes on" in text) == (C.DEADLINE_EXCEEDED, True)
        # The client's own deadline is nearer: it hears of it from the gateway, in time.
        code, _ = await rpc.refused(name, request, timeout=0.2)
        assert code is C.DEADLINE_EXCEEDED

        refused = asyncio.ensure_future(rpc.refused(name, request))
        held = await rpc.jobs("a", 100)
        while len(held) < 3:
            held += await rpc.jobs("a", 100)
        key = max(each.processInstanceKey for each in held)
        await rpc.ask(
            "CancelProcessInstance",
            pb.CancelProcessInstanceRequest(processInstanceKey=key),
            pb.CancelProcessInstanceResponse,
        )
        code, text = await refused
        assert (code, "terminated" in text) == (C.ABORTED, True)
        assert engine.counts() == {"active": 2, "completed": 1, "terminated": 1}

    run(told)


def test_variables_are_set_from_the_process_or_from_an_element_instance() -> None:
    async def told(engine: Engine, rpc: Rpc) -> None:
        await rpc.deploy(("p.bpmn", WORK))
        for _ in range(3):
            await rpc.start("p")
        found = (await rpc.jobs("a"))[1]
        instance = engine.instance(found.processInstanceKey)
        for key, local in ((found.processInstanceKey, False), (found.elementInstanceKey, True)):
            request = pb.SetVariablesRequest(elementInstanceKey=key, variables=f'{{"at": "{local}"}}', local=local)
            await rpc.ask("SetVariables", request, pb.SetVariablesResponse)
        assert instance.variables == {"at": "False"}
        assert instance.variables_at("a") == {"at": "True"}
        for key in (7, found.key, 0, -1):
            code, _ = await rpc.refused("SetVariables", pb.SetVariablesRequest(elementInstanceKey=key, variables="{}"))
            assert code is C.NOT_FOUND

    run(told)


def test_an_instance_is_modified_and_migrated() -> None:
    async def told(engine: Engine, rpc: Rpc) -> None:
        await rpc.deploy(("p.bpmn", WORK))
        started = await rpc.start("p")
        instance = engine.instance(started.processInstanceKey)
        held = (await rpc.jobs("a"))[0]
        kind = pb.ModifyProcessInstanceRequest
        begin = kind.ActivateInstruction(
            elementId="b",
            ancestorElementInstanceKey=started.processInstanceKey,
            variableInstructions=[
                kind.VariableInstruction(variables='{"own": 1}', scopeId="b"),
                kind.VariableInstruction(variables='{"all": 2}'),
            ],
        )
        request = kind(
            processInstanceKey=started.processInstanceKey,
            activateInstructions=[begin],
            terminateInstructions=[kind.TerminateInstruction(elementInstanceKey=held.elementInstanceKey)],
        )
        await rpc.ask("ModifyProcessInstance", request, pb.ModifyProcessInstanceResponse)
        assert instance.tokens == {"b": 1}
        assert (instance.variables, instance.variables_at("b")) == ({"all": 2}, {"all": 2, "own": 1})
        code, _ = await rpc.refused("ModifyProcessInstance", kind(processInstanceKey=started.processInstanceKey))
        assert code is C.INVALID_ARGUMENT

        deployed = await rpc.deploy(("p.bpmn", chain("p", job("a"), job("c", "b"))))
        target = deployed.deployments[0].process.processDefinitionKey
        plan = pb.MigrateProcessInstanceRequest.MigrationPlan(targetProcessDefinitionKey=target)
        migrate = pb.MigrateProcessInstanceRequest(processInstanceKey=instance.key, migrationPlan=plan)
        code, _ = await rpc.refused("MigrateProcessInstance", migrate)
        assert code is C.FAILED_PRECONDITION
        migrate.migrationPlan.mappingInstructions.add(sourceElementId="b", targetElementId="c")
        await rpc.ask("MigrateProcessInstance", migrate, pb.MigrateProcessInstanceResponse)
        assert (instance.tokens, instance.info.version) == ({"c": 1}, 2)

    run(told)


def test_a_job_that_fails_keeps_its_variables_and_waits_for_its_incident() -> None:
    async def told(engine: Engine, rpc: Rpc) -> None:
        await rpc.deploy(("p.bpmn", WORK))
        instance = engine.instance((await rpc.start("p")).processInstanceKey)
        first = (await rpc.jobs("a"))[0]
        again = pb.FailJobRequest(jobKey=first.key, retries=2, errorMessage="no", variables='{"why": "x"}')
        await rpc.ask("FailJob", again, pb.FailJobResponse)
        second = (await rpc.jobs("a"))[0]
        assert (second.retries, json.loads(second.variables)) == (2, {"why": "x"})
        assert instance.variables == {}
        await rpc.ask("FailJob", pb.FailJobRequest(jobKey=first.key, errorMessage="end"), pb.FailJobResponse)
        assert [each.message for each in instance.incidents] == ["end"]
        assert await rpc.jobs("a", requestTimeout=-1) == []
        code, text = await rpc.refused("FailJob", pb.FailJobRequest(jobKey=first.key, retries=1))
        assert (code, "resolve" in text) == (C.FAILED_PRECONDITION, True)

        more = pb.UpdateJobRetriesRequest(jobKey=first.key, retries=5)
        await rpc.ask("UpdateJobRetries", more, pb.UpdateJobRetriesResponse)
        request = pb.ResolveIncidentRequest(incidentKey=instance.incidents[0].key)
        await rpc.ask("ResolveIncident", request, pb.ResolveIncidentResponse)
        assert [each.retries for each in await rpc.jobs("a")] == [5]
        code, _ = await rpc.refused("ResolveIncident", request)
        assert code is C.NOT_FOUND
        code, _ = await rpc.refused("UpdateJobRetries", pb.UpdateJobRetriesRequest(jobKey=first.key))
        assert code is C.INVALID_ARGUMENT

    run(told)


def test_an_error_that_is_thrown_and_caught_by_nobody_is_an_incident() -> None:
    async def told(engine: Engine, rpc: Rpc) -> None:
        await rpc.deploy(("p.bpmn", WORK))
        instance = engine.instance((await rpc.start("p")).processInstanceKey)
        held = (await rpc.jobs("a"))[0]
        request = pb.ThrowErrorRequest(jobKey=held.key, errorCode="broke", errorMessage="so", variables='{"v": 1}')
        await rpc.ask("ThrowError", request, pb.ThrowErrorResponse)
        assert ["broke" in each.message for each in instance.incidents] == [True]
        code, _ = await rpc.refused("ThrowError", request)
        assert code is C.NOT_FOUND

    run(told)


def test_the_worker_of_a_task_listener_may_deny_and_that_of_an_ad_hoc_sub_process_chooses() -> None:
    async def told(engine: Engine, rpc: Rpc) -> None:
        await rpc.deploy(("d.bpmn", model("d", DENY)), ("h.bpmn", model("h1", AD_HOC)))
        instance = engine.instance((await rpc.start("d")).processInstanceKey)
        instance.complete_task("t")
        held = (await rpc.jobs("listen"))[0]
        code, _ = await rpc.refused(
            "CompleteJob", pb.CompleteJobRequest(jobKey=held.key, result={"corrections": {"assignee": "me"}})
        )
        assert code is C.UNIMPLEMENTED
        await complete(rpc, held, result={"denied": True, "deniedReason": "not yet"})
        assert instance.tokens == {"t": 1}

        instance = engine.instance((await rpc.start("h1")).processInstanceKey)
        chosen = {"type": "adHocSubProcess", "activateElements": [{"elementId": "x", "variables": '{"n": 1}'}]}
        await complete(rpc, (await rpc.jobs("choose"))[0], result=chosen)
        held = (await rpc.jobs("x"))[0]
        assert json.loads(held.variables)["n"] == 1
        await complete(rpc, held)
        done = {"type": "adHocSubProcess", "isCompletionConditionFulfilled": True}
        await complete(rpc, (await rpc.jobs("choose"))[0], result=done)
        assert instance.state == "completed"

    run(told)


def test_messages_and_signals_are_refused_without_a_name() -> None:
    async def told(_engine: Engine, rpc: Rpc) -> None:
        await rpc.deploy(("p.bpmn", WORK))
        message = pb.PublishMessageRequest(name="m", correlationKey="k", timeToLive=60_000, messageId="one")
        assert (await rpc.ask("PublishMessage", message, pb.PublishMessageResponse)).key
        code, text = await rpc.refused("PublishMessage", message)
        assert (code, "one" in text) == (C.ALREADY_EXISTS, True)
        refused: list[tuple[str, Message]] = [
            ("PublishMessage", pb.PublishMessageRequest()),
            ("PublishMessage", pb.PublishMessageRequest(name="m", timeToLive=-1)),
            ("BroadcastSignal", pb.BroadcastSignalRequest()),
        ]
        for name, request in refused:
            code, _ = await rpc.refused(name, request)
            assert code is C.INVALID_ARGUMENT
        signal = pb.BroadcastSignalRequest(signalName="g", variables='{"a": 1}')
        assert (await rpc.ask("BroadcastSignal", signal, pb.BroadcastSignalResponse)).tenantId == "<default>"

    run(told)


def test_a_decision_that_fails_is_an_answer() -> None:
    async def told(_engine: Engine, rpc: Rpc) -> None:
        await rpc.deploy(("sums.dmn", DECISION))
        name, answer = "EvaluateDecision", pb.EvaluateDecisionResponse
        found = await rpc.ask(name, pb.EvaluateDecisionRequest(decisionId="sum", variables='{"a": 1}'), answer)
        assert (found.decisionOutput, found.evaluatedDecisions[0].decisionType) == ("2", "LITERAL_EXPRESSION")
        assert (found.decisionRequirementsId, found.failedDecisionId) == ("sums", "")
        failed = await rpc.ask(name, pb.EvaluateDecisionRequest(decisionId="one", variables='{"a": 2}'), answer)
        assert (failed.failedDecisionId, failed.decisionOutput) == ("one", "null")
        assert "r2" in failed.failureMessage or "2" in failed.failureMessage
        for request in (pb.EvaluateDecisionRequest(decisionKey=7), pb.EvaluateDecisionRequest(decisionId="no")):
            code, _ = await rpc.refused(name, request)
            assert code is C.NOT_FOUND
        code, _ = await rpc.refused(name, pb.EvaluateDecisionRequest())
        assert code is C.INVALID_ARGUMENT

    run(told)
