"""A server that tests speak to over the network: uvicorn in a thread with a loop of its own, on a port that is free."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast, final

import httpx
import uvicorn

from procession.hosts.embedded.engine import Engine
from procession.web.app import create_app
from procession.web.site import Site
from web_rig import running_site


@final
class Served:
    """A running server. `url` and `address` are where."""

    def __init__(self, listening: socket.socket) -> None:
        self.listening = listening
        self.address: tuple[str, int] = listening.getsockname()
        self.url = f"http://127.0.0.1:{self.address[1]}"
        self.started = threading.Event()
        self.stopping: asyncio.Event | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.failed: BaseException | None = None

    def stop(self) -> None:
        """Lets it end: streams first, then what is under way."""
        if self.loop is not None and self.stopping is not None:
            self.loop.call_soon_threadsafe(self.stopping.set)


@contextmanager
def served(
    engine: Engine, change: Callable[[Site], None] | None = None, *, port: int = 0, **options: Any
) -> Iterator[Served]:
    """A server on an engine, as long as the block lasts; `change` may change the site before, `options` are
    uvicorn's."""
    # Of a socket that does not say TCP, asyncio does not know that it may switch Nagle's delay off: 40 ms a response.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        found = Served(listening)
        thread = threading.Thread(target=_run, args=(found, engine, change, options), name="test-server")
        thread.start()
        found.started.wait()
        try:
            if found.failed is not None:
                raise found.failed
            yield found
        finally:
            found.stop()
            thread.join()


def _run(found: Served, engine: Engine, change: Callable[[Site], None] | None, options: dict[str, Any]) -> None:
    try:
        asyncio.run(_serve(found, engine, change, options))
    except BaseException as error:
        found.failed = error
        found.started.set()
        raise


async def _serve(found: Served, engine: Engine, change: Callable[[Site], None] | None, options: dict[str, Any]) -> None:
    found.loop = asyncio.get_running_loop()
    found.stopping = asyncio.Event()
    async with running_site(engine) as site:
        if change is not None:
            change(site)
        app = cast("Any", create_app(site))
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none", **options)
        server = uvicorn.Server(config)
        serving = asyncio.ensure_future(server.serve([found.listening]))
        await _listening(found.url)
        found.started.set()
        await found.stopping.wait()
        await site.desk.close()
        server.should_exit = True
        await serving


async def _listening(url: str) -> None:
    """Until it answers; what comes first waits in the queue of the socket."""
    async with httpx.AsyncClient(base_url=url) as client:
        await client.get("/")
