"""A worker of the peer: `python -m bench.server.peer_worker PORT TOPIC PAUSE_MS ACTIVE`."""

from __future__ import annotations

import asyncio
import sys
from typing import Any, Final

import msgspec

from bench.server import rig
from bench.server.http import Line, encoded

COMPLETING: Final = 16
"""Connections over which the worker completes tasks; the peer completes one task a request."""


async def asked(line: Line, path: str, body: object = None) -> Any:
    """The peer's answer, which must be one of success."""
    if body is None:
        status, answer = await line.get(f"/engine-rest/{path}")
    else:
        status, answer = await line.post(f"/engine-rest/{path}", encoded(body))
    assert status in {200, 204}, (status, answer)
    return msgspec.json.decode(answer) if answer else None


async def _work(port: int, topic: str, pause_s: float, active: int) -> None:
    """Takes tasks as places become free, and completes them, until it is ended."""
    tasks: asyncio.Queue[str] = asyncio.Queue()
    free = active
    room = asyncio.Event()

    async def complete() -> None:
        nonlocal free
        line = Line(port)
        while True:
            key = await tasks.get()
            await asyncio.sleep(pause_s)
            await asked(line, f"external-task/{key}/complete", {"workerId": topic})
            free += 1
            room.set()

    async def fetch() -> None:
        nonlocal free
        line = Line(port)
        wanted = {
            "workerId": topic,
            "usePriority": False,
            "asyncResponseTimeout": 20_000,
            "topics": [{"topicName": topic, "lockDuration": 60_000, "variables": []}],
        }
        while True:
            while free < active // 2:
                room.clear()
                await room.wait()
            found = await asked(line, "external-task/fetchAndLock", {**wanted, "maxTasks": free})
            free -= len(found)
            for each in found:
                tasks.put_nowait(each["id"])

    await asyncio.gather(fetch(), *[complete() for _ in range(COMPLETING)])


if __name__ == "__main__":
    rig.run(_work(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]) / 1000, int(sys.argv[4])))
