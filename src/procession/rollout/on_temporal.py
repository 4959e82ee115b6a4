"""Shadows on a Temporal cluster: real workflows, on a task queue of each portion's own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from procession.rollout.shadow import Host, Other
from procession.testing.engines import Engines
from procession.testing.temporal.kit import Kit, OnTemporal
from procession.testing.temporal.running import server_at


@contextmanager
def temporal(address: str, namespace: str) -> Generator[Host]:
    """The cluster at `address`, else a server of this process's own. Raises `ServerMissing`."""
    with server_at(address) as found:

        @contextmanager
        def portion() -> Generator[Other]:
            kit = Kit(found, namespace, queue=f"procession-shadow-{os.getpid()}-{time.time_ns()}")

            def engines(clock: Callable[[], int], zone: str) -> Engines:
                return OnTemporal(kit, clock, zone)

            try:
                yield Other(engines, kit.reach)
            finally:
                kit.close()

        yield portion
