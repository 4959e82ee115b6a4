"""Real Temporal servers for tests: one process per kind and session, started at first use, a fresh namespace per test.

A test that kills or restarts its server takes one of its own: `need(kind)`, then `dev_server(kind, ...)`.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Generator
from itertools import count
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest

import needs
from procession import Engine, Temporal
from procession.testing.temporal import DevServer, Kind, dev_server
from procession.testing.temporal.binaries import remedy

Servers: TypeAlias = Callable[[Kind], DevServer]
Engines: TypeAlias = Callable[..., Engine]

_NAMESPACES: Final = count(1)


def need(kind: Kind) -> None:
    """Skip the test, or fail it with CI=true, when that server is not at hand. Nothing is built here: it takes long."""
    needs.require("temporalio", "pip install 'procession[temporal]'")
    needs.require(f"temporal-{kind}", remedy(kind))


@pytest.fixture(scope="session")
def temporal_servers() -> Generator[Servers]:
    """The running server of a kind, one for the whole session."""
    running: dict[Kind, DevServer] = {}

    def server(kind: Kind) -> DevServer:
        need(kind)
        if kind not in running:
            started = dev_server(kind)
            asyncio.run(started.start())
            running[kind] = started
        return running[kind]

    yield server
    for each in running.values():
        # Nobody looks at what it would still write down.
        each.kill()
        each.forget_log()


@pytest.fixture
def temporal_server(temporal_servers: Servers, request: pytest.FixtureRequest) -> DevServer:
    """Server 1.32.1, in a namespace of this test's own."""
    return _fresh(temporal_servers("server"), request)


@pytest.fixture
def temporal_floor(temporal_servers: Servers, request: pytest.FixtureRequest) -> DevServer:
    """Server 1.29.1, the oldest that is supported, in a namespace of this test's own."""
    return _fresh(temporal_servers("cli"), request)


@pytest.fixture
def temporal_engines(temporal_server: DevServer, tmp_path: Path) -> Generator[Engines]:
    """Engines that serve, on one file, whose instances are workflows in a task queue of this test's own. They take the
    settings of `Temporal`; `hosted=False` makes one without that host."""
    made: list[Engine] = []
    queue = f"t-{time.time_ns()}"

    def engine(*documents: tuple[str, bytes], hosted: bool = True, **settings: Any) -> Engine:
        address, namespace = temporal_server.address, temporal_server.namespace
        host = Temporal(address, namespace=namespace, queue=queue, **settings) if hosted else None
        found = Engine(tmp_path / "e.db", host=host)
        made.append(found)
        if documents:
            found.deploy(*documents)
        found.serve(2)
        return found

    yield engine
    for each in made:
        each.close()


def in_namespace(server: DevServer, name: str) -> DevServer:
    """A server in a namespace that several tests share."""
    name = f"{name}-{next(_NAMESPACES)}"
    asyncio.run(server.create_namespace(name))
    return server.in_namespace(name)


def _fresh(server: DevServer, request: pytest.FixtureRequest) -> DevServer:
    # The name of the test is in it for whoever reads the server's log.
    name = f"{re.sub(r'[^a-z0-9]+', '-', request.node.name.lower())[:60].strip('-')}-{next(_NAMESPACES)}"
    asyncio.run(server.create_namespace(name))
    return server.in_namespace(name)
