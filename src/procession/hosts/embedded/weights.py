"""Weights: how many turns a tenant has for one of everybody else's. One for all that takes turns in a shard.

Only tenants of another weight than 1 are here. Guarded by the pump's lock; the intake reads `by_name` without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import final

from procession.runtime.ports import Reads
from procession.runtime.rows import Row
from procession.runtime.tenants import Span


@final
class _WeightRow(Row, frozen=True, array_like=True, gc=False):
    tenant: int
    weight: int


@final
class Weights:
    """The weights of a shard's tenants, by number and by name."""

    __slots__ = ("by_name", "by_number")

    def __init__(self) -> None:
        self.by_number: dict[int, int] = {}
        self.by_name: dict[str, int] = {}

    def read(self, store: Reads, span: Span, names: Mapping[int, str]) -> None:
        """Reads all anew: a commit failed, or somebody else owned the shard."""
        rows = store.read("weights", span, _WeightRow)
        for number in [*self.by_number]:
            self.set(number, names.get(number, ""), 1)
        for row in rows:
            if row.tenant in names:
                self.set(row.tenant, names[row.tenant], row.weight)

    def set(self, tenant: int, name: str, weight: int) -> None:
        """From now on a tenant has this weight."""
        if weight == 1:
            self.by_number.pop(tenant, None)
            self.by_name.pop(name, None)
        else:
            self.by_number[tenant] = weight
            self.by_name[name] = weight

    def shares(self, tenants: Iterable[int], whole: int) -> dict[int, int]:
        """Of `whole`, what each tenant's part is: at least one."""
        listed = list(tenants)
        weights = self.by_number
        if not weights:
            return dict.fromkeys(listed, max(1, whole // max(1, len(listed))))
        total = sum(weights.get(tenant, 1) for tenant in listed)
        return {tenant: max(1, whole * weights.get(tenant, 1) // total) for tenant in listed}

    def rounds(self, tenants: Iterable[str], whole: int) -> dict[str, int]:
        """How much each tenant, by its name, has when it is its turn: its part of `whole`. Where so many wait that
        `whole` is not enough for a round of all, it is its weight, and a round takes several times `whole`."""
        weights = {tenant: self.by_name.get(tenant, 1) for tenant in tenants}
        total = sum(weights.values())
        return {tenant: max(min(weight, whole), whole * weight // total) for tenant, weight in weights.items()}
