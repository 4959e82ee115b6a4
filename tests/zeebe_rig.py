"""What tests of the Zeebe gateway share: models, a server in a process of its own, one in this process, and a client
that speaks our own messages."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, TypeVar, final

import grpc
import grpc.aio
from google.protobuf.message import Message

from procession.hosts.embedded.engine import Engine
from procession.web.site import Gate, Site
from procession.web.zeebe import gateway_pb2 as pb
from procession.web.zeebe.server import Serving, serve_gateway
from web_rig import running_site

PROGRAM: Final = Path(__file__).with_name("zeebe_child.py")
_M = TypeVar("_M", bound=Message)

MODEL: Final = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
 xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="t">{roots}
 <process id="{id}" isExecutable="true">{body}</process></definitions>"""


def model(id: str, body: str, roots: str = "") -> bytes:
    """A document with one process."""
    return MODEL.format(id=id, body=body, roots=roots).encode()


def chain(id: str, *tasks: str, roots: str = "") -> bytes:
    """A process that does elements one after another; each has its id as `id="…"`, and they are closed."""
    ids = ["s", *(each.partition('id="')[2].partition('"')[0] for each in tasks), "e"]
    flows = [
        f'<sequenceFlow id="f{number}" sourceRef="{one}" targetRef="{other}"/>'
        for number, (one, other) in enumerate(pairwise(ids))
    ]
    return model(id, f'<startEvent id="s"/>{"".join(tasks)}<endEvent id="e"/>{"".join(flows)}', roots)


def job(id: str, type: str = "", *, headers: str = "", more: str = "") -> str:
    """A service task; its type is its id if none is given."""
    return (
        f'<serviceTask id="{id}"><extensionElements><zeebe:taskDefinition type="{type or id}" retries="3"/>'
        f"{headers}{more}</extensionElements></serviceTask>"
    )


@final
class Rpc:
    """A client of one gateway that speaks our own messages."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._channel = channel

    async def ask(self, name: str, request: Message, answer: type[_M], **options: Any) -> _M:
        """Calls a method that has one answer."""
        method: Any = self._channel.unary_unary(
            f"/gateway_protocol.Gateway/{name}", lambda each: each.SerializeToString(), answer.FromString
        )
        found: _M = await method(request, **options)
        return found

    async def refused(self, name: str, request: Message, **options: Any) -> tuple[grpc.StatusCode, str]:
        """Calls a method that has to be refused; gives code and text."""
        try:
            found = await self.ask(name, request, pb.TopologyResponse, **options)
        except grpc.aio.AioRpcError as error:
            return error.code(), error.details() or ""
        raise AssertionError(f"{name} was answered: {found}")

    def stream(self, name: str, request: Message, answer: type[_M], **options: Any) -> Any:
        """Calls a method that has many answers; the call is an asynchronous iterator of them."""
        method: Any = self._channel.unary_stream(
            f"/gateway_protocol.Gateway/{name}", lambda each: each.SerializeToString(), answer.FromString
        )
        return method(request, **options)

    async def jobs(self, type: str, limit: int = 10, **fields: Any) -> list[pb.ActivatedJob]:
        """Polls for jobs."""
        fields = {"timeout": 60_000, "worker": "test", "requestTimeout": 5_000, **fields}
        request = pb.ActivateJobsRequest(type=type, maxJobsToActivate=limit, **fields)
        return [
            each async for part in self.stream("ActivateJobs", request, pb.ActivateJobsResponse) for each in part.jobs
        ]

    async def deploy(self, *documents: tuple[str, bytes], tenant: str = "") -> pb.DeployResourceResponse:
        """Deploys documents."""
        resources = [pb.Resource(name=name, content=data) for name, data in documents]
        request = pb.DeployResourceRequest(resources=resources, tenantId=tenant)
        return await self.ask("DeployResource", request, pb.DeployResourceResponse)

    async def start(self, id: str, variables: str = "", **fields: Any) -> pb.CreateProcessInstanceResponse:
        """Starts an instance."""
        request = pb.CreateProcessInstanceRequest(bpmnProcessId=id, variables=variables, **fields)
        return await self.ask("CreateProcessInstance", request, pb.CreateProcessInstanceResponse)


@asynccontextmanager
async def gateway_of(engine: Engine, gate: Gate | None = None, **options: Any) -> AsyncIterator[tuple[Site, Serving]]:
    """A gateway on an engine, in this event loop."""
    async with running_site(engine, gate) as site:
        serving = await serve_gateway(site, "127.0.0.1", 0, **options)
        try:
            yield site, serving
        finally:
            await site.desk.close()
            await serving.stop(grace=1.0)


@asynccontextmanager
async def client_of(port: int, **options: Any) -> AsyncIterator[Rpc]:
    """A client of a gateway on this machine."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", **options) as channel:
        yield Rpc(channel)


@contextmanager
def gateway_process(database: Path | str, port: int = 0, *, killed: bool = False) -> Iterator[int]:
    """A gateway in a process of its own, on a file or a server's database (its URL); gives its port. At the end of the
    block it ends, or is `killed`."""
    command = [sys.executable, str(PROGRAM), str(database), str(port)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        try:
            line = process.stdout.readline()
            assert line.strip(), f"the gateway did not start: exit {process.wait()}"
            yield int(line)
            if not killed:
                process.stdin.close()
                assert process.wait(30) == 0
        finally:
            if process.poll() is None:
                process.kill()
