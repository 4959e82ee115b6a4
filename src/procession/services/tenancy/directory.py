"""The tenants of a server, wherever they live: those of the pool by name, then those of each silo.

What must not live here: how a store is reached, and who may see the list.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, NamedTuple, TypeAlias, final

from procession.base.failure import ProcessionError
from procession.runtime.ports import Reads
from procession.runtime.rows import NamedRow
from procession.services.tenancy.environments import SEPARATOR

ANSWER_S: Final = 5.0
"""How long a silo may take to say whom it holds."""
AT_ONCE: Final = 8
"""Silos that are asked at a time: a page opens few that it does not show."""

Read: TypeAlias = Callable[[str, str, int], Awaitable[list[str]]]
"""Names of tenants in the store of a silo ("" for the pool) behind a name, so many at most, in order. Raises
`ProcessionError` for a store that cannot be used."""


class Listed(NamedTuple):
    """A tenant, and the silo that it lives in; "" for the pool."""

    silo: str
    name: str


class Page(NamedTuple):
    """Tenants in order, and whether there are more. `unreachable` are silos of this page that could not be asked."""

    found: list[Listed]
    more: bool
    unreachable: list[str]


def page_of(store: Reads, behind: str, limit: int) -> list[str]:
    """Names of tenants in a store behind one, so many at most, in order."""
    return [row.name for row in store.read("tenant_page", (behind, limit), NamedRow)]


@final
class Directory:
    """Belongs to one event loop."""

    def __init__(self, read: Read, silos: Iterable[str] = (), silo: Callable[[str], str] = lambda tenant: "") -> None:
        """`silo` says where a tenant lives, by its name."""
        self._read = read
        self._silos = sorted(silos)
        self._silo = silo

    def silo(self, tenant: str) -> str:
        """The silo that a tenant lives in; "" for the pool."""
        return self._silo(tenant)

    async def page(self, behind: Listed, limit: int) -> Page:
        """So many tenants behind one, which need not be there any more; behind `("", "")` is the beginning."""
        wanted = limit + 1
        found = [] if behind.silo else await self._of_pool(behind.name, wanted)
        starts = [Listed(each, behind.name if each == behind.silo else "") for each in self._silos]
        starts = [each for each in starts if each.silo >= behind.silo]
        lost: list[str] = []
        for number in range(0, len(starts), AT_ONCE):
            if len(found) >= wanted:
                break
            asked = starts[number : number + AT_ONCE]
            answers = await asyncio.gather(*(self._of_silo(each, wanted) for each in asked))
            for start, (names, there) in zip(asked, answers, strict=True):
                found += names
                if not there:
                    lost.append(start.silo)
        if len(found) < wanted:
            return Page(found, False, lost)
        # What is behind the page was not asked for.
        return Page(found[:limit], True, [each for each in lost if each <= found[limit - 1].silo])

    async def _of_pool(self, behind: str, wanted: int) -> list[Listed]:
        found: list[Listed] = []
        while len(found) < wanted:
            names = await self._read("", behind, wanted)
            # A tenant that moved to a silo may have rows in the pool still: it is listed where it lives.
            found += [Listed("", name) for name in names if not self._silo(name)]
            if len(names) < wanted:
                break
            behind = names[-1]
        return found[:wanted]

    async def _of_silo(self, start: Listed, wanted: int) -> tuple[list[Listed], bool]:
        """Its tenants behind a name, and whether it could be asked: its own tenant is known without asking."""
        silo = start.silo
        found = [] if start.name else [Listed(silo, silo)]
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._environments(silo, start.name, found, wanted), True
        except (ProcessionError, TimeoutError):
            return found, False

    async def _environments(self, silo: str, behind: str, known: list[Listed], wanted: int) -> list[Listed]:
        found, first = list(known), f"{silo}{SEPARATOR}"
        behind = max(behind, first)
        while len(found) < wanted:
            names = await self._read(silo, behind, wanted)
            environments = [name for name in names if name.startswith(first)]
            found += [Listed(silo, name) for name in environments if self._silo(name) == silo]
            if len(environments) < wanted:
                break
            behind = names[-1]
        return found
