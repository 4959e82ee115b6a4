"""What befalls the engine of a scenario: seeded crashes and refusals of its disk, after which another engine goes on.

Nothing that a scenario says may come out differently. What must not live here: whether it did (runner.py), and the
simulated disk itself (sim/store.py).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Final, final

from procession.base.failure import StoreError
from procession.hosts.embedded.pump import Pump
from procession.hosts.embedded.tickets import InHouse, Ticket
from procession.runtime.ports import Batch
from procession.testing.engines import UNTOLD, tenant_of
from procession.testing.sim.faults import Dice, Fault
from procession.testing.sim.store import Crashed, Disk, SimStore, refused

RARE: Final = 24
"""A fault of a run with the fewest happens once in so many chances."""
MOST: Final = 40
"""Faults of one run. Then trouble ends: an engine whose disk never lets it work is no use to anybody."""


@final
class Mishaps:
    """A `Trouble` of the simulated disk for one engine after another. A seed is a run."""

    __slots__ = ("_dice", "_faults", "_left", "_one_in", "facts", "fired", "idle")

    def __init__(self, seed: int) -> None:
        self._dice = Dice(random.Random(seed).randint)
        self._faults = self._dice.swarm()
        self._one_in = self._dice.choose(2, RARE)
        self._left = self._dice.choose(1, MOST)
        self.fired: Counter[Fault] = Counter()
        self.facts = 0
        """Commits with facts, by which a caller who was not answered knows whether he was heard."""
        self.idle = False
        """Whether no caller waits. Only then reading fails too: it may do so after his request was committed."""

    def before_commit(self, batch: Batch) -> None:
        """The process ends before a commit, or the disk refuses it."""
        if self._befalls("crash-before-commit"):
            raise Crashed
        if self._befalls("commit-fails"):
            raise refused("a commit")

    def after_commit(self, batch: Batch) -> None:
        """The process ends after a commit, before anybody was told."""
        if batch.first or batch.next:
            self.facts += 1
            if self._befalls("crash-after-commit"):
                raise Crashed

    def before_read(self, query: str) -> None:
        """The disk refuses to be read."""
        if self.idle and self._befalls("read-fails"):
            raise refused(f"to read {query}")

    def _befalls(self, fault: Fault) -> bool:
        if not self._left or fault not in self._faults or not self._dice.chance(self._one_in):
            return False
        self._left -= 1
        self.fired[fault] += 1
        return True


@final
class Troubled:
    """Engines that crash and whose disk refuses (see `Engines`): a simulated store in memory outlives them."""

    def __init__(self, seed: int, clock: Callable[[], int], zone: str) -> None:
        self._mishaps = Mishaps(seed)
        self._disk = Disk(file=False)
        self._clock = clock
        self._zone = zone
        self.store = self._disk.truth
        self.pump = self._opened()

    def _opened(self) -> Pump:
        while True:
            try:
                store = SimStore(self._disk, self._mishaps)
                return Pump(store, clock=self._clock, zone=self._zone, takeover=True)
            except (Crashed, StoreError):
                continue

    def take_tenant(self, known: int) -> str:
        """See `Engines.take_tenant`."""
        return tenant_of(known)

    def renew(self) -> None:
        """See `Engines.renew`."""
        self.pump.release()
        self.pump = self._opened()

    def call(self, request: InHouse) -> object:
        """See `Engines.call`. Whoever is not answered asks the next engine, unless his request was heard."""
        heard = self._mishaps.facts
        while True:
            ticket = Ticket(request)
            try:
                self.pump.submit([ticket])
            except Crashed:
                self.pump = self._opened()
            except StoreError:
                pass
            if ticket.done and not isinstance(ticket.error, StoreError):
                return ticket.outcome()
            if self._mishaps.facts > heard:
                return UNTOLD

    def turn(self) -> bool:
        """See `Engines.turn`."""
        self._mishaps.idle = True
        try:
            return self.pump.turn()
        except Crashed:
            self.pump = self._opened()
        except StoreError:
            pass
        finally:
            self._mishaps.idle = False
        return True

    def moved(self, by: int) -> None:
        """See `Engines.moved`: whoever asks the clock sees it."""

    def next_timer(self) -> int | None:
        """See `Engines.next_timer`."""
        return None

    def close(self) -> None:
        """See `Engines.close`."""
        self.pump.release()
        self.store.close()
