"""What tests of the embedded host share: a clock that stands still, and a store that can be made to fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from places import place_of
from procession.core import snapshot
from procession.hosts.embedded.engine import Engine
from procession.hosts.embedded.shard import Shard
from procession.runtime.ports import Batch, Cells, Fence, ForeignTransaction, Gate, Moved, Reads, Store, Tenants
from procession.runtime.replay import load_instance
from procession.runtime.search import Search
from procession.scripts.ports import Runtime
from procession.store.opening import open_store

_Row = TypeVar("_Row")

DAY_ONE = 1_767_225_600_000 + 9 * 3_600_000
"""2026-01-01T09:00:00Z"""


class FakeClock:
    """Unix ms that only move when they are told to."""

    def __init__(self, at: int = DAY_ONE) -> None:
        self.at = at

    def __call__(self) -> int:
        return self.at

    def pass_by(self, seconds: float) -> None:
        self.at += int(seconds * 1000)


class FaultyStore:
    """A store whose commits run through `before`, and reads through `reading`; they may raise, or let it go on."""

    def __init__(self, inner: Store, before: Callable[[Batch], None] | None = None) -> None:
        self.inner = inner
        self.before = before
        self.reading: Callable[[str], None] | None = None
        self.commits = 0

    @property
    def name(self) -> str:
        return self.inner.name

    def read(self, query: str, args: Cells, row: type[_Row]) -> list[_Row]:
        if self.reading is not None:
            self.reading(query)
        return self.inner.read(query, args, row)

    def search(self, question: Search, row: type[_Row]) -> list[_Row]:
        return self.inner.search(question, row)

    def seen_by(self, tenant: str) -> Reads:
        return self.inner.seen_by(tenant)

    def write(self, statement: str, rows: Sequence[Cells]) -> None:
        self.inner.write(statement, rows)

    def sealed(self, tenant: int, data: bytes) -> bytes:
        return self.inner.sealed(tenant, data)

    def commit(self, fence: Fence, batch: Batch) -> None:
        if self.before is not None:
            self.before(batch)
        self.inner.commit(fence, batch)
        self.commits += 1

    def take(self, shard: int, owner: str, epoch: int, expires: int) -> bool:
        return self.inner.take(shard, owner, epoch, expires)

    def renew(self, owner: str, expires: int) -> None:
        """See `Store.renew`."""
        self.inner.renew(owner, expires)

    def listen(self, asked: Callable[[int], None], moved: Moved) -> None:
        """See `Store.listen`."""
        self.inner.listen(asked, moved)

    def tell(self, moved: Mapping[int, Tenants]) -> None:
        """See `Store.tell`."""
        self.inner.tell(moved)

    def release(self, shard: int, epoch: int) -> None:
        self.inner.release(shard, epoch)

    def post(self, rows: Sequence[Cells], transaction: ForeignTransaction | None = None) -> None:
        self.inner.post(rows, transaction)

    def hold(self, rows: Sequence[Cells]) -> None:
        self.inner.hold(rows)

    def confirm(self, places: Sequence[Cells]) -> None:
        self.inner.confirm(places)

    def withdraw(self, places: Sequence[Cells]) -> None:
        self.inner.withdraw(places)

    def reserve(self, shard: int, floor: int, transaction: ForeignTransaction) -> int:
        return self.inner.reserve(shard, floor, transaction)

    def gate(self, shard: int) -> Gate:
        return self.inner.gate(shard)

    def changed(self) -> bool:
        return self.inner.changed()

    def backup(self, target: Path) -> None:
        self.inner.backup(target)

    def close(self) -> None:
        self.inner.close()


def shard_of(engine: Engine) -> Shard:
    """The shard in the engine's hands."""
    shard = engine.pump.shard
    assert shard is not None
    return shard


def check_stored(engine: Engine) -> None:
    """Every instance in memory is, byte for byte, what the store would give back."""
    shard = shard_of(engine)
    for key, resident in shard.residents.items():
        loaded = load_instance(engine.store, resident.tenant, key, partial(shard.catalog.linked, resident.tenant))
        assert loaded is not None
        assert snapshot.dump(loaded.state) == snapshot.dump(resident.state)


def opened(path: Path | str = ":memory:", clock: FakeClock | None = None, scripts: Runtime | bool = True) -> Engine:
    """An engine on a clock that stands still."""
    return Engine(path, clock=clock or FakeClock(), store=open_store(place_of(path)), scripts=scripts)
