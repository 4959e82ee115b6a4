"""A real server on a socket, for tests of what only bytes on a wire can do."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import uvicorn

from procession.hosts.embedded.engine import Engine
from procession.web.app import create_app
from procession.web.site import Site
from web_rig import running_site


@contextmanager
def served(engine: Engine, changed: Callable[[Site], None] | None = None, **options: Any) -> Iterator[tuple[str, int]]:
    """The address of a server of an engine, in a thread of its own; `changed` may change the site first, `options` are
    uvicorn's."""
    # Of a socket that does not say TCP, asyncio does not know that it may switch Nagle's delay off: 40 ms a response.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    ready = threading.Event()
    servers: list[uvicorn.Server] = []

    async def serve() -> None:
        async with running_site(engine) as site:
            if changed is not None:
                changed(site)
            app = cast("Any", create_app(site))
            config = uvicorn.Config(app, log_config=None, lifespan="off", access_log=False, **options)
            servers.append(uvicorn.Server(config))
            ready.set()
            await servers[0].serve(sockets=[listener])

    thread = threading.Thread(target=asyncio.run, args=(serve(),), name="test-server")
    thread.start()
    try:
        assert ready.wait(30)
        yield listener.getsockname()
    finally:
        servers[0].should_exit = True
        thread.join()
        listener.close()
