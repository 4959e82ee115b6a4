"""A server that speaks the protocol of ClamAV's daemon, for tests: ClamAV itself, with its signatures, is too large.

It finds what holds the EICAR string. It can be told to refuse, to hang up, or to be away.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Literal, final

EICAR: Final = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
"""What every scanner must find. It does nothing."""


@final
class FakeClamd:
    """The server. `mood`: how it answers INSTREAM; `limit`: bytes after which it refuses, as StreamMaxLength does."""

    def __init__(self) -> None:
        self.mood: Literal["well", "error", "hangs up", "nonsense"] = "well"
        self.limit = 1 << 30
        self.address = ""
        self.scans = 0
        self._server: asyncio.Server | None = None

    async def start(self, path: Path | None = None) -> None:
        """Listens: where it did before, or at a socket file."""
        if path is not None:
            self.address = str(path)
        if self.address.startswith("/"):
            self._server = await asyncio.start_unix_server(self._serve, self.address)
            return
        port = int(self.address.rpartition(":")[2] or 0)
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Connections are refused from now on."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            command = await reader.readuntil(b"\0")
            if command == b"zPING\0":
                writer.write(b"PONG\0")
            elif command == b"zINSTREAM\0":
                writer.write(await self._scan(reader))
            else:
                writer.write(b"UNKNOWN COMMAND\0")
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _scan(self, reader: asyncio.StreamReader) -> bytes:
        self.scans += 1
        data = b""
        while size := struct.unpack(">I", await reader.readexactly(4))[0]:
            data += await reader.readexactly(size)
            if len(data) > self.limit:
                return b"INSTREAM size limit exceeded. ERROR\0"
            if self.mood == "hangs up":
                raise ConnectionError
        if self.mood == "error":
            return b"stream: Can't allocate memory ERROR\0"
        if self.mood == "nonsense":
            return b"\xff" * 10_000
        return b"stream: Eicar-Test-Signature FOUND\0" if EICAR in data else b"stream: OK\0"


@asynccontextmanager
async def clamd(path: Path | None = None) -> AsyncIterator[FakeClamd]:
    """One that runs, as long as the block lasts."""
    server = FakeClamd()
    await server.start(path)
    try:
        yield server
    finally:
        await server.stop()
