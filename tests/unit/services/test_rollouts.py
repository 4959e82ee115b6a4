"""Rollouts: what is a plan, what its gates say of measures, how states follow, and what becomes of routes."""

from __future__ import annotations

from typing import Any

import pytest

from procession.base.failure import BadValue, Conflict
from procession.services.rollouts import state as s
from procession.services.rollouts.gates import Look, judge, verdict
from procession.services.rollouts.measures import Measures, percentile
from procession.services.rollouts.plan import Plan, read_plan, retired, routed
from procession.services.routes import Routes, Rule

STEPS: list[dict[str, Any]] = [{"shadow": 5}, {"starts": 1}, {"starts": 100}, {"move": "all"}, {"retire": True}]


def plan(*steps: dict[str, Any], **more: Any) -> Plan:
    given: Any = {"name": "r", "to": "temporal", "steps": list(steps or STEPS), **more}
    return read_plan(given)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ([], "Expected `object`"),
        ({"name": "r", "to": "temporal", "steps": []}, "length >= 1"),
        ({"name": "r", "to": "temporal", "steps": [{"starts": 1}], "gate": {}}, "unknown field `gate`"),
        ({"name": "", "to": "temporal", "steps": [{"starts": 1}]}, "length >= 1"),
        ({"name": "r", "to": "here", "steps": [{"starts": 1}]}, "to the same host"),
        ({"name": "r", "to": "a", "from": "b", "steps": [{"starts": 1}]}, "one of the hosts is 'here'"),
        ({"name": "r", "to": "a", "steps": [{}]}, "step 1 is one of .*, not none"),
        ({"name": "r", "to": "a", "steps": [{"starts": 1, "move": "all"}]}, "not starts and move"),
        ({"name": "r", "to": "a", "steps": [{"starts": 101}]}, "<= 100"),
        ({"name": "r", "to": "a", "steps": [{"starts": 10}, {"starts": 10}]}, "step 2 has 10 % .* shares grow"),
        ({"name": "r", "to": "a", "steps": [{"starts": 50}, {"move": "all"}]}, "comes after starts: 100"),
        ({"name": "r", "to": "a", "steps": [{"retire": True}]}, "comes after starts: 100"),
        ({"name": "r", "to": "a", "steps": [{"starts": 100}, {"retire": True}, {"move": "all"}]}, "the last one"),
        ({"name": "r", "to": "a", "steps": [{"starts": 1, "gates": {"erorrs": 1}}]}, "step 1: these are no gates"),
        ({"name": "r", "to": "a", "steps": [{"starts": 1}], "gates": {"stay": "soon"}}, "step 1: stay: .*no ISO 8601"),
        ({"name": "r", "to": "a", "steps": [{"starts": 1}], "gates": {"p95": "fast"}}, "step 1: p95"),
        ({"name": "r", "to": "a", "steps": [{"starts": 1}], "gates": {"parity": 2}}, "<= 1"),
        ({"name": "r", "to": "a", "steps": [{"starts": 1}], "on_failure": "pray"}, "Invalid enum value 'pray'"),
    ],
)
def test_what_is_no_plan_is_told_with_its_place(given: Any, why: str) -> None:
    with pytest.raises(BadValue, match=why):
        read_plan(given)


def test_steps_have_the_gates_of_the_plan_and_their_own() -> None:
    found = plan({"shadow": 5, "gates": {"finished": 3, "parity": None}}, {"starts": 1}, gates={"finished": 9})
    assert (found.gates_of(0).finished, found.gates_of(0).parity, found.gates_of(0).errors) == (3, None, 0.01)
    assert (found.gates_of(1).finished, found.gates_of(1).parity) == (9, 0.0)
    assert [found.percent(step) for step in range(2)] == [0.0, 1.0]


KNOWN = Routes((Rule("mine", "temporal", tenants=("acme",)),))


@pytest.mark.parametrize(
    ("routes", "percent", "names"),
    [
        (Routes(), 5.0, ["rollout r"]),
        (Routes(), 0.0, []),
        (KNOWN, 5.0, ["rollout r", "mine"]),
        (routed(KNOWN, plan(), 5.0), 10.0, ["rollout r", "mine"]),
        (routed(KNOWN, plan(), 5.0), 0.0, ["mine"]),
        (Routes((*KNOWN.rules, plan().rule(5.0))), 10.0, ["mine", "rollout r"]),
    ],
)
def test_its_rule_comes_first_or_stays_where_somebody_put_it(routes: Routes, percent: float, names: list[str]) -> None:
    found = routed(routes, plan(), percent)
    assert [rule.name for rule in found.rules] == names
    assert [rule.percent for rule in found.rules if rule.name == "rollout r"] == [percent] * ("rollout r" in names)


def test_when_it_is_done_its_rule_is_the_default_if_it_is_alone_and_speaks_of_everything() -> None:
    assert retired(routed(Routes(), plan(), 100.0), plan()) == Routes(default="temporal")
    assert [rule.name for rule in retired(KNOWN, plan()).rules] == ["rollout r", "mine"]
    some = plan(processes=["p"])
    assert retired(Routes(), some) == Routes((some.rule(100.0),))


SHADOW, STARTS, MOVE = {"shadow": 5}, {"starts": 1}, {"move": "all"}
ENOUGH = {"started": 30, "finished": 20}


