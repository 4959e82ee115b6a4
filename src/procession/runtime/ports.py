"""The contracts between the engine and a store: `Batch`, what one commit writes, and `Store`, who writes it.

A store knows statements by name and rows by position; what they mean is the engine's business. The contract's test
suite is tests/unit/store/test_store_contract.py; a new store passes it unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol, TypeAlias, TypeVar, final

from procession.base.failure import StoreError
from procession.runtime.search import Search

Cell: TypeAlias = "int | str | bytes | None"
Cells: TypeAlias = tuple[Cell, ...]

Tenants: TypeAlias = "frozenset[str] | None"
"""Names of tenants; None for any."""
Moved: TypeAlias = Callable[[int, Tenants], None]
"""Told a shard, and for which tenants something may have happened in it."""

_Row = TypeVar("_Row")

TABLES: Final = (
    "meta",
    "tenant",
    "deployment",
    "resource",
    "program",
    "definition",
    "decision",
    "form",
    "instance",
    "snapshot",
    "job",
    "task",
    "task_candidate",
    "timer",
    "subscription",
    "start_subscription",
    "start_lock",
    "message",
    "incident",
    "inbox",
    "outbox",
    "source",
    "failure",
    "suspended",
    "batch",
    "batch_error",
    "batch_sent",
    "data_store",
    "record",
    "answered",
    "audit",
    "feed",
    "weight",
    "flag",
)
"""In the order in which a commit writes them. Facts come first of all: they carry the check of the sequence."""


class Fenced(StoreError):
    """Another process owns the shard now, or an instance was written by somebody else: nothing was stored."""


class Doubtful(StoreError):
    """Whether a commit was stored cannot be told: the connection was lost, and the store could not be asked in time.

    Nobody may do it again. Who committed must take the shard anew; until then the store refuses its commits.
    """


@final
class Changes:
    """What one commit does to one table: inserts, then changes in order, then deletes.

    A row that is inserted and deleted in the same commit is never written.
    """

    __slots__ = ("changed", "gone", "new", "stored")

    def __init__(self) -> None:
        self.stored: set[Cells | int] = set()
        self.new: dict[Cells | int, Cells] = {}
        self.changed: list[tuple[str, Cells]] = []
        self.gone: dict[Cells | int, Cells] = {}

    def insert(self, key: Cells | int, row: Cells) -> None:
        """Adds `row`. `key` identifies it within the table; a single integer where that is unique."""
        if self.gone:
            self.gone.pop(key, None)
        self.new[key] = row

    def replace(self, key: Cells | int, row: Cells) -> None:
        """Adds `row`, or overwrites the row with this key that may be stored already."""
        self.gone.pop(key, None)
        self.new[key] = row
        # Should it be deleted in this same commit, then the stored row has to go as well.
        self.stored.add(key)

    def change(self, statement: str, row: Cells) -> None:
        """Runs a named statement after the inserts."""
        self.changed.append((statement, row))

    def delete(self, key: Cells | int, row: Cells) -> None:
        """Removes the row with the primary key `row`."""
        if self.new.pop(key, None) is None or key in self.stored:
            self.gone[key] = row


@final
class Batch:
    """The writes of one commit. `first` and `next` are facts: (tenant, instance, seq, at, data).

    `next` rows follow a fact row that the store must hold already, so they are refused if it does not.
    """

    __slots__ = ("first", "next", "tables")

    def __init__(self) -> None:
        self.first: list[Cells] = []
        self.next: list[Cells] = []
        self.tables: dict[str, Changes] = {}

    def __getitem__(self, table: str) -> Changes:
        changes = self.tables.get(table)
        if changes is None:
            changes = self.tables[table] = Changes()
        return changes

    def __bool__(self) -> bool:
        return bool(self.first or self.next or any(_busy(c) for c in self.tables.values()))


def _busy(changes: Changes) -> bool:
    return bool(changes.new or changes.changed or changes.gone)


@final
class Fence:
    """What a commit proves: that `epoch` is still the shard's. It moves the shard's last key and lease along.

    Where several processes write under one epoch, `turn` is how many commits the shard had when this one began, and
    must still be it; -1 where there is one writer.
    """

    __slots__ = ("epoch", "expires", "last_key", "shard", "turn")

    def __init__(self, shard: int, epoch: int, last_key: int, expires: int, turn: int = -1) -> None:
        self.shard = shard
        self.epoch = epoch
        self.last_key = last_key
        self.expires = expires
        self.turn = turn


class Gate(Protocol):
    """Lets one process at a time into a shard that several own together. What is safe is the fence's business: a gate
    only spares them commits that would be refused, so one that cannot be closed may stay open."""

    def enter(self) -> None: ...

    def leave(self) -> None: ...


class ForeignTransaction(Protocol):
    """A connection of the application to the same database, in whose transaction a request is stored."""

    def execute(self, sql: str, parameters: Sequence[Cell] = ..., /) -> Iterable[tuple[Cell, ...]]: ...


class Reads(Protocol):
    """A store as far as it is only read. `read` may be called by any thread."""

    @property
    def name(self) -> str: ...

    def read(self, query: str, args: Cells, row: type[_Row]) -> list[_Row]:
        """The rows of a named query (store/sql/reads.sql). Raises `StoreError`."""
        ...

    def search(self, question: Search, row: type[_Row]) -> list[_Row]:
        """The rows of a search; of several `branches` they may come in several runs, each of them in order."""
        ...


class Store(Reads, Protocol):
    """One durable place. Every method raises `StoreError` with a text for people when the store cannot be used.

    `commit` is called by the owner of a shard alone. What `commit` returned from survives a power loss.
    """

    def seen_by(self, tenant: str) -> Reads:
        """The store as this tenant may see it: where the database can, it holds back all other tenants' rows itself."""
        ...

    def write(self, statement: str, rows: Sequence[Cells]) -> None:
        """Runs a named statement (store/sql/free.sql) for each row, all or nothing: for what belongs to no shard."""
        ...

    def sealed(self, tenant: int, data: bytes) -> bytes:
        """A blob as it will be stored; for what is hashed as it is stored. Stores write such blobs as they are."""
        ...

    def commit(self, fence: Fence, batch: Batch) -> None:
        """Writes all or nothing. Raises `Fenced` when the epoch or a fact's sequence is not the expected one, and
        `Doubtful` when it may have been stored; after any other error nothing was."""
        ...

    def take(self, shard: int, owner: str, epoch: int, expires: int) -> bool:
        """Takes the lease of a shard whose epoch was read as `epoch`; False when somebody else was faster."""
        ...

    def renew(self, owner: str, expires: int) -> None:
        """Moves the leases of all shards that this owner holds."""
        ...

    def listen(self, asked: Callable[[int], None], moved: Moved) -> None:
        """Calls back with the number of a shard (-1: any) when another process asked it for something, and when another
        process committed something in it; from another thread. A store that hears nothing never does: who waits looks
        for himself, too."""
        ...

    def tell(self, moved: Mapping[int, Tenants]) -> None:
        """Tells other processes that something was committed in shards. It may be lost."""
        ...

    def release(self, shard: int, epoch: int) -> None:
        """Gives the lease back, if it is still held."""
        ...

    def post(self, rows: Sequence[Cells], transaction: ForeignTransaction | None = None) -> None:
        """Inserts requests (tenant's name, shard, source, source_number, at, body) into the inbox.

        A number that a source repeats for the same tenant is ignored.
        """
        ...

    def hold(self, rows: Sequence[Cells]) -> None:
        """`post` for requests that do not count yet: `confirm` makes them count, behind all that is there by then."""
        ...

    def confirm(self, places: Sequence[Cells]) -> None:
        """Lets what is held under (tenant's name, source, source_number) be taken. One that is not held is ignored."""
        ...

    def withdraw(self, places: Sequence[Cells]) -> None:
        """Deletes what is held under these places."""
        ...

    def reserve(self, shard: int, floor: int, transaction: ForeignTransaction) -> int:
        """A key that no other transaction gets, at least `floor`, drawn inside an application's transaction."""
        ...

    def gate(self, shard: int) -> Gate:
        """The gate of a shard, for one thread at a time of this process. It opens by itself when the process ends."""
        ...

    def changed(self) -> bool:
        """Whether another connection may have written since the last call. Cheap."""
        ...

    def backup(self, target: Path) -> None:
        """Copies the store to a new file while it is in use; the copy is consistent."""
        ...

    def close(self) -> None:
        """Releases everything. Idempotent."""
        ...
