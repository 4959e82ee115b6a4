"""A thread with an event loop, for workers that are coroutines. asyncio is loaded only when one is used."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from typing import TypeVar, final

_T = TypeVar("_T")


@final
class LoopThread:
    """Runs coroutines from any thread. Ends with the process or `close`."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="procession-loop", daemon=True)
        self._thread.start()

    def run_all(self, work: Sequence[Coroutine[None, None, _T]]) -> list[_T]:
        """The results of coroutines that run at the same time."""

        async def all_of() -> list[_T]:
            return list(await asyncio.gather(*work))

        return asyncio.run_coroutine_threadsafe(all_of(), self._loop).result()

    def begin(self, work: Coroutine[None, None, _T]) -> Future[_T]:
        """Begins a coroutine; its result comes later."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        """Stops the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
