"""What a hostile or broken client may send to the Zeebe gateway: it is refused, and the gateway serves the next one."""

from __future__ import annotations

import asyncio
import random
import socket
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.message import Message

from procession.base.failure import StoreError
from procession.hosts.embedded.backend import EngineBackend
from procession.hosts.embedded.engine import Engine
from procession.web.limits import SameForAll
from procession.web.site import OpenGate, Site
from procession.web.zeebe import gateway_pb2 as pb
from procession.web.zeebe import server
from procession.web.zeebe.leases import Lease, Leases
from procession.web.zeebe.statuses import TEXT_BYTES_MAX, cut
from zeebe_rig import Rpc, chain, client_of, gateway_of, job

C = grpc.StatusCode
METHODS = [(each.name, each.server_streaming) for each in pb.DESCRIPTOR.services_by_name["Gateway"].methods]
FINE = {
    C.OK,
    C.INVALID_ARGUMENT,
    C.NOT_FOUND,
    C.FAILED_PRECONDITION,
    C.UNIMPLEMENTED,
    C.ALREADY_EXISTS,
    C.DEADLINE_EXCEEDED,
    C.RESOURCE_EXHAUSTED,
}
"""What bytes that somebody drew may be answered with: never a fault of ours (INTERNAL, UNKNOWN)."""
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SEED = 20_26


def channel_to(port: int) -> grpc.aio.Channel:
    """A channel that sends bytes."""
    return grpc.aio.insecure_channel(f"127.0.0.1:{port}")


async def code_of(
    channel: grpc.aio.Channel, path: str, data: bytes, *, streaming: bool = False, seconds: float = 5.0
) -> grpc.StatusCode:
    """What bytes are answered with. Of a stream one answer is enough: it would go on."""
    method: Any = channel.unary_stream(path) if streaming else channel.unary_unary(path)
    call = method(data, timeout=seconds)
    try:
        if streaming:
            await call.read()
            call.cancel()
        else:
            await call
    except grpc.aio.AioRpcError as error:
        return error.code()
    return C.OK


async def serves(rpc: Rpc) -> bool:
    """Whether the gateway still answers."""
    return (await rpc.ask("Topology", pb.TopologyRequest(), pb.TopologyResponse)).clusterSize == 1


def _drawn(chance: random.Random, kind: type[Message]) -> bytes:
    """Random bytes, or a request with random fields, spoiled or not."""
    if chance.random() < 0.3:
        return chance.randbytes(chance.randrange(60))
    message = kind()
    for field in kind.DESCRIPTOR.fields:
        if field.is_repeated or field.message_type is not None or chance.random() < 0.3:
            continue
        drawn = {
            field.TYPE_STRING: chance.choice(["", "p", "{}", "[", '{"a": 1}', "\x00", "é" * 3_000, "a" * 5_000]),
            field.TYPE_BYTES: chance.randbytes(20),
            field.TYPE_BOOL: chance.random() < 0.5,
            field.TYPE_INT32: chance.choice([0, 1, -1, 2**31 - 1, -(2**31)]),
            field.TYPE_INT64: chance.choice([0, 1, -1, 2**63 - 1, -(2**63)]),
            field.TYPE_UINT64: chance.choice([0, 2**64 - 1]),
        }
        setattr(message, field.name, drawn[field.type])
    data = bytearray(message.SerializeToString())
    if data and chance.random() < 0.3:
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


@pytest.mark.parametrize(("name", "streaming"), METHODS)
def test_drawn_bytes_are_answered_and_are_never_a_fault_of_ours(name: str, streaming: bool) -> None:
    kind = {**server.UNARY, **server.WAITING, **server.STREAMED}[name][0]
    chance = random.Random(f"{SEED}{name}")

    async def told() -> None:
        with Engine() as engine:
            engine.deploy(("p.bpmn", chain("p", job("a"))))
            async with gateway_of(engine) as (_, serving), client_of(serving.port) as rpc:
                async with channel_to(serving.port) as channel:
                    for _ in range(40):
                        data = _drawn(chance, kind)
                        path = f"/gateway_protocol.Gateway/{name}"
                        code = await code_of(channel, path, data, streaming=streaming, seconds=0.1)
                        assert code in FINE, (code, data)
                assert await serves(rpc)

    asyncio.run(told())


