"""Expressions as programs for the browser: what is in the subset, and what the engine says of the common table."""

from __future__ import annotations

import json

import pytest

from browser_cases import ASKED, CONTEXT, SECTIONS, Case
from procession import feel
from procession.feel.javascript import Program, Reason, subset
from procession.feel.javascript.emit import DEPTH_MAX


def test_the_table_is_long_enough_to_mean_something() -> None:
    assert sum(map(len, SECTIONS.values())) >= 400


@pytest.mark.parametrize("section", SECTIONS)
def test_the_engine_says_what_the_table_says(section: str) -> None:
    wrong = [(case.text, found) for case in SECTIONS[section] if (found := _value(case)) != case.expected]
    assert not wrong


@pytest.mark.parametrize("section", SECTIONS)
def test_what_the_table_has_is_in_the_subset(section: str) -> None:
    programs = [(case.text, subset(case.expression())) for case in SECTIONS[section]]
    assert not [(text, program) for text, program in programs if isinstance(program, tuple)]
    # It is JSON, and comes out of it as it went in.
    assert all(json.loads(json.dumps(program)) == program for _, program in programs)


@pytest.mark.parametrize(("text", "reason"), ASKED, ids=[text for text, _ in ASKED])
def test_what_is_not_has_a_reason(text: str, reason: str | None) -> None:
    found = subset(feel.compile_expression(text))
    assert (found[0].construct if isinstance(found, tuple) else None) == reason


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("age >= 18 and agree", ["&", [">=", ["v", "age"], 18], ["v", "agree"]]),
        ("a + b + c - d", ["-", ["+", ["v", "a"], ["v", "b"], ["v", "c"]], ["v", "d"]]),
        ("0.10", ["#", "0.10"]),
        ("12345678901234567890", ["#", "12345678901234567890"]),
        ("count(rows)", ["f", "count", ["v", "rows"]]),
        ("for count in [1] return count", ["for", [["count", ["l", 1]]], ["v", "count"]]),
        ("for x in [1] return count(partial)", ["partial", [["x", ["l", 1]]], ["f", "count", ["v", "partial"]]]),
        ("substring(start position: 2, string: s)", ["n", "substring", 0, ["v", "s"], 2]),
        ('matches(s, "^[a-z]+é?$")', ["x", "matches", ["v", "s"], ["(?:^)[a-z]+é?(?:$)", 0x24F, 31622]]),
        ("{a: 1, a: 2}", None),
    ],
)
def test_programs_are_short(text: str, program: Program) -> None:
    assert subset(feel.compile_expression(text)) == program


def test_every_reason_has_its_place() -> None:
    text = 'now() > 1 and stddev(xs) < log(2) or @"10:00:00@Europe/Berlin" = null'
    found = subset(feel.compile_expression(text))
    assert isinstance(found, tuple)
    assert [(reason.construct, text[reason.start : reason.end]) for reason in found] == [
        ("the function `now`", "now"),
        ("the function `stddev`", "stddev"),
        ("the function `log`", "log"),
        ("a time zone", '@"10:00:00@Europe/Berlin"'),
    ]


def test_the_moment_may_be_given() -> None:
    expression = feel.compile_expression("today() > deadline")
    assert subset(expression, inputs=["today()"]) == [">", ["i", "today()"], ["v", "deadline"]]
    assert subset(expression, inputs=["now()"]) == (Reason("the function `today`", 0, 5),)


def test_what_is_nested_deeply_is_the_servers() -> None:
    text = "[" * DEPTH_MAX + "1" + "]" * DEPTH_MAX
    found = subset(feel.compile_expression(text))
    assert found == (Reason("deep nesting", DEPTH_MAX, DEPTH_MAX + 1),)
    assert not isinstance(subset(feel.compile_expression(" + ".join(["1"] * 500))), tuple)


def _value(case: Case) -> str:
    return feel.string(case.expression().evaluate(CONTEXT), quoted=True)
