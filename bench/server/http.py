"""The least client that speaks HTTP/1.1 over kept connections: what it costs must not hide what the server costs."""

from __future__ import annotations

import asyncio
from typing import Final, final

import msgspec

_HEADERS: Final = (
    "{verb} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{more}Content-Length: "
)


@final
class Line:
    """One connection. One request at a time."""

    def __init__(self, port: int, tenant: str = "") -> None:
        """To a port of this machine, for a tenant."""
        self._port = port
        self._more = f"Procession-Tenant: {tenant}\r\n" if tenant else ""
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def post(self, path: str, body: bytes, more: str = "") -> tuple[int, bytes]:
        """(status, body) of the answer. A connection that breaks raises, and is opened anew by the next request."""
        return await self.ask("POST", path, body, more)

    async def get(self, path: str) -> tuple[int, bytes]:
        """See `post`."""
        return await self.ask("GET", path, b"", "")

    async def ask(self, verb: str, path: str, body: bytes, more: str = "") -> tuple[int, bytes]:
        """See `post`, by any verb."""
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        reader = self._reader
        assert reader is not None
        try:
            head = _HEADERS.format(verb=verb, path=path, more=self._more + more)
            self._writer.write(f"{head}{len(body)}\r\n\r\n".encode() + body)
            answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            status = int(answer[9:12])
            if "content-length: " in answer:
                length = int(answer.split("content-length: ", 1)[1].split("\r\n", 1)[0])
                return status, await reader.readexactly(length)
            return status, await self._chunks(reader) if "chunked" in answer else b""
        except BaseException:
            self.close()
            raise

    async def _chunks(self, reader: asyncio.StreamReader) -> bytes:
        found = b""
        while size := int(await reader.readline(), 16):
            found += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
        return found

    def close(self) -> None:
        """Lets the connection go."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


def encoded(value: object) -> bytes:
    """A value as JSON."""
    return msgspec.json.encode(value)
