"""The books of a shard: who asked for what, as a chain of hashes, and which steps each commit stored.

Both are rows of the commit under way; a commit that fails takes them with it. What must not live here: what is written
into either, which `asked.py` and the steps say.
"""

from __future__ import annotations

from typing import final

from procession.base.keys import KeySource
from procession.runtime import codec
from procession.runtime.ports import Batch, Store
from procession.runtime.rows import AnsweredRow, ChainRow
from procession.services.audit import chained


@final
class Books:
    """One shard's. Guarded by the pump's lock."""

    __slots__ = ("_chain", "_number", "_shard", "_steps", "_store", "answered", "feeding")

    def __init__(self, store: Store, shard: int) -> None:
        self._store = store
        self._shard = shard
        self.feeding = False
        """Whether somebody may follow what happens: then each commit writes down which steps it stored."""
        self.answered: dict[tuple[int, str], AnsweredRow] = {}
        """(tenant, idempotency key) -> what was answered, of the requests of the commit under way."""
        self._steps: dict[int, dict[int, tuple[int, int]]] = {}
        self.forget()

    def forget(self) -> None:
        """Reads everything anew: a commit failed, or somebody else owned the shard."""
        self._steps.clear()
        last = self._store.read("audit_last", (self._shard,), ChainRow)
        self._number, self._chain = (last[0].number, last[0].chain) if last else (0, b"")

    def audit(self, batch: Batch, tenant: int, at: int, body: bytes) -> None:
        """Adds a row to the log. The body is sealed as it will be stored."""
        sealed = self._store.sealed(tenant, body)
        self._number += 1
        cells = (tenant, self._shard, self._number, at)
        self._chain = chained(self._chain, cells, sealed)
        batch["audit"].insert(self._number, (*cells, sealed, self._chain))

    def stepped(self, tenant: int, instance: int, seq: int) -> None:
        """A step of an instance is part of the commit under way."""
        steps = self._steps.setdefault(tenant, {})
        first, _ = steps.get(instance, (seq, seq))
        steps[instance] = (first, seq)

    def write(self, batch: Batch, keys: KeySource, at: int) -> None:
        """Adds what the commit stores to the feed of each tenant."""
        for tenant, steps in self._steps.items():
            number = keys.take(at)
            body = codec.encode_json([(instance, *span) for instance, span in steps.items()])
            batch["feed"].insert(number, (tenant, number, at, body))
        self._steps.clear()