@pytest.mark.parametrize(
    ("step", "gates", "measures", "lasts", "said", "gate"),
    [
        (SHADOW, {}, {"compared": 19}, 0, "waits", "finished"),
        (SHADOW, {}, {"compared": 20}, 0, "holds", ""),
        (SHADOW, {}, {"compared": 20, "different": 1}, 0, "fails", "parity"),
        # What cannot hold any more at that number fails before it is reached.
        (SHADOW, {}, {"compared": 1, "different": 1}, 0, "fails", "parity"),
        (SHADOW, {"parity": 0.1}, {"compared": 20, "different": 2}, 0, "holds", ""),
        (SHADOW, {"parity": None}, {"compared": 20, "different": 20}, 0, "holds", ""),
        (SHADOW, {"stay": "PT1M"}, {"compared": 20}, 59_999, "waits", "stay"),
        (SHADOW, {"stay": "PT1M"}, {"compared": 20}, 60_000, "holds", ""),
        (STARTS, {}, {"started": 30, "finished": 19}, 0, "waits", "finished"),
        (STARTS, {}, ENOUGH, 0, "holds", ""),
        (STARTS, {}, {**ENOUGH, "failing": 1}, 0, "fails", "errors"),
        (STARTS, {"errors": 0.1}, {"started": 5, "failing": 2}, 0, "waits", "finished"),
        (STARTS, {"errors": 0.1}, {"started": 5, "failing": 3}, 0, "fails", "errors"),
        (STARTS, {}, {**ENOUGH, "stuck": 1, "stuck_at": ("instance 7",)}, 0, "fails", "stuck"),
        (STARTS, {"stuck": 1}, {**ENOUGH, "stuck": 1}, 0, "holds", ""),
        (STARTS, {"p95": 2}, {**ENOUGH, "p95": 300, "p95_before": 100}, 0, "fails", "p95"),
        (STARTS, {"p95": 2}, {**ENOUGH, "p95": 200, "p95_before": 100}, 0, "holds", ""),
        (STARTS, {"p95": 2}, {**ENOUGH, "p95": 300}, 0, "holds", ""),
        (STARTS, {"p95": "PT0.2S"}, {**ENOUGH, "p95": 300}, 0, "fails", "p95"),
        (STARTS, {}, {**ENOUGH, "p95": 300, "p95_before": 1}, 0, "holds", ""),
        (MOVE, {}, {"left": 3}, 0, "waits", "left"),
        (MOVE, {}, {"left": 0, "there": 40}, 0, "holds", ""),
        (MOVE, {}, {"left": 3, "there": 40, "failing": 1}, 0, "fails", "errors"),
    ],
)
def test_gates(step: Any, gates: Any, measures: Any, lasts: int, said: str, gate: str) -> None:
    steps: list[dict[str, Any]] = [step] if step != MOVE else [{"starts": 100}, MOVE]
    found = plan(*steps, gates=gates)
    at = len(steps) - 1
    judged = judge(Look(found.steps[at], found.gates_of(at), Measures(**measures), lasts))
    assert verdict(judged) == said, judged
    assert [each.gate for each in judged if each.verdict == said and said != "holds"] == [gate] * bool(gate)


def test_what_moves_still_is_waited_for() -> None:
    found = plan({"starts": 100}, MOVE)
    assert verdict(judge(Look(found.steps[1], found.gates, Measures(), 0, moving=True))) == "waits"


@pytest.mark.parametrize(("durations", "found"), [([], None), ([7], 7), ([*range(1, 101)], 96), ([3, 1, 2], 3)])
def test_the_95th_percentile(durations: list[int], found: int | None) -> None:
    assert percentile(durations) == found


def test_states_follow_and_say_who_and_why() -> None:
    rollout = s.begun(plan(), 1, "ann")
    for now in range(2, 5):
        rollout = s.went_on(rollout, now, "clock", Measures(), "fine")
    assert (rollout.state, rollout.step, rollout.since, rollout.percent) == ("running", 3, 4, 100.0)
    rollout = s.held(rollout, 5, "bob", "lunch")
    assert s.held(rollout, 6, "bob", "again") == rollout
    with pytest.raises(Conflict, match="is rolled back, not running or held"):
        s.changed(s.rolled_back(rollout, 6, "bob", ""), plan(on_failure="hold"), 7, "ann")
    rollout = s.went_on(s.went_on(s.resumed(rollout, 7, "bob"), 8, "clock", Measures(), ""), 9, "clock", Measures(), "")
    assert (rollout.state, rollout.step) == ("finished", 5)
    with pytest.raises(Conflict, match="is finished, not running or held"):
        s.rolled_back(rollout, 10, "bob", "too late")
    said = [(each.what, each.who) for each in rollout.past]
    assert said == [
        ("begun", "ann"),
        ("starts 1 %", "clock"),
        ("starts 100 %", "clock"),
        ("move all", "clock"),
        ("held", "bob"),
        ("resumed", "bob"),
        ("retire", "clock"),
        ("finished", "clock"),
    ]


@pytest.mark.parametrize(
    ("steps", "more", "fits"),
    [
        (STEPS, {"gates": {"finished": 1}}, True),
        ([*STEPS[:2], {"starts": 50}, *STEPS[2:]], {}, True),
        ([{"shadow": 6}, *STEPS[1:]], {}, False),
        (STEPS[1:], {}, False),
        (STEPS, {"processes": ["other"]}, False),
    ],
)
def test_a_plan_under_way_may_change_what_is_to_come(steps: Any, more: Any, fits: bool) -> None:
    rollout = s.went_on(s.begun(plan(), 1, "ann"), 2, "clock", Measures(), "")
    other = plan(*steps, **more)
    if fits:
        assert s.changed(rollout, other, 3, "ann").plan == other
        return
    with pytest.raises(Conflict, match="is at step 2: another plan may change its gates"):
        s.changed(rollout, other, 3, "ann")
