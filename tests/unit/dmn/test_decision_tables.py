"""Decision tables: what a table gives, by hit policy, cells, defaults and types."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmn_documents import compiled, decide, decision, findings, lookup, table
from procession import dmn, feel

RULES = ("> 5 || 1", "> 3 || 2", "> 1 || 1")
RANKED = '"low", "middle", "high"'


@pytest.mark.parametrize(
    ("policy", "a", "result"),
    [
        ('hitPolicy="UNIQUE"', 2, 1),
        ('hitPolicy="UNIQUE"', 0, None),
        ("", 2, 1),
        ('hitPolicy="FIRST"', 4, 2),
        ('hitPolicy="FIRST"', 0, None),
        ('hitPolicy="ANY"', 2, 1),
        ('hitPolicy="RULE ORDER"', 9, [1, 2, 1]),
        ('hitPolicy="RULE ORDER"', 0, None),
        ('hitPolicy="COLLECT"', 4, [2, 1]),
        ('hitPolicy="COLLECT"', 0, None),
        ('hitPolicy="COLLECT" aggregation="SUM"', 9, 4),
        ('hitPolicy="COLLECT" aggregation="SUM"', 0, None),
        ('hitPolicy="COLLECT" aggregation="MIN"', 9, 1),
        ('hitPolicy="COLLECT" aggregation="MAX"', 9, 2),
        ('hitPolicy="COLLECT" aggregation="COUNT"', 9, 3),
        ('hitPolicy="COLLECT" aggregation="COUNT"', 0, 0),
    ],
)
def test_a_hit_policy_decides_what_the_matching_rules_give(policy: str, a: int, result: object) -> None:
    assert decide(decision("x", table(policy, "a || out", *RULES)), a=a) == result


@pytest.mark.parametrize(
    ("policy", "result"),
    [('hitPolicy="PRIORITY"', "low"), ('hitPolicy="OUTPUT ORDER"', ["low", "middle", "high"])],
)
def test_the_order_of_the_output_values_is_their_priority(policy: str, result: object) -> None:
    rules = ('- || "high"', '- || "low"', '- || "middle"')
    assert decide(decision("x", table(policy, "a || out", *rules, values=RANKED)), a=1) == result


def test_several_outputs_rank_from_left_to_right() -> None:
    rules = ('- || "high" | "low"', '- || "low" | "high"', '- || "low" | "low"')
    drawn = table('hitPolicy="PRIORITY"', "a || p | q", *rules, values=RANKED)
    assert decide(decision("x", drawn), a=1) == {"p": "low", "q": "low"}


@pytest.mark.parametrize(
    ("policy", "code", "named"),
    [('hitPolicy="UNIQUE"', "unique", "r1, r2"), ('hitPolicy="ANY"', "any", "r1 gives number 1 and r2 gives number 2")],
)
def test_a_violated_hit_policy_is_an_error_that_names_the_rules(policy: str, code: str, named: str) -> None:
    model = compiled(decision("x", table(policy, "a || out", *RULES)))
    with pytest.raises(dmn.DecisionError) as caught:
        model.evaluate("x", lookup({"a": 9}))
    assert caught.value.code == code
    assert named in caught.value.message
    assert "'x'" in caught.value.message


@pytest.mark.parametrize(
    ("cell", "value", "matches"),
    [
        ("-", 1, True),
        ("", 1, True),
        ("-", None, True),
        ("1", 1, True),
        ("1", Decimal("1.0"), True),
        ("1, 2, 3", 2, True),
        ("not(1, 2)", 2, False),
        ("not(1, 2)", 3, True),
        ("[1..5)", 5, False),
        ("]1..5]", 5, True),
        ("< 10", None, False),
        ("null", None, True),
        ('"a"', "a", True),
        ("true", True, True),
        ("true", None, False),
        ("? * 2 = 8", 4, True),
        ("> limit", 11, True),
        ('list contains(?, "b")', ["a", "b"], True),
        ('date("2026-01-01")', "2026-01-01", False),
    ],
)
def test_a_cell_tests_the_value_of_its_column(cell: str, value: object, matches: bool) -> None:
    drawn = table("", "a || out", f"{cell} || true", default="false")
    assert decide(decision("x", drawn), a=value, limit=10) is matches


def test_a_rule_matches_when_all_its_cells_do() -> None:
    drawn = table('hitPolicy="FIRST"', "a | b || out", "1 | 2 || 12", "1 | - || 1", "- | 2 || 2")
    body = decision("x", drawn)
    assert [decide(body, a=a, b=b) for a, b in [(1, 2), (1, 9), (9, 2), (9, 9)]] == [12, 1, 2, None]


def test_several_outputs_are_a_context_and_so_is_their_default() -> None:
    drawn = table("", "a || first name | rate", '1 || "Ada" | a * 2', default="0")
    assert decide(decision("x", drawn), a=1) == {"first name": "Ada", "rate": 2}
    assert decide(decision("x", drawn), a=2) == {"first name": 0, "rate": 0}


def test_a_default_stands_in_where_no_rule_matches_whatever_the_policy() -> None:
    for policy in ("UNIQUE", "FIRST", "ANY", "RULE ORDER", "COLLECT"):
        drawn = table(f'hitPolicy="{policy}"', "a || out", "1 || 5", default="7")
        assert decide(decision("x", drawn), a=2) == 7


def test_a_table_without_inputs_always_matches() -> None:
    assert decide(decision("x", table('hitPolicy="COLLECT"', "|| out", "|| 1", "|| 2"))) == [1, 2]


@pytest.mark.parametrize("value", ["2026-05-01", feel.Date(2026, 5, 1)])
def test_a_date_that_came_as_json_is_a_date_in_its_column(value: object) -> None:
    drawn = table("", "day: date || out", '> date("2026-01-01") || day', default="0")
    assert decide(decision("x", drawn), day=value) != 0


@pytest.mark.parametrize(
    ("exporter", "result"),
    [
        ("", None),
        ('exporter="Camunda Modeler"', "big"),
        ('xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"', "big"),
        ('xmlns:m="http://camunda.org/schema/modeler/1.0" m:executionPlatform="Camunda Cloud"', "big"),
    ],
)
def test_a_column_of_the_wrong_type_is_null_or_kept_as_its_modeler_meant_and_noted(
    exporter: str, result: object
) -> None:
    model = compiled(decision("x", table("", "a: string || out", '> 5 || "big"')), exporter)
    runtime = feel.Runtime()
    assert model.evaluate("x", lookup({"a": 9}), runtime) == result
    assert runtime.notes[0].message == "decision `x`: the input `a` must be of type string, not number 9"


def test_a_value_that_no_rule_was_written_for_is_noted() -> None:
    drawn = table("", "a || out", "- || 1").replace("</inputExpression>", _INPUT_VALUES)
    runtime = feel.Runtime()
    assert compiled(decision("x", drawn)).evaluate("x", lookup({"a": "C"}), runtime) == 1
    assert [note.code for note in runtime.notes] == ["not-allowed"]


_INPUT_VALUES = '</inputExpression><inputValues><text>"A", "B"</text></inputValues>'


@pytest.mark.parametrize(
    ("drawn", "rule"),
    [
        (table("", "a || p | p", "1 || 1 | 2"), "dmn-table"),
        (table('hitPolicy="COLLECT" aggregation="SUM"', "a || p | q", "1 || 1 | 2"), "dmn-table"),
        (table('hitPolicy="FIRST" aggregation="SUM"', "a || p", "1 || 1"), "dmn-table"),
        (table('hitPolicy="PRIORITY"', "a || p", "1 || 1"), "dmn-table"),
        (table("", "a || p", "1 + || 1"), "dmn-expression"),
        (table("", "a: money || p", "1 || 1"), "dmn-type"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(drawn: str, rule: str) -> None:
    model, found = findings(decision("x", drawn))
    assert model is None
    assert [d.rule for d in found] == [rule]
    assert found[0].element == "x"
    assert found[0].span.line == 1
    assert found[0].remedy


@given(st.lists(st.integers(0, 9), max_size=12), st.integers(0, 9))
def test_collecting_counts_as_many_as_rule_order_lists(bounds: list[int], value: int) -> None:
    rules = [f">= {bound} || {bound}" for bound in bounds]
    listed = decide(decision("x", table('hitPolicy="RULE ORDER"', "a || out", *rules)), a=value) or []
    assert listed == [bound for bound in bounds if value >= bound]
    counted = decide(decision("x", table('hitPolicy="COLLECT" aggregation="COUNT"', "a || out", *rules)), a=value)
    assert counted == len(bounds and [bound for bound in bounds if value >= bound])
