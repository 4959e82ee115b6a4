"""Rollouts, as an engine has them: instances go to another host in steps, by gates (docs/design/0022).

A rollout is a record. Each look writes down first what is to be, and carries it out then: routes, and batches that
move. All of that may be done again, so whoever looks next goes on where another one died.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast, final

import msgspec

from procession.base.failure import Conflict, NotFound, Outdated
from procession.base.values import Json
from procession.hosts.embedded.routed import Routing
from procession.runtime import requests as q
from procession.runtime.batches import Filter, MoveEach
from procession.runtime.tenants import PLATFORM
from procession.services.rollouts import state as s
from procession.services.rollouts.gates import Judged, Look, judge, verdict
from procession.services.rollouts.measures import Measures, left_at, measure, places
from procession.services.rollouts.plan import Plan, milliseconds, read_plan, retired, routed
from procession.services.rollouts.state import Rollout
from procession.services.routes import KIND as ROUTES
from procession.services.routes import Routes
from procession.services.routes import document as routes_document

if TYPE_CHECKING:
    from procession.hosts.embedded.engine import Engine
    from procession.services.routes import Rule

Shadow: TypeAlias = "Callable[[Rule, int, int], object]"
"""Does instances again on the new host (which, started at or after that, how many); its report has the rule's name."""
SHADOWED: Final = 100
"""Instances that one look does again, or as many as its gate asks for."""

NOBODY: Final = "user:unknown"
_TRIES: Final = 5


@final
class Standing(msgspec.Struct, frozen=True):
    """A rollout as one look finds it: what was measured at its step, and what its gates say."""

    rollout: Rollout
    measures: Measures
    gates: list[Judged]


@final
class Foreseen(msgspec.Struct, frozen=True):
    """What a step of a plan would do now."""

    step: str
    does: str


