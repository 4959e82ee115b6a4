"""Streams of server-sent events: how they are written, and that none of them holds more than one event.

Who reads slowly is read for slowly: the next event is looked for when the one before is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from typing import Final, TypeVar, final

from litestar.exceptions import HTTPException
from litestar.response import Stream

from procession.web.body import exactly

HEARTBEAT_S: Final = 15.0
"""A comment is sent after so long a silence, or proxies take the connection for dead."""
LIFE_S: Final = 3_600.0
"""After this a stream ends. Its reader comes back with the id of the last event, and with credentials that hold."""
STREAMS_MAX: Final = 200
"""Streams of one tenant over one process."""

_T = TypeVar("_T")


def event(id: str, kind: str, data: object) -> bytes:
    """One event. `data` becomes JSON, which has no line breaks."""
    return b"id: " + id.encode() + b"\nevent: " + kind.encode() + b"\ndata: " + exactly(data) + b"\n\n"


def answer(source: AsyncIterator[bytes]) -> Stream:
    """A stream as a response."""
    headers = {"x-accel-buffering": "no"}
    return Stream(source, media_type="text/event-stream", headers=headers)


@final
class Streams:
    """The streams of one process. Belongs to its event loop."""

    __slots__ = ("_most", "_open")

    def __init__(self, most: int = STREAMS_MAX) -> None:
        """`most` streams of one tenant, or of who else is counted by a name."""
        self._most = most
        self._open: Counter[str] = Counter()

    def admit(self, tenant: str) -> None:
        """Raises a 429 when the tenant has as many streams as it may."""
        if self._open[tenant] >= self._most:
            raise HTTPException(
                status_code=429,
                detail=f"there are at most {self._most} streams over one process: close one",
                headers={"Retry-After": "10"},
            )

    async def kept(
        self, tenant: str, source: AsyncIterator[bytes], *, heartbeat: float = HEARTBEAT_S, life: float = LIFE_S
    ) -> AsyncIterator[bytes]:
        """The events of a source, with heartbeats between them, as long as a stream lives. Closes the source."""
        self._open[tenant] += 1
        loop = asyncio.get_running_loop()
        end = loop.time() + life
        coming: asyncio.Future[bytes] | None = None
        try:
            yield b"retry: 2000\n\n"
            while loop.time() < end:
                coming = coming or asyncio.ensure_future(_next(source))
                await asyncio.wait({coming}, timeout=min(heartbeat, max(0.0, end - loop.time())))
                if not coming.done():
                    yield b": \n\n"
                    continue
                try:
                    data = coming.result()
                except StopAsyncIteration:
                    return
                finally:
                    coming = None
                yield data
        finally:
            self._open[tenant] -= 1
            if not self._open[tenant]:
                del self._open[tenant]
            if coming is not None:
                coming.cancel()
                with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
                    await coming
            close = getattr(source, "aclose", None)
            if close is not None:
                await close()


async def _next(source: AsyncIterator[_T]) -> _T:
    return await anext(source)
