"""A receiver of webhooks: a real server in this event loop, whose answers are scripted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from procession.hosts.embedded.engine import Engine
from procession.web.site import Gate, Site
from procession.web.webhooks.delivering import Webhooks
from procession.web.webhooks.wall import Reach
from web_rig import running_site

LOCAL = Reach(http=True, networks=("127.0.0.0/8",))


class Message:
    """One that was received."""

    def __init__(self, path: str, headers: dict[str, str], body: bytes) -> None:
        self.path = path
        self.headers = headers
        self.body = body

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def type(self) -> str:
        found: str = self.content["type"]
        return found

    @property
    def content(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """Answers with what `answer` gives for a message: raw bytes; b"" closes the connection, None hangs."""

    def __init__(self) -> None:
        self.received: list[Message] = []
        self.answer: Callable[[Message], bytes | None] = lambda _: status(204)
        self.came = asyncio.Condition()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            message = Message(first.split()[1], headers, await reader.readexactly(int(headers["content-length"])))
            self.received.append(message)
            answer = self.answer(message)
            async with self.came:
                self.came.notify_all()
            if answer is None:
                await reader.read()
            else:
                writer.write(answer)
                await writer.drain()
        finally:
            writer.close()

    async def until(self, true: Callable[[list[Message]], bool]) -> list[Message]:
        """What was received, when something is true of it."""
        async with asyncio.timeout(20), self.came:
            await self.came.wait_for(lambda: true(self.received))
        return list(self.received)

    async def types(self, count: int) -> list[str]:
        """The types of so many messages, sorted."""
        found = await self.until(lambda received: len({each.id for each in received}) >= count)
        return sorted({each.id: each.type for each in found}.values())


def status(code: int, *headers: str) -> bytes:
    """An answer without a body."""
    return "\r\n".join((f"HTTP/1.1 {code} x", "content-length: 0", *headers, "", "")).encode()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver, as long as the block lasts."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook?x=1"
    try:
        yield receiver
    finally:
        server.close()


@asynccontextmanager
async def telling(
    engine: Engine, gate: Gate | None = None, *, backoff_s: tuple[float, ...] = (0.0,) * 3
) -> AsyncIterator[Site]:
    """A site whose webhooks may reach this machine."""
    async with running_site(engine, gate) as site:
        site.webhooks = Webhooks(site.backend, LOCAL, backoff_s=backoff_s)
        try:
            yield site
        finally:
            await site.webhooks.close()
