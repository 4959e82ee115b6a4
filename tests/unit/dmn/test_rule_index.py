"""The index of a table's rules: whatever the table and the values, it gives what testing each rule gives."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmn_documents import compiled, decision, document, lookup, table
from procession import dmn, feel
from procession.dmn.compilation import Compilation
from procession.dmn.rule_index import BLOCK_RULES, MakeSearch, indexed, one_by_one
from procession.dmn.scope import Evaluate
from procession.dmn.tables import decision_table
from procession.model.dmn import DecisionTable
from procession.parse import parse_dmn

POLICIES = (
    'hitPolicy="UNIQUE"', 'hitPolicy="ANY"', 'hitPolicy="FIRST"', 'hitPolicy="PRIORITY"', 'hitPolicy="RULE ORDER"',
    'hitPolicy="OUTPUT ORDER"', 'hitPolicy="COLLECT"', 'hitPolicy="COLLECT" aggregation="SUM"',
    'hitPolicy="COLLECT" aggregation="MIN"', 'hitPolicy="COLLECT" aggregation="MAX"',
    'hitPolicy="COLLECT" aggregation="COUNT"',
)  # fmt: skip
NUMBERS = st.sampled_from(["0", "1", "2", "-1", "1.5", "2.0", "1000000000000000000000000000000000.5", "-0.5"])
STRINGS = st.sampled_from(['""', '"a"', '"b"', '"aa"', '"A"', '"ä"'])
TEMPORAL = st.sampled_from([
    '@"2026-01-01"', 'date("2026-01-02")', 'date("2026-01-04")', 'date("no date")', '@"12:00:00"', '@"12:00:00Z"',
    'time("12:00:01")', '@"2026-01-01T00:00:00"', 'date and time("2026-01-02T12:00:00")', '@"2026-01-02T12:00:00Z"',
    '@"P1D"', 'duration("PT24H")', 'duration("-PT1S")', '@"P1M"', 'duration("P1Y")', 'duration("P13M")',
])  # fmt: skip
LITERALS = st.one_of(NUMBERS, NUMBERS, STRINGS, TEMPORAL, st.sampled_from(["true", "false", "null"]))
RANGES = st.builds(
    lambda left, low, high, right: f"{left}{low}..{high}{right}",
    st.sampled_from("[(]"), LITERALS, LITERALS, st.sampled_from("])["),
)  # fmt: skip
TESTS = st.one_of(
    LITERALS,
    st.builds("{} {}".format, st.sampled_from(["<", "<=", ">", ">=", "=", "!="]), LITERALS),
    RANGES,
    st.sampled_from(["? > 1", "[1, 2]", "b", "> b", "? = a", '@"2026-01-01"', "(< 2)", "string length(?) > 1"]),
)
CELLS = st.one_of(
    st.just("-"),
    TESTS,
    st.lists(TESTS, min_size=1, max_size=3).map(", ".join),
    st.lists(TESTS, min_size=1, max_size=2).map(lambda tests: f"not({', '.join(tests)})"),
)
VALUES = st.one_of(
    st.sampled_from([0, 1, 2, -1, Decimal("1.5"), Decimal("2.00"), Decimal("0.75"), 10**33, Decimal("-0.5")]),
    st.sampled_from(["", "a", "b", "aa", "a\0", "ä", "zz"]),
    st.sampled_from([True, False, None, 1.5, [1, 2], ["a"], [], {"a": 1}, feel.Date(2026, 1, 1), feel.MISSING]),
    st.builds(feel.Date, st.just(2026), st.just(1), st.integers(1, 5)),
    st.builds(feel.Time, st.sampled_from([0, 43_200 * 10**9, 43_201 * 10**9]), st.sampled_from([None, None, 0, 3600])),
    st.builds(
        feel.DateTime,
        st.builds(feel.Date, st.just(2026), st.just(1), st.integers(1, 3)),
        st.builds(feel.Time, st.sampled_from([0, 43_200 * 10**9]), st.sampled_from([None, None, 0, 3600])),
    ),
    st.builds(feel.DaysTimeDuration, st.sampled_from([-(10**9), 0, 86_400 * 10**9, 86_400 * 10**9 + 1])),
    st.builds(feel.YearsMonthsDuration, st.sampled_from([0, 1, 12, 13, 14])),
    st.integers(-3, 3),
    st.decimals(-3, 3, places=1),
)
TYPES = st.sampled_from(["", ": number", ": string", ": boolean"])


Outcome: TypeAlias = tuple[str, list[feel.Note], int]


def outcomes(drawn: str, scopes: Sequence[dict[str, object]], search: MakeSearch) -> list[Outcome]:
    """For each scope the result or the error, the notes, and what is left of the budget."""
    parsed, found = parse_dmn(document(decision("x", drawn)), "t.dmn")
    assert parsed is not None, found
    logic = parsed.decisions[0].logic
    assert isinstance(logic, DecisionTable)
    evaluate = decision_table(Compilation(parsed, "camunda"), logic, (), search)
    return [outcome(evaluate, scope) for scope in scopes]


def outcome(evaluate: Evaluate, scope: dict[str, object]) -> Outcome:
    """That of one evaluation."""
    rt = feel.Runtime(budget=100_000)
    try:
        result: object = evaluate(lookup(scope), rt)
    except dmn.DecisionError as error:
        result = str(error)
    return feel.string(result), rt.notes, rt.left


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_the_index_gives_what_testing_each_rule_gives(data: st.DataObject) -> None:
    rules = data.draw(
        st.lists(st.tuples(CELLS, CELLS, st.sampled_from(["1", "2", "b", "3"])), max_size=8).map(
            lambda rows: [f"{one} | {two} || {out}" for one, two, out in rows]
        )
    )
    columns = f"a{data.draw(TYPES)} | b{data.draw(TYPES)} || out"
    drawn = table(data.draw(st.sampled_from(POLICIES)), columns, *rules, values="3, 2, 1")
    pairs = data.draw(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=6))
    scopes = [
        {name: value for name, value in zip("ab", pair, strict=True) if value is not feel.MISSING} for pair in pairs
    ]
    expected = outcomes(drawn, scopes, one_by_one)
    # The second time the index is there already.
    assert outcomes(drawn, scopes * 2, indexed) == expected * 2


@pytest.mark.parametrize("policy", ["FIRST", "RULE ORDER"])
def test_a_table_of_several_blocks_is_one_table(policy: str) -> None:
    last = BLOCK_RULES + 3
    rules = [f"[{number}..{number + 2}) || a" for number in range(last)]
    drawn = table(f'hitPolicy="{policy}"', "a || out", *rules)
    scopes: list[dict[str, object]] = [{"a": a} for a in (0, 1, last - 2, last, Decimal("2047.5"), 9999)]
    assert outcomes(drawn, scopes, indexed) == outcomes(drawn, scopes, one_by_one)


class Counted:
    """A lookup that counts: every test of a cell asks for `?`."""

    def __init__(self, values: dict[str, object]) -> None:
        self.values = MappingProxyType(values)
        self.asked = 0

    def __call__(self, name: str) -> object:
        self.asked += 1
        return self.values.get(name, feel.MISSING)


def test_a_thousand_rules_are_not_a_thousand_tests() -> None:
    rules = [f'"c{n % 100}" | [{n // 100 * 100}..{n // 100 * 100 + 100}) || ? + {n}' for n in range(1000)]
    model = compiled(decision("x", table("", "code: string | amount: number || out", *rules)))
    model.evaluate("x", lookup({"code": "c1", "amount": 250}))
    counted = Counted({"code": "c50", "amount": Decimal("650.5"), "?": 0})
    assert model.evaluate("x", counted) == 650
    assert counted.asked == 3
