"""Looking for viruses: a scanner that speaks the protocol of ClamAV's daemon (INSTREAM), over TCP or a socket file."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from typing import Any, Final, Protocol, final

from procession.base.failure import BadValue, ProcessionError
from procession.services.access import Unavailable

CONNECT_S: Final = 3.0
CHUNK_S: Final = 30.0
"""How long it may take to take a piece."""
ANSWER_S: Final = 120.0
"""How long it may look, once it has everything."""
ANSWER_BYTES_MAX: Final = 4_096
_SIZE: Final = struct.Struct(">I")
_UNIX: Final = getattr(socket, "AF_UNIX", socket.AF_INET)


class ScanRefused(ProcessionError):
    """The scanner will not look at this, as it is."""


class Scanner(Protocol):
    """Looks for viruses."""

    async def scan(self, content: AsyncIterator[bytes]) -> str:
        """The name of what was found, "" for nothing. Raises `ScanRefused`, and `Unavailable` when nobody answers."""
        ...

    async def trouble(self) -> str:
        """Why it cannot be asked now, as a sentence without names; "" if it can."""
        ...


@final
class Clamd:
    """A `Scanner` that is ClamAV's daemon. Each question has a connection of its own, as it wants it."""

    def __init__(self, address: str) -> None:
        """`address`: `host:port`, or the path of a socket. Raises `BadValue`."""
        host, _, port = address.rpartition(":")
        self._path = address if address.startswith("/") else ""
        if not self._path and not (host and port.isascii() and port.isdigit()):
            raise BadValue(f"{address!r:.80} is no address of a scanner: write host:3310, or the path of its socket")
        self._host, self._port = host.strip("[]"), int(port) if not self._path else 0

    async def scan(self, content: AsyncIterator[bytes]) -> str:
        """See `Scanner.scan`."""
        answer = await self._asked(b"zINSTREAM\0", content)
        if answer.endswith(" FOUND"):
            return answer.removeprefix("stream: ").removesuffix(" FOUND")[:200] or "something"
        if answer.endswith("OK"):
            return ""
        raise ScanRefused(f"the scanner says: {answer[:150]}")

    async def trouble(self) -> str:
        """See `Scanner.trouble`."""
        try:
            answer = await self._asked(b"zPING\0", None)
        except Unavailable:
            return "the scanner does not answer: documents wait"
        return "" if answer == "PONG" else "the scanner gives another answer than it should: documents wait"

    async def _asked(self, command: bytes, content: AsyncIterator[bytes] | None) -> str:
        # Not asyncio's streams: they forget what was said by who hangs up while we still send.
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_S):
                connection = await self._open(loop)
        except (OSError, TimeoutError) as error:
            raise Unavailable(f"the scanner cannot be reached: {error}") from error
        try:
            await loop.sock_sendall(connection, command)
            if content is not None:
                await _send(loop, connection, content)
            async with asyncio.timeout(ANSWER_S if content is not None else CONNECT_S):
                answer = await _answer(loop, connection)
        except (OSError, TimeoutError) as error:
            raise Unavailable(f"the scanner did not answer: {error}") from error
        finally:
            connection.close()
        return answer.decode("utf-8", "replace").strip()

    async def _open(self, loop: asyncio.AbstractEventLoop) -> socket.socket:
        places: list[tuple[int, Any]] = [(_UNIX, self._path)]
        if not self._path:
            found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
            places = [(family, address) for family, _, _, _, address in found]
        failed: OSError = OSError("it has no address")
        for family, address in places:
            connection = socket.socket(family, socket.SOCK_STREAM)
            connection.setblocking(False)
            try:
                await loop.sock_connect(connection, address)
            except OSError as error:
                connection.close()
                failed = error
            except BaseException:
                connection.close()
                raise
            else:
                return connection
        raise failed


async def _send(loop: asyncio.AbstractEventLoop, connection: socket.socket, content: AsyncIterator[bytes]) -> None:
    """Sends pieces, each with its length before it, and an empty one at the end.

    A scanner that has seen enough hangs up while more comes: what it said then is still to be read."""
    try:
        async for piece in content:
            if piece:
                async with asyncio.timeout(CHUNK_S):
                    await loop.sock_sendall(connection, _SIZE.pack(len(piece)) + piece)
        await loop.sock_sendall(connection, _SIZE.pack(0))
    except ConnectionError:
        return


async def _answer(loop: asyncio.AbstractEventLoop, connection: socket.socket) -> bytes:
    """What it says, up to the end of the text. Raises `Unavailable` for what is none."""
    said = b""
    while b"\0" not in said:
        more = await loop.sock_recv(connection, ANSWER_BYTES_MAX)
        if not more or len(said) + len(more) > ANSWER_BYTES_MAX:
            raise Unavailable("the scanner hung up without an answer" if not more else "the scanner never ends")
        said += more
    return said.partition(b"\0")[0]
