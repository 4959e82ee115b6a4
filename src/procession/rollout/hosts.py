"""The hosts on which shadows play: each a throw-away engine of its own book, on a clock that is moved.

No worker of anybody is asked: jobs are answered from the facts of the other side, on the way that the host has for it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Final, final

from procession.base.failure import BadValue
from procession.hosts.embedded.pump import Pump
from procession.hosts.embedded.tickets import InHouse
from procession.rollout.shadow import Host, Other
from procession.runtime.ports import Store
from procession.store.sqlite import SQLiteStore
from procession.testing.engines import Engines, tenant_of

HOSTS: Final = ("here", "temporal", "celery")


def host_named(
    to: str, *, address: str = "", namespace: str = "default", broker: str = ""
) -> AbstractContextManager[Host]:
    """A host by its name. `address` is a Temporal server's, `broker` the URL of Celery's; without, a server of this
    process's own runs meanwhile. Raises `BadValue`, and `ModuleNotFoundError` where an extra is missing."""
    if to == "here":
        return embedded()
    if to == "temporal":
        from procession.rollout.on_temporal import temporal

        return temporal(address, namespace)
    if to == "celery":
        from procession.rollout.on_celery import celery

        return celery(broker)
    raise BadValue(f"shadows play on {', '.join(HOSTS)}, not on {to!r:.80}")


@contextmanager
def embedded() -> Generator[Host]:
    """The embedded engine of this version, on a store in memory."""

    @contextmanager
    def portion() -> Generator[Other]:
        kit = InMemory()

        def engines(clock: Callable[[], int], zone: str) -> Engines:
            return Here(kit, clock, zone)

        try:
            yield Other(engines, lambda: None)
        finally:
            kit.close()

    yield portion


@final
class InMemory:
    """A store and its engine for many trees, one after the other, each with a tenant of its own."""

    def __init__(self) -> None:
        self.store: Store = SQLiteStore(":memory:")
        self.clock: Callable[[], int] = lambda: 0
        self.pump = Pump(self.store, clock=self._now, zone="UTC")

    def _now(self) -> int:
        return self.clock()

    def close(self) -> None:
        """Forgets all."""
        self.pump.release()
        self.store.close()


@final
class Here:
    """See `procession.testing.engines.Engines`: one tree's view of them."""

    def __init__(self, kit: InMemory, clock: Callable[[], int], zone: str) -> None:
        self.store = kit.store
        self.pump = kit.pump
        kit.clock = clock
        shard = self.pump.own()
        assert shard is not None
        shard.zone = zone

    def take_tenant(self, known: int) -> str:
        """See `Engines.take_tenant`."""
        return tenant_of(known)

    def renew(self) -> None:
        """See `Engines.renew`: what is forgotten is read again."""
        self.pump.lost()

    def call(self, request: InHouse) -> object:
        """See `Engines.call`."""
        return self.pump.call(request)

    def turn(self) -> bool:
        """See `Engines.turn`."""
        return self.pump.turn()

    def moved(self, by: int) -> None:
        """See `Engines.moved`: whoever asks the clock sees it."""

    def next_timer(self) -> int | None:
        """See `Engines.next_timer`."""
        return None

    def close(self) -> None:
        """See `Engines.close`."""
