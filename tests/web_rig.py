"""What tests of the server share: a site on a store of its own, and a client that speaks to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import httpx
import uvicorn

from procession.hosts.embedded.backend import EngineBackend
from procession.hosts.embedded.engine import Engine
from procession.services.access import Caller
from procession.services.backend import Backend
from procession.web.app import create_app
from procession.web.site import Gate, OpenGate, Site

XML = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"
 targetNamespace="t"><process id="p" isExecutable="true"><startEvent id="s"/>
 <sequenceFlow id="f" sourceRef="s" targetRef="work"/>
 <serviceTask id="work"><extensionElements><zeebe:taskDefinition type="work"/></extensionElements></serviceTask>
 <sequenceFlow id="g" sourceRef="work" targetRef="e"/><endEvent id="e"/></process></definitions>"""
"""One service task of the type `work`."""


class Knows:
    """A gate that gives what `answer` makes of a request's headers, or raises it."""

    def __init__(self, answer: Callable[[Mapping[str, str]], Caller | Exception]) -> None:
        self._answer = answer

    async def caller(self, headers: Mapping[str, str], origin: str) -> Caller:
        """See `Gate.caller`."""
        found = self._answer(headers)
        if isinstance(found, Exception):
            raise found
        return found

    def forget(self) -> None:
        """See `Gate.forget`."""


class Counted:
    """A backend that counts what it is asked to read."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.reads = 0

    def __getattr__(self, name: str) -> Any:
        self.reads += name == "read"
        return getattr(self.backend, name)


def admin(subject: str = "user:test", processes: tuple[str, ...] | None = None) -> Caller:
    """Who may do all, with these processes alone if there are any."""
    return Caller("<default>", subject, "", frozenset({"*"}), processes=frozenset(processes) if processes else None)


@asynccontextmanager
async def running_site(engine: Engine, gate: Gate | None = None) -> AsyncIterator[Site]:
    """A site on an engine, as long as the block lasts."""
    backend = EngineBackend(engine)
    try:
        yield Site(backend, gate or OpenGate(), version="test")
    finally:
        await backend.close()


@asynccontextmanager
async def served(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the site behind a real socket: for what is streamed, which `client_of` gives in one piece."""
    config = uvicorn.Config(cast("Any", create_app(site)), port=0, lifespan="off", ws="none", log_config=None)
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    running = asyncio.ensure_future(server.main_loop())
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            yield client
    finally:
        server.should_exit = True
        server.force_exit = True
        await running
        await server.shutdown()


@asynccontextmanager
async def client_of(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the site's application, in this event loop."""
    transport = httpx.ASGITransport(cast("Any", create_app(site)))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def talk(
    conversation: Callable[[Engine, httpx.AsyncClient], Awaitable[None]],
    *documents: tuple[str, str],
    gate: Gate | None = None,
    change: Callable[[Site], None] | None = None,
) -> None:
    """Runs a conversation with a server that has these documents; `change` may change the site before."""

    async def run() -> None:
        with Engine() as engine:
            if documents:
                engine.deploy(*((name, text.encode()) for name, text in documents))
            async with running_site(engine, gate) as site:
                if change is not None:
                    change(site)
                async with client_of(site) as client:
                    await conversation(engine, client)

    asyncio.run(run())
