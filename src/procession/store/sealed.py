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

from procession.base.failure import Unreadable
from procession.runtime import rows as r
from procession.runtime import rows_of_server as s
from procession.runtime.ports import (
    Batch,
    Cell,
    Cells,
    Changes,
    Fence,
    ForeignTransaction,
    Gate,
    Moved,
    Reads,
    Store,
    Tenants,
)
from procession.runtime.search import Condition, Search
from procession.store.search import sealed_at

_Row = TypeVar("_Row")


class Cipher(Protocol):
    """What encrypts, for a tenant by its number. `open` and `open_text` raise `Unreadable` for what this cipher did not
    seal for this tenant, `Shredded` where the tenant's keys were destroyed.

    `seal_text` gives the same text for the same tenant and text, or nothing could be found by it. It can be opened
    again: an expired message, a start lock and a list of instances need the key that they were made with. That reveals
    which keys of one tenant are equal and no more, like a keyed hash.
    """

    def seal(self, tenant: int, data: bytes, /) -> bytes: ...

    def open(self, tenant: int, data: bytes, /) -> bytes: ...

    def seal_text(self, tenant: int, text: str, /) -> str: ...

    def open_text(self, tenant: int, text: str, /) -> str: ...


class Shredded(Unreadable):
    """The keys of a tenant were destroyed: what it stored is nobody's any more."""


NOBODY: Final = -1
"""Stands for the tenant where there is no number yet: a request in the inbox whose tenant it will make."""

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
    r.JobTypeRow: ("type",),
    r.TaskRow: ("assignee",),
    s.FoundTaskRow: ("assignee",),
    s.FoundInstanceRow: ("business_key", "failure"),
    r.MessageRow: ("message_id",),
    s.BufferedRow: ("name", "correlation", "message_id"),
    r.ExpiredRow: ("name", "correlation"),
    r.LockRow: ("correlation",),
    r.IncidentRow: ("code", "message"),
    r.FailureRow: ("text",),
    r.BatchErrorRow: ("text",),
}
"""Row -> which fields are."""
WHOSE_CHANGE: Final[dict[str, int]] = {"job_failed": 4}
"""Statement with something to seal -> which parameter is the tenant's number."""
OF_THE_INBOX: Final = frozenset({"inbox_answer", "inbox_fail"})
"""Statements whose last parameter is the number of a row of the inbox, whose tenant that row names."""
TENANTS_KEPT_MAX: Final = 10_000
"""Numbers of tenants by name that are kept in memory."""
AS_THEY_ARE: Final = frozenset({"audit"})
"""Tables whose blobs were sealed before (`Store.sealed`): they are hashed as they are stored."""
HASHES: Final[dict[type[r.Row], frozenset[str]]] = {
    r.AuditRow: frozenset({"chain"}),
    r.ChainRow: frozenset({"chain"}),
}
"""Row -> its fields that are hashes over what is stored: nothing in them is a secret, and nothing sealed them."""
AS_STORED: Final = frozenset({"audit_stored_tenant"})
"""Queries whose blobs are given as they are stored: hashes are checked over them."""
NAMES: Final = frozenset({"start_names"})
"""Queries whose `TextRow` is one."""


