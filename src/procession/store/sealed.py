"""A store whose values are encrypted before they reach another store, and decrypted behind it (decision 14).

Every blob passes here, and every text that may hold what a process holds: a variable's value can be in a correlation
key, in the name of a message, in an error's text. What stays readable are keys, times, numbers and the words of the
model (process and element ids), by which a store is searched and looked after. What must not live here: a cipher.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol, TypeVar, cast, final

import msgspec

from procession.runtime import rows as r
from procession.runtime.ports import (
    Batch,
    Cell,
    Cells,
    Changes,
    Fence,
    ForeignTransaction,
    Moved,
    Reads,
    Store,
    Tenants,
)
from procession.runtime.search import Condition, Search
from procession.store.search import sealed_at

_Row = TypeVar("_Row")


class Cipher(Protocol):
    """What encrypts. `open` and `open_text` raise `Unreadable` for what was not sealed with this cipher.

    `seal_text` gives the same text for the same text, or nothing could be found by it. It can be opened again: an
    expired message, a start lock and a list of instances need the key that they were made with. That reveals which
    keys are equal and no more, like a keyed hash.
    """

    def seal(self, data: bytes, /) -> bytes: ...

    def open(self, data: bytes, /) -> bytes: ...

    def seal_text(self, text: str, /) -> str: ...

    def open_text(self, text: str, /) -> str: ...


ROWS: Final[dict[str, tuple[int, ...]]] = {
    "deployment": (2,),
    "instance": (6,),
    "job": (5, 14),
    "task": (6,),
    "task_candidate": (2,),
    "subscription": (2, 3),
    "start_subscription": (2,),
    "start_lock": (2,),
    "message": (1, 2, 4),
    "incident": (5, 6),
    "failure": (3,),
    "batch_error": (3,),
}
"""Table -> which cells of a row are sealed texts. Blobs are sealed everywhere."""
DELETES: Final[dict[str, tuple[int, ...]]] = {"subscription": (2, 3), "start_lock": (2,), "message": (1, 2)}
"""Table -> which cells of a primary key are."""
CHANGES: Final[dict[str, tuple[int, ...]]] = {"job_failed": (3,)}
"""Statement -> which parameters are."""
QUERIES: Final[dict[str, tuple[int, ...]]] = {
    "instances_business": (1,),
    "jobs_ready": (1,),
    "job_next_due": (1,),
    "job_tenants": (2,),
    "jobs_type": (1,),
    "tasks_assignee": (1,),
    "task_candidates_counted": (2,),
    "subscriptions": (2, 3),
    "start_subscriptions": (2,),
    "start_lock": (2,),
    "messages": (1, 2),
    "messages_named": (1,),
}
"""Query -> which parameters are."""
RESULTS: Final[dict[type[r.Row], tuple[str, ...]]] = {
    r.DeploymentRow: ("name",),
    r.InstanceRow: ("business_key",),
    r.JobRow: ("type", "error"),
    r.TaskRow: ("assignee",),
    r.FoundTaskRow: ("assignee",),
    r.FoundInstanceRow: ("business_key", "failure"),
    r.MessageRow: ("message_id",),
    r.ExpiredRow: ("name", "correlation"),
    r.LockRow: ("correlation",),
    r.IncidentRow: ("code", "message"),
    r.FailureRow: ("text",),
    r.BatchErrorRow: ("text",),
}
"""Row -> which fields are."""
AS_THEY_ARE: Final = frozenset({"audit"})
"""Tables whose blobs were sealed before (`Store.sealed`): they are hashed as they are stored."""
HASHES: Final = frozenset({"chain", "digest"})
"""Fields that are hashes: nothing in them is a secret."""
NAMES: Final = frozenset({"start_names"})
"""Queries whose `TextRow` is one."""


@final
class SealedStore:
    """A `runtime.ports.Store` before another one. Both processes of an engine and its clients need the same cipher."""

    __slots__ = ("_cipher", "_inner")

    def __init__(self, inner: Store, cipher: Cipher) -> None:
        self._inner = inner
        self._cipher = cipher

    @property
    def name(self) -> str:
        """The name of the store behind."""
        return self._inner.name

    def read(self, query: str, args: Cells, row: type[_Row]) -> list[_Row]:
        """See `Store.read`."""
        return self.read_from(self._inner, query, args, row)

    def read_from(self, inner: Reads, query: str, args: Cells, row: type[_Row]) -> list[_Row]:
        """`read`, of what stands behind."""
        found = inner.read(query, self._texts(args, QUERIES.get(query, ())), row)
        fields = ("value",) if query in NAMES else RESULTS.get(cast("type[r.Row]", row), ())
        return [self._opened(each, fields) for each in found]

    def search(self, question: Search, row: type[_Row]) -> list[_Row]:
        """See `Reads.search`."""
        return self.search_in(self._inner, question, row)

    def search_in(self, inner: Reads, question: Search, row: type[_Row]) -> list[_Row]:
        """`search`, of what stands behind."""
        sealed = msgspec.structs.replace(
            question,
            where=self._conditions(question.where),
            branches=tuple([self._conditions(branch) for branch in question.branches]),
        )
        fields = RESULTS.get(cast("type[r.Row]", row), ())
        return [self._opened(each, fields) for each in inner.search(sealed, row)]

    def seen_by(self, tenant: str) -> Reads:
        """See `Store.seen_by`."""
        return _Seen(self._inner.seen_by(tenant), self)

    def write(self, statement: str, rows: Sequence[Cells]) -> None:
        """See `Store.write`."""
        self._inner.write(statement, [self._sealed(row, ()) for row in rows])

    def sealed(self, tenant: int, data: bytes) -> bytes:
        """See `Store.sealed`."""
        return self._inner.sealed(tenant, self._cipher.seal(data))

    def commit(self, fence: Fence, batch: Batch) -> None:
        """See `Store.commit`."""
        sealed = Batch()
        sealed.first = [self._sealed(row, ()) for row in batch.first]
        sealed.next = [self._sealed(row, ()) for row in batch.next]
        for table, changes in batch.tables.items():
            sealed.tables[table] = self._changes(table, changes)
        self._inner.commit(fence, sealed)

    def take(self, shard: int, owner: str, epoch: int, expires: int) -> bool:
        """See `Store.take`."""
        return self._inner.take(shard, owner, epoch, expires)

    def renew(self, owner: str, expires: int) -> None:
        """See `Store.renew`."""
        self._inner.renew(owner, expires)

    def listen(self, asked: Callable[[int], None], moved: Moved) -> None:
        """See `Store.listen`."""
        self._inner.listen(asked, moved)

    def tell(self, moved: Mapping[int, Tenants]) -> None:
        """See `Store.tell`."""
        self._inner.tell(moved)

    def release(self, shard: int, epoch: int) -> None:
        """See `Store.release`."""
        self._inner.release(shard, epoch)

    def post(self, rows: Sequence[Cells], transaction: ForeignTransaction | None = None) -> None:
        """See `Store.post`."""
        self._inner.post([self._sealed(row, ()) for row in rows], transaction)

    def hold(self, rows: Sequence[Cells]) -> None:
        """See `Store.hold`."""
        self._inner.hold([self._sealed(row, ()) for row in rows])

    def confirm(self, places: Sequence[Cells]) -> None:
        """See `Store.confirm`."""
        self._inner.confirm(places)

    def withdraw(self, places: Sequence[Cells]) -> None:
        """See `Store.withdraw`."""
        self._inner.withdraw(places)

    def reserve(self, shard: int, floor: int, transaction: ForeignTransaction) -> int:
        """See `Store.reserve`."""
        return self._inner.reserve(shard, floor, transaction)

    def changed(self) -> bool:
        """See `Store.changed`."""
        return self._inner.changed()

    def backup(self, target: Path) -> None:
        """See `Store.backup`. The copy is sealed too."""
        self._inner.backup(target)

    def close(self) -> None:
        """See `Store.close`."""
        self._inner.close()

    def _changes(self, table: str, changes: Changes) -> Changes:
        sealed = Changes()
        sealed.stored = changes.stored
        if table in AS_THEY_ARE:
            return changes
        sealed.new = {key: self._sealed(row, ROWS.get(table, ())) for key, row in changes.new.items()}
        sealed.changed = [(name, self._sealed(row, CHANGES.get(name, ()))) for name, row in changes.changed]
        sealed.gone = {key: self._sealed(row, DELETES.get(table, ())) for key, row in changes.gone.items()}
        return sealed

    def _sealed(self, row: Cells, texts: Iterable[int]) -> Cells:
        seal = self._cipher.seal
        # An empty blob says that there is none any more.
        return self._texts(tuple([seal(cell) if isinstance(cell, bytes) and cell else cell for cell in row]), texts)

    def _texts(self, cells: Cells, texts: Iterable[int]) -> Cells:
        changed: list[Cell] = list(cells)
        for position in texts:
            cell = changed[position]
            # "" means none, to the indexes of the store as well.
            if isinstance(cell, str) and cell:
                changed[position] = self._cipher.seal_text(cell)
        return tuple(changed)

    def _conditions(self, conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
        return tuple([(name, self._texts(cells, sealed_at(name, len(cells)))) for name, cells in conditions])

    def _opened(self, row: _Row, texts: tuple[str, ...]) -> _Row:
        changed: dict[str, object] = {}
        unsealed = isinstance(row, r.AuditRow)
        for name in cast("msgspec.Struct", row).__struct_fields__:
            cell: object = getattr(row, name)
            if isinstance(cell, bytes) and cell and not (unsealed and name in HASHES):
                changed[name] = self._cipher.open(cell)
            elif name in texts and isinstance(cell, str) and cell:
                changed[name] = self._cipher.open_text(cell)
        return msgspec.structs.replace(cast("msgspec.Struct", row), **changed) if changed else row  # type: ignore[return-value]


@final
class _Seen:
    """What a tenant sees of a sealed store."""

    __slots__ = ("_inner", "_sealed")

    def __init__(self, inner: Reads, sealed: SealedStore) -> None:
        self._inner = inner
        self._sealed = sealed

    @property
    def name(self) -> str:
        return self._inner.name

    def read(self, query: str, args: Cells, row: type[_Row]) -> list[_Row]:
        return self._sealed.read_from(self._inner, query, args, row)

    def search(self, question: Search, row: type[_Row]) -> list[_Row]:
        return self._sealed.search_in(self._inner, question, row)
