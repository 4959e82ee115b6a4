"""Tenants: ten thousand that are idle, and fifteen quiet ones beside one that takes all it can get."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from statistics import quantiles
from typing import Final

from bench.server import rig
from bench.server.http import Line, encoded
from bench.server.parts import percentiles, started

QUIET: Final = 15
LOUD_LINES: Final = 64
BODY: Final = encoded({"process_id": "one", "variables": {"order": 1}})


def quiet_and_loud(folder: Path, url: str, seconds: float) -> list[tuple[str, str, str]]:
    """(what, asked, reached): how long the quiet tenants' starts take, alone and beside a loud one."""
    with rig.serving(folder, url) as (_, port):
        tenants = ["loud", *(f"quiet-{number}" for number in range(QUIET))]
        for tenant in tenants:
            rig.run(rig.deploy(port, rig.model("one", 1, "nobody"), tenant=tenant))
        return list(rig.run(_quiet_and_loud(port, seconds)))


async def _quiet_and_loud(port: int, seconds: float) -> list[tuple[str, str, str]]:
    took, _ = await started(port, 3_000, LOUD_LINES, tenant="loud")
    capacity = 3_000 / took
    # A sixteenth of it is a tenant's share; the quiet ones ask for a tenth of theirs.
    each = capacity / (QUIET + 1) / 10
    alone = await _quiet(port, each, seconds)
    loud = asyncio.create_task(_loud(port))
    await asyncio.sleep(1)
    beside = await _quiet(port, each, seconds)
    loud.cancel()
    await asyncio.gather(loud, return_exceptions=True)
    p99 = [quantiles(each, n=100, method="inclusive")[98] for each in (alone, beside)]
    return [
        ("capacity for one tenant's starts, 1/s", "", f"{capacity:.0f}"),
        ("15 quiet tenants alone, p50 / p95 / p99 ms", "", percentiles(alone)),
        ("the same beside a loud one, p50 / p95 / p99 ms", "", percentiles(beside)),
        ("p99 beside it / alone", "< 2", f"{p99[1] / p99[0]:.2f}"),
    ]


async def _quiet(port: int, each: float, seconds: float) -> list[float]:
    """Every quiet tenant starts `each` instances a second; measured from when each start was due."""
    found: list[float] = []

    async def one(number: int) -> None:
        line = Line(port, f"quiet-{number}")
        begun = time.perf_counter() + number / QUIET / each
        for turn in range(int(seconds * each)):
            due = begun + turn / each
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            status, answer = await line.post("/v1/instances", BODY)
            assert status == 201, (status, answer)
            found.append(time.perf_counter() - due)
        line.close()

    await asyncio.gather(*[one(number) for number in range(QUIET)])
    return found


async def _loud(port: int) -> None:
    """Starts instances over many connections until it is cancelled; told to come again, it comes again."""

    async def one() -> None:
        line = Line(port, "loud")
        while True:
            await line.post("/v1/instances", BODY)

    await asyncio.gather(*[one() for _ in range(LOUD_LINES)])


def idle_tenants(folder: Path, empty: str, full: str, tenants: int) -> list[tuple[str, str, str]]:
    """(what, asked, reached): a server with registered tenants beside one without: its start, its memory."""
    from procession import Engine
    from procession.runtime.requests import AddTenant
    from procession.store.opening import open_store

    with Engine(store=open_store(full)) as engine:
        for first in range(0, tenants, 500):
            engine.pumps.call_all([AddTenant(f"tenant-{number}") for number in range(first, first + 500)])
    figures: list[tuple[float, int]] = []
    for url in (empty, full):
        begun = time.perf_counter()
        with rig.serving(folder, url) as (process, _):
            figures.append((time.perf_counter() - begun, process.memory_bytes()))
    (_, base), (start, memory) = figures
    return [
        (f"start of a server with {tenants} tenants, s", "<= 5", f"{start:.2f}"),
        ("memory of an idle tenant, bytes", "<= 1024", f"{(memory - base) / tenants:.0f}"),
    ]
