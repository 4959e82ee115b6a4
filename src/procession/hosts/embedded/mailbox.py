"""The mailbox: how a process that does not own the shard asks its owner, through rows of the inbox."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Sequence
from itertools import count
from typing import Final, cast, final

import msgspec

from procession.base.keys import COUNTER_BITS, EPOCH_MS
from procession.hosts.embedded.ownership import wall_ms
from procession.runtime import codec, requests
from procession.runtime.ports import Cells, ForeignTransaction, Store
from procession.runtime.requests import AnyRequest, StartProcess
from procession.runtime.rows import AnsweringRow

CLIENT_SHARD: Final = 512
"""Added to a shard's number: where the keys lie that applications' own transactions draw, so none is given twice."""


@final
class Mailbox:
    """One sender. Numbers rise in the order of sending, which is what the owner checks."""

    __slots__ = ("_lock", "_numbers", "_shard", "_source", "_store")

    def __init__(self, store: Store, shard: int) -> None:
        self._store = store
        self._shard = shard
        self._source = f"c:{uuid.uuid4().hex}"
        self._numbers = count(1)
        self._lock = threading.Lock()

    def post(self, what: Sequence[AnyRequest], at: int) -> list[int]:
        """Stores requests; gives their numbers."""
        with self._lock:
            numbers = [next(self._numbers) for _ in what]
            rows: list[Cells] = [
                (request.tenant, self._shard, self._source, number, at, requests.encode(request))
                for number, request in zip(numbers, what, strict=True)
            ]
            self._store.post(rows)
        return numbers

    def answers(self, tenant: str, first: int, last: int) -> list[tuple[int, dict[str, object]]]:
        """What became of requests of a tenant, by their numbers from the first to the last; of those that are done."""
        rows = self._store.read("inbox_answers", (tenant, self._source, first, last), AnsweringRow)
        return [(row.number, cast("dict[str, object]", codec.decode_json(row.result))) for row in rows]


def start_in(store: Store, transaction: ForeignTransaction, shard: int, request: StartProcess) -> int:
    """Stores a request to start an instance in the application's transaction; gives the instance's key, which is drawn
    there, too: if that is rolled back, nobody ever had it."""
    floor = CLIENT_SHARD + shard << 53 | max(0, wall_ms() - EPOCH_MS) << COUNTER_BITS
    key = store.reserve(shard, floor, transaction)
    body = requests.encode(msgspec.structs.replace(request, key=key))
    store.post([(request.tenant, shard, f"k:{key}", 1, wall_ms(), body)], transaction)
    return key
