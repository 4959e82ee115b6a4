"""Flags: the public door to behaviour flags, as an engine's store has them switched (core/flags.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, final

import msgspec

from procession.core import flags
from procession.hosts.embedded.door import admitted
from procession.hosts.embedded.switches import HOW, ON, cell_of
from procession.runtime import requests as q
from procession.runtime.rows import FlagRow
from procession.runtime.tenants import DEFAULT_TENANT, EVERYBODY, PLATFORM
from procession.services.backend import Who
from procession.services.catalog import Catalog

if TYPE_CHECKING:
    from procession.hosts.embedded.engine import Engine

_PROGRAM: Final = Who("service:python")
"""Who switches where nobody is named."""


@final
class FlagView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A behaviour flag: what it changes, and where it is switched. `cell` tells whether it is on for all tenants but
    those that are held `back`; `ahead` are those that have it anyway. `known` is False for one of another version."""

    number: int
    name: str = ""
    old: str = ""
    new: str = ""
    since: str = ""
    assumed: str = ""
    known: bool = True
    cell: bool = False
    ahead: list[str] = []
    back: list[str] = []


@final
class Flags:
    """Which behaviour flags instances start with, in the cell that a store is and for single tenants.

    What runs keeps what it has; a called process has the flags of its caller. `who` switches, says the audit log."""

    def __init__(self, engine: Engine, who: Who = _PROGRAM) -> None:
        self._engine = engine
        self._who = who

    def list(self) -> list[FlagView]:
        """The flags that this version knows, and those of others that are switched, by number."""
        store = self._engine.store
        names = Catalog(store).names
        cell = cell_of(store)
        ahead: dict[int, list[str]] = {}
        back: dict[int, list[str]] = {}
        for row in store.read("flags_of_tenants", EVERYBODY, FlagRow):
            (ahead if row.state == ON else back).setdefault(row.number, []).append(names[row.tenant])
        found: list[FlagView] = []
        for number in sorted({*flags.KNOWN, *flags.numbers(cell), *ahead, *back}):
            flag = flags.KNOWN.get(number)
            told = {} if flag is None else {n: getattr(flag, n) for n in ("name", "old", "new", "since", "assumed")}
            found.append(
                FlagView(
                    number=number,
                    known=flag is not None,
                    cell=bool(cell >> number & 1) or bool(flag and flag.assumed),
                    ahead=ahead.get(number, []),
                    back=back.get(number, []),
                    **told,
                )
            )
        return found

    def on(self, number: int, *, tenant: str = "") -> None:
        """Switches a flag on, for a tenant or, without one, for the cell. Raises `Conflict` for one that this version
        does not know, `NotFound` for a tenant that has nothing here."""
        self._switch(number, "on", tenant)

    def off(self, number: int, *, tenant: str = "") -> None:
        """Switches a flag off, and holds a tenant back though the cell has it. Raises as `on`, and `Conflict` for a
        flag that this version assumes."""
        self._switch(number, "off", tenant)

    def follow(self, number: int, *, tenant: str) -> None:
        """Lets a tenant have what its cell has, from now on."""
        self._switch(number, "cell", tenant)

    def _switch(self, number: int, how: Literal["on", "off", "cell"], tenant: str) -> None:
        if not tenant:
            self._ask(q.AddTenant(PLATFORM))
        self._ask(q.SwitchFlag(tenant or PLATFORM, number, how))
        pumps = self._engine.pumps
        if not tenant and how in HOW and pumps.many:
            # Each shard goes by what it read when it was taken.
            wanted = tuple(flags.numbers(flags.in_force(cell_of(self._engine.store))))
            for pump in pumps.all:
                pump.call(admitted(q.SwitchFlags(DEFAULT_TENANT, wanted)))

    def _ask(self, what: q.AddTenant | q.SwitchFlag) -> None:
        self._engine.call(q.Asked(what.tenant, what, self._who.subject, self._who.origin))
