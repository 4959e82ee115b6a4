"""What is printed from a tree is read as the same tree."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import feel_grammar
from procession import feel
from procession.feel import nodes as n
from procession.feel.builtins import BUILTIN_NAMES, BUILTINS
from procession.feel.parser import parse_expression, parse_unary_tests

NAMES = ("first name", "p-q", "my-name")
BARE = tuple(name for name in BUILTINS["camunda"] if " " in name)


def read(text: str, *, tests: bool = False) -> n.Node:
    """The tree of a text."""
    parse = parse_unary_tests if tests else parse_expression
    return parse(text, NAMES, BUILTIN_NAMES["camunda"])


def bare(part: object) -> object:
    """A tree without its places in the text."""
    if isinstance(part, msgspec.Struct):
        fields = [field for field in part.__struct_fields__ if field not in {"start", "end"}]
        return (type(part).__name__, *(bare(getattr(part, field)) for field in fields))
    if isinstance(part, tuple):
        return tuple(map(bare, part))
    return (type(part).__name__, part)


def check(text: str, *, tests: bool = False) -> None:
    """Reads, prints and reads again, with and without the names of built-ins in back-ticks."""
    try:
        tree = read(text, tests=tests)
    except feel.FeelSyntaxError:
        return
    for builtins in ((), BARE):
        printed = feel.unparse(tree, names=NAMES, builtins=builtins)
        assert bare(read(printed, tests=tests)) == bare(tree), (text, printed)


PRINTED = [
    ("1+2*3", "1 + 2 * 3"),
    ("(1+2)*3", "(1 + 2) * 3"),
    ("1-(2-3)", "1 - (2 - 3)"),
    ("2**3**4", "2 ** 3 ** 4"),
    ("2**(3**4)", "2 ** (3 ** 4)"),
    ("-5", "-5"),
    ("-(-5)", "5"),
    ("(-5).a", "(-5).a"),
    ("-x.a", "-x.a"),
    ("(-x).a", "(-x).a"),
    ("-2.5**2", "-2.5 ** 2"),
    ("1.50", "1.50"),
    ("1e3", "1E+3"),
    (".5", "0.5"),
    ("a and (b and c)", "a and (b and c)"),
    ("a or b and c", "a or b and c"),
    ("(a or b) and c", "(a or b) and c"),
    ("a<b=c", "a < b = c"),
    ("a<(b=c)", "a < (b = c)"),
    ("x between 1 and 2 and y", "x between 1 and 2 and y"),
    ("x between 1 and (2 = 3)", "x between 1 and (2 = 3)"),
    ("x in (1)", "x in 1"),
    ("x in (1, 2)", "x in (1, 2)"),
    ("x in (<1, [2..3))", "x in (< 1, [2..3))"),
    ("x in <5", "x in < 5"),
    ("x in (<5)", "x in < 5"),
    ("x in ((<5))", "x in ((< 5))"),
    ("x in ]1..2[", "x in (1..2)"),
    ("x in (a = b) = c", "x in (a = b) = c"),
    ("(x in 1).a", "(x in 1).a"),
    ("if a then b else c+1", "if a then b else c + 1"),
    ("(if a then b else c)+1", "(if a then b else c) + 1"),
    ("1+if a then b else c", "1 + (if a then b else c)"),
    ("for i in 1..3, j in xs return i*j", "for i in 1..3, j in xs return i * j"),
    ("for i in (for j in xs return j) return i", "for i in for j in xs return j return i"),
    ("some x in xs satisfies x>1", "some x in xs satisfies x > 1"),
    ("[1,2][1]", "[1, 2][1]"),
    ("[]", "[]"),
    ("{}", "{}"),
    ("[[1..2]]", "[[1..2]]"),
    ("[(1..2)]", "[(1..2)]"),
    ("[1..x[1]]", "[1..x[1]]"),
    ("([1..2]).start", "[1..2].start"),
    ("{a b: 1, c: a b}", "{a b: 1, c: `a b`}"),
    ('{"x!": 1}', '{"x!": 1}'),
    ("{if: 1, b: if true then 1 else 2}", "{if: 1, b: if true then 1 else 2}"),
    ("x.`a b`", "x.`a b`"),
    ("x.if", "x.`if`"),
    ("x.a b", "x.`a b`"),
    ("first name", "`first name`"),
    ("(p)-q", "`p` - q"),
    ("p-q", "`p-q`"),
    ("`if`", "`if`"),
    ("?", "?"),
    ("f(a:1, b c: 2)", "f(a: 1, b c: 2)"),
    ("function(a, b: list<number>) a", "function(a, b: list<number>) a"),
    ("(function(a) a)(1)", "(function(a) a)(1)"),
    ("function(f: function<number>->string) f", "function(f: function<number>->string) f"),
    ("function() (external)", "function() (external)"),
    ("function() `external`", "function() (external)"),
    ("function(a) external {java:{class:a}}", "function(a) external {java: {class: a}}"),
    ("(function() external 1+2)()", "(function() external 1 + 2)()"),
    ("a instance of date and time", "a instance of date and time"),
    ("(a instance of date) and time", "(a instance of date) and time"),
    ("(a instance of list) < 5", "(a instance of list) < 5"),
    ("date and time(x)", "date and time(x)"),
    ("string length(x)", "string length(x)"),
    ("(date) and time(x)", "`date` and time(x)"),
    ('date("x")', 'date("x")'),
    ("sort(xs, list contains)", "sort(xs, `list contains`)"),
    ('@"2026-02-30"', '@"2026-02-30"'),
    ('@"PT36H"', '@"P1DT12H"'),
    ('"a\\nb\\\\"', '"a\\nb\\\\"'),
    ('"\\d"', '"\\\\d"'),
    ("null", "null"),
    ("x[a b > 1]", "x[`a b` > 1]"),
    ("x[instance]", "x[instance]"),
    ("1e9999", "1e9999"),
    ("p/* c */+b", "`p` + b"),
]


@pytest.mark.parametrize(("text", "printed"), PRINTED)
def test_a_tree_is_printed_with_the_fewest_parentheses(text: str, printed: str) -> None:
    assert feel.unparse(read(text), names=NAMES, builtins=BARE) == printed
    check(text)


TESTS = [
    ("-", "-"),
    ("-1", "-1"),
    ("< 5, [1..2]", "< 5, [1..2]"),
    ("not(1, < 2)", "not(1, < 2)"),
    ("(not(true))", "(not(true))"),
    ("not(a) and b", "(not(a) and b)"),
    ("? > 3", "? > 3"),
    ("(< 3)", "(< 3)"),
    ("= x, != y", "= x, != y"),
    ("(not())", "(not())"),
]


@pytest.mark.parametrize(("text", "printed"), TESTS)
def test_unary_tests_are_printed_as_they_are_read(text: str, printed: str) -> None:
    assert feel.unparse(read(text, tests=True)) == printed
    check(text, tests=True)


@settings(max_examples=150)
@given(st.randoms(use_true_random=False))
@example(Random(1))
def test_what_is_printed_is_read_as_the_same_tree(random: Random) -> None:
    check(feel_grammar.expression(random))
    check(feel_grammar.unary_tests(random), tests=True)


@pytest.mark.parametrize("seed", range(0, 400, 100))
def test_what_is_printed_from_many_seeds_is_read_as_the_same_tree(seed: int) -> None:
    for number in range(seed, seed + 100):
        check(feel_grammar.expression(Random(number), depth=6))


def test_a_long_chain_is_printed_without_recursion() -> None:
    text = " + ".join(["1"] * 16_000)
    assert feel.unparse(read(text)) == text
    assert feel.unparse(read("x" + " in x" * 3000)) == "x" + " in x" * 3000
