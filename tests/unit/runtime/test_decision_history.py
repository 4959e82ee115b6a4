"""A called decision's evaluation is a fact of the instance that called it: what it says, and how large it may be."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from dmn_documents import compiled, decision, document, lookup, table, text
from procession import Engine, feel
from procession.core import facts as f
from procession.runtime.canonical import canonical
from procession.runtime.decision_record import RECORD_BYTES_MAX, RULES_MAX, TABLES_MAX, VALUE_BYTES_MAX, recorded

INPUT = '<inputData id="in_n" name="n"/>'
MODEL = INPUT + decision("double", text("n * 2"), ["in_n"]) + decision(
    "x", table('hitPolicy="COLLECT"', "double || out", "> 5 || 1", "> 3 || 2", "> 1 || 3"), ["double"]
)  # fmt: skip
PROCESS = (
    b'<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="t" '
    b'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"><process id="p" isExecutable="true"><startEvent id="s"/>'
    b'<businessRuleTask id="rate"><extensionElements><zeebe:calledDecision decisionId="x" resultVariable="r"/>'
    b'</extensionElements></businessRuleTask><endEvent id="e"/>'
    b'<sequenceFlow id="f1" sourceRef="s" targetRef="rate"/><sequenceFlow id="f2" sourceRef="rate" targetRef="e"/>'
    b"</process></definitions>"
)


def trail(model: str, id: str = "x", **variables: object) -> list[object]:
    runtime = feel.Runtime()
    runtime.trail = []
    compiled(model).evaluate(id, lookup(variables), runtime)
    return runtime.trail


def test_the_history_of_an_instance_has_what_its_decision_did(tmp_path: Path) -> None:
    (tmp_path / "x.dmn").write_bytes(document(MODEL))
    (tmp_path / "p.bpmn").write_bytes(PROCESS)
    with Engine() as engine:
        engine.deploy(tmp_path / "x.dmn", tmp_path / "p.bpmn")
        instance = engine.start("p", {"n": 2})
        assert instance.wait(10) == "completed"
        assert instance.variables["r"] == [2, 3]
        (entry,) = [each for each in instance.history if isinstance(each.fact, f.DecisionEvaluated)]
        assert (entry.kind, entry.element_id) == ("decided", "rate")
        assert cast("f.DecisionEvaluated", entry.fact).evaluations == [
            ["double", "double", {"n": 2}, 4, [], []],
            ["x", "x", {"double": 4}, [2, 3], [["x", "COLLECT", [["double", 4]], [[2, "r2"], [3, "r3"]]]], []],
        ]
        facts = [each.fact for each in instance.history]
        program = engine.reader().views.load("<default>", instance.key).linked.program
        assert "decided" in str(canonical(program, facts))


UNIQUE = INPUT + decision("double", text("n * 2"), ["in_n"]) + decision(
    "x", table('hitPolicy="UNIQUE"', "double || out", "> 5 || 1", "> 3 || 2"), ["double"]
)  # fmt: skip
"""Two rules match where `double` is more than 5."""
BELOW = decision("low", table('hitPolicy="ANY"', "n || out", "> 1 || n", "> 2 || n + 1")) + decision(
    "x", text("low + 1"), ["low"]
)
ASSERTING = INPUT + decision("even", text('assert(n, even(n), "odd")'), ["in_n"]) + decision("x", text("1"), ["even"])
SERVICE = (
    UNIQUE.replace('id="x"', 'id="inner"').replace('name="x"', 'name="inner"')
    + '<decisionService id="s" name="served"><outputDecision href="#inner"/><encapsulatedDecision href="#double"/>'
    '<inputData href="#in_n"/></decisionService><decision id="x" name="x"><knowledgeRequirement>'
    f'<requiredKnowledge href="#s"/></knowledgeRequirement>{text("served(n)")}</decision>'
)


CAMUNDA = 'exporter="Camunda Modeler"'
"""`assert` is a function of its dialect."""


def undecided(tmp_path: Path, model: str, n: object) -> tuple[list[f.AnyFact], f.DecisionFailed]:
    """The facts of an instance whose decision fails, and the one that tells of it; resolved with `n` 1 it goes on."""
    (tmp_path / "x.dmn").write_bytes(document(model, CAMUNDA))
    (tmp_path / "p.bpmn").write_bytes(PROCESS)
    with Engine(tmp_path / "e.db") as engine:
        engine.deploy(tmp_path / "x.dmn", tmp_path / "p.bpmn")
        instance = engine.start("p", {"n": n})
        engine.run_until_idle()
        (incident,) = instance.incidents
        assert incident.code == "decision"
        entries = instance.history
        (entry,) = [each for each in entries if isinstance(each.fact, f.DecisionFailed)]
        assert (entry.kind, entry.element_id) == ("undecided", "rate")
        program = engine.reader().views.load("<default>", instance.key).linked.program
        assert "undecided" in str(canonical(program, [each.fact for each in entries]))
    return [each.fact for each in entries], cast("f.DecisionFailed", entry.fact)


def test_a_decision_that_fails_leaves_what_it_did_before_its_warnings_and_the_incident(tmp_path: Path) -> None:
    facts, failed = undecided(tmp_path, UNIQUE, 3)
    assert failed.evaluations == [
        ["double", "double", {"n": 3}, 6, [], []],
        ["x", "x", {"double": 6}, None, [["x", "UNIQUE", [["double", 6]], [[1, "r1"], [2, "r2"]]]], []],
    ]
    assert (failed.decision, failed.failed, failed.code, failed.left_out) == ("x", "x", "unique", 0)
    assert [type(fact) for fact in facts[-2:]] == [f.DecisionFailed, f.IncidentRaised]
    assert not any(isinstance(fact, f.DecisionEvaluated) for fact in facts)


@pytest.mark.parametrize(
    ("model", "n", "failed", "code", "told"),
    [
        (BELOW, 3, "low", "any", [("low", None)]),
        (ASSERTING, 3, "even", "assert", [("even", None), ("x", 1)]),
        (SERVICE, 3, "inner", "unique", [("double", 6), ("inner", None), ("x", None)]),
        (decision("x", text("count(for i in 1..3000000 return i)")), 3, "x", "budget", [("x", None)]),
    ],
)
def test_the_fact_names_the_decision_in_which_it_failed(
    tmp_path: Path, model: str, n: object, failed: str, code: str, told: list[tuple[str, object]]
) -> None:
    facts, fact = undecided(tmp_path, model, n)
    assert (fact.decision, fact.failed, fact.code) == ("x", failed, code)
    assert [(each[0], each[3]) for each in cast("list[list[Any]]", fact.evaluations)] == told
    after = [type(each) for each in facts[facts.index(fact) + 1 :]]
    assert after == ([f.Warned, f.IncidentRaised] if code == "assert" else [f.IncidentRaised])


def test_a_decision_that_failed_is_decided_when_its_incident_is_resolved_after_a_restart(tmp_path: Path) -> None:
    undecided(tmp_path, UNIQUE, 3)
    with Engine(tmp_path / "e.db") as engine:
        (view,) = engine.instances()
        instance = engine.instance(view.key)
        instance.set_variables({"n": 2})
        (incident,) = instance.incidents
        engine.resolve_incident(incident.key)
        assert instance.wait(10) == "completed"
        kinds = [each.kind for each in instance.history if each.kind in ("undecided", "decided", "incident")]
        assert kinds == ["undecided", "incident", "decided"]


@pytest.mark.parametrize(
    ("model", "variables", "index", "omitted"),
    [
        (decision("x", text("big")), {"big": "a" * VALUE_BYTES_MAX}, 3, ["output"]),
        (INPUT + decision("x", text("1"), ["in_n"]), {"n": "a" * VALUE_BYTES_MAX}, 2, ["input n"]),
    ],
)
def test_a_large_value_is_omitted_by_name(
    model: str, variables: dict[str, object], index: int, omitted: list[str]
) -> None:
    (record,), left_out = recorded(trail(model, "x", **variables))
    assert cast("list[Any]", record)[5] == omitted
    assert cast("list[Any]", record)[index] in (None, {"n": None})
    assert left_out == 0


def test_a_table_that_a_loop_asks_is_listed_so_often_and_then_counted() -> None:
    rules = [f"- || {n}" for n in range(RULES_MAX + 5)]
    function = (
        '<businessKnowledgeModel id="k_f" name="f"><encapsulatedLogic><formalParameter name="a"/>'
        + table('hitPolicy="COLLECT"', "a || out", *rules)
        + "</encapsulatedLogic></businessKnowledgeModel>"
    )
    model = function + decision("x", text("count(for i in 1..50 return f(i))"), ["k_f"])
    (record,), _ = recorded(trail(model))
    tables, omitted = cast("list[Any]", record)[4:]
    assert len(tables) == TABLES_MAX
    assert {len(each[3]) for each in tables} == {RULES_MAX}
    assert omitted[-1] == f"{50 - TABLES_MAX} tables"
    assert omitted[0] == "5 rules of k_f"


def test_a_graph_of_many_decisions_keeps_the_one_that_was_called_and_counts_the_others() -> None:
    count = RECORD_BYTES_MAX // 1000 + 50
    parts = [decision(f"d{n}", text('string join(for i in 1..1000 return "a")')) for n in range(count)]
    model = "".join(parts) + decision("x", text("1"), [f"d{n}" for n in range(count)])
    records, left_out = recorded(trail(model))
    assert cast("list[Any]", records[-1])[0] == "x"
    assert len(records) + left_out == count + 1
    assert left_out > 0


def test_without_a_trail_nothing_is_collected() -> None:
    runtime = feel.Runtime()
    assert compiled(MODEL).evaluate("x", lookup({"n": 1}), runtime) == [3]
    assert runtime.trail is None
