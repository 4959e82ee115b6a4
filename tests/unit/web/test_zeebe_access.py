"""Who may do what over the Zeebe gateway, tenants, leases, TLS, and what becomes of jobs that nobody got."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Mapping
from typing import Final, final

import grpc
import grpc.aio
import pytest
from google.protobuf.message import Message
from pyzeebe import ZeebeClient, create_secure_channel

from procession.hosts.embedded.engine import Engine
from procession.services.access import ROLES, Caller, Forbidden, Unauthorized
from procession.web.zeebe import gateway_pb2 as pb
from procession.web.zeebe.calls import origin_of
from procession.web.zeebe.server import Tls
from zeebe_rig import Rpc, chain, client_of, gateway_of, job

C = grpc.StatusCode
WORK = chain("p", job("a"))
TOKENS: Final = {
    "admin": Caller("acme", "key:admin", permissions=frozenset("*")),
    "viewer": Caller("acme", "key:viewer", permissions=ROLES["viewer"]),
    "worker": Caller("acme", "key:worker", permissions=ROLES["worker"]),
    "few": Caller("acme", "key:few", permissions=frozenset("*"), processes=frozenset({"other"})),
    "rival": Caller("rival", "key:rival", permissions=frozenset("*")),
}


@final
class KeyGate:
    """A gate that knows callers by their bearer token."""

    def __init__(self) -> None:
        self.origins: set[str] = set()

    def forget(self) -> None:
        """Keeps nothing."""

    async def caller(self, headers: Mapping[str, str], origin: str) -> Caller:
        self.origins.add(origin)
        kind, _, token = headers.get("authorization", "").partition(" ")
        caller = TOKENS.get(token) if kind == "Bearer" else None
        if caller is None:
            raise Unauthorized("no key is known by what was presented")
        if headers.get("procession-tenant", caller.tenant) != caller.tenant:
            raise Forbidden("this tenant is not the caller's")
        return caller


def by(token: str) -> dict[str, tuple[tuple[str, str], ...]]:
    return {"metadata": (("authorization", f"Bearer {token}"),)}


REQUESTS: Final[dict[str, Message]] = {
    "DeployResource": pb.DeployResourceRequest(resources=[pb.Resource(name="p.bpmn", content=WORK)]),
    "DeployProcess": pb.DeployProcessRequest(processes=[pb.ProcessRequestObject(name="p.bpmn", definition=WORK)]),
    "DeleteResource": pb.DeleteResourceRequest(resourceKey=1),
    "CreateProcessInstance": pb.CreateProcessInstanceRequest(bpmnProcessId="p"),
    "CreateProcessInstanceWithResult": pb.CreateProcessInstanceWithResultRequest(
        request=pb.CreateProcessInstanceRequest(bpmnProcessId="p"), requestTimeout=1
    ),
    "CancelProcessInstance": pb.CancelProcessInstanceRequest(),
    "ModifyProcessInstance": pb.ModifyProcessInstanceRequest(),
    "MigrateProcessInstance": pb.MigrateProcessInstanceRequest(),
    "SetVariables": pb.SetVariablesRequest(variables="{}"),
    "ResolveIncident": pb.ResolveIncidentRequest(),
    "ActivateJobs": pb.ActivateJobsRequest(type="a", maxJobsToActivate=1, timeout=1000),
    "StreamActivatedJobs": pb.StreamActivatedJobsRequest(type="a", timeout=1000),
    "CompleteJob": pb.CompleteJobRequest(),
    "FailJob": pb.FailJobRequest(retries=1),
    "ThrowError": pb.ThrowErrorRequest(errorCode="e"),
    "UpdateJobRetries": pb.UpdateJobRetriesRequest(retries=1),
    "UpdateJobTimeout": pb.UpdateJobTimeoutRequest(timeout=1),
    "PublishMessage": pb.PublishMessageRequest(name="m"),
    "BroadcastSignal": pb.BroadcastSignalRequest(signalName="g"),
    "EvaluateDecision": pb.EvaluateDecisionRequest(decisionId="d"),
    "Topology": pb.TopologyRequest(),
}
KEYS: Final = {
    "CancelProcessInstance": "processInstanceKey",
    "ModifyProcessInstance": "processInstanceKey",
    "MigrateProcessInstance": "processInstanceKey",
    "SetVariables": "elementInstanceKey",
    "CompleteJob": "jobKey",
    "FailJob": "jobKey",
    "ThrowError": "jobKey",
    "UpdateJobRetries": "jobKey",
    "UpdateJobTimeout": "jobKey",
    "ResolveIncident": "incidentKey",
}
"""What a method names its thing by."""


def test_nobody_that_is_not_known_is_let_in_and_a_viewer_changes_nothing() -> None:
    async def told() -> None:
        gate = KeyGate()
        with Engine() as engine:
            async with gateway_of(engine, gate) as (_, serving), client_of(serving.port) as rpc:
                assert set(REQUESTS) == {each.name for each in pb.DESCRIPTOR.services_by_name["Gateway"].methods}
                await rpc.ask("DeployResource", REQUESTS["DeployResource"], pb.DeployResourceResponse, **by("admin"))
                start = REQUESTS["CreateProcessInstance"]
                started = await rpc.ask("CreateProcessInstance", start, pb.CreateProcessInstanceResponse, **by("admin"))
                for name, request in REQUESTS.items():
                    code, _ = await rpc.refused(name, request)
                    assert code is C.UNAUTHENTICATED, name
                    code, _ = await rpc.refused(name, request, **by("wrong"))
                    assert code is C.UNAUTHENTICATED, name
                    code, _ = await rpc.refused(
                        name, request, metadata=by("viewer")["metadata"] + by("admin")["metadata"]
                    )
                    assert code is C.UNAUTHENTICATED, name
                    if name != "Topology":
                        named = _named(request, KEYS.get(name), started.processInstanceKey)
                        code, text = await rpc.refused(name, named, **by("viewer"))
                        assert code is C.PERMISSION_DENIED, (name, code, text)
                assert gate.origins == {"127.0.0.1"}

    asyncio.run(told())


NEEDED: Final = {
    "DeployResource": "definitions:deploy",
    "DeployProcess": "definitions:deploy",
    "DeleteResource": "definitions:deploy",
    "CreateProcessInstance": "instances:start",
    "CreateProcessInstanceWithResult": "instances:start",
    "CancelProcessInstance": "instances:change",
    "ModifyProcessInstance": "instances:change",
    "MigrateProcessInstance": "instances:change",
    "SetVariables": "instances:change",
    "ResolveIncident": "incidents:resolve",
    "ActivateJobs": "jobs:work",
    "StreamActivatedJobs": "jobs:work",
    "CompleteJob": "jobs:work",
    "FailJob": "jobs:work",
    "ThrowError": "jobs:work",
    "UpdateJobRetries": "jobs:work",
    "UpdateJobTimeout": "jobs:work",
    "PublishMessage": "messages:send",
    "BroadcastSignal": "messages:send",
    "EvaluateDecision": "decisions:evaluate",
}
"""The permission that each method needs."""


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_role_may_do_what_its_permissions_say_and_nothing_else(role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = Caller("acme", f"key:{role}", permissions=ROLES[role])
    monkeypatch.setitem(TOKENS, role, caller)

    async def told() -> None:
        with Engine() as engine:
            engine.deploy(("p.bpmn", WORK), tenant="acme")
            async with gateway_of(engine, KeyGate()) as (_, serving), client_of(serving.port) as rpc:
                for name, permission in NEEDED.items():
                    key = engine.start("p", tenant="acme").key
                    for request in (REQUESTS[name], _named(REQUESTS[name], KEYS.get(name), key)):
                        code = await _code(rpc, name, request, role)
                        assert (code is C.PERMISSION_DENIED) is not caller.may(permission), (name, code)
                        assert code is not C.INTERNAL, name

    asyncio.run(told())


async def _code(rpc: Rpc, name: str, request: Message, token: str) -> grpc.StatusCode:
    stream = rpc.stream(name, request, pb.TopologyResponse, timeout=0.5, **by(token))
    try:
        async for _ in stream:
            stream.cancel()
            return C.OK
    except grpc.aio.AioRpcError as error:
        return error.code()
    return C.OK


def test_what_belongs_to_another_tenant_is_not_there() -> None:
    async def told() -> None:
        with Engine() as engine:
            async with gateway_of(engine, KeyGate()) as (_, serving), client_of(serving.port) as rpc:
                await rpc.ask("DeployResource", REQUESTS["DeployResource"], pb.DeployResourceResponse, **by("admin"))
                await rpc.ask("DeployResource", REQUESTS["DeployResource"], pb.DeployResourceResponse, **by("rival"))
                start = REQUESTS["CreateProcessInstance"]
                started = await rpc.ask("CreateProcessInstance", start, pb.CreateProcessInstanceResponse, **by("admin"))
                (work,) = engine.instance(started.processInstanceKey, tenant="acme").jobs
                keys = {"processInstanceKey": started.processInstanceKey, "elementInstanceKey": work.element}
                for name, field in KEYS.items():
                    request = _named(REQUESTS[name], field, keys.get(field, work.key))
                    code, _ = await rpc.refused(name, request, **by("rival"))
                    assert code is C.NOT_FOUND, name
                named = pb.CreateProcessInstanceRequest(bpmnProcessId="p", tenantId="acme")
                code, _ = await rpc.refused("CreateProcessInstance", named, **by("rival"))
                assert code is C.PERMISSION_DENIED
                poll = pb.ActivateJobsRequest(type="a", maxJobsToActivate=1, timeout=1000, tenantIds=["acme"])
                code, _ = await rpc.refused("ActivateJobs", poll, **by("rival"))
                assert code is C.PERMISSION_DENIED
                # The name that clients send when they mean none is the caller's own tenant.
                unnamed = pb.CreateProcessInstanceRequest(bpmnProcessId="p", tenantId="<default>")
                found = await rpc.ask("CreateProcessInstance", unnamed, pb.CreateProcessInstanceResponse, **by("rival"))
                assert found.tenantId == "rival"

    asyncio.run(told())


def test_a_caller_of_some_processes_neither_starts_others_nor_works_on_jobs_of_all() -> None:
    async def told() -> None:
        with Engine() as engine:
            async with gateway_of(engine, KeyGate()) as (_, serving), client_of(serving.port) as rpc:
                await rpc.ask("DeployResource", REQUESTS["DeployResource"], pb.DeployResourceResponse, **by("admin"))
                for name in ("CreateProcessInstance", "ActivateJobs", "CompleteJob"):
                    code, _ = await rpc.refused(name, REQUESTS[name], **by("few"))
                    assert code is C.PERMISSION_DENIED, name

    asyncio.run(told())


def _named(request: Message, field: str | None, key: int) -> Message:
    named = type(request)()
    named.CopyFrom(request)
    if field is not None:
        setattr(named, field, key)
    return named


def test_a_late_answer_over_the_connection_that_got_the_job_is_refused() -> None:
    async def told() -> None:
        with Engine() as engine:
            engine.deploy(("p.bpmn", WORK))
            engine.start("p")
            async with gateway_of(engine) as (_, serving):
                options = {"options": (("grpc.use_local_subchannel_pool", 1),)}
                # Each has a connection of its own.
                async with client_of(serving.port, **options) as one, client_of(serving.port, **options) as other:
                    (late,) = await one.jobs("a", timeout=20)
                    (prompt,) = await other.jobs("a")
                    assert late.key == prompt.key
                    assert late.jobLeaseToken != prompt.jobLeaseToken
                    complete = pb.CompleteJobRequest(jobKey=late.key)
                    for _ in range(2):
                        code, text = await one.refused("CompleteJob", complete)
                        assert (code, "late" in text) == (C.NOT_FOUND, True)
                    wrong = pb.CompleteJobRequest(jobKey=late.key, jobLeaseToken=late.jobLeaseToken)
                    code, _ = await other.refused("CompleteJob", wrong)
                    assert code is C.NOT_FOUND
                    code, _ = await other.refused("CompleteJob", pb.CompleteJobRequest(jobKey=1, jobLeaseToken="x"))
                    assert code is C.INVALID_ARGUMENT
                    await other.ask("CompleteJob", complete, pb.CompleteJobResponse)

    asyncio.run(told())


def test_an_answer_over_a_connection_that_never_got_the_job_counts_without_a_lease() -> None:
    async def told() -> None:
        with Engine() as engine:
            engine.deploy(("p.bpmn", WORK))
            instance = engine.start("p")
            async with gateway_of(engine) as (_, serving):
                async with client_of(serving.port) as rpc:
                    (held,) = await rpc.jobs("a")
                async with client_of(serving.port, options=(("grpc.use_local_subchannel_pool", 1),)) as rpc:
                    longer = pb.UpdateJobTimeoutRequest(jobKey=held.key, timeout=600_000)
                    await rpc.ask("UpdateJobTimeout", longer, pb.UpdateJobTimeoutResponse)
                    await rpc.ask("CompleteJob", pb.CompleteJobRequest(jobKey=held.key), pb.CompleteJobResponse)
            assert instance.state == "completed"

    asyncio.run(told())


def test_jobs_of_a_client_that_went_away_are_given_to_the_next_at_once() -> None:
    async def told() -> None:
        with Engine() as engine:
            engine.deploy(("p.bpmn", WORK))
            async with gateway_of(engine) as (_, serving), client_of(serving.port) as rpc:
                poll = pb.ActivateJobsRequest(type="a", maxJobsToActivate=9, timeout=600_000, requestTimeout=60_000)
                gone = [rpc.stream("ActivateJobs", poll, pb.ActivateJobsResponse) for _ in range(5)]
                push = pb.StreamActivatedJobsRequest(type="a", timeout=600_000)
                gone += [rpc.stream("StreamActivatedJobs", push, pb.ActivatedJob) for _ in range(5)]
                for each in gone:
                    await each.wait_for_connection()
                for each in gone:
                    each.cancel()
                engine.start_many("p", [{}] * 20)
                found: list[pb.ActivatedJob] = []
                async with asyncio.timeout(20):
                    while len(found) < 20:
                        found += await rpc.jobs("a", 20)
                assert len({each.key for each in found}) == 20
                assert {each.retries for each in found} == {3}

    asyncio.run(told())


def test_jobs_of_several_tenants_come_to_who_asks_for_them_and_no_more_than_asked_for() -> None:
    async def told() -> None:
        with Engine() as engine:
            for tenant in ("one", "two", "three"):
                engine.deploy(("p.bpmn", WORK), tenant=tenant)
                engine.start_many("p", [{}] * 4, tenant=tenant)
            async with gateway_of(engine) as (_, serving), client_of(serving.port) as rpc:
                found: list[pb.ActivatedJob] = []
                while len(found) < 8:
                    part = await rpc.jobs("a", 3, tenantIds=["one", "two", "one"], requestTimeout=20_000)
                    assert 0 < len(part) <= 3
                    found += part
                assert sorted(each.tenantId for each in found) == ["one"] * 4 + ["two"] * 4
                assert await rpc.jobs("a", 3, tenantIds=["one", "two"], requestTimeout=-1) == []
                for each in found:
                    await rpc.ask("CompleteJob", pb.CompleteJobRequest(jobKey=each.key), pb.CompleteJobResponse)
                assert engine.counts(tenant="one") == {"completed": 4}
                assert engine.counts(tenant="three") == {"active": 4}

    asyncio.run(told())


def _certificate() -> tuple[bytes, bytes]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    found = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=7))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return found.public_bytes(serialization.Encoding.PEM), secret


def test_with_tls_a_token_is_known_and_nobody_is_heard_in_the_clear() -> None:
    async def told() -> None:
        certificate, key = _certificate()
        with Engine() as engine:
            async with gateway_of(engine, KeyGate(), tls=Tls(certificate, key)) as (_, serving):
                # What clients do with a token: it goes with each call, and over TLS alone.
                encrypted = grpc.ssl_channel_credentials(certificate)
                known = grpc.composite_channel_credentials(encrypted, grpc.access_token_call_credentials("admin"))
                async with create_secure_channel(f"localhost:{serving.port}", channel_credentials=known) as channel:
                    assert (await ZeebeClient(channel).topology()).cluster_size == 1
                async with grpc.aio.secure_channel(f"localhost:{serving.port}", encrypted) as channel:
                    code, _ = await Rpc(channel).refused("Topology", pb.TopologyRequest())
                    assert code is C.UNAUTHENTICATED
                async with client_of(serving.port) as rpc:
                    code, _ = await rpc.refused("Topology", pb.TopologyRequest())
                    assert code is C.UNAVAILABLE

    asyncio.run(told())


@pytest.mark.parametrize(
    ("peer", "origin"),
    [
        ("ipv4:127.0.0.1:4711", "127.0.0.1"),
        ("ipv6:[::1]:4711", "::1"),
        ("ipv6:%5B::1%5D:4711", "::1"),
        ("unix:/run/x", "/run/x"),
        ("", ""),
    ],
)
def test_the_origin_of_a_call_is_an_address(peer: str, origin: str) -> None:
    assert origin_of(peer) == origin