@final
class Rollouts:
    """The rollouts of a store. `who` is named in its audit log, and in the past of each rollout."""

    def __init__(self, engine: Engine, *, who: str = NOBODY, origin: str = "") -> None:
        self._engine = engine
        self._who = who
        self._from = origin
        self._routing = Routing(engine)

    def foresee(self, plan: Plan | Json) -> list[Foreseen]:
        """What each step of a plan would do now. Raises `BadValue` for what is none, `Conflict` for one that would
        strand a tenant."""
        plan = _plan(plan)
        self._refuse_stranding(plan)
        store = self._engine.reader().store
        of = {place.definition.process_id for place in places(store, plan)}
        left = left_at(store, plan)
        named = f"{len(of)} processes" + (f" ({', '.join(sorted(of)[:5])})" if of else "")
        told = {
            "shadow": f"what ended on {plan.origin} is done again on {plan.to}, so much of it: {named}",
            "starts": f"so much of what starts then goes to {plan.to}: {named}",
            "move": f"what is active on {plan.origin} then goes to {plan.to}: {left} now, jobs: {plan.jobs}",
            "retire": f"waits until nothing is left on {plan.origin}; there is no rollback behind it",
        }
        return [Foreseen(step.title, told[step.kind]) for step in plan.steps]

    def begin(self, plan: Plan | Json, *, again: bool = False) -> Standing:
        """Begins a rollout at its first step; one that is under way takes what is new in its plan. `again` lets one
        that is held go on, and begins one anew that was rolled back. Raises `BadValue`, and `Conflict` for one that
        would strand a tenant, or says other things about what was done already."""
        plan = _plan(plan)
        found = s.find(self._engine.reader().records, plan.name)
        known, version = found or (None, 0)
        if known is None or (again and known.state == "rolled back"):
            self._refuse_stranding(plan)
            self._engine.call(q.AddTenant(PLATFORM))
            self._put(s.begun(plan, self._now(), self._who, known), version)
            return self.look(plan.name)
        changed = s.changed(known, plan, self._now(), self._who)
        if changed != known:
            self._put(changed, version)
        return self.resume(plan.name) if again and known.state == "held" else self.status(plan.name)

    def look(self, name: str, shadow: Shadow | None = None) -> Standing:
        """Carries out what the rollout's step says, and goes to the next one if its gates hold; to none if one fails.
        When somebody else looks at the same time, one of the two goes on.

        `shadow` carries out steps that are shadows (`rollout.promoting`); without it somebody else does. Raises
        `NotFound`."""
        try:
            return self._look(name, shadow)
        except Outdated:
            return self.status(name)

    def _look(self, name: str, shadow: Shadow | None) -> Standing:
        rollout, version = self._one(name)
        self._carry_out(rollout, version, shadow)
        rollout, version = self._one(name)
        standing = self._standing(rollout)
        if rollout.state != "running":
            return standing
        said = verdict(standing.gates)
        why = "; ".join(f"{each.gate}: {each.why}" for each in standing.gates if each.verdict == said)
        if said == "waits":
            return standing
        if said == "fails":
            ends = s.held if rollout.plan.on_failure == "hold" else s.rolled_back
            following = ends(rollout, self._now(), self._who, why, standing.measures)
        else:
            following = s.went_on(rollout, self._now(), self._who, standing.measures, why)
        self._put(following, version)
        self._carry_out(*self._one(name), None)
        return self.status(name)

    def status(self, name: str) -> Standing:
        """A rollout as it is now; it changes nothing. Raises `NotFound`."""
        return self._standing(self._one(name)[0])

    def listed(self) -> list[Rollout]:
        """All rollouts, by name."""
        return s.listed(self._engine.reader().records)

    def hold(self, name: str, why: str = "") -> Standing:
        """Lets a rollout stay at its step: starts go as they go now, and moves pause. Raises `NotFound`, `Conflict`."""
        return self._change(name, lambda rollout: s.held(rollout, self._now(), self._who, why))

    def resume(self, name: str) -> Standing:
        """Lets a rollout that is held go on. Raises `NotFound`, `Conflict`."""
        return self._change(name, lambda rollout: s.resumed(rollout, self._now(), self._who))

    def rollback(self, name: str, why: str = "") -> Standing:
        """Takes a rollout back: its starts, and what moved, as its plan says. Raises `NotFound`, and `Conflict` for one
        that is finished."""
        return self._change(name, lambda rollout: s.rolled_back(rollout, self._now(), self._who, why))

    def _change(self, name: str, following: Callable[[Rollout], Rollout]) -> Standing:
        def change() -> None:
            rollout, version = self._one(name)
            self._put(following(rollout), version)

        _tried(change)
        self._carry_out(*self._one(name), None)
        return self.status(name)

    def _standing(self, rollout: Rollout) -> Standing:
        plan = rollout.plan
        step = min(rollout.step, len(plan.steps) - 1)
        gates, now = plan.gates_of(step), self._now()
        overdue = now - milliseconds(gates.stuck_after, "stuck_after")
        measures = measure(self._engine.reader().store, plan, rollout.since, overdue, rollout.shadow)
        moving = any(self._state_of(tenant, batch) == "running" for tenant, batch in rollout.batches)
        look = Look(plan.steps[step], gates, measures, now - rollout.since, moving)
        return Standing(rollout, measures, judge(look) if rollout.state in {"running", "held"} else [])

    # --- carrying out

    def _carry_out(self, rollout: Rollout, version: int, shadow: Shadow | None) -> None:
        plan, under_way = rollout.plan, rollout.step < len(rollout.plan.steps)
        if rollout.state == "finished":
            self._route(plan, lambda routes: retired(routes, plan) if _retires(plan) else routed(routes, plan, 100.0))
            return
        self._route(plan, lambda routes: routed(routes, plan, rollout.percent))
        if rollout.state == "rolled back":
            self._take_back(rollout, version)
        elif rollout.state == "held":
            self._steer(rollout, "running", 1)
        elif under_way and plan.steps[rollout.step].kind == "move":
            self._steer(rollout, "paused", 0)
            self._move(rollout, version)
        elif under_way and shadow is not None and plan.steps[rollout.step].shadow is not None:
            rule = plan.rule(plan.steps[rollout.step].shadow or 0.0)
            since = rollout.since - milliseconds(plan.lookback, "lookback")
            most = max(SHADOWED, plan.gates_of(rollout.step).finished)
            shadow(msgspec.structs.replace(rule, name=rollout.shadow, salt=rule.name), since, most)

    def _route(self, plan: Plan, wanted: Callable[[Routes], Routes]) -> None:
        def route() -> None:
            routes, version = self._routing.get()
            # Where nobody set any rules, an engine starts all on the host beside it: from now on a rule says so.
            known = routes if version else Routes(default=plan.origin)
            following = wanted(known)
            if not version or following != routes:
                self._ask(q.PutRecord(PLATFORM, ROUTES, ROUTES, routes_document(following), version))

        _tried(route)

    def _move(self, rollout: Rollout, version: int) -> None:
        """Begins to move what is left, unless that is under way."""
        if any(self._state_of(tenant, batch) in {"running", "paused"} for tenant, batch in rollout.batches):
            return
        plan = rollout.plan
        begun = self._moved(plan, plan.origin, plan.to)
        if begun:
            self._put(msgspec.structs.replace(rollout, batches=(*rollout.batches, *begun)), version)

    def _moved(self, plan: Plan, origin: str, to: str) -> list[tuple[str, int]]:
        """Batches that move what is on a host, one for each version of which there is something: tenants and keys."""
        store = self._engine.reader().store
        found: list[tuple[str, int]] = []
        for place in places(store, plan):
            if left_at(store, plan, origin, place):
                of = place.definition
                which = Filter(process_id=of.process_id, version=of.version, host=cast("Any", origin))
                key = self._ask(q.StartBatch(place.name, which, MoveEach(to, plan.jobs)))
                found.append((place.name, cast("int", key)))
        return found

    def _take_back(self, rollout: Rollout, version: int) -> None:
        if rollout.undone:
            return
        self._steer(rollout, "running", 3)
        self._steer(rollout, "paused", 3)
        plan = rollout.plan
        begun: list[tuple[str, int]] = []
        if plan.rollback == "moved":
            begun = [(tenant, cast("int", self._ask(q.RevertBatch(tenant, key)))) for tenant, key in rollout.batches]
        elif plan.rollback == "all":
            begun = self._moved(plan, plan.to, plan.origin)
        self._put(msgspec.structs.replace(rollout, undone=True, batches=(*rollout.batches, *begun)), version)

    def _steer(self, rollout: Rollout, which: str, to: int) -> None:
        for tenant, batch in rollout.batches:
            if self._state_of(tenant, batch) == which:
                try:
                    self._ask(q.SteerBatch(tenant, batch, to))
                except Conflict:
                    # It came to its end meanwhile; else it is not as it was said to be.
                    if self._state_of(tenant, batch) == which:
                        raise

    def _state_of(self, tenant: str, batch: int) -> str:
        return self._engine.changes.batch(batch, tenant=tenant).state

    # --- the record

    def _one(self, name: str) -> tuple[Rollout, int]:
        found = s.find(self._engine.reader().records, name)
        if found is None:
            raise NotFound(f"no rollout {name!r:.80}")
        return found

    def _put(self, rollout: Rollout, version: int) -> None:
        self._ask(q.PutRecord(PLATFORM, s.KIND, rollout.plan.name, s.document(rollout), version))

    def _ask(self, request: q.Plain) -> object:
        return self._engine.call(q.Asked(request.tenant, request, self._who, self._from))

    def _now(self) -> int:
        return self._engine.pumps.clock()

    def _refuse_stranding(self, plan: Plan) -> None:
        wrong = self._routing.stranded(Routes((plan.rule(100.0),)))
        if wrong:
            raise Conflict("; ".join(wrong))


def _tried(change: Callable[[], None]) -> None:
    """Makes a change of a record, anew while somebody else changes it first. Raises `Outdated`."""
    for left in reversed(range(_TRIES)):
        try:
            change()
        except Outdated:
            if not left:
                raise
        else:
            return


def _plan(given: Plan | Json) -> Plan:
    return given if isinstance(given, Plan) else read_plan(given)


def _retires(plan: Plan) -> bool:
    return any(step.retire for step in plan.steps)
