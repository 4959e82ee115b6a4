"""Workers of an instance's workflows and jobs in a process of their own, for tests that kill it.

Run as `python temporal_child.py ORDERS`, a JSON object (`Orders`). It prints a line when it works, and works until it
is killed. What must not live here: any check.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, cast

import msgspec
from temporalio.client import Client
from temporalio.runtime import Runtime, TelemetryConfig

from procession.hosts.embedded.pump import Pump
from procession.hosts.temporal import reporter
from procession.hosts.temporal.cluster import DATA_CONVERTER, Histories, Loop
from procession.hosts.temporal.payloads import JobOrder
from procession.hosts.temporal.worker import workflow_worker
from procession.runtime import requests as q
from procession.store.sqlite import SQLiteStore
from temporal_jobs import jobs_worker

READY: Final = "ready"


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """What the process is to do, and when it dies.

    `dies`: the name of a method of the store, or "job", before whose `call`th call it kills itself; "read program" is
    that read, "job-done" is after the effect. `effects` is the file to which each job appends a line. `pause` is how
    long a job takes, in s.
    """

    address: str
    namespace: str
    db: str
    workflows: str = ""
    jobs: str = ""
    effects: str = ""
    dies: str = ""
    call: int = 1
    pause: float = 0.0
    cached: int = 1_000
    orphans: int = 1_000


async def main(orders: Orders) -> None:
    """Works until it is killed."""
    loop = Loop()
    runtime = Runtime(telemetry=TelemetryConfig(), worker_heartbeat_interval=timedelta(seconds=1))
    client = await Client.connect(
        orders.address, namespace=orders.namespace, data_converter=DATA_CONVERTER, runtime=runtime
    )
    dies = _Dies(orders)
    vars(reporter)["ORPHAN_MS"] = orders.orphans
    working: list[Any] = []
    if orders.workflows:
        store = SQLiteStore(orders.db)
        for name in ("confirm", "post", "hold", "read"):
            setattr(store, name, dies.before(name, getattr(store, name)))
        pump = Pump(store, clock=lambda: time.time_ns() // 1_000_000, zone="UTC")

        def keys(request: q.TakeKeys) -> tuple[int, int]:
            first, last = cast("list[int]", pump.call(request))
            return first, last

        told = reporter.Reporter(store, Histories(loop.run(_connected(orders)), loop))
        working.append(workflow_worker(client, store, told, keys, queue=orders.workflows, cached=orders.cached).run())
    if orders.jobs:
        working.append(jobs_worker(client, orders.jobs, _AnyType(orders, dies)).run())
    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()
    await asyncio.gather(*working)


async def _connected(orders: Orders) -> Client:
    return await Client.connect(orders.address, namespace=orders.namespace, data_converter=DATA_CONVERTER)


class _Dies:
    """Kills this process when its time has come."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._calls = 0

    def now(self, name: str) -> None:
        if name == self._orders.dies:
            self._calls += 1
            if self._calls == self._orders.call:
                os.kill(os.getpid(), signal.SIGKILL)

    def before(self, name: str, does: Callable[..., Any]) -> Callable[..., Any]:
        def instead(*args: Any) -> Any:
            self.now(f"{name} {args[0]}" if name == "read" else name)
            return does(*args)

        return instead


class _AnyType(dict[str, Any]):
    """One way to do jobs of every type."""

    def __init__(self, orders: Orders, dies: _Dies) -> None:
        self._orders = orders
        self._dies = dies

    def __missing__(self, type: str) -> Any:
        return self._do

    async def _do(self, order: JobOrder) -> dict[str, Any]:
        if self._orders.pause:
            await asyncio.sleep(self._orders.pause)
        self._dies.now("job")
        if self._orders.effects:
            with open(self._orders.effects, "ab") as effects:  # noqa: ASYNC230 - one write, like a call of a database
                effects.write(f"{order.idempotency_key}\n".encode())
        self._dies.now("job-done")
        return {order.element_id: "done"}


if __name__ == "__main__":
    asyncio.run(main(msgspec.json.decode(sys.argv[1], type=Orders)))
