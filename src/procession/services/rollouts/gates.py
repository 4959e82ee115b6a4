"""Gates: what measures say of a step, by what its plan asks. Pure.

A share says nothing of few: it is judged from `finished` on, or as soon as it cannot hold any more at that number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Literal, TypeAlias, final

import msgspec

from procession.services.rollouts.measures import Measures
from procession.services.rollouts.plan import Gates, Kind, Step, milliseconds

Verdict: TypeAlias = Literal["holds", "waits", "fails"]


@final
class Judged(msgspec.Struct, frozen=True):
    """What a gate says: its name, its verdict, and why."""

    gate: str
    verdict: Verdict
    why: str


@final
class Look(msgspec.Struct, frozen=True):
    """A step, what must hold, what was measured, how long it lasts (ms), and whether moves of it are under way."""

    step: Step
    gates: Gates
    measures: Measures
    lasts: int
    moving: bool = False


def judge(look: Look) -> list[Judged]:
    """All gates of a step, in the order in which they are read."""
    return [each for kinds, gate in GATES if look.step.kind in kinds for each in gate(look)]


def verdict(judged: list[Judged]) -> Verdict:
    """`fails` if any does, else `waits` if any does."""
    said = {each.verdict for each in judged}
    return "fails" if "fails" in said else "waits" if "waits" in said else "holds"


def _stay(look: Look) -> Iterator[Judged]:
    wanted = milliseconds(look.gates.stay, "stay")
    if wanted:
        why = f"{look.lasts // 1000} s of {wanted // 1000} s"
        yield Judged("stay", "holds" if look.lasts >= wanted else "waits", why)


def _finished(look: Look) -> Iterator[Judged]:
    wanted = look.gates.finished
    done, what = (
        (look.measures.compared, "compared") if look.step.kind == "shadow" else (look.measures.finished, "finished")
    )
    yield Judged("finished", "holds" if done >= wanted else "waits", f"{done} of {wanted} {what}")


def _parity(look: Look) -> Iterator[Judged]:
    if look.gates.parity is not None:
        of = look.measures
        enough = look.gates.finished
        yield _share("parity", of.different, of.compared, look.gates.parity, enough=enough, what="differ")


def _errors(look: Look) -> Iterator[Judged]:
    if look.gates.errors is not None:
        of = look.measures
        all = of.started if look.step.kind == "starts" else max(of.started, of.there)
        enough = look.gates.finished
        yield _share("errors", of.failing, all, look.gates.errors, enough=enough, what="have an incident")


def _share(name: str, bad: int, all: int, most: float, *, enough: int, what: str) -> Judged:
    fails = bad > most * max(all, enough)
    return Judged(name, "fails" if fails else "holds", f"{bad} of {all} {what}, at most {most:.1%}")


def _p95(look: Look) -> Iterator[Judged]:
    most, of = look.gates.p95, look.measures
    if most is None:
        return
    if isinstance(most, str):
        bound: float | None = milliseconds(most, "p95")
    else:
        bound = None if of.p95_before is None else most * of.p95_before
    if of.p95 is None or bound is None or of.finished < look.gates.finished:
        yield Judged("p95", "holds", "too few to be compared")
        return
    yield Judged("p95", "fails" if of.p95 > bound else "holds", f"{of.p95} ms, at most {bound:.0f} ms")


def _stuck(look: Look) -> Iterator[Judged]:
    most, of = look.gates.stuck, look.measures
    if most is not None:
        named = f": {'; '.join(of.stuck_at)}" if of.stuck_at else ""
        yield Judged("stuck", "fails" if of.stuck > most else "holds", f"{of.stuck}, at most {most}{named}")


def _left(look: Look) -> Iterator[Judged]:
    left = look.measures.left
    under_way = " under way" if look.moving else ""
    yield Judged("left", "waits" if left or look.moving else "holds", f"{left} left on the old host{under_way}")


_STARTING: Final[frozenset[Kind]] = frozenset({"starts"})
_SHADOWING: Final[frozenset[Kind]] = frozenset({"shadow"})
_ENDING: Final[frozenset[Kind]] = frozenset({"move", "retire"})
_RUNNING: Final = _STARTING | _ENDING

GATES: Final[tuple[tuple[frozenset[Kind], Callable[[Look], Iterator[Judged]]], ...]] = (
    (_RUNNING | _SHADOWING, _stay),
    (_STARTING | _SHADOWING, _finished),
    (_SHADOWING, _parity),
    (_RUNNING, _errors),
    (_STARTING, _p95),
    (_RUNNING, _stuck),
    (_ENDING, _left),
)
"""Of which steps a gate is asked, and what it says."""
