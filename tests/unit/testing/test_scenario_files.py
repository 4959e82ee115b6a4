"""Reading scenario files: every step and key is known, and what is wrong is told with its line."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import pytest

from procession.testing import scenario as s
from procession.testing.scenario import BadScenario
from procession.testing.scenario_reader import parse_scenario

HEAD: Final = "deploy: [p.bpmn]\n"

# Steps as a file has them, and as structs.
STEPS: Final[list[tuple[str, object]]] = [
    (
        "start: {process: p, variables: {total: 12.50}, as: o1, version: 2, business_key: B-1}",
        s.Start(process="p", variables={"total": Decimal("12.50")}, name="o1", version=2, business_key="B-1"),
    ),
    ("start: {process: p}", s.Start(process="p", name="it")),
    ("deploy: [p2.bpmn, d.dmn]", ["p2.bpmn", "d.dmn"]),
    ("deploy: p2.bpmn", ["p2.bpmn"]),
    (
        "waiting: {jobs: [a, a], tasks: [b], messages: [], timers: [t], signals: [], incidents: []}",
        s.Waiting(jobs=["a", "a"], tasks=["b"], messages=[], timers=["t"], signals=[], incidents=[]),
    ),
    ("waiting: {jobs: [a]}", s.Waiting(jobs=["a"], tasks=None)),
    ("complete: {element: a, variables: {ok: true}}", s.Complete(element="a", variables={"ok": True})),
    ("complete: {type: charge, index: 2}", s.Complete(type="charge", index=2)),
    ("complete: {index: 1}", s.Complete(index=1)),
    ("fail: {element: a, message: timeout, retries: 2}", s.FailJob(element="a", message="timeout", retries=2)),
    (
        "throw: {element: a, code: E1, message: gone, variables: {x: 1}}",
        s.ThrowJob(element="a", code="E1", message="gone", variables={"x": 1}),
    ),
    (
        'message: {name: paid, key: "A-1", variables: {x: null}, ttl: PT5M, id: m1}',
        s.Message(name="paid", key="A-1", variables={"x": None}, ttl="PT5M", id="m1"),
    ),
    ("message: {name: paid, key: 7}", s.Message(name="paid", key=7)),
    ("signal: {name: stop, variables: {why: no}}", s.Signal(name="stop", variables={"why": "no"})),
    ("evaluate: {variables: {x: 1}, process: p}", s.Evaluate(variables={"x": 1}, process="p")),
    ("after: PT2H", "PT2H"),
    ("set: {variables: {x: [1, {y: 2}]}, scope: sub}", s.SetVariables(variables={"x": [1, {"y": 2}]}, scope="sub")),
    ("resolve: {incident: a, retries: 3}", s.Resolve(incident="a", retries=3)),
    ("cancel: {}", s.Cancel()),
    ("cancel:", s.Cancel()),
    ("cancel: {reason: fraud}", s.Cancel(reason="fraud")),
    ("modify: {activate: [b], terminate: [a]}", s.Modify(activate=["b"], terminate=["a"])),
    (
        "migrate: {to: {process: p, version: 2}, map: {a: a2}}",
        s.Migrate(to=s.Target(process="p", version=2), map={"a": "a2"}),
    ),
    ("suspend: {reason: audit}", s.Suspend(reason="audit")),
    ("resume: {refused: not suspended}", s.Resume(refused="not suspended")),
    ("restart: {at: [b], in_place: true}", s.Restart(at=["b"], in_place=True)),
    ("trigger: {element: task1}", s.TriggerActivity(element="task1")),
]


@pytest.mark.parametrize(("text", "expected"), STEPS, ids=[row[0] for row in STEPS])
def test_every_step_is_read(text: str, expected: object) -> None:
    [step] = parse_scenario(f"{HEAD}steps:\n  - {text}\n", "x.yaml").steps
    verb = text.partition(":")[0]
    assert getattr(step, verb) == expected
    assert (step.line, step.instance) == (3, "")
    assert all(getattr(step, other) is None for other in s.VERBS if other != verb)


def test_the_table_of_steps_holds_every_verb() -> None:
    assert {text.partition(":")[0] for text, _ in STEPS} == set(s.VERBS)


@pytest.mark.parametrize("text", ["cancel: {instance: o1}", "cancel: {}\n    instance: o1"], ids=["inside", "beside"])
def test_every_step_takes_an_instance(text: str) -> None:
    [step] = parse_scenario(f"{HEAD}steps:\n  - {text}\n", "x.yaml").steps
    assert (step.cancel, step.instance) == (s.Cancel(), "o1")


def test_answers_are_read_by_attempt() -> None:
    text = (
        "jobs:\n  charge: [{fail: {message: timeout, retries: 1}}, {complete: {paid: true}}]\n"
        "  notify: {throw: {code: GONE, message: moved, variables: {a: 1}}}\n"
    )
    assert parse_scenario(HEAD + text, "x.yaml").jobs == {
        "charge": [s.Answer(fail=s.Fail(message="timeout", retries=1)), s.Answer(complete={"paid": True})],
        "notify": [s.Answer(throw=s.Throw(code="GONE", message="moved", variables={"a": 1}))],
    }


def test_what_is_left_out_has_its_default() -> None:
    scenario = parse_scenario("deploy: p.bpmn\n", "x.yaml")
    assert (scenario.deploy, scenario.clock, scenario.zone) == (["p.bpmn"], "1970-01-01T00:00:00Z", "UTC")
    assert (scenario.jobs, scenario.steps, scenario.expect, scenario.rejected) == ({}, [], {}, "")


# What stands under `expect`, and what it becomes: by instance, and the rule of a refusal.
EXPECTATIONS: Final[list[tuple[str, dict[str, s.Expectation], str]]] = [
    ("{state: completed}", {"": s.Expectation(state="completed", line=2)}, ""),
    (
        "{path: [a, b], order: true, variables: {x: 1}, exactly: true}",
        {"": s.Expectation(path=["a", "b"], order=True, variables={"x": 1}, exactly=True, line=2)},
        "",
    ),
    (
        "{o1: {state: active}, o2: {state: incident}}",
        {"o1": s.Expectation(state="active", line=2), "o2": s.Expectation(state="incident", line=2)},
        "",
    ),
    ("{rejected: timer-value}", {}, "timer-value"),
]


@pytest.mark.parametrize(("text", "expected", "rule"), EXPECTATIONS, ids=[row[0] for row in EXPECTATIONS])
def test_every_expectation_is_read(text: str, expected: dict[str, s.Expectation], rule: str) -> None:
    scenario = parse_scenario(f"{HEAD}expect: {text}\n", "x.yaml")
    assert (scenario.expect, scenario.rejected) == (expected, rule)


# A file, and its whole error.
ERRORS: Final[list[tuple[str, str]]] = [
    ("", "x.yaml:1: a scenario must be a mapping"),
    ("- a\n", "x.yaml:1: a scenario must be a mapping"),
    ("steps: []\n", "x.yaml:1: a scenario needs `deploy`, a list of models"),
    (HEAD + "stpes: []\n", "x.yaml:2: unknown key `stpes`; did you mean `steps`?"),
    (HEAD + "steps:\n  start: {}\n", "x.yaml:2: `steps` must be a list"),
    (HEAD + "steps:\n  - cancel\n", "x.yaml:3: a step must be a mapping"),
    (HEAD + "steps:\n  - instance: a\n", "x.yaml:3: a step has exactly one verb"),
    (HEAD + "steps:\n  - cancel: {}\n    after: PT1H\n", "x.yaml:3: a step has exactly one verb"),
    (HEAD + "steps:\n  - cancel: {}\n  - finish: {}\n", "x.yaml:4: unknown key `finish`"),
    (HEAD + "steps:\n  - start: {process: p, vars: {}}\n", "x.yaml:3: unknown key `vars`; did you mean"),
    (HEAD + "steps:\n  - start: {process: p, var: {}}\n", "did you mean `variables`?"),
    (HEAD + "steps:\n  - start: {}\n", "x.yaml:3: missing key `process`"),
    (HEAD + "steps:\n  - start:\n      process: 5\n", "x.yaml:4: Expected `str`"),
    (HEAD + "steps:\n  - complete: {element: a, index: 0}\n", "x.yaml:3: an index counts from 1"),
    (HEAD + "steps:\n  - throw: {element: a}\n", "x.yaml:3: missing key `code`"),
    (HEAD + "steps:\n  - migrate: {to: {proces: p}}\n", "x.yaml:3: unknown key `proces`; did you mean `process`?"),
    (HEAD + "jobs: {w: []}\n", "x.yaml:2: a list of answers must not be empty"),
    (HEAD + "jobs: {w: {complete: {}, fail: {}}}\n", "x.yaml:2: an answer is exactly one of complete, fail, throw"),
    (HEAD + "jobs:\n  w:\n    - complete: {}\n    - finish: {}\n", "x.yaml:5: unknown key `finish`"),
    (HEAD + "expect: {states: completed}\n", "x.yaml:2: unknown key `states`; did you mean `state`?"),
    (HEAD + "expect: {state: done}\n", "x.yaml:2: unknown state 'done'"),
    (
        HEAD + "expect:\n  o1: {state: active}\n  o2: {paths: []}\n",
        "x.yaml:4: unknown key `paths`; did you mean `path`?",
    ),
    (HEAD + "expect: {rejected: r, state: active}\n", "x.yaml:2: unknown key `state`"),
    (HEAD + "steps: []\nsteps: []\n", "x.yaml:3: `steps` is given twice"),
    ("deploy: [p.bpmn\nsteps: []\n", "x.yaml:2: not YAML"),
]


@pytest.mark.parametrize(("text", "error"), ERRORS, ids=[row[1] for row in ERRORS])
def test_what_is_wrong_is_told_with_its_line(text: str, error: str) -> None:
    with pytest.raises(BadScenario) as caught:
        parse_scenario(text, "x.yaml")
    assert error in str(caught.value)
    assert str(caught.value).startswith("x.yaml:")
