"""Static analysis of decision tables: what is found, with a witness that shows it, and nothing that is not so."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmn_documents import compiled, decision, document, lookup, table
from procession import dmn, feel
from procession.base.diagnostics import Diagnostic
from procession.dmn.regions import Space
from procession.parse import parse_dmn


def found(policy: str, columns: str, *rules: str, before: str = "", **more: str) -> list[Diagnostic]:
    parsed, wrong = parse_dmn(document(before + decision("x", table(policy, columns, *rules, **more))), "t.dmn")
    assert parsed is not None
    assert not wrong
    return dmn.check_tables(parsed)


U, A, F = 'hitPolicy="UNIQUE"', 'hitPolicy="ANY"', 'hitPolicy="FIRST"'
P, C = 'hitPolicy="PRIORITY"', 'hitPolicy="COLLECT"'
TIER = '<itemDefinition name="Tier"><typeRef>string</typeRef><allowedValues><text>"gold", "silver"</text></allowedValues></itemDefinition>'  # noqa: E501
DAYS = ('< date("2026-01-02") || 1', '> date("2026-01-02") || 2')


@pytest.mark.parametrize(
    ("policy", "columns", "rules", "rule", "says"),
    [
        # gaps: on a line, at a point, beside lists, in the last corner; days and whole durations have neighbours
        (U, "a:number || o", ("< 5 || 1", "> 5 || 2"), "dmn-gap", "no rule matches a = 5"),
        (U, "a:number || o", ("<= 5 || 1", ">= 6 || 2"), "dmn-gap", "no rule matches a = 5.5"),
        (U, "a:number || o", ("(1..3) || 1", "not((1..3)) || 2"), "", ""),
        (U, "a:boolean || o", ("true || 1",), "dmn-gap", "no rule matches a = false"),
        (U, "a:string || o", ('"x","y" || 1',), "dmn-gap", 'no rule matches a = "another"'),
        (U, "a:string || o", ('< "m" || 1', '> "m" || 2'), "dmn-gap", 'no rule matches a = "m"'),
        (U, "a:Tier || o", ('"gold" || 1', '"silver" || 2'), "", ""),
        (U, "a:Tier || o", ('"gold" || 1',), "dmn-gap", 'no rule matches a = "silver"'),
        (U, "a:date || o", DAYS, "dmn-gap", 'no rule matches a = @"2026-01-02"'),
        (U, "a:date || o", ('< @"2026-01-03" || 1', '> @"2026-01-02" || 2'), "", ""),
        (U, "a:days and time duration || o", ('< @"P1D" || 1',), "dmn-gap", 'no rule matches a = @"P1D"'),
        (U, "a:years and months duration || o", ('<= @"P1Y" || 1', '>= @"P1Y1M" || 2'), "", ""),
        (U, "a:time || o", ('<= @"12:00:00" || 1',), "dmn-gap", 'no rule matches a = @"12:00:00.000000001"'),
        (U, "a:date and time || o", ('< @"2026-01-01T00:00:00" || 1',), "dmn-gap", 'a = @"2026-01-01T00:00:00"'),
        (U, "a:number | b:boolean || o", ("< 5 | - || 1", ">= 5 | true || 2"), "dmn-gap", "a = 5, b = false"),
        (U, "a:number || o", ("? > 3 and ? < 9 || 1", "? <= 3 or not(? < 9) || 2"), "", ""),
        (F, "a:number || o", ("5 || 1", "- || 2"), "", ""),
        (C, "a:number || o", ("5 || 1",), "", ""),
        # overlaps
        (U, "a:number || o", ("<= 5 || 1", ">= 5 || 2"), "dmn-overlap", "rule 2 (r2): it matches together with rule 1 (r1), though the hit policy is UNIQUE: for a = 5"),  # noqa: E501
        (A, "a:number || o", ("<= 5 || 1", ">= 5 || 2"), "dmn-overlap", "gives something else: for a = 5"),
        (A, "a:number || o", ("<= 5 || 1", ">= 5 || 1.0"), "", ""),
        (U, "a:string || o", ('"x" || 1', 'not("x") || 2'), "", ""),
        # rules that never decide
        (F, "a:number || o", ("< 5 || 1", ">= 5 || 2", "7 || 3"), "dmn-unreachable", "so does an earlier rule (rule 2 (r2)), as for a = 7"),  # noqa: E501
        (F, "a:number || o", ("< 5 || 1", ">= 5 || 2", "[1..9] || 3"), "dmn-unreachable", "rule 3 (r3): it never"),
        (F, "a:number || o", ("< 0, > 9 || 1", "(5..5) || 2", "- || 3"), "dmn-unreachable", "rule 2 (r2): its entries allow nothing"),  # noqa: E501
        # entries
        (C, "a:number || o", ('"x" || 1',), "dmn-cell", 'rule 1 (r1): "x" is no number, which `a` is'),
        (C, "a:Tier || o", ('"bronze" || 1',), "dmn-cell", '"bronze" is none of the values of `a`'),
        (U, "a:number | b || o", ("5 | - || 1", "not(5) | - || 2"), "dmn-unused", "no rule looks at the input `b`"),
        (C, "a:number || o", ("5 || 1", "5 || 1"), "dmn-duplicate", "rule 2 (r2): it matches and gives the same as"),
        (U, "a:number || o", ("? > b || 1",), "dmn-analysis", "1 of 1 rules have entries that are no constants"),
    ],
)  # fmt: skip
def test_a_table_is_told_what_is_wrong_with_it(
    policy: str, columns: str, rules: Sequence[str], rule: str, says: str
) -> None:
    listed = found(policy, columns, *rules, before=TIER)
    if not rule:
        assert not listed, "\n".join(map(str, listed))
        return
    matching = [each for each in listed if each.rule == rule]
    assert any(says in each.message for each in matching), "\n".join(map(str, listed))
    assert all(each.span.file == "t.dmn" and each.span.line and each.span.column and each.remedy for each in listed)
    assert all(each.severity != "error" for each in listed)


def test_a_rule_of_lower_priority_never_decides() -> None:
    rules = ('- || "high"', '5 || "low"')
    listed = found(P, "a:number || o", *rules, values='"high", "low"')
    assert [each.rule for each in listed] == ["dmn-unreachable"]
    assert "a rule of higher priority (rule 1 (r1)), as for a = 5" in listed[0].message


def test_a_default_output_fills_gaps() -> None:
    assert not found(U, "a:number || o", "5 || 1", default="2")


def test_an_output_that_is_none_of_its_values_is_said() -> None:
    listed = found(C, "a:number || o", '5 || "x"', values='"high", "low"')
    assert [(each.rule, '"x" is none of the values of `o`' in each.message) for each in listed] == [("dmn-cell", True)]


def test_columns_of_one_expression_are_one_input() -> None:
    assert not found(U, "a:number | a:number || o", ">= 3 | < 5 || 1", "< 3 | - || 2", ">= 5 | - || 3")


def test_many_overlaps_are_counted() -> None:
    listed = found(U, "a:number || o", *[f"- || {n}" for n in range(10)])
    assert Counter(each.rule for each in listed if each.rule == "dmn-overlap") == {"dmn-overlap": 6}
    assert any("40 more pairs of rules overlap" in each.message for each in listed)


def test_a_table_that_is_too_large_says_so() -> None:
    # Each rule joins two columns that are far from each other: half-way every subset of the rules is possible.
    inputs = " | ".join(f"i{n}:number" for n in range(40))
    rules = [" | ".join("> 0" if c % 20 == r else "-" for c in range(40)) + f" || {r}" for r in range(20)]
    assert "dmn-analysis" in {each.rule for each in found(A, f"{inputs} || o", *rules, "- | " * 39 + "> 0 || 99")}


CELLS = st.sampled_from(
    ["-", "1", "2", "3", "< 2", "<= 2", "> 2", ">= 3", "[1..2]", "(1..3)", "[1..3)", "1, 3", "not(2)", "not(1, 3)",
     "? > 1 and ? < 3", "null", "not(null)", "(< 2)", "[1,2]"]
)  # fmt: skip
WORDS = st.sampled_from(["-", '"a"', '"b"', '"a","b"', 'not("a")', '< "b"', '["a".."b"]', 'not("a","b")'])
VALUES: tuple[object, ...] = (0, 1, feel.evaluate("1.5"), 2, feel.evaluate("2.5"), 3, 4, None)
TEXTS: tuple[object, ...] = ("", "a", "aa", "b", "c")
_WITNESS = re.compile(r"(?:matches|for) (a = .*)$")


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([U, A, F]), st.lists(st.tuples(CELLS, WORDS, st.sampled_from("12")), min_size=1, max_size=5))
def test_the_analysis_agrees_with_trying_everything(policy: str, rules: list[tuple[str, str, str]]) -> None:
    drawn = [f"{a} | {b} || {out}" for a, b, out in rules]
    listed = found(policy, "a:number | b:string || o", *drawn)
    places: list[tuple[object, ...]] = list(product(VALUES, TEXTS))
    matches = {place: _matching(drawn, place) for place in places}
    nulls = any("null" in a for a, _, _ in rules)
    hits = {place: rows for place, rows in matches.items() if place[0] is not None or nulls}
    by_rule = {name: [each for each in listed if each.rule == name] for name in ("dmn-gap", "dmn-overlap")}
    assert bool(by_rule["dmn-gap"]) == any(not rows for rows in hits.values())
    if policy != F:
        repeated = {i for i, rule in enumerate(rules) if _is_repeated(rules, matches, i)}
        bad = [
            (i, j) for rows in hits.values() for i in rows for j in rows
            if i < j and not {i, j} & repeated and (policy == U or rules[i][2] != rules[j][2])
        ]  # fmt: skip
        assert bool(by_rule["dmn-overlap"]) == bool(bad)
    else:
        idle = {i for i in range(len(rules)) if not any(rows and rows[0] == i for rows in hits.values())}
        said = [each for each in listed if each.rule in {"dmn-unreachable", "dmn-duplicate"}]
        assert {each.element for each in said} == {f"r{i + 1}" for i in idle} | {
            f"r{i + 1}" for i in range(len(rules)) if _is_repeated(rules, matches, i)
        }
    for each in (*by_rule["dmn-gap"], *by_rule["dmn-overlap"]):
        if (witness := _WITNESS.search(each.message)) is not None:
            _check_witness(drawn, witness[1], each)


def _matching(drawn: Sequence[str], place: tuple[object, ...]) -> list[int]:
    model = compiled(
        decision(
            "x", table(C, "a:number | b:string || o", *(f"{r.split('||')[0]} || {i}" for i, r in enumerate(drawn)))
        )
    )
    result: Any = model.evaluate("x", lookup({"a": place[0], "b": place[1]}))
    return list(result or [])


def _is_repeated(rules: list[tuple[str, str, str]], matches: dict[tuple[object, ...], list[int]], i: int) -> bool:
    own = {place for place, rows in matches.items() if i in rows}
    return bool(own) and any(
        rules[j][2] == rules[i][2] and {place for place, rows in matches.items() if j in rows} == own for j in range(i)
    )


def _check_witness(drawn: Sequence[str], text: str, each: Diagnostic) -> None:
    given_ = {"a": 0, "b": ""} | {
        name: feel.evaluate(value) for name, value in re.findall(r'([ab]) = ("[^"]*"|[^,]+)', text)
    }
    count = len(_matching(drawn, (given_["a"], given_["b"])))
    assert (count == 0) if each.rule == "dmn-gap" else (count > 1), str(each)


BOXES = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 15)), max_size=6)


@given(BOXES, st.tuples(st.integers(0, 7), st.integers(0, 15)))
def test_what_no_box_covers_is_what_counting_finds(boxes: list[tuple[int, ...]], inside: tuple[int, ...]) -> None:
    uncovered = {
        (x, y) for x in range(3) for y in range(4)
        if inside[0] >> x & 1 and inside[1] >> y & 1 and not any(b[0] >> x & 1 and b[1] >> y & 1 for b in boxes)
    }  # fmt: skip
    places = list(Space([3, 4]).outside(boxes, inside))
    assert bool(places) == bool(uncovered)
    assert set(places) <= uncovered
    meeting = {(i, j) for i, j, _ in Space([3, 4]).meetings(boxes)}
    assert meeting == {
        (i, j) for j in range(len(boxes)) for i in range(j) if boxes[i][0] & boxes[j][0] and boxes[i][1] & boxes[j][1]
    }