def test_what_is_no_message_is_an_invalid_argument_and_what_is_no_method_is_unimplemented() -> None:
    async def told() -> None:
        with Engine() as engine:
            async with gateway_of(engine) as (_, serving), channel_to(serving.port) as channel:
                for name, streaming in METHODS:
                    path = f"/gateway_protocol.Gateway/{name}"
                    found = await code_of(channel, path, b"\xff\xff\xff", streaming=streaming)
                    assert found is C.INVALID_ARGUMENT
                for path in ("/gateway_protocol.Gateway/Nothing", "/other.Service/Topology", "/x/", "/a/b/c"):
                    assert await code_of(channel, path, b"") is C.UNIMPLEMENTED

    asyncio.run(told())


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_a_request_that_is_too_large_is_refused_even_where_it_is_small_on_the_wire(
    compression: grpc.Compression,
) -> None:
    async def told() -> None:
        with Engine() as engine:
            async with gateway_of(engine) as (_, serving), client_of(serving.port, compression=compression) as rpc:
                data = b"x" * (server.MESSAGE_BYTES_MAX + 1)
                large = pb.DeployResourceRequest(resources=[pb.Resource(name="p.bpmn", content=data)])
                code, _ = await rpc.refused("DeployResource", large)
                assert code is C.RESOURCE_EXHAUSTED
                assert await serves(rpc)

    asyncio.run(told())


def test_more_commands_than_may_be_under_way_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def told() -> None:
        with Engine() as engine:
            async with gateway_of(engine) as (_, serving), client_of(serving.port) as rpc:
                monkeypatch.setattr(server, "COMMANDS_MAX", 0)
                code, text = await rpc.refused("PublishMessage", pb.PublishMessageRequest(name="m"))
                assert (code, "again" in text) == (C.RESOURCE_EXHAUSTED, True)
                monkeypatch.undo()
                assert await serves(rpc)

    asyncio.run(told())


def test_more_requests_than_a_tenants_rate_allows_are_refused() -> None:
    async def told() -> None:
        with Engine() as engine:
            backend = EngineBackend(engine)
            site = Site(backend, OpenGate(), version="test", rates=SameForAll(0.001, 2))
            serving = await server.serve_gateway(site, "127.0.0.1", 0)
            async with client_of(serving.port) as rpc:
                assert [await serves(rpc) for _ in range(2)] == [True, True]
                code, text = await rpc.refused("Topology", pb.TopologyRequest())
                assert (code, "limit" in text) == (C.RESOURCE_EXHAUSTED, True)
                other = {"metadata": (("procession-tenant", "other"),)}
                found = await rpc.ask("Topology", pb.TopologyRequest(), pb.TopologyResponse, **other)
                assert found.clusterSize == 1
            await serving.stop()
            await serving.stop()
            await backend.close()

    asyncio.run(told())


def test_a_port_that_is_taken_is_an_error_that_says_so() -> None:
    async def told() -> None:
        with Engine() as engine:
            async with gateway_of(engine) as (site, serving):
                with pytest.raises(StoreError, match=f"127.0.0.1:{serving.port}"):
                    await server.serve_gateway(site, "127.0.0.1", serving.port)

    asyncio.run(told())


def test_leases_are_remembered_by_job_and_connection_and_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    leases = Leases()
    leases.remember(1, "a", Lease("t", 10))
    leases.remember(1, "b", Lease("t", 11))
    assert leases.find(1, "a") == Lease("t", 10)
    assert leases.find(1, "b") == Lease("t", 11)
    assert leases.find(1, "c") == Lease("t", 0)
    leases.forget(1, "b")
    assert leases.find(1, "b") is None
    assert leases.find(2, "a") is None
    monkeypatch.setattr("procession.web.zeebe.leases.LEASES_MAX", 3)
    for job_key in range(10, 20):
        leases.remember(job_key, "a", Lease("t", 1))
    assert [each for each in range(20) if leases.find(each, "a") is not None] == [17, 18, 19]


