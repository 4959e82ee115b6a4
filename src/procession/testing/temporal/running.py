"""Scenarios as workflows, for whoever runs a list of them: one server and one kit for all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager

from procession.hosts.temporal.payloads import Budget
from procession.testing.driver import MakeEngines
from procession.testing.engines import Engines
from procession.testing.temporal.kit import Kit, OnTemporal
from procession.testing.temporal.servers import dev_server


@contextmanager
def workflows(address: str = "", namespace: str = "default", *, restore: bool = False) -> Generator[MakeEngines]:
    """Engines on the cluster at `address`, else on a server of this process's own.

    With `restore` no workflow is kept in memory, and each event ends its run: all that an instance knows is then what
    Temporal has. Raises `ServerMissing` or `StoreError`.
    """
    with server_at(address) as found:
        budget = Budget(events=0, force=True) if restore else None
        kit = Kit(found, namespace, cached=0 if restore else 1_000, budget=budget)
        try:

            def engines(clock: Callable[[], int], zone: str) -> Engines:
                return OnTemporal(kit, clock, zone)

            yield engines
        finally:
            kit.close()


@contextmanager
def server_at(address: str = "") -> Generator[str]:
    """The address of a cluster: the one that is given, else a server of this process's own. Raises `ServerMissing`."""
    if address:
        yield address
        return
    server = dev_server("server")
    asyncio.run(server.start())
    try:
        yield server.address
    finally:
        asyncio.run(server.stop())
