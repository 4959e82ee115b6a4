"""Quotas that the writer keeps: counted where everything of a tenant passes, so no two processes can both say yes.

A tenant without a quota is not counted. What is counted once is added up from then on, and read anew when a commit
fails. Guarded by the pump's lock. What must not live here: rates, which each process counts at its door.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, final

from procession.base.failure import BadValue, QuotaExceeded
from procession.runtime import codec
from procession.runtime import requests as q
from procession.runtime.ports import Batch, Reads
from procession.runtime.rows import IntRow, RecordRow
from procession.services.tenancy.limits import KIND, NONE, Limits, completed, limits_of
from procession.services.tenancy.usage import STORAGE, USAGE

KEPT_MAX: Final = 10_000
"""Tenants whose limits are in memory; beyond that all are read anew."""
RECORDS: Final = {"webhook": "webhooks", "key": "keys"}
"""Kind of a record -> the quota that counts it."""
MORE: Final = (q.StartProcess, q.DeployResources, q.PublishMessage, q.BroadcastSignal, q.RestartInstance)
"""What a tenant whose storage is full may not ask for; it may go on with what is under way."""


@final
class Quotas:
    """Those of one shard's tenants."""

    __slots__ = ("_active", "_defaults", "_limits", "_store", "stored")

    def __init__(self, store: Reads) -> None:
        self._store = store
        self._defaults = NONE
        self._limits: dict[int, Limits] = {}
        self._active: dict[int, int] = {}
        """Tenant -> its active instances, the commit under way included; of those alone who have a quota of them."""
        self.stored: dict[int, int] = {}
        """Tenant -> bytes, as measured last and added up since; of those alone who have a quota of them."""

    def complete(self, defaults: Limits) -> None:
        """Quotas of tenants whose own limits do not say any."""
        self._defaults = defaults
        self.forget()

    def forget(self) -> None:
        """Reads everything anew: a commit failed, or somebody else owned the shard."""
        self._limits.clear()
        self._active.clear()
        self.stored.clear()

    def changed(self, tenant: int, limits: Limits | None = None) -> None:
        """A tenant has other limits, with the commit under way; None for none any more."""
        self._limits[tenant] = completed(limits or NONE, self._defaults)
        self._active.pop(tenant, None)
        self.stored.pop(tenant, None)

    def limits(self, tenant: int) -> Limits:
        """What a tenant may have."""
        found = self._limits.get(tenant)
        if found is None:
            if len(self._limits) >= KEPT_MAX:
                self._limits.clear()
            rows = self._store.read("record", (tenant, KIND, KIND), RecordRow)
            own = _readable(rows[0].body) if rows else NONE
            found = self._limits[tenant] = completed(own, self._defaults)
        return found

    def start_refused(self, tenant: int, batch: Batch, finished: Iterable[tuple[int, int]]) -> QuotaExceeded | None:
        """Why no instance may start just now; None if one may. Called processes are counted and not refused: who
        called them could not go on."""
        limits = self.limits(tenant)
        most = limits.active_instances
        if not most:
            return None
        active = self._active.get(tenant)
        if active is None:
            active = self._active[tenant] = self._count(tenant, batch, finished)
        return _over("active_instances", most) if active >= most else None

    def started(self, tenant: int) -> None:
        """An instance started with the commit under way."""
        if tenant in self._active:
            self._active[tenant] += 1

    def ended(self, tenant: int) -> None:
        """An instance ends with the commit under way."""
        if tenant in self._active:
            self._active[tenant] -= 1

    def wrote(self, tenant: int, size: int) -> None:
        """The commit under way stores so many bytes more."""
        if tenant in self.stored:
            self.stored[tenant] += size

    def measured(self, tenant: int, size: int) -> None:
        """Somebody counted what a tenant stores."""
        if tenant in self.stored:
            self.stored[tenant] = size

    def admit(self, tenant: int, request: q.Plain, batch: Batch) -> None:
        """Raises `QuotaExceeded` for a request that a tenant may not make, after what is in the batch."""
        limits = self.limits(tenant)
        if limits is NONE:
            return
        if limits.payload_bytes:
            _admit_payload(request, limits.payload_bytes)
        if limits.storage_bytes and isinstance(request, MORE) and self._bytes(tenant) >= limits.storage_bytes:
            raise _over("storage_bytes", limits.storage_bytes)
        if limits.definitions and isinstance(request, q.DeployResources):
            fresh = sum(1 for row in batch["definition"].new.values() if row[0] == tenant)
            stored = self._store.read("definitions_count", (tenant,), IntRow)[0].value or 0
            if stored + fresh >= limits.definitions:
                raise _over("definitions", limits.definitions)

    def admit_record(self, tenant: int, kind: str, batch: Batch) -> None:
        """Raises `QuotaExceeded` when a tenant may have no more records of a kind."""
        quota = RECORDS.get(kind)
        most: int = getattr(self.limits(tenant), quota) if quota is not None else 0
        if quota is None or not most:
            return
        fresh = sum(1 for row in batch["record"].new.values() if (*row[:2], row[3]) == (tenant, kind, 1))
        if (self._store.read("records_count", (tenant, kind), IntRow)[0].value or 0) + fresh >= most:
            raise _over(quota, most)

    def _count(self, tenant: int, batch: Batch, finished: Iterable[tuple[int, int]]) -> int:
        stored = self._store.read("instances_count_active", (tenant,), IntRow)[0].value or 0
        fresh = sum(1 for row in batch["instance"].new.values() if row[0] == tenant)
        return stored + fresh - sum(1 for number, _ in finished if number == tenant)

    def _bytes(self, tenant: int) -> int:
        found = self.stored.get(tenant)
        if found is None:
            rows = self._store.read("record", (tenant, USAGE, STORAGE), RecordRow)
            said = codec.decode_json(rows[0].body) if rows else {}
            size = said.get("bytes") if isinstance(said, dict) else 0
            found = self.stored[tenant] = size if isinstance(size, int) else 0
        return found


def _readable(body: bytes) -> Limits:
    try:
        return limits_of(codec.decode_json(body))
    except BadValue:
        # Of a newer version: what it does not know it cannot keep.
        return NONE


def _admit_payload(request: q.Plain, most: int) -> None:
    variables: object = getattr(request, "variables", None)
    if variables and len(codec.encode_json(variables)) > most:
        raise _over("payload_bytes", most)


def _over(quota: str, most: int) -> QuotaExceeded:
    return QuotaExceeded(f"this tenant's quota {quota} is {most}")
