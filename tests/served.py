"""A server that tests speak to over the network: uvicorn in a thread with a loop of its own, on a port that is free."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast, final

import httpx
import uvicorn

from procession.hosts.embedded.engine import Engine
from procession.web.app import create_app
from procession.web.site import Gate, Site
from web_rig import running_site


@final
class Served:
    """A running server. `url` is where; `in_loop` runs a coroutine in its loop."""

    def __init__(self) -> None:
        self.url = ""
        self.site: Site | None = None
        self.started = threading.Event()
        self.stopping: asyncio.Event | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.failed: BaseException | None = None

    def stop(self) -> None:
        """Lets it end: streams first, then what is under way."""
        if self.loop is not None and self.stopping is not None:
            self.loop.call_soon_threadsafe(self.stopping.set)


@contextmanager
def served(engine: Engine, gate: Gate | None = None, port: int = 0) -> Iterator[Served]:
    """A server on an engine, as long as the block lasts."""
    found = Served()
    thread = threading.Thread(target=_run, args=(found, engine, gate, port), name="test-server")
    thread.start()
    found.started.wait()
    try:
        if found.failed is not None:
            raise found.failed
        yield found
    finally:
        found.stop()
        thread.join()


def _run(found: Served, engine: Engine, gate: Gate | None, port: int) -> None:
    try:
        asyncio.run(_serve(found, engine, gate, port))
    except BaseException as error:
        found.failed = error
        found.started.set()
        raise


async def _serve(found: Served, engine: Engine, gate: Gate | None, port: int) -> None:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    found.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    found.loop = asyncio.get_running_loop()
    found.stopping = asyncio.Event()
    async with running_site(engine, gate) as site:
        found.site = site
        config = uvicorn.Config(
            cast("Any", create_app(site)), log_config=None, access_log=False, lifespan="off", ws="none"
        )
        server = uvicorn.Server(config)
        serving = asyncio.ensure_future(server.serve([listening]))
        await _listening(found.url)
        found.started.set()
        await found.stopping.wait()
        await site.desk.close()
        server.should_exit = True
        await serving
    listening.close()


async def _listening(url: str) -> None:
    """Until it answers; what comes first waits in the queue of the socket."""
    async with httpx.AsyncClient(base_url=url) as client:
        await client.get("/")