@final
class SealedStore:
    """A `runtime.ports.Store` before another one. Both processes of an engine and its clients need the same cipher."""

    __slots__ = ("_cipher", "_inner", "_numbers")

    def __init__(self, inner: Store, cipher: Cipher) -> None:
        self._inner = inner
        self._cipher = cipher
        self._numbers: dict[str, int] = {}

    @property
    def name(self) -> str:
        """The name of the store behind."""
        return self._inner.name

    @property
    def inner(self) -> Store:
        """The store behind."""
        return self._inner

    def read(self, query: str, args: Cells, row: type[_Row]) -> list[_Row]:
        """See `Store.read`."""
        return self.read_from(self._inner, query, args, row)

    def read_from(self, inner: Reads, query: str, args: Cells, row: type[_Row]) -> list[_Row]:
        """`read`, of what stands behind."""
        if query == "job_tenants":
            return self._tenants_with(inner, args, row)
        sealed = QUERIES.get(query, ())
        found = inner.read(query, self._texts(self._tenant(args[0]), args, sealed) if sealed else args, row)
        if not found or query in AS_STORED:
            return found
        fields = ("value",) if query in NAMES else RESULTS.get(cast("type[r.Row]", row), ())
        # Where rows do not say whose they are, the first parameter does.
        asked = args[0] if args else None
        return [self._opened(each, fields, asked) for each in found]

    def _tenants_with(self, inner: Reads, args: Cells, row: type[_Row]) -> list[_Row]:
        """`job_tenants`: the same type is another text for each tenant, so each is asked for its own."""
        found: list[_Row] = []
        *bounds, type_ = args
        for tenant in inner.read("job_owners", tuple(bounds), r.IntRow):
            number = tenant.value
            if number is not None and isinstance(type_, str):
                sealed = self._cipher.seal_text(number, type_)
                found += inner.read("job_first", (number, sealed), row)
        return found

    def search(self, question: Search, row: type[_Row]) -> list[_Row]:
        """See `Reads.search`."""
        return self.search_in(self._inner, question, row)

    def search_in(self, inner: Reads, question: Search, row: type[_Row]) -> list[_Row]:
        """`search`, of what stands behind."""
        sealed = msgspec.structs.replace(
            question,
            where=self._conditions(question.tenant, question.where),
            branches=tuple([self._conditions(question.tenant, branch) for branch in question.branches]),
        )
        fields = RESULTS.get(cast("type[r.Row]", row), ())
        return [self._opened(each, fields, question.tenant) for each in inner.search(sealed, row)]

    def seen_by(self, tenant: str) -> Reads:
        """See `Store.seen_by`."""
        return _Seen(self._inner.seen_by(tenant), self)

    def write(self, statement: str, rows: Sequence[Cells]) -> None:
        """See `Store.write`. A row that holds a blob leads with its tenant."""
        self._inner.write(statement, [self._sealed(row, ()) for row in rows])

    def sealed(self, tenant: int, data: bytes) -> bytes:
        """See `Store.sealed`."""
        return self._inner.sealed(tenant, self._cipher.seal(tenant, data))

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

    def gate(self, shard: int) -> Gate:
        """See `Store.gate`."""
        return self._inner.gate(shard)

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
        sealed.changed = [(name, self._change(name, row)) for name, row in changes.changed]
        texts = DELETES.get(table, ())
        sealed.gone = {key: self._sealed(row, texts) for key, row in changes.gone.items()} if texts else changes.gone
        return sealed

    def _change(self, statement: str, row: Cells) -> Cells:
        texts = CHANGES.get(statement, ())
        if not texts and not any(isinstance(cell, bytes) and cell for cell in row):
            return row
        if statement in OF_THE_INBOX:
            rows = self._inner.read("inbox_tenant", (row[-1],), r.TextRow)
            whose: Cell = rows[0].value if rows else ""
        else:
            whose = row[WHOSE_CHANGE[statement]]
        return self._sealed(row, texts, whose)

    def _sealed(self, row: Cells, texts: Iterable[int], whose: Cell = None) -> Cells:
        """A row, sealed for its tenant: the one that it leads with, if nobody says another."""
        blobs = [number for number, cell in enumerate(row) if isinstance(cell, bytes) and cell]
        if not blobs and not texts:
            return row
        tenant = self._tenant(row[0] if whose is None else whose)
        changed: list[Cell] = list(self._texts(tenant, row, texts))
        for number in blobs:
            # An empty blob says that there is none any more.
            changed[number] = self._cipher.seal(tenant, cast("bytes", row[number]))
        return tuple(changed)

    def _texts(self, tenant: int, cells: Cells, texts: Iterable[int]) -> Cells:
        changed: list[Cell] = list(cells)
        for position in texts:
            cell = changed[position]
            # "" means none, to the indexes of the store as well.
            if isinstance(cell, str) and cell:
                changed[position] = self._cipher.seal_text(tenant, cell)
        return tuple(changed)

    def _conditions(self, tenant: int, conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
        return tuple([(name, self._texts(tenant, cells, sealed_at(name, len(cells)))) for name, cells in conditions])

    def _tenant(self, whose: object) -> int:
        """The number of a tenant that a cell means, by number or by name."""
        if isinstance(whose, int):
            return whose
        assert isinstance(whose, str), f"nothing says whose this is: {whose!r}"
        number = self._numbers.get(whose)
        if number is None:
            rows = self._inner.read("tenant_number", (whose,), r.IntRow)
            if not rows or rows[0].value is None:
                return NOBODY
            if len(self._numbers) >= TENANTS_KEPT_MAX:
                self._numbers.clear()
            number = self._numbers[whose] = rows[0].value
        return number

    def forget(self, tenant: str) -> None:
        """A tenant's name may mean another number now."""
        self._numbers.pop(tenant, None)

    def _opened(self, row: _Row, texts: tuple[str, ...], asked: Cell) -> _Row:
        changed: dict[str, object] = {}
        hashes = HASHES.get(cast("type[r.Row]", type(row)), frozenset[str]())
        whose: int | None = None
        for name in cast("msgspec.Struct", row).__struct_fields__:
            cell: object = getattr(row, name)
            blob = isinstance(cell, bytes) and name not in hashes
            if not cell or not (blob or name in texts):
                continue
            if whose is None:
                whose = self._tenant(getattr(row, "tenant", asked))
            if isinstance(cell, bytes):
                changed[name] = self._opened_blob(row, whose, cell)
            elif isinstance(cell, str):
                changed[name] = self._cipher.open_text(whose, cell)
        return msgspec.structs.replace(cast("msgspec.Struct", row), **changed) if changed else row  # type: ignore[return-value]

    def _opened_blob(self, row: object, tenant: int, data: bytes) -> bytes:
        if isinstance(row, r.AuditRow) and data[:1] == r.REDACTED:
            return data
        try:
            return self._cipher.open(tenant, data)
        except Shredded:
            # That something was said stays in the audit log; what it was is gone with the keys.
            if isinstance(row, r.AuditRow):
                return b""
            raise


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
