"""The jail: a process of its own for each paper, with a bound of memory and time. What it reads may be hostile.

The child limits itself before it reads anything (`child.py`); this side holds the clock and the bound of the answer.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final, final

import msgspec

from procession.services.papers.orders import BYTES_MAX, ORDERS, Order, Refused, TooMuch

PLACE: Final = Path(__file__).parents[3]
"""Where this package is: the child has to find the same one."""
DONE: Final = b"+"
REFUSED: Final = b"-"
SPENT: Final = b"!"
_KEPT: Final = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "SYSTEMROOT",
    "FONTCONFIG_PATH",
    "FONTCONFIG_FILE",
    "XDG_CACHE_HOME",
)
"""Variables of the environment that the child has: no secret is among them."""


@final
class Bounds(msgspec.Struct, frozen=True):
    """What one paper may take."""

    seconds: float = 30.0
    memory: int = 1 << 30
    """Bytes of address space; libraries that are loaded count."""
    answer: int = BYTES_MAX


DEFAULT: Final = Bounds()
AT_ONCE: Final = 2
"""Papers that one event loop makes at the same time."""


@final
class Jail:
    """Makes papers. Belongs to one event loop."""

    def __init__(self, bounds: Bounds = DEFAULT, at_once: int = AT_ONCE) -> None:
        self.bounds = bounds
        self._turns = asyncio.Semaphore(at_once)

    async def make(self, order: Order) -> bytes:
        """What comes of an order. Raises `Refused` with the reason, `TooMuch` when it takes more than it may."""
        name = next(name for name, (kind, _) in ORDERS.items() if isinstance(order, kind))
        async with self._turns:
            said = await self._run(name, msgspec.msgpack.encode(order))
        told, body = said[:1], said[1:]
        if told == DONE:
            return body
        if told == REFUSED:
            raise Refused(body.decode("utf-8", "replace")[:400])
        raise TooMuch("this takes more memory or time than a paper may")

    async def _run(self, name: str, request: bytes) -> bytes:
        of = self.bounds
        arguments = ("-P", "-s", "-m", "procession.services.papers.child", name, str(of.memory), str(of.seconds))
        environment = {key: os.environ[key] for key in _KEPT if key in os.environ}
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**environment, "PYTHONPATH": str(PLACE)},
        )
        try:
            async with asyncio.timeout(of.seconds):
                said = await _spoken(child, request, of.answer)
                if said != SPENT:
                    await child.wait()
                return said
        except TimeoutError:
            return SPENT
        finally:
            if child.returncode is None:
                # Not `child.kill()`: it looks whether the child has ended, and so takes its end from who waits for it.
                with suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGKILL)
            await asyncio.shield(child.wait())


async def _spoken(child: asyncio.subprocess.Process, request: bytes, most: int) -> bytes:
    assert child.stdin is not None
    assert child.stdout is not None
    writing = asyncio.ensure_future(_write(child.stdin, request))
    try:
        said = bytearray()
        while more := await child.stdout.read(1 << 20):
            said += more
            if len(said) > most + 1:
                return SPENT
        return bytes(said)
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


async def _write(pipe: asyncio.StreamWriter, request: bytes) -> None:
    try:
        pipe.write(request)
        await pipe.drain()
        pipe.close()
    except (ConnectionError, BrokenPipeError):
        return  # it ended before it had read everything; what it says tells why