def _garbage(chance: random.Random) -> list[bytes]:
    """What is sent over raw connections, each with the next: no HTTP/2, half of it, frames that are none."""
    frames = b"".join(
        size.to_bytes(3, "big") + bytes([chance.randrange(12), chance.randrange(256)]) + chance.randbytes(4 + size)
        for size in (chance.randrange(40) for _ in range(8))
    )
    return [
        b"",
        b"\x00",
        b"GET / HTTP/1.1\r\nhost: x\r\n\r\n",
        chance.randbytes(500),
        PREFACE[:10],
        PREFACE,
        PREFACE + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00",
        PREFACE + b"\xff\xff\xff\x00\x00\x00\x00\x00\x01",
        PREFACE + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00" + frames,
        PREFACE + frames,
    ]


def test_garbage_on_a_connection_ends_that_connection_alone() -> None:
    chance = random.Random(SEED)

    async def told() -> None:
        with Engine() as engine:
            async with gateway_of(engine) as (_, serving), client_of(serving.port) as rpc:
                loop = asyncio.get_running_loop()
                kept: list[socket.socket] = []
                for _ in range(8):
                    for data in _garbage(chance):
                        raw = socket.socket()
                        kept.append(raw)
                        raw.setblocking(False)
                        await loop.sock_connect(raw, ("127.0.0.1", serving.port))
                        await loop.sock_sendall(raw, data)
                        if chance.random() < 0.5:
                            raw.shutdown(socket.SHUT_WR)
                    # Those of earlier rounds are still open, and half of them half closed.
                    assert await serves(rpc)
                for raw in kept:
                    raw.close()
                assert await serves(rpc)

    asyncio.run(told())


def test_who_waits_is_told_at_once_that_the_gateway_closes() -> None:
    async def told() -> None:
        with Engine() as engine:
            engine.deploy(("p.bpmn", chain("p", job("a"))))
            async with gateway_of(engine) as (_, serving), client_of(serving.port) as rpc:
                poll = pb.ActivateJobsRequest(type="b", maxJobsToActivate=1, timeout=1_000, requestTimeout=600_000)
                push = pb.StreamActivatedJobsRequest(type="b", timeout=1_000)
                polling = rpc.stream("ActivateJobs", poll, pb.ActivateJobsResponse)
                pushed = rpc.stream("StreamActivatedJobs", push, pb.ActivatedJob)
                start = pb.CreateProcessInstanceRequest(bpmnProcessId="p")
                request = pb.CreateProcessInstanceWithResultRequest(request=start, requestTimeout=600_000)
                waiting = asyncio.ensure_future(rpc.refused("CreateProcessInstanceWithResult", request))
                for each in (polling, pushed):
                    await each.wait_for_connection()
                while not engine.instances():
                    await rpc.jobs("a", requestTimeout=100, timeout=1)
                async with asyncio.timeout(10):
                    await serving.stop(grace=60)
                    assert [each async for each in polling] == []
                    assert [each async for each in pushed] == []
                    assert (await waiting)[0] is C.UNAVAILABLE

    asyncio.run(told())


def test_the_text_of_an_error_fits_into_a_trailer() -> None:
    assert cut("short") == "short"
    assert len(cut("ü" * 10_000).encode()) <= TEXT_BYTES_MAX + 8
    assert cut("\ud800") == "\\ud800"

    async def told() -> None:
        with Engine() as engine:
            engine.deploy(("p.bpmn", chain("p", job("a"))))
            async with gateway_of(engine) as (_, serving), client_of(serving.port) as rpc:
                name = "ü" * 3_900
                code, text = await rpc.refused(
                    "CreateProcessInstance", pb.CreateProcessInstanceRequest(bpmnProcessId=name)
                )
                assert (code, text.startswith("no process 'üü")) == (C.NOT_FOUND, True)

    asyncio.run(told())
