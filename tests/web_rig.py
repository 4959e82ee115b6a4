"""What tests of the server share: a site on a store of its own, and a client that speaks to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import httpx

from procession.hosts.embedded.backend import EngineBackend
from procession.hosts.embedded.engine import Engine
from procession.web.app import create_app
from procession.web.site import Gate, OpenGate, Site

XML = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"
 targetNamespace="t"><process id="p" isExecutable="true"><startEvent id="s"/>
 <sequenceFlow id="f" sourceRef="s" targetRef="work"/>
 <serviceTask id="work"><extensionElements><zeebe:taskDefinition type="work"/></extensionElements></serviceTask>
 <sequenceFlow id="g" sourceRef="work" targetRef="e"/><endEvent id="e"/></process></definitions>"""
"""One service task of the type `work`."""


@asynccontextmanager
async def running_site(engine: Engine, gate: Gate | None = None) -> AsyncIterator[Site]:
    """A site on an engine, as long as the block lasts."""
    backend = EngineBackend(engine)
    try:
        yield Site(backend, gate or OpenGate(), version="test")
    finally:
        await backend.close()


@asynccontextmanager
async def client_of(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the site's application, in this event loop."""
    transport = httpx.ASGITransport(cast("Any", create_app(site)))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client
