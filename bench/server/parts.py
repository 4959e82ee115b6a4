"""The parts that drive one server: throughput, latency, a chain of tasks. Each gives lines of a table."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles
from typing import Final

import msgspec

from bench.server import rig
from bench.server.http import Line, encoded

LINES: Final = 32
"""Connections of who starts instances."""


def percentiles(seconds: list[float]) -> str:
    """p50, p95 and p99 in ms."""
    cuts = quantiles(seconds, n=100, method="inclusive")
    return " / ".join(f"{cuts[n - 1] * 1000:.1f}" for n in (50, 95, 99))


async def started(
    port: int, count: int, lines: int, *, process: str = "one", tenant: str = ""
) -> tuple[float, list[float]]:
    """Starts instances over so many connections: seconds in all, and of each request."""
    left = count
    latencies: list[float] = []
    body = encoded({"process_id": process, "variables": {"order": 1, "customer": "ada"}})

    async def one() -> None:
        nonlocal left
        line = Line(port, tenant)
        while left > 0:
            left -= 1
            begun = time.perf_counter()
            status, answer = await line.post("/v1/instances", body)
            latencies.append(time.perf_counter() - begun)
            assert status == 201, (status, answer)
        line.close()

    begun = time.perf_counter()
    await asyncio.gather(*[one() for _ in range(lines)])
    return time.perf_counter() - begun, latencies


async def drained(port: int, tenant: str = "") -> None:
    """Waits until no instance is active."""
    line = Line(port, tenant)
    while True:
        status, answer = await line.get("/v1/instances?state=active&limit=1")
        assert status == 200, (status, answer)
        if not msgspec.json.decode(answer)["items"]:
            line.close()
            return
        await asyncio.sleep(0.02)


async def until_worked(port: int) -> None:
    """Waits until a worker is there: one instance goes through."""
    line = Line(port)
    for process in ("one", "forty"):
        status, answer = await line.post(
            "/v1/instances?wait_ms=20000", encoded({"process_id": process, "variables": {}})
        )
        assert status == 200, (status, answer)
    line.close()


async def waited(port: int, process: str, count: int) -> list[float]:
    """Starts instances one after the other, and waits for the end of each."""
    line = Line(port)
    found: list[float] = []
    for _ in range(count):
        begun = time.perf_counter()
        status, answer = await line.post(
            "/v1/instances?wait_ms=20000", encoded({"process_id": process, "variables": {}})
        )
        found.append(time.perf_counter() - begun)
        assert status == 200, (status, answer)
    line.close()
    return found


def one_server(folder: Path, url: str, instances: int) -> list[tuple[str, str, str]]:
    """(what, asked, reached): a server and a worker in processes of their own."""
    with rig.serving(folder, url) as (server, port):
        rig.run(rig.deploy(port, rig.model("one", 1, "noop"), rig.model("forty", 40, "ten")))
        workers = [rig.start_worker(folder, port, "noop"), rig.start_worker(folder, port, "ten", pause_ms=10)]
        try:
            return list(rig.run(_one_server(server, port, instances, [each.cpu_s for each in workers])))
        finally:
            for each in workers:
                each.end()


async def _one_server(
    server: rig.Process, port: int, instances: int, cpu_of: list[Callable[[], float]]
) -> list[tuple[str, str, str]]:
    await until_worked(port)
    await started(port, instances // 4, LINES)
    await drained(port)
    cpu, worker_cpu = server.cpu_s(), cpu_of[0]()
    begun = time.perf_counter()
    _, latencies = await started(port, instances, LINES)
    await drained(port)
    seconds = time.perf_counter() - begun
    rows = [
        ("one-task instances/s over REST and the stream", ">= 300", f"{instances / seconds:.0f}"),
        ("  answer to a start, p50 / p95 / p99 ms", "", percentiles(latencies)),
        ("  server CPU ms/instance", "", f"{(server.cpu_s() - cpu) / instances * 1000:.2f}"),
        ("  worker CPU ms/instance", "", f"{(cpu_of[0]() - worker_cpu) / instances * 1000:.2f}"),
    ]
    rows.append(("start-and-wait idle, p50 / p95 / p99 ms", "p50 <= 15", percentiles(await waited(port, "one", 200))))
    forty = await waited(port, "forty", 7)
    rows.append(("40 tasks of 10 ms, s: median, worst of 7", "<= 1.0", f"{sorted(forty)[3]:.2f}, {max(forty):.2f}"))
    return rows
