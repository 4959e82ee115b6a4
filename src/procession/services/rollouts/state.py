"""Where a rollout is, as its record says it, and how one state follows from another. Pure but for reading the record.

The record is written before what it says is carried out: whoever finds it does that again, and it is the same.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, final

import msgspec

from procession.base.failure import Conflict
from procession.base.values import Json
from procession.runtime.tenants import PLATFORM
from procession.services.records import Records
from procession.services.rollouts.measures import Measures
from procession.services.rollouts.plan import RULE, Plan

KIND: Final = "rollout"
"""The kind of the record; its id is the name of the plan."""
PAST_MAX: Final = 200
"""Entries of the past that are kept; the audit log has them all."""

Standing: TypeAlias = Literal["running", "held", "rolled back", "finished"]


@final
class Passed(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of a rollout at a time (Unix ms), at a step, by whom, why, and what was measured then."""

    at: int
    what: str
    step: int
    who: str
    why: str = ""
    measures: Measures | None = None


@final
class Rollout(msgspec.Struct, frozen=True, omit_defaults=True):
    """A plan under way. `step` counts from 0; it is the number of steps when all are done. `since` is when it began.

    `began` is when its first step did. `batches` are those that moved instances, with their tenants. `undone` tells
    that what a rollback takes back was asked for."""

    plan: Plan
    state: Standing
    step: int
    since: int
    began: int
    batches: tuple[tuple[str, int], ...] = ()
    undone: bool = False
    past: tuple[Passed, ...] = ()

    @property
    def shadow(self) -> str:
        """The name of its shadow run; one that begins anew has a new one."""
        return f"{RULE}{self.plan.name} {self.began}"

    @property
    def percent(self) -> float:
        """How many percent start on the new host now."""
        return 0.0 if self.state == "rolled back" else self.plan.percent(self.step)


def begun(plan: Plan, now: int, who: str, before: Rollout | None = None) -> Rollout:
    """A rollout at its first step; the past of one that was rolled back is its own."""
    past = before.past if before is not None else ()
    return _entered(
        Rollout(plan, "running", 0, now, now, past=past), "running", Passed(now, "begun", 0, who, plan.steps[0].title)
    )


def went_on(rollout: Rollout, now: int, who: str, measures: Measures, why: str) -> Rollout:
    """At its next step, or finished."""
    step = rollout.step + 1
    state: Standing = "finished" if step == len(rollout.plan.steps) else "running"
    what = "finished" if state == "finished" else rollout.plan.steps[step].title
    return _entered(rollout, state, Passed(now, what, step, who, why, measures), step=step, since=now)


def held(rollout: Rollout, now: int, who: str, why: str, measures: Measures | None = None) -> Rollout:
    """Where it is, until somebody lets it go on. Raises `Conflict` for one that is not under way."""
    if rollout.state == "held":
        return rollout
    _must(rollout, "running")
    return _entered(rollout, "held", Passed(now, "held", rollout.step, who, why, measures))


def resumed(rollout: Rollout, now: int, who: str) -> Rollout:
    """Going on at the same step, whose time begins anew. Raises `Conflict` for one that is not held."""
    _must(rollout, "held")
    return _entered(rollout, "running", Passed(now, "resumed", rollout.step, who), since=now)


def rolled_back(rollout: Rollout, now: int, who: str, why: str, measures: Measures | None = None) -> Rollout:
    """Taken back. Raises `Conflict` for one that is finished."""
    if rollout.state == "rolled back":
        return rollout
    _must(rollout, "running", "held")
    return _entered(rollout, "rolled back", Passed(now, "rolled back", rollout.step, who, why, measures), since=now)


def changed(rollout: Rollout, plan: Plan, now: int, who: str) -> Rollout:
    """With another plan, that says the same of what was done already. Raises `Conflict` for one that does not."""
    if plan == rollout.plan:
        return rollout
    done = rollout.step + 1
    same = ("to", "origin", "tenants", "processes", "versions", "environments")
    if any(getattr(plan, name) != getattr(rollout.plan, name) for name in same) or (
        plan.steps[:done] != rollout.plan.steps[:done]
    ):
        raise Conflict(
            f"rollout {plan.name!r} is at step {done}: another plan may change its gates and the steps behind, nothing "
            "else; roll it back, or take another name"
        )
    _must(rollout, "running", "held")
    return _entered(rollout, rollout.state, Passed(now, "changed", rollout.step, who), plan=plan)


def _must(rollout: Rollout, *states: Standing) -> None:
    if rollout.state not in states:
        raise Conflict(f"rollout {rollout.plan.name!r} is {rollout.state}, not {' or '.join(states)}")


def _entered(rollout: Rollout, state: Standing, passed: Passed, **more: object) -> Rollout:
    past = (*rollout.past, passed)[-PAST_MAX:]
    found: Rollout = msgspec.structs.replace(rollout, state=state, past=past, **more)
    return found


def find(records: Records, name: str) -> tuple[Rollout, int] | None:
    """A rollout and the version of its record."""
    found = records.find(PLATFORM, KIND, name)
    return None if found is None else (found.read(Rollout), found.version)


def listed(records: Records) -> list[Rollout]:
    """All rollouts, by name."""
    return [each.read(Rollout) for each in records.listed(PLATFORM, KIND)]


def document(rollout: Rollout) -> Json:
    """A rollout as it is kept."""
    found: Json = msgspec.to_builtins(rollout)
    return found
