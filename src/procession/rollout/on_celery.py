"""Shadows on Celery: jobs and wake-ups go over a broker, on a queue of each portion's own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from procession.rollout.shadow import Host, Other
from procession.testing.celery.kit import CeleryKit, OnCelery
from procession.testing.celery.running import broker_at
from procession.testing.engines import Engines


@contextmanager
def celery(broker: str) -> Generator[Host]:
    """The broker at a URL, else a Redis of this process's own. Raises `StoreError`."""
    with broker_at(broker) as found:

        @contextmanager
        def portion() -> Generator[Other]:
            kit = CeleryKit(found, f"procession-shadow-{os.getpid()}-{time.time_ns()}")

            def engines(clock: Callable[[], int], zone: str) -> Engines:
                return OnCelery(kit, clock, zone)

            try:
                yield Other(engines, kit.reach)
            finally:
                kit.close()

        yield portion
