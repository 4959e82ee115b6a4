"""What can go wrong in a simulated run, and the dice that decide when. One row a fault.

Every choice of a run is drawn from one `Choose`, so a seed is a run; Hypothesis can draw instead, and shrink. What
must not live here: what a fault does (world.py, store.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal, TypeAlias, TypeVar, final

from procession.testing.generate import Choose

Fault: TypeAlias = Literal[
    "crash-before-commit",
    "crash-after-commit",
    "commit-fails",
    "read-fails",
    "outage",
    "drop",
    "delay",
    "duplicate",
    "reorder",
    "late",
    "worker-fails",
    "exhaust",
    "clock-forward",
    "clock-back",
    "evict",
    "client",
    "stale-owner",
    "spurious-timer",
    "set-variables",
    "cancel",
    "suspend",
]

FAULTS: Final[dict[Fault, str]] = {
    "crash-before-commit": "the process ends as it is about to commit; another one goes on",
    "crash-after-commit": "the process ends after a commit, before anybody was told",
    "commit-fails": "the store refuses a commit, and the process goes on",
    "read-fails": "the store refuses a read, and the process goes on",
    "outage": "the store refuses several calls in a row",
    "drop": "an answer or a request is lost on its way",
    "delay": "an answer or a request arrives minutes later",
    "duplicate": "an answer or a request arrives twice",
    "reorder": "what is on its way arrives in any order",
    "late": "a worker answers after its lease ran out",
    "worker-fails": "an attempt of a job fails",
    "exhaust": "a job runs out of retries; somebody resolves the incident",
    "clock-forward": "the clock jumps ahead, by up to two weeks",
    "clock-back": "the clock is set back, by up to an hour",
    "evict": "nothing stays in memory between two requests",
    "client": "another process asks through the inbox",
    "stale-owner": "another process takes the store; the former owner does not notice and goes on",
    "spurious-timer": "a timer fires too early, twice, or after its end",
    "set-variables": "somebody sets variables",
    "cancel": "somebody cancels an instance",
    "suspend": "somebody suspends an instance; sooner or later somebody resumes it",
}

_T = TypeVar("_T")


@final
class Dice:
    """Draws. The lowest number is always the dullest, so that Hypothesis shrinks towards a run without faults."""

    def __init__(self, choose: Choose) -> None:
        self.choose = choose

    def chance(self, one_in: int) -> bool:
        """True once in `one_in` times."""
        return one_in <= 1 or self.choose(0, one_in - 1) == one_in - 1

    def pick(self, items: Sequence[_T]) -> _T:
        """One of them; the first is the dullest."""
        return items[self.choose(0, len(items) - 1)] if len(items) > 1 else items[0]

    def swarm(self) -> frozenset[Fault]:
        """Some faults: whole kinds are switched off, because each can hide what another one would show."""
        if self.chance(8):
            return frozenset(FAULTS)
        return frozenset(fault for fault in FAULTS if self.chance(2))


def named(names: Iterable[str]) -> frozenset[Fault]:
    """Faults by name. Raises `ValueError` for one that is not known."""
    wanted = set(names)
    unknown = wanted.difference(FAULTS)
    if unknown:
        raise ValueError(f"no such fault: {', '.join(sorted(unknown))}; there are {', '.join(FAULTS)}")
    return frozenset(fault for fault in FAULTS if fault in wanted)
