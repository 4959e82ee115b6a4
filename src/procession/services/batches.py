"""Batch operations as people see them: how far they are, and what they could not do. Reads only."""

from __future__ import annotations

from typing import Final, final

import msgspec

from procession.base.decoding import known
from procession.base.failure import NotFound, Unreadable
from procession.runtime import codec
from procession.runtime.batches import STATES, AnyAction, Body, Filter, Unknown
from procession.runtime.ports import Reads
from procession.runtime.rows import BatchErrorRow, BatchRow
from procession.services.views import LIMIT, Views

_BODY: Final = msgspec.json.Decoder(known(Body))


@final
class BatchView(msgspec.Struct, frozen=True, gc=False):
    """A batch operation. `state` is `running`, `paused`, `finished` or `cancelled`; `seen` instances were looked at, of
    which `done` were treated and `failed` could not be. Of `awaited` ones another host has not told yet; until it has,
    the batch runs. `after` is the instance that was looked at last."""

    key: int
    at: int
    state: str
    seen: int
    done: int
    failed: int
    after: int
    which: Filter
    action: AnyAction | Unknown
    awaited: int = 0


@final
class BatchErrorView(msgspec.Struct, frozen=True, gc=False):
    """An instance that a batch could not treat, and why."""

    instance: int
    text: str


@final
class BatchViews:
    """Reading the batches of one store."""

    __slots__ = ("_store", "_views")

    def __init__(self, store: Reads, views: Views) -> None:
        self._store = store
        self._views = views

    def one(self, tenant: str, key: int) -> BatchView:
        """A batch; raises `NotFound`."""
        number = self._views.tenant(tenant)
        rows = self._store.read("batch", (number, key), BatchRow) if number is not None else []
        if not rows:
            raise NotFound(f"no batch {key}")
        return _view(rows[0])

    def listed(self, tenant: str, after: int = 0, limit: int = LIMIT) -> list[BatchView]:
        """Batches, by key."""
        number = self._views.tenant(tenant)
        if number is None:
            return []
        return [_view(row) for row in self._store.read("batches", (number, after, limit), BatchRow)]

    def errors(self, tenant: str, key: int, after: int = 0, limit: int = LIMIT) -> list[BatchErrorView]:
        """What a batch could not do, by the keys of the instances; raises `NotFound`."""
        self.one(tenant, key)
        number = self._views.tenant(tenant)
        assert number is not None
        rows = self._store.read("batch_errors", (number, key, after, limit), BatchErrorRow)
        return [BatchErrorView(row.instance, row.text) for row in rows]


def _view(row: BatchRow) -> BatchView:
    which, action = _body(row.body)
    return BatchView(
        row.key,
        row.at,
        STATES[row.state],
        row.seen,
        row.done,
        row.failed,
        row.after,
        which,
        action,
        row.awaited,
    )


def _body(data: bytes) -> tuple[Filter, AnyAction | Unknown]:
    """What a batch does to whom, if this version of the engine knows such."""
    try:
        body = codec.read(_BODY, data)
    except Unreadable:
        return Filter(), Unknown()
    return body.which, body.action
