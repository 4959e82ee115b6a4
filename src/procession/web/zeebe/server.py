"""The server: its methods, what happens to every call, and its beginning and end. `serve_gateway` is the entry."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, Final, NoReturn, TypeAlias, cast, final

import grpc
import grpc.aio
import msgspec
from google.protobuf.message import DecodeError, Message

from procession.base.failure import StoreError
from procession.web.site import Site
from procession.web.zeebe import decisions, deployments, handing_out, instances, jobs, messages, topology
from procession.web.zeebe import gateway_pb2 as pb
from procession.web.zeebe import health_pb2 as health
from procession.web.zeebe.calls import Call, Gateway
from procession.web.zeebe.statuses import Status, invalid, status_of

PORT: Final = 26500
"""Where Zeebe's clients look for a gateway."""
MESSAGE_BYTES_MAX: Final = 16 * 1024 * 1024
"""Largest request; a larger one is refused by the transport (RESOURCE_EXHAUSTED)."""
CALLS_MAX: Final = 10_000
"""Most calls at once, those that wait for jobs included."""
COMMANDS_MAX: Final = 1_024
"""Most calls at once that are to be carried out now. More are refused (RESOURCE_EXHAUSTED): clients ask again."""
PING_MS_MIN: Final = 5_000
"""Clients may ask so often whether the connection still lives; theirs do it every 45 s."""
GRACE_S: Final = 5.0
"""How long calls under way may take when the server stops."""

Unary: TypeAlias = "Callable[[Call, Any], Awaitable[Message]]"
Streamed: TypeAlias = "Callable[[Call, Any], AsyncIterator[Message]]"
Context: TypeAlias = "grpc.aio.ServicerContext[bytes, bytes]"

UNARY: Final[dict[str, tuple[type[Message], Unary]]] = {
    "Topology": (pb.TopologyRequest, topology.topology),
    "DeployResource": (pb.DeployResourceRequest, deployments.deploy_resource),
    "DeployProcess": (pb.DeployProcessRequest, deployments.deploy_process),
    "DeleteResource": (pb.DeleteResourceRequest, deployments.delete_resource),
    "CreateProcessInstance": (pb.CreateProcessInstanceRequest, instances.create_process_instance),
    "CancelProcessInstance": (pb.CancelProcessInstanceRequest, instances.cancel_process_instance),
    "ModifyProcessInstance": (pb.ModifyProcessInstanceRequest, instances.modify_process_instance),
    "MigrateProcessInstance": (pb.MigrateProcessInstanceRequest, instances.migrate_process_instance),
    "SetVariables": (pb.SetVariablesRequest, instances.set_variables),
    "ResolveIncident": (pb.ResolveIncidentRequest, instances.resolve_incident),
    "CompleteJob": (pb.CompleteJobRequest, jobs.complete_job),
    "FailJob": (pb.FailJobRequest, jobs.fail_job),
    "ThrowError": (pb.ThrowErrorRequest, jobs.throw_error),
    "UpdateJobRetries": (pb.UpdateJobRetriesRequest, jobs.update_job_retries),
    "UpdateJobTimeout": (pb.UpdateJobTimeoutRequest, jobs.update_job_timeout),
    "PublishMessage": (pb.PublishMessageRequest, messages.publish_message),
    "BroadcastSignal": (pb.BroadcastSignalRequest, messages.broadcast_signal),
    "EvaluateDecision": (pb.EvaluateDecisionRequest, decisions.evaluate_decision),
}
WAITING: Final[dict[str, tuple[type[Message], Unary]]] = {
    "CreateProcessInstanceWithResult": (
        pb.CreateProcessInstanceWithResultRequest,
        instances.create_process_instance_with_result,
    ),
}
"""Those that wait are not counted among the commands."""
STREAMED: Final[dict[str, tuple[type[Message], Streamed]]] = {
    "ActivateJobs": (pb.ActivateJobsRequest, handing_out.activate_jobs),
    "StreamActivatedJobs": (pb.StreamActivatedJobsRequest, handing_out.stream_activated_jobs),
}


@final
class Tls(msgspec.Struct, frozen=True):
    """A certificate with its chain and its private key, as PEM. With `clients`, the PEM of authorities, callers have
    to show a certificate of theirs."""

    certificate: bytes
    key: bytes
    clients: bytes = b""


@final
class Serving:
    """A gateway that serves. `port` is where."""

    __slots__ = ("_gateway", "_server", "port")

    def __init__(self, server: grpc.aio.Server, gateway: Gateway, port: int) -> None:
        self._server = server
        self._gateway = gateway
        self.port = port

    async def stop(self, grace: float = GRACE_S) -> None:
        """Takes no calls any more, and answers those that wait; others have `grace` seconds to end. Idempotent."""
        self._gateway.close()
        await self._server.stop(grace)


