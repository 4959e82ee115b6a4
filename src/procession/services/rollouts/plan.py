"""The plan of a rollout, as a file says it: of whose instances, in which steps, and what must hold at each of them.

What must not live here: what is measured, and carrying anything out.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias, final

import msgspec

from procession.base.decoding import known
from procession.base.failure import BadValue, Failure
from procession.base.values import Json
from procession.core.timers import duration_ms
from procession.services.routes import HERE, Names, Routes, Rule

STEPS_MAX: Final = 50
RULE: Final = "rollout "
"""How the name of a rollout's rule begins, among the routes."""

Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Kind: TypeAlias = Literal["shadow", "starts", "move", "retire"]


@final
class Gates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What must hold before a step is left, and what ends it badly; None: nobody asks.

    `finished`: so many have ended on the new host, or were compared, before a share of them says anything. `stay`: a
    step lasts so long at least (ISO 8601). `parity`: the largest share of shadowed instances that differ. `errors`: the
    largest share with an incident. `p95`: how long 19 of 20 instances take at most, as a multiple of that on the old
    host, or as a duration. `stuck`: the most that wait for something that should have come `stuck_after` ago."""

    finished: Annotated[int, msgspec.Meta(ge=0)] = 20
    stay: str = "PT0S"
    parity: Share | None = 0.0
    errors: Share | None = 0.01
    p95: float | str | None = None
    stuck: Annotated[int, msgspec.Meta(ge=0)] | None = 0
    stuck_after: str = "PT5M"


@final
class Step(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One step: exactly one of `shadow` (percent of what ended on the old host is done again on the new one), `starts`
    (percent that start on the new one), `move` (what runs goes there) and `retire` (nothing is left: it is done).

    `gates` are those of the plan that are other ones here."""

    shadow: Percent | None = None
    starts: Percent | None = None
    move: Literal["all"] | None = None
    retire: Literal[True] | None = None
    gates: dict[str, Json] = {}

    @property
    def kind(self) -> Kind:
        """Which of the four it is."""
        if self.shadow is not None:
            return "shadow"
        if self.starts is not None:
            return "starts"
        return "move" if self.move is not None else "retire"

    @property
    def title(self) -> str:
        """As people say it."""
        if self.shadow is not None:
            return f"shadow {self.shadow:g} %"
        if self.starts is not None:
            return f"starts {self.starts:g} %"
        return "move all" if self.move is not None else "retire"


