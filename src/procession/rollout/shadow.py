"""The shadow run: instances that a rule means are done again on another host, and what became of it is counted.

Portion by portion: the report is kept after each, so a run that is ended in the middle goes on where it was. What is
read is host A's store; what is written there is the report.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from itertools import chain
from typing import Final, NamedTuple, final

import msgspec

from procession.base.failure import ProcessionError, StoreError, Unreadable
from procession.rollout.comparing import Difference
from procession.rollout.playing import Played, play
from procession.rollout.source import Found, Source
from procession.runtime.ports import Reads
from procession.services.routes import Rule
from procession.services.shadows import ShadowReport
from procession.testing.driver import MakeEngines

PORTION: Final = 50
"""Trees that share a report, and the engines of the other host."""
WAITING_MAX: Final = 10_000
"""Instances that were still active when they were looked at; with so many a run goes no further until some end."""


@final
class Other(NamedTuple):
    """The other host: its engines, and what raises if it cannot be reached."""

    engines: MakeEngines
    reach: Callable[[], None]


Host = Callable[[], AbstractContextManager[Other]]
"""The other host for one portion; it is left behind it."""


@final
class HostLost(ProcessionError):
    """The other host cannot be reached, or is broken. What was compared is kept; the run goes on when it is asked."""


@final
class Shadowed(msgspec.Struct, frozen=True):
    """What became of one instance with all that it called. `status` is `equal`, `different` or `untold`; `reasons` say
    what its facts do not tell."""

    tenant: str
    instance: int
    process: str
    status: str
    differences: tuple[Difference, ...] = ()
    reasons: tuple[str, ...] = ()


@final
class Run:
    """One run. `keep` stores a report; `told` hears of each instance."""

    def __init__(
        self,
        store: Reads,
        rule: Rule,
        host: Host,
        report: ShadowReport,
        *,
        keep: Callable[[ShadowReport], None],
        told: Callable[[Shadowed], None] = lambda _: None,
    ) -> None:
        self._source = Source(store)
        self._rule = rule
        self._host = host
        self._keep = keep
        self._told = told
        self._kept: ShadowReport | None = None
        self._spoiled = False
        """Whether something stands in the engines that cannot be ended."""
        self._failed = ""
        self.report = report

    def go(self, limit: int = 0) -> int:
        """Compares all that has ended, at most `limit` (0: any number); how many that were.

        Raises `HostLost`, `StoreError`; what was compared before is kept."""
        self._source.forget()
        rest = self._source.roots(self._rule, since=self.report.since, marks=self.report.marks)
        done = 0
        with ExitStack() as host:
            other: Other | None = None
            try:
                for found in chain(self._ended(), rest):
                    if limit and done >= limit:
                        break
                    if not self._source.over(found):
                        if not self._waits(found):
                            break
                        continue
                    other = other or self._entered(host)
                    played = self._one(found, other)
                    if played is None:
                        # Once more, on engines that nothing has befallen.
                        host.close()
                        other = self._entered(host)
                        played = self._one(found, other) or Played("untold", reasons=(self._failed,))
                        self._spoiled = True
                    self._count(found, played)
                    done += 1
                    if done % PORTION == 0 or self._spoiled:
                        host.close()
                        other, self._spoiled = None, False
                        self._save()
            finally:
                self._save()
        return done

    def _save(self) -> None:
        if self.report != self._kept:
            self._keep(self.report)
            self._kept = self.report

    def _ended(self) -> list[Found]:
        """Those that were active when they were looked at, and have ended since."""
        known = {place: found for place in self.report.waiting if (found := self._source.one(*place)) is not None}
        self.report = msgspec.structs.replace(self.report, waiting=tuple(known))
        return [each for each in known.values() if self._source.over(each)]

    def _waits(self, found: Found) -> bool:
        """Whether the run goes on behind an instance that is waited for."""
        if len(self.report.waiting) >= WAITING_MAX:
            return False
        self._passed(found, waits=True)
        return True

    def _passed(self, found: Found, *, waits: bool) -> None:
        place = (found.tenant, found.row.key)
        waiting = tuple(each for each in self.report.waiting if each != place)
        shard = self._source.shard(found.tenant)
        marks = {**self.report.marks, shard: max(found.row.key, self.report.marks.get(shard, 0))}
        self.report = msgspec.structs.replace(
            self.report, after=found.row.key, marks=marks, waiting=(*waiting, place) if waits else waiting
        )

    def _entered(self, host: ExitStack) -> Other:
        try:
            return host.enter_context(self._host())
        except Exception as error:
            raise HostLost(f"{self._rule.to} cannot be reached: {error}") from error

    def _one(self, found: Found, other: Other) -> Played | None:
        """What became of one tree; None where it failed, and the host is there all the same."""
        try:
            tree, copied = self._source.tree(found), self._source.copied(found.tenant)
        except Unreadable as error:
            return Played("untold", reasons=(str(error),))
        try:
            return play(tree, found.row, copied, other.engines)
        except StoreError:
            raise
        except ProcessionError as error:
            self._reach(other)
            refused = Difference(found.process, found.process, "", "answer", None, {"refused": str(error)})
            self._spoiled = True
            return Played("different", (refused,))
        except Exception as error:
            self._reach(other)
            self._failed = f"it cannot be played ({type(error).__name__}: {error})"
            return None

    def _reach(self, other: Other) -> None:
        """Whether it is the host that does not answer, and not the instance that does not go on."""
        try:
            other.reach()
        except Exception as error:
            raise HostLost(f"{self._rule.to} is lost ({type(error).__name__}: {error})") from error

    def _count(self, found: Found, played: Played) -> None:
        places = sorted({each.place for each in played.differences}) if played.status == "different" else []
        self._passed(found, waits=False)
        at = time.time_ns() // 1_000_000
        self.report = self.report.counted(found.process, played.status, places, at)
        self._told(
            Shadowed(found.tenant, found.row.key, found.process, played.status, played.differences, played.reasons)
        )
