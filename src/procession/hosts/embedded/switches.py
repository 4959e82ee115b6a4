"""Switches: which behaviour flags what starts now is started with. A cell (a store) has a row, tenants have exceptions.

A tenant may be ahead of its cell, or held back; only such tenants are here. Guarded by the pump's lock. What must not
live here: what a flag does (core/flags.py).
"""

from __future__ import annotations

from typing import Final, final

from procession.base.failure import Conflict
from procession.core import flags
from procession.runtime.ports import Reads
from procession.runtime.rows import FlagRow, IntRow
from procession.runtime.tenants import Span

OFF: Final = 0
ON: Final = 1
HOW: Final = {"on": ON, "off": OFF}
"""What is switched, and how it is stored."""


@final
class Switches:
    """Those of a shard's tenants."""

    __slots__ = ("_exceptions", "cell")

    def __init__(self, store: Reads, span: Span) -> None:
        self.cell = cell_of(store)
        """What is switched on in the cell, as a bit set."""
        self._exceptions: dict[int, tuple[int, int]] = {}
        for row in store.read("flags_of_tenants", span, FlagRow):
            self.set(row.tenant, row.number, row.state)

    def of(self, tenant: int) -> int:
        """What an instance of a tenant records that starts now: the tenant's own row wins, then the cell's."""
        on, off = self._exceptions.get(tenant, (0, 0))
        return flags.in_force(self.cell & ~off | on)

    def set(self, tenant: int, number: int, state: int | None) -> None:
        """A tenant is ahead, held back or, with None, as its cell from now on."""
        bit = 1 << number
        on, off = self._exceptions.get(tenant, (0, 0))
        on, off = on & ~bit | (bit if state == ON else 0), off & ~bit | (bit if state == OFF else 0)
        if on | off:
            self._exceptions[tenant] = on, off
        else:
            self._exceptions.pop(tenant, None)

    def drop(self, tenant: int) -> None:
        """A tenant is deleted."""
        self._exceptions.pop(tenant, None)


def cell_of(store: Reads) -> int:
    """What is switched on in a cell, also by a version that knew more."""
    rows = store.read("flags", (), IntRow)
    return (rows[0].value or 0) if rows else 0


def switchable(number: int, how: str) -> None:
    """Raises `Conflict` for what cannot be switched so by this version."""
    flag = flags.KNOWN.get(number)
    if flag is None:
        raise Conflict(f"this version knows no behaviour flag {number}; it knows {sorted(flags.KNOWN)}")
    if flag.assumed and how == "off":
        raise Conflict(f"behaviour flag {number} ({flag.name}) is assumed since {flag.assumed}: there is no other way")
