"""A worker in a process of its own: `python -m bench.temporal.lone hand|ours ADDRESS DIRECTORY QUEUE CACHED`.

For each line at its input it answers with its resident memory in bytes, after everything that can be freed is.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import sys
from pathlib import Path

from procession.hosts.temporal.cluster import Histories, Loop, connect
from procession.runtime.requests import TakeKeys


def main() -> None:
    """Works until its input ends."""
    side, address, directory, queue, cached = sys.argv[1:6]
    loop = Loop()
    client = loop.run(connect(address))
    if side == "ours":
        from bench.temporal.interpreted import BOOKS, running
        from procession.hosts.temporal.reporter import Reporter
        from procession.store.sqlite import SQLiteStore

        store = SQLiteStore(Path(directory) / BOOKS)
        reporter = Reporter(store, Histories(client, loop))
        loop.run(running(client, store, reporter, _no_keys, queue=queue, cached=int(cached)))
    else:
        from bench.temporal.handwritten import worker
        from bench.temporal.letters import Letters

        async def run() -> asyncio.Task[None]:
            made = worker(client, Letters(Path(directory) / "lone.db"), queue, cached=int(cached))
            return asyncio.create_task(made.run())

        task = loop.run(run())
        assert not task.done()
    for _ in sys.stdin:
        gc.collect()
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        sys.stdout.write(f"{pages * os.sysconf('SC_PAGE_SIZE')}\n")
        sys.stdout.flush()
    os._exit(0)


def _no_keys(request: TakeKeys) -> tuple[int, int]:
    raise AssertionError("an instance of the benchmark has keys enough from its start")


if __name__ == "__main__":
    main()
