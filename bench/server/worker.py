"""A worker of the Python client: `python -m bench.server.worker PORT TYPE PAUSE_MS ACTIVE`."""

from __future__ import annotations

import asyncio
import sys


async def main() -> None:
    """Works until SIGTERM."""
    from procession.client import AsyncClient, Worker

    port, type, pause_ms, active = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    async with AsyncClient(f"http://127.0.0.1:{port}") as client:
        worker = Worker(client)

        @worker.task(type, max_active=active)
        async def work() -> None:
            if pause_ms:
                await asyncio.sleep(pause_ms / 1000)

        await worker.run()


if __name__ == "__main__":
    asyncio.run(main())
