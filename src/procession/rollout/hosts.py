"""The hosts on which shadows play: each a throw-away engine of its own book, on a clock that is moved.

No worker of anybody is asked: jobs are answered from the facts of the other side, on the way that the host has for it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from procession.base.failure import BadValue
from procession.rollout.shadow import Host, Other
from procession.store.sqlite import SQLiteStore
from procession.testing.engines import Calm, Engines

HOSTS: Final = ("here", "temporal", "celery")


def host_named(
    to: str, *, address: str = "", namespace: str = "default", broker: str = ""
) -> AbstractContextManager[Host]:
    """A host by its name. `address` is a Temporal server's, `broker` the URL of Celery's; without, a server of this
    process's own runs meanwhile. Raises `BadValue`, and `ModuleNotFoundError` where an extra is missing."""
    if to == "here":
        return embedded()
    if to == "temporal":
        import procession.testing.temporal.kit

        return temporal(address, namespace)
    if to == "celery":
        import procession.testing.celery.kit  # noqa: F401

        return celery(broker)
    raise BadValue(f"shadows play on {', '.join(HOSTS)}, not on {to!r:.80}")


@contextmanager
def embedded() -> Generator[Host]:
    """The embedded engine of this version, in memory; one for each tree."""

    def engines(clock: Callable[[], int], zone: str) -> Engines:
        return Calm(SQLiteStore(":memory:"), clock, zone)

    @contextmanager
    def portion() -> Generator[Other]:
        yield Other(engines, lambda: None)

    yield portion


@contextmanager
def temporal(address: str, namespace: str) -> Generator[Host]:
    """Workflows on a cluster, on a task queue of each portion's own, from which no worker but its own takes."""
    from procession.testing.temporal.kit import Kit, OnTemporal
    from procession.testing.temporal.running import server_at

    with server_at(address) as found:

        @contextmanager
        def portion() -> Generator[Other]:
            kit = Kit(found, namespace, queue=f"procession-shadow-{os.getpid()}-{time.time_ns()}")
            try:
                yield Other(lambda clock, zone: OnTemporal(kit, clock, zone), kit.reach)
            finally:
                kit.close()

        yield portion


@contextmanager
def celery(broker: str) -> Generator[Host]:
    """Instances whose jobs and wake-ups go over a broker, on queues of each portion's own."""
    from procession.testing.celery.kit import CeleryKit, OnCelery
    from procession.testing.celery.running import broker_at

    with broker_at(broker) as found:

        @contextmanager
        def portion() -> Generator[Other]:
            kit = CeleryKit(found, f"procession-shadow-{os.getpid()}-{time.time_ns()}")
            try:
                yield Other(lambda clock, zone: OnCelery(kit, clock, zone), kit.reach)
            finally:
                kit.close()

        yield portion
