"""A worker of the Python client: `python -m bench.server.worker PORT TYPE PAUSE_MS ACTIVE [TENANT]`."""

from __future__ import annotations

import asyncio
import sys

from procession.client import Worker


def main() -> None:
    """Works until SIGTERM."""
    port, type, pause_ms, active, *tenant = sys.argv[1:]
    worker = Worker(f"http://127.0.0.1:{port}", tenant="".join(tenant))

    @worker.worker(type, max_jobs=int(active), timeout=5)
    async def work() -> None:
        if pause_ms != "0":
            await asyncio.sleep(int(pause_ms) / 1000)

    worker.run()


if __name__ == "__main__":
    main()
