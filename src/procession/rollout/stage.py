"""The stage: where the shadow of one tree plays, an engine of its own book on a clock that stands still.

No worker is registered there and no message leaves its store, so what its instances do has no effect on anybody.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Final, final

from procession.base.failure import Conflict, NotFound, ProcessionError
from procession.core import events as e
from procession.hosts.embedded.tickets import InHouse
from procession.rollout.trees import Tree
from procession.runtime import requests as q
from procession.runtime.rows import InstanceRow, IntRow
from procession.services.catalog import Catalog
from procession.services.copies import Copied, InstallCopy
from procession.testing.driver import MakeEngines
from procession.testing.engines import Engines

TURNS_MAX: Final = 10_000
"""Rounds of work without the clock moving, before an instance is said to go on for ever."""
INSTANCES_MAX: Final = 10_000


@final
class Stage:
    """One tree on the other host. `now` is the time there (Unix ms)."""

    def __init__(self, make: MakeEngines, *, clock: int, zone: str) -> None:
        self.now = clock
        self._engines: Engines = make(lambda: self.now, zone)
        self.store = self._engines.store
        self._catalog = Catalog(self.store)
        self.tenant = self._engines.take_tenant(len(self._catalog.tenants))
        self._tree: Tree | None = None

    @property
    def tree(self) -> Tree:
        """What has been played; there is none before anything was installed."""
        assert self._tree is not None
        return self._tree

    def install(self, copied: Copied) -> None:
        """Deploys what the other side had deployed."""
        if not copied and self._tree is not None:
            return
        self._engines.call(InstallCopy(self.tenant, copied))
        self._catalog.forget()
        if self._tree is None:
            tenant = self._catalog.tenant(self.tenant)
            self._tree = Tree(self.store, tenant, partial(self._catalog.linked, tenant))

    def call(self, request: InHouse) -> object:
        """Carries out one request and all that follows at once from it. Raises what the engine answers."""
        result = self._engines.call(request)
        self.settle()
        return result

    def past_now(self) -> None:
        """What is drawn from here on is none of the keys of this moment, of which one is about to be given."""
        self._engines.call(q.TakeKeys(self.tenant, 1))

    def switch(self, flags: int) -> None:
        """What starts from here on has these behaviour flags. Raises `Conflict` for unknown ones."""
        rows = self.store.read("flags", (), IntRow)
        if flags != ((rows[0].value or 0) if rows else 0):
            numbers = tuple(number for number in range(flags.bit_length()) if flags >> number & 1)
            self._engines.call(q.SwitchFlags(self.tenant, numbers))

    def move(self, at: int) -> None:
        """Sets the clock, and lets happen what is due."""
        if at <= self.now:
            return
        self._engines.moved(at - self.now)
        self.now = at
        self.settle()

    def settle(self) -> None:
        """Lets everything happen that goes on by itself, and reads it."""
        for _ in range(TURNS_MAX):
            if not self._engines.turn():
                break
        else:
            raise ProcessionError(f"after {TURNS_MAX} rounds the shadow still goes on without waiting for anything")
        tenant = self._catalog.tenant(self.tenant)
        self.tree.catch_up(iter(self.store.read("instances", (tenant, 0, INSTANCES_MAX), InstanceRow)))

    def close(self) -> None:
        """Ends what is still open: its timers would fire beside the next tree. Asked again, a cancel waits for
        nothing."""
        for _ in range(2):
            for each in list(self._tree.members.values()) if self._tree is not None else ():
                if each.active and not each.row.parent:
                    with suppress(NotFound, Conflict):
                        self.call(q.Deliver(self.tenant, each.key, e.Cancel("the shadow is over")))
        self._engines.close()
