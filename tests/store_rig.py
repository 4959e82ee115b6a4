"""The stores that pass the contract, and the smallest host that can be built on it: it steps one instance at a time.

A `Stepper` keeps what it steps in memory, or loads it anew for each step as a host in forked processes must. In both
the store alone decides whether what it was about to write still follows what is stored.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from procession.base.keys import KeySource
from procession.core.events import AnyEvent, Start
from procession.core.linked import Linked
from procession.core.snapshot import dump
from procession.core.state import State
from procession.core.step import step
from procession.runtime import codec
from procession.runtime.ports import Batch, Fence, Fenced, Store
from procession.runtime.replay import load_instance
from procession.runtime.rows import ShardRow
from procession.store.sealed import SealedStore
from procession.store.sqlite import SQLiteStore
from sealing import Cipher


def postgres() -> Store:
    """A store on a database of its own; skips where there is no server."""
    import postgres_rig

    return postgres_rig.store()


STORES: Final[dict[str, Callable[[Path], Store]]] = {
    "file": lambda folder: SQLiteStore(folder / "s.db"),
    "memory": lambda folder: SQLiteStore(":memory:"),
    "postgres": lambda folder: postgres(),
    "postgres-sealed": lambda folder: SealedStore(postgres(), Cipher()),
}
FAR: Final = 1 << 60
SNAPSHOT_EVERY: Final = 5


class Stepper:
    """Steps the instances of one program. `keep`: resident, else load-step-save."""

    def __init__(self, store: Store, linked: Linked, *, keep: bool, epoch: int = 1) -> None:
        self.store = store
        self.linked = linked
        self.keep = keep
        self.epoch = epoch
        self.fenced = 0
        self._kept: dict[int, State] = {}

    def start(self, instance: int, event: Start) -> None:
        """The first step of an instance."""
        self._commit(State(), instance, event)

    def load(self, instance: int) -> State:
        """The state, from memory or from the store."""
        kept = self._kept.get(instance)
        if kept is not None:
            return kept
        loaded = load_instance(self.store, 0, instance, lambda _: self.linked)
        assert loaded is not None
        if self.keep:
            self._kept[instance] = loaded.state
        return loaded.state

    def send(self, instance: int, event: AnyEvent) -> str:
        """One step; gives why the event was rejected, or "". If somebody else was faster it is done again."""
        while True:
            try:
                return self._commit(self.load(instance), instance, event)
            except Fenced:
                self.fenced += 1
                self._kept.pop(instance, None)
                if self.store.read("shard_read", (0,), ShardRow)[0].epoch != self.epoch:
                    raise

    def _commit(self, state: State, instance: int, event: AnyEvent) -> str:
        keys = KeySource(0, self.store.read("shard_read", (0,), ShardRow)[0].last_key)
        outcome = step(self.linked, state, event, 1_000 * (state.seq + 1), keys.peek(0))
        if outcome.rejected:
            return outcome.rejected
        keys.advance(outcome.last_key)
        batch = Batch()
        row = (0, instance, state.seq, state.at, codec.encode_facts(outcome.facts))
        (batch.first if state.seq == 1 else batch.next).append(row)
        if state.seq % SNAPSHOT_EVERY == 0:
            batch["snapshot"].replace(instance, (0, instance, state.seq, codec.wrap(dump(state))))
        self.store.commit(Fence(0, self.epoch, outcome.last_key, FAR), batch)
        if self.keep:
            self._kept[instance] = state
        return ""
