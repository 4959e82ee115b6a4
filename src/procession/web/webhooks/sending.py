"""Sending one message: a POST over a connection of its own, to an address that was checked. No redirects, no proxies,
and nothing of the answer but its status."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import Mapping
from functools import cache
from typing import Final, final

import msgspec

from procession.web.webhooks.wall import Reach, Refused, place_of, reached

CONNECT_S: Final = 10.0
HEAD_BYTES_MAX: Final = 32_768
"""Of an answer no more is read, whatever it is."""


@final
class Sent(msgspec.Struct, frozen=True):
    """What became of a message: the status of the answer, 0 where there was none and `error` says why."""

    status: int
    error: str = ""
    ms: int = 0
    retry_after_s: int = 0

    @property
    def good(self) -> bool:
        """Whether it was taken."""
        return 200 <= self.status < 300


async def send(url: str, headers: Mapping[str, str], body: bytes, reach: Reach) -> Sent:
    """Sends a message to a checked url. Never raises for what the other side does."""
    begin = time.monotonic()
    try:
        status, after = await _sent(url, headers, body, reach)
        sent = Sent(status, "" if 200 <= status < 300 else f"answered with {status}", retry_after_s=after)
    except Refused as refused:
        sent = Sent(0, str(refused))
    except TimeoutError:
        sent = Sent(0, "did not answer in time")
    except ssl.SSLError as error:
        sent = Sent(0, f"no TLS connection: {error.reason or 'failed'}"[:200])
    except (OSError, EOFError):
        sent = Sent(0, "could not be connected to, or closed the connection")
    except ValueError:
        sent = Sent(0, "answered with what is no HTTP")
    return msgspec.structs.replace(sent, ms=round((time.monotonic() - begin) * 1000))


async def _sent(url: str, headers: Mapping[str, str], body: bytes, reach: Reach) -> tuple[int, int]:
    scheme, host, port, path = place_of(url)
    address = await reached(host, port, reach)
    secure = _context() if scheme == "https" else None
    async with asyncio.timeout(CONNECT_S):
        reader, writer = await asyncio.open_connection(
            address, port, ssl=secure, server_hostname=host if secure else None, limit=HEAD_BYTES_MAX
        )
    try:
        async with asyncio.timeout(reach.answer_s):
            writer.write(_head(path, host, port, headers, len(body)) + body)
            await writer.drain()
            while True:
                status, after = await _status(reader)
                if status >= 200:
                    return status, after
    finally:
        writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                await writer.wait_closed()


def _head(path: str, host: str, port: int, headers: Mapping[str, str], length: int) -> bytes:
    shown = f"[{host}]" if ":" in host else host
    lines = [
        f"POST {path} HTTP/1.1",
        f"host: {shown}" if port in {80, 443} else f"host: {shown}:{port}",
        "user-agent: Procession-Webhooks",
        "content-type: application/json",
        f"content-length: {length}",
        "connection: close",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


async def _status(reader: asyncio.StreamReader) -> tuple[int, int]:
    """(status, seconds of `retry-after`) of an answer. Raises `ValueError` for what is none."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise ValueError("a head without an end") from None
    first, *rest = head.split(b"\r\n")
    version, _, after = first.partition(b" ")
    code = after[:3]
    if not version.startswith(b"HTTP/1.") or not code.isdigit() or len(code) != 3 or int(code) < 100:
        raise ValueError("no HTTP")
    for line in rest:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"retry-after" and value.strip().isdigit() and len(value.strip()) < 7:
            return int(code), int(value)
    return int(code), 0


@cache
def _context() -> ssl.SSLContext:
    return ssl.create_default_context()
