"""The simulated disk: one real SQLite store that outlives the processes that use it, and how they see it.

Each process has a `SimStore`; when that crashes, every further call of the process ends it again. What was committed
before stays. What must not live here: when a fault happens (`Trouble` decides that), and any check.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeVar, final

from procession.base.failure import StoreError
from procession.runtime.ports import Batch, Cells, Fence, ForeignTransaction, Gate, Moved, Reads, Store, Tenants
from procession.runtime.search import Search
from procession.store.sqlite import SQLiteStore

_Row = TypeVar("_Row")
_MEMORY_FILES = Path("/dev/shm")


@final
class Crashed(BaseException):
    """The process is gone. No `except Exception` of the engine may survive it."""


class Trouble(Protocol):
    """What happens to a call. Each may raise `Crashed` or `StoreError`."""

    def before_commit(self, batch: Batch) -> None: ...

    def after_commit(self, batch: Batch) -> None: ...

    def before_read(self, query: str) -> None: ...


@final
class Disk:
    """The store below all processes: in memory, or a file with a connection for each of them."""

    def __init__(self, *, file: bool) -> None:
        self._folder: Path | None = None
        if file:
            self._folder = Path(tempfile.mkdtemp(dir=_MEMORY_FILES if _MEMORY_FILES.is_dir() else None))
        self.truth: Store = self._connect()
        self.version = 0
        """Rises with every write, for `SimStore.changed`."""
        self.touched: dict[int, int] = {}
        """Instance -> tenant, of everything that was written and not yet looked at."""
        self.commits = 0

    def connect(self) -> Store:
        """A connection for one process."""
        return self._connect() if self._folder is not None else self.truth

    def disconnect(self, store: Store) -> None:
        """The process is gone, or lets go."""
        if store is not self.truth:
            store.close()

    def close(self) -> None:
        """Forgets everything."""
        self.truth.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _connect(self) -> Store:
        return SQLiteStore(":memory:" if self._folder is None else self._folder / "sim.db", busy_ms=0)


@final
class SimStore:
    """A `runtime.ports.Store` as one process sees it."""

    def __init__(self, disk: Disk, trouble: Trouble) -> None:
        self._disk = disk
        self._inner = disk.connect()
        self._trouble = trouble
        self._seen = disk.version
        self.crashed = False

    @property
    def name(self) -> str:
        """What messages call it."""
        return "simulated"

    def read(self, query: str, args: Cells, row: type[_Row]) -> list[_Row]:
        """See `Store.read`."""
        self._alive()
        self._trouble.before_read(query)
        return self._inner.read(query, args, row)

    def search(self, question: Search, row: type[_Row]) -> list[_Row]:
        """See `Reads.search`."""
        self._alive()
        return self._inner.search(question, row)

    def seen_by(self, tenant: str) -> Reads:
        """See `Store.seen_by`."""
        self._alive()
        return self._inner.seen_by(tenant)

    def write(self, statement: str, rows: Sequence[Cells]) -> None:
        """See `Store.write`."""
        self._alive()
        self._inner.write(statement, rows)

    def sealed(self, tenant: int, data: bytes) -> bytes:
        """See `Store.sealed`."""
        self._alive()
        return self._inner.sealed(tenant, data)

    def commit(self, fence: Fence, batch: Batch) -> None:
        """See `Store.commit`."""
        self._alive()
        try:
            self._trouble.before_commit(batch)
            self._inner.commit(fence, batch)
            self._written()
            disk = self._disk
            disk.commits += 1
            for tenant, instance, *_ in (*batch.first, *batch.next):
                assert isinstance(instance, int)
                assert isinstance(tenant, int)
                disk.touched[instance] = tenant
            self._trouble.after_commit(batch)
        except Crashed:
            self.crash()
            raise

    def take(self, shard: int, owner: str, epoch: int, expires: int) -> bool:
        """See `Store.take`."""
        self._alive()
        return self._inner.take(shard, owner, epoch, expires)

    def renew(self, owner: str, expires: int) -> None:
        """See `Store.renew`."""
        self._alive()
        self._inner.renew(owner, expires)

    def listen(self, asked: Callable[[int], None], moved: Moved) -> None:
        """See `Store.listen`."""
        self._inner.listen(asked, moved)

    def tell(self, moved: Mapping[int, Tenants]) -> None:
        """See `Store.tell`."""
        self._inner.tell(moved)

    def release(self, shard: int, epoch: int) -> None:
        """See `Store.release`."""
        self._alive()
        self._inner.release(shard, epoch)

    def post(self, rows: Sequence[Cells], transaction: ForeignTransaction | None = None) -> None:
        """See `Store.post`."""
        self._alive()
        self._inner.post(rows, transaction)
        self._written()

    def hold(self, rows: Sequence[Cells]) -> None:
        """See `Store.hold`."""
        self._alive()
        self._inner.hold(rows)
        self._written()

    def confirm(self, places: Sequence[Cells]) -> None:
        """See `Store.confirm`."""
        self._alive()
        self._inner.confirm(places)
        self._written()

    def withdraw(self, places: Sequence[Cells]) -> None:
        """See `Store.withdraw`."""
        self._alive()
        self._inner.withdraw(places)
        self._written()

    def reserve(self, shard: int, floor: int, transaction: ForeignTransaction) -> int:
        """See `Store.reserve`."""
        self._alive()
        return self._inner.reserve(shard, floor, transaction)

    def gate(self, shard: int) -> Gate:
        """See `Store.gate`."""
        self._alive()
        return self._inner.gate(shard)

    def changed(self) -> bool:
        """See `Store.changed`."""
        self._alive()
        if self._inner is not self._disk.truth:
            return self._inner.changed()
        moved = self._seen != self._disk.version
        self._seen = self._disk.version
        return moved

    def backup(self, target: Path) -> None:
        """See `Store.backup`."""
        self._alive()
        self._inner.backup(target)

    def close(self) -> None:
        """See `Store.close`."""
        if not self.crashed:
            self.crash()

    def crash(self) -> None:
        """The process has ended: what it held open is closed, and it does nothing more."""
        self.crashed = True
        self._disk.disconnect(self._inner)

    def _alive(self) -> None:
        if self.crashed:
            raise Crashed

    def _written(self) -> None:
        own = self._seen == self._disk.version
        self._disk.version += 1
        if own:
            self._seen = self._disk.version


def refused(what: str) -> StoreError:
    """The error of a store that cannot be used just now."""
    return StoreError(f"simulated: the disk refused {what}")