@final
class Plan(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, rename={"origin": "from"}):
    """A rollout: instances of `tenants`, `processes`, `versions` and `environments` (as in a route; empty: all) go from
    a host to another, by `steps`.

    `on_failure` is what a gate does that does not hold; a `rollback` takes back the `starts` alone, what was `moved`,
    too, or `all` that is on the new host. `jobs` that are under way when an instance moves: see `requests.HandOver`.
    A shadow looks at what started up to `lookback` (ISO 8601) before it."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    to: str
    steps: Annotated[tuple[Step, ...], msgspec.Meta(min_length=1, max_length=STEPS_MAX)]
    origin: str = HERE
    tenants: Names = ()
    processes: Names = ()
    versions: tuple[int, int] = (0, 0)
    environments: Names = ()
    gates: Gates = Gates()
    on_failure: Literal["rollback", "hold"] = "rollback"
    rollback: Literal["starts", "moved", "all"] = "moved"
    jobs: Literal["carry", "wait", "reissue"] = "carry"
    lookback: str = "P1D"

    def rule(self, percent: float) -> Rule:
        """The route by which so many percent start on the new host."""
        return Rule(
            name=RULE + self.name,
            to=self.to,
            tenants=self.tenants,
            processes=self.processes,
            versions=self.versions,
            environments=self.environments,
            percent=percent,
        )

    @property
    def whole(self) -> bool:
        """Whether it speaks of all that starts."""
        return not (self.tenants or self.processes or self.environments) and self.versions == (0, 0)

    def percent(self, step: int) -> float:
        """How many percent start on the new host in a step: what the last step up to it says that speaks of starts."""
        said = [each.starts for each in self.steps[: step + 1] if each.starts is not None]
        return said[-1] if said else 0.0

    def gates_of(self, step: int) -> Gates:
        """What must hold at a step."""
        return _with(self.gates, self.steps[step].gates, step)


def read_plan(given: Json) -> Plan:
    """A plan from a document. Raises `BadValue` with the place of what is wrong."""
    try:
        plan = msgspec.convert(given, known(Plan), strict=True)
    except msgspec.ValidationError as error:
        raise BadValue(f"this is no rollout: {error}") from None
    if plan.to == plan.origin:
        raise BadValue(f"it goes from {plan.origin!r:.80} to the same host: name another one in `to` or `from`")
    if HERE not in (plan.to, plan.origin):
        raise BadValue(f"one of the hosts is {HERE!r}, the store's own; not {plan.origin!r:.80} and {plan.to!r:.80}")
    milliseconds(plan.lookback, "lookback")
    for step in range(len(plan.steps)):
        _check(plan, step)
    return plan


def _check(plan: Plan, at: int) -> None:
    step, before = plan.steps[at], plan.steps[:at]
    said = [name for name in ("shadow", "starts", "move", "retire") if getattr(step, name) is not None]
    if len(said) != 1:
        raise BadValue(f"step {at + 1} is one of shadow, starts, move and retire, not {' and '.join(said) or 'none'}")
    if step.kind == "starts" and (step.starts or 0) <= plan.percent(at - 1):
        raise BadValue(f"step {at + 1} has {step.starts:g} % of the starts, not more than before: shares grow")
    if step.kind in {"move", "retire"} and plan.percent(at) < 100:
        raise BadValue(f"step {at + 1} ({step.title}) comes after starts: 100; else new ones start behind it")
    if any(each.kind == "retire" for each in before):
        raise BadValue(f"step {at + 1} comes after retire, which is the last one")
    gates = plan.gates_of(at)
    for name in ("stay", "stuck_after", "p95"):
        given = getattr(gates, name)
        if isinstance(given, str):
            milliseconds(given, f"step {at + 1}: {name}")


def milliseconds(duration: str, what: str) -> int:
    """A duration of a plan. Raises `BadValue` for what is none."""
    try:
        return duration_ms(duration)
    except Failure as error:
        raise BadValue(f"{what}: {error}") from None


def _with(gates: Gates, other: dict[str, Json], step: int) -> Gates:
    try:
        return msgspec.convert({**msgspec.structs.asdict(gates), **other}, known(Gates), strict=True)
    except msgspec.ValidationError as error:
        raise BadValue(f"step {step + 1}: these are no gates: {error}") from None


def document(plan: Plan) -> Json:
    """A plan as it is kept, and written."""
    found: Json = msgspec.to_builtins(plan)
    return found


def routed(routes: Routes, plan: Plan, percent: float) -> Routes:
    """Routes of which the first rule is the rollout's, or in its place if it has one; without it at no percent."""
    rule = plan.rule(percent)
    known = [each.name for each in routes.rules]
    if not percent:
        return msgspec.structs.replace(routes, rules=tuple(each for each in routes.rules if each.name != rule.name))
    if rule.name in known:
        return msgspec.structs.replace(
            routes, rules=tuple(rule if each.name == rule.name else each for each in routes.rules)
        )
    return msgspec.structs.replace(routes, rules=(rule, *routes.rules))


def retired(routes: Routes, plan: Plan) -> Routes:
    """Routes when the rollout is done: its rule stays, or is the default where it speaks of everything and is alone."""
    others = routed(routes, plan, 0.0)
    if not plan.whole or others.rules:
        return routed(routes, plan, 100.0)
    return msgspec.structs.replace(others, default=plan.to)
