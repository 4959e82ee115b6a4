"""What happens on pages of journeys, as numbers: counted in memory, and added to the store now and then.

No value that anybody typed, no contact, no key of an instance or of a session ever stands in a count: a count has names
that authors gave (processes, forms, pages, fields, rules, variants), a day and two numbers. Belongs to one event loop.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeAlias, TypeVar, final

import msgspec

from procession.base.failure import ProcessionError
from procession.forms import Fault, View
from procession.forms.view import Item
from procession.runtime.ports import Cells
from procession.services.backend import Backend
from procession.services.journeys.kept import Journey, Session

DAY_MS: Final = 86_400_000
PAUSE_MS: Final = 1_800_000
"""Who does nothing for longer, and comes back, resumes a journey; that is no time spent at a page."""
VISITS_MAX: Final = 10_000
"""Sessions of which is remembered which pages they saw; the one that did nothing for longest goes first."""
COUNTS_MAX: Final = 50_000
"""Different counts of a tenant that wait to be stored; what is new beyond them is not counted."""
PROCESSES_MAX: Final = 100
"""Processes that are told apart in metrics; the others are one."""
OTHERS: Final = "<others>"
_LOG: Final = logging.getLogger("procession.web")
_ROW: Final = re.compile(r"\[\d+\]")
_T = TypeVar("_T")
_Counts: TypeAlias = dict[tuple[str | int, ...], list[int]]


@final
class Where(msgspec.Struct, frozen=True, kw_only=True):
    """What something is counted for. The version is that with which a journey began."""

    process_id: str
    version: int = 0
    variant: str = ""
    form: str = ""
    page: str = ""


@final
class Visitor(msgspec.Struct, frozen=True):
    """Who sees pages, in the memory of this process alone. `created` 0: nobody knows since when."""

    tenant: str
    id: str
    created: int = 0


@final
class _Visit(msgspec.Struct):
    touched: int
    resumed: bool = False
    task: int = 0
    at: Where | None = None
    since: int = 0
    shown: set[tuple[int, str]] = msgspec.field(default_factory=set[tuple[int, str]])
    left: set[tuple[int, str]] = msgspec.field(default_factory=set[tuple[int, str]])


def where(of: Session | Journey) -> Where:
    """What is counted for a journey."""
    return Where(process_id=of.process_id, version=of.version, variant=of.variant)


@final
class Funnel:
    """Of one server process. `clock` gives Unix ms."""

    __slots__ = ("_backend", "_clock", "_counts", "_flushing", "_named", "_over", "_totals", "_visits")

    def __init__(self, backend: Backend, clock: Callable[[], int]) -> None:
        self._backend = backend
        self._clock = clock
        self._counts: dict[str, _Counts] = {}
        self._visits: OrderedDict[tuple[str, str], _Visit] = OrderedDict()
        self._over: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._named: set[str] = set()
        self._totals: dict[tuple[str, str], int] = {}
        self._flushing = asyncio.Lock()

    # --- what happens

    def active(self, who: Visitor, at: Where) -> None:
        """Somebody does something that is not counted itself: they are there."""
        self._visit(who, at)

    def shown(self, who: Visitor, at: Where, task: int) -> None:
        """A page is seen. Seen again by the same visitor it counts no more, and time goes on."""
        visit = self._visit(who, at)
        if visit.at is not None and (visit.task, visit.at.page) == (task, at.page):
            return
        self._stayed(who, visit)
        visit.task, visit.at, visit.since = task, at, self._clock()
        if (task, at.page) not in visit.shown:
            visit.shown.add((task, at.page))
            self.count(who.tenant, at, "shown")

    def left(self, who: Visitor, at: Where, task: int, *, forward: bool) -> None:
        """A page is left, by going on or by going back."""
        visit = self._visit(who, at)
        self._stayed(who, visit)
        if forward and (task, at.page) not in visit.left:
            visit.left.add((task, at.page))
            self.count(who.tenant, at, "left")

    def refused(self, who: Visitor, at: Where, view: View, faults: Iterable[Fault]) -> None:
        """Answers of a page were refused: each fault counts at its field, without what was typed or what is allowed."""
        self._visit(who, at)
        page = view.page(at.page)
        for fault in faults:
            field, sensitive = named(page.items if page is not None else (), fault.path)
            self.count(who.tenant, at, "fault", field=field, rule="" if sensitive else fault.rule)

    def submitted(self, who: Visitor, at: Where, task: int) -> None:
        """A form is sent: whatever of it was seen is left by going on."""
        visit = self._visit(who, at)
        self._stayed(who, visit)
        for page in sorted(page for of, page in visit.shown - visit.left if of == task):
            self.count(who.tenant, msgspec.structs.replace(at, page=page), "left")
        visit.shown = {each for each in visit.shown if each[0] != task}
        visit.left = {each for each in visit.left if each[0] != task}
        self.count(who.tenant, msgspec.structs.replace(at, page=""), "submitted")

    def over(self, tenant: str, session: Session, what: str) -> None:
        """Somebody sees that a journey has `ended`, or was `stopped`: it counts once, whoever sees it."""
        place = (tenant, session.journey)
        if place not in self._over:
            self.count(tenant, where(session), what)
        _bounded(self._over, place, None)

    def count(self, tenant: str, at: Where, what: str, *, field: str = "", rule: str = "", ms: int = 0) -> None:
        """Counts something that happened now."""
        counts = self._counts.setdefault(tenant, {})
        day = self._clock() // DAY_MS
        place = (at.process_id, day, at.version, at.variant, at.form, at.page, field, what, rule)
        found = counts.get(place)
        if found is None:
            if len(counts) >= COUNTS_MAX:
                return
            found = counts[place] = [0, 0]
        found[0] += 1
        found[1] += ms
        if len(self._named) < PROCESSES_MAX:
            self._named.add(at.process_id)
        label = (at.process_id if at.process_id in self._named else OTHERS, what)
        self._totals[label] = self._totals.get(label, 0) + 1

    def totals(self) -> Mapping[tuple[str, str], int]:
        """How often what happened, by (process, what), since this process began."""
        return dict(self._totals)

    # --- keeping it

    async def flush(self) -> None:
        """Adds what was counted to the store. What the store refuses waits for the next time."""
        async with self._flushing:
            taken, self._counts = self._counts, {}
            for tenant, counts in taken.items():
                try:
                    await self._add(tenant, counts)
                except ProcessionError as error:
                    _LOG.warning("what happened on pages of journeys could not be stored: %s", error)
                    self._again(tenant, counts)

    async def keep(self, every_s: float) -> None:
        """Stores what was counted now and then. Goes on for ever; who ends it calls `flush`."""
        while True:
            await asyncio.sleep(every_s)
            # What is on its way to the store arrives, whoever ends this.
            await asyncio.shield(asyncio.ensure_future(self.flush()))

    async def forget(self, tenant: str, before: int) -> None:
        """Forgets what happened on days before a time (Unix ms)."""
        number = await self._number(tenant)
        if number is not None:
            await self._backend.write(tenant, "journey_counts_sweep", [(number, before // DAY_MS)])

    async def _add(self, tenant: str, counts: _Counts) -> None:
        number = await self._number(tenant)
        if number is None:
            return  # it was deleted
        # In one order everywhere: two processes that add to the same rows do not wait for each other.
        rows: Sequence[Cells] = [(number, *place, *found) for place, found in sorted(counts.items())]
        await self._backend.write(tenant, "journey_count_add", rows)

    async def _number(self, tenant: str) -> int | None:
        return await self._backend.read(tenant, lambda reader: reader.views.tenant(tenant))

    def _again(self, tenant: str, counts: _Counts) -> None:
        waiting = self._counts.setdefault(tenant, {})
        for place, (n, ms) in counts.items():
            found = waiting.setdefault(place, [0, 0])
            found[0] += n
            found[1] += ms

    # --- visits

    def _visit(self, who: Visitor, at: Where) -> _Visit:
        now, place = self._clock(), (who.tenant, who.id)
        visit = self._visits.get(place)
        before = visit.touched if visit is not None else who.created or now
        if visit is None:
            visit = _Visit(now)
        if now - before > PAUSE_MS:
            visit.at = None
            if not visit.resumed:
                visit.resumed = True
                self.count(who.tenant, msgspec.structs.replace(at, form="", page=""), "resumed")
        visit.touched = now
        _bounded(self._visits, place, visit)
        return visit

    def _stayed(self, who: Visitor, visit: _Visit) -> None:
        if visit.at is not None:
            self.count(who.tenant, visit.at, "stayed", ms=max(0, self._clock() - visit.since))
            visit.at = None


def named(items: Iterable[Item], path: str, sensitive: bool = False) -> tuple[str, bool]:
    """The name in analytics of the field at a path, and whether it is sensitive; "" for what is no field."""
    for item in items:
        hidden = sensitive or item.extensions.get("sensitive") is True
        if item.path == path and path:
            given = item.extensions.get("analyticsId")
            return (given if isinstance(given, str) and given else _ROW.sub("", path)), hidden
        found = named((*item.children, *(each for row in item.rows for each in row)), path, hidden)
        if found[0]:
            return found
    return "", False


def _bounded(held: OrderedDict[tuple[str, str], _T], place: tuple[str, str], value: _T) -> None:
    held[place] = value
    held.move_to_end(place)
    if len(held) > VISITS_MAX:
        held.popitem(last=False)