async def serve_gateway(site: Site, host: str, port: int = PORT, *, tls: Tls | None = None) -> Serving:
    """Opens the gateway of a site, in this event loop; port 0 takes a free one. Raises `StoreError` for a taken one."""
    gateway = Gateway(site, (host, port))
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.min_ping_interval_without_data_ms", PING_MS_MIN),
            ("grpc.http2.min_recv_ping_interval_without_data_ms", PING_MS_MIN),
        ],
        maximum_concurrent_rpcs=CALLS_MAX,
    )
    server.add_generic_rpc_handlers(_handlers(gateway))
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        bound = server.add_insecure_port(address) if tls is None else server.add_secure_port(address, _credentials(tls))
    except RuntimeError as error:
        raise StoreError(f"the gateway cannot listen on {address}: {error}") from None
    gateway.address = (host, bound)
    await server.start()
    return Serving(server, gateway, bound)


def _credentials(tls: Tls) -> grpc.ServerCredentials:
    return grpc.ssl_server_credentials(
        [(tls.key, tls.certificate)], tls.clients or None, require_client_auth=bool(tls.clients)
    )


def _handlers(gateway: Gateway) -> list[grpc.GenericRpcHandler]:
    commands = _Commands()
    methods: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}
    # Requests arrive as bytes and are read by the call, so that bytes which are none are answered like other errors.
    for name, (kind, answer) in UNARY.items():
        methods[name] = grpc.unary_unary_rpc_method_handler(_unary(gateway, name, kind, answer, commands))
    for name, (kind, answer) in WAITING.items():
        methods[name] = grpc.unary_unary_rpc_method_handler(_unary(gateway, name, kind, answer, None))
    for name, (kind, stream) in STREAMED.items():
        methods[name] = grpc.unary_stream_rpc_method_handler(_stream(gateway, name, kind, stream))
    check = _unary(gateway, "Check", health.HealthCheckRequest, topology.check, None)
    return [
        grpc.method_handlers_generic_handler(topology.SERVICE, methods),
        grpc.method_handlers_generic_handler(
            "grpc.health.v1.Health", {"Check": grpc.unary_unary_rpc_method_handler(check)}
        ),
    ]


@final
class _Commands:
    """How many commands are under way."""

    __slots__ = ("_count",)

    def __init__(self) -> None:
        self._count = 0

    def __enter__(self) -> None:
        if self._count >= COMMANDS_MAX:
            text = f"{COMMANDS_MAX} commands are under way already: ask again in a while"
            raise Status(grpc.StatusCode.RESOURCE_EXHAUSTED, text)
        self._count += 1

    def __exit__(self, *_: object) -> None:
        self._count -= 1


def _unary(
    gateway: Gateway, name: str, kind: type[Message], answer: Unary, commands: _Commands | None
) -> Callable[[bytes, Context], Awaitable[bytes]]:
    async def answered(data: bytes, context: Context) -> bytes:
        try:
            call, request = _begun(gateway, kind, data, context)
            if commands is None:
                return (await answer(call, request)).SerializeToString()
            with commands:
                return (await answer(call, request)).SerializeToString()
        except Exception as error:
            refused = status_of(error, name)
        return await _abort(context, *refused)

    return answered


def _stream(
    gateway: Gateway, name: str, kind: type[Message], answer: Streamed
) -> Callable[[bytes, Context], AsyncIterator[bytes]]:
    async def answered(data: bytes, context: Context) -> AsyncIterator[bytes]:
        try:
            call, request = _begun(gateway, kind, data, context)
            # Before the first job, which may be hours away: so the client knows that it is heard.
            await context.send_initial_metadata(())
            answers = answer(call, request)
            try:
                async for each in answers:
                    yield each.SerializeToString()
            finally:
                # What is left is given back now, and not when somebody collects the garbage.
                await cast("Any", answers).aclose()
            return
        except Exception as error:
            refused = status_of(error, name)
        await _abort(context, *refused)

    return answered


async def _abort(context: Context, code: grpc.StatusCode, text: str) -> NoReturn:
    # Outside of the clause that caught the error: what it says is not for the log of gRPC.
    await context.abort(code, text)


def _begun(gateway: Gateway, kind: type[Message], data: bytes, context: Context) -> tuple[Call, Message]:
    if gateway.closing:
        raise Status(grpc.StatusCode.UNAVAILABLE, "the gateway is closing: ask another one, or again in a while")
    try:
        request = kind.FromString(data)
    except DecodeError as error:
        raise invalid(f"the request is no {kind.DESCRIPTOR.name}: {error}") from None
    headers: dict[str, str] = {}
    for name, value in cast("Iterable[tuple[str, str | bytes]]", context.invocation_metadata() or ()):
        if isinstance(value, str):
            # What is given twice is one value, as in HTTP: nobody is known by two keys.
            headers[name.lower()] = f"{headers[name.lower()]}, {value}" if name.lower() in headers else value
    # The types say that there is always a deadline.
    remaining = cast("float | None", context.time_remaining())
    until = None if remaining is None else time.monotonic() + remaining
    return Call(gateway, headers, context.peer(), until), request
