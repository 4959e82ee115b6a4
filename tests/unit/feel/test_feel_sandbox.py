"""Bounded everything: no expression escapes, crashes or runs for ever."""

from __future__ import annotations

import ast
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import feel_grammar
from procession import feel
from procession.feel import codegen
from procession.feel import pyast as py
from procession.feel.builtins import BUILTIN_NAMES, BUILTINS
from procession.feel.parser import parse_expression, parse_unary_tests

WORDS = (
    '1 -2.5 1e6000 9999999999999999999999999999999999999 "a" "(a|b)*c" "P1D" "2024-01-01" true false null x y.z ? item '
    "[ ] ( ) { } , : . .. + - * / ** = != < <= > >= @ if then else for in return some every satisfies and or between "
    "function instance of not( partial `b c` b c number list<number> date"
).split(" ")
NAMES = tuple(f"{name}(" for name in BUILTINS["camunda"])
VALUES = {"x": [1, {"z": "s"}], "y": {"z": None}, "?": 3, "b c": "P1D"}
SETTINGS = settings(max_examples=80, deadline=None)


def run(text: str, compile_: object = feel.compile_expression) -> object:
    """The value, or None for an error that is allowed."""
    assert callable(compile_)
    try:
        expression = compile_(text, names=("b c",))
        assert isinstance(expression, feel.Expression)
        value = expression.evaluate(VALUES, feel.Runtime(budget=10_000))
        feel.to_json(value)
        return feel.string(value)
    except (feel.FeelSyntaxError, feel.BudgetExceeded) as error:
        return str(error)


@SETTINGS
@given(st.text(max_size=40))
def test_any_text_is_a_value_or_a_syntax_error(text: str) -> None:
    run(text)


@SETTINGS
@given(st.lists(st.sampled_from(WORDS + list(NAMES)), max_size=14))
def test_any_tokens_are_a_value_or_a_syntax_error(words: list[str]) -> None:
    run(" ".join(words))
    run(" ".join(words), feel.compile_unary_tests)


OPERANDS = st.sampled_from(
    [
        "1",
        "-0.5",
        '"a"',
        "null",
        "true",
        "[1, 2]",
        "{a: 1}",
        "[1..3]",
        '@"2024-02-29"',
        '@"10:00:00Z"',
        '@"P1Y"',
        '@"-PT1S"',
        '@"2024-01-01T00:00:00@Europe/Berlin"',
        "function(a) a",
        "x",
        "y",
        "1e6000",
    ]
)
EXPRESSIONS = st.recursive(
    OPERANDS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+ - * / ** = != < >= and or in".split()), inner).map(
            lambda part: f"({part[0]} {part[1]} {part[2]})"
        ),
        st.tuples(st.sampled_from(NAMES), st.lists(inner, max_size=4)).map(lambda c: f"{c[0]}{', '.join(c[1])})"),
        st.tuples(inner, inner).map(lambda part: f"{part[0]}[{part[1]}]"),
        st.tuples(inner, inner).map(lambda part: f"(for i in {part[0]} return {part[1]})"),
        st.tuples(inner, inner, inner).map(lambda part: f"(if {part[0]} then {part[1]} else {part[2]})"),
    ),
    max_leaves=8,
)


@SETTINGS
@given(EXPRESSIONS)
def test_every_operation_on_every_type_has_an_outcome(text: str) -> None:
    run(text)


@given(st.lists(st.sampled_from(["a", "b", "and", "-", "+", "'", "/", "in"]), min_size=1, max_size=4))
def test_a_declared_name_is_one_name(parts: list[str]) -> None:
    name = " ".join(["n", *parts])
    assert feel.evaluate(name, {name: 5}) == 5
    assert feel.evaluate(f"({name})+1", {name: 5}) == 6


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12))
def test_a_number_reads_back_from_its_text(value: object) -> None:
    text = feel.string(value)
    assert feel.evaluate(text) == value


@given(st.integers(-(10**20), 10**20), st.booleans())
def test_a_duration_reads_back_from_its_text(amount: int, days: bool) -> None:
    value = feel.DaysTimeDuration(amount) if days else feel.YearsMonthsDuration(amount % 10**10)
    assert feel.evaluate(f'duration("{feel.string(value)}")') == value


ESCAPES = [
    "x.__class__", "x.__class__.__mro__", "``", "__import__", '__import__("os")', 'eval("1")', "`rt`", "`lookup`",
    "lookup(1)", "rt.notes", "type(x)", "append(x, 1).__init__", "globals()", "`__builtins__`.open", "v1", "k1 + k2",
    '{"__class__": 1}.__class__', "function(rt) rt", "function(lookup, v1) v1", "for rt in [1] return rt",
    "{type: 1, dict: type}.dict", "string.format", '"{0.__class__}".format(1)',
]  # fmt: skip


@pytest.mark.parametrize("text", ESCAPES)
def test_nothing_of_python_can_be_reached(text: str) -> None:
    value = run(text)
    assert value is None or isinstance(value, str)
    assert "<class" not in str(value)
    assert "built-in" not in str(value)


@pytest.mark.parametrize(
    "text",
    [
        "for i in xs, j in 1..3 return [i[a > 1].b, {c: i}]",
        "some a in b satisfies a in (<3, [1..2], ?)",
        "function(a: number) if a = null then -a else a ** 2 / 3",
        "f(x: 1)",
        "not(a between 1 and 2 or b)",
        '@"P1D" instance of list<number>',
        "count([1])",
        "substring(string: a, start position: 2)",
    ],
)
def test_generated_code_holds_allowed_nodes_only(text: str) -> None:
    module, constants = codegen.generate(parse_expression(text, (), BUILTIN_NAMES["camunda"]), "camunda")
    py.check(module, codegen.KNOWN)
    assert all(py.GENERATED.fullmatch(name) for name in constants)


@settings(max_examples=100)
@given(st.randoms(use_true_random=False))
def test_whatever_is_drawn_holds_allowed_nodes_only(random: Random) -> None:
    tests = feel_grammar.unary_tests(random)
    for text, parse in ((feel_grammar.expression(random), parse_expression), (tests, parse_unary_tests)):
        try:
            node = parse(text, tuple(feel_grammar.VARIABLES), BUILTIN_NAMES["camunda"])
        except feel.FeelSyntaxError:
            continue
        py.check(codegen.generate(node, "camunda")[0], codegen.KNOWN)


@pytest.mark.parametrize(
    "text",
    ["x.y", "import os", "f'{x}'", "lambda: 1", "[v1 for v1 in v2]", "with v1: pass", "open('x')", "v1 = 1.5",
     "del v1", "async def v1(): pass", "raise v1", "v1[0] = 2", "b'x'", "v1 @ v2", "while v1: pass", "yield v1"],
)  # fmt: skip
def test_a_tree_of_other_nodes_is_not_compiled(text: str) -> None:
    with pytest.raises(AssertionError):
        py.check(ast.parse(text), codegen.KNOWN)


@pytest.mark.parametrize(
    "text", ["v1.v2", "v1.v2()", "import v1", "del v1[0]", "v1.v2 = 1", "f'{v1}'", "v1[0] = 2", "yield v1"]
)
def test_byte_code_that_does_more_is_not_run(text: str) -> None:
    code = compile(f"def evaluate(v1):\n  {text}", "", "exec").co_consts[0]
    with pytest.raises(AssertionError):
        py.verify(code, codegen.KNOWN)


SHARED = "{a0: [1], " + ", ".join(f"a{i}: [a{i - 1}, a{i - 1}]" for i in range(1, 60)) + "}.a59"
COSTLY = [
    "for i in 1..1000000000 return i",
    "count(for i in 1..10000, j in 1..10000 return 1)",
    "some i in 1..100000000000 satisfies false",
    "{f: function(g) g(g), r: f(f)}.r",
    "{f: function(n) f(n + 1), r: f(0)}.r",
    f"string({SHARED})",
    f"{SHARED} = {SHARED}",
    f"flatten({SHARED})",
    f"list contains([{SHARED}], {SHARED})",
    f"to json({SHARED})",
    "for i in 1..100000 return partial",
    '{s0: "xxxxxxxxxxxxxxxx", '
    + ", ".join(f"s{i}: s{i - 1} + s{i - 1}" for i in range(1, 17))
    + ", all: for i in 1..1000 return s16 + s16}",
]  # fmt: skip


@pytest.mark.parametrize("text", COSTLY)
def test_a_costly_expression_ends_at_its_budget(text: str) -> None:
    with pytest.raises(feel.BudgetExceeded):
        feel.evaluate(text, dialect="camunda")


def test_a_result_too_large_for_a_variable_is_refused() -> None:
    value = feel.evaluate(SHARED)
    with pytest.raises(feel.BudgetExceeded):
        feel.to_json(value)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(a+)+$", "a" * 60 + "b"),
        ("(a|aa)+$", "a" * 60 + "b"),
        ("a?" * 40 + "a" * 40, "a" * 40),
        ("(.*a){20}", "a" * 500),
        ("a*a*a*a*a*b", "a" * 2000),
        ("(a{1,10}){1,10}$x", "a" * 5000),
    ],
)
def test_a_pattern_that_could_run_for_ever_is_null_and_a_note(pattern: str, text: str) -> None:
    runtime = feel.Runtime()
    assert feel.evaluate("matches(t, p)", {"t": text, "p": pattern}, runtime=runtime) is None
    assert runtime.notes[0].code == "regex"


USUAL = [
    (r"^[a-zA-Z0-9._-]+@([a-z0-9-]+\.)+[a-z]{2,}$", "first.last@mail.branch.example.com"),
    (r"^(A|B|C)+$", "ABC" * 100),
    (r"^\d{1,3}(\.\d{1,3}){3}$", "192.168.100.200"),
    (r"^[A-Z]{2}\d{2}( ?[A-Z0-9]{4}){3,7}$", "DE89 3704 0044 0532 0130"),
    (r"^\+?[0-9]+([ -][0-9]+)*$", "+49 30 1234567-89 10 11 12 13 14"),
    (r"error: .*$", "x" * 5000 + " error: none"),
]


@pytest.mark.parametrize(("pattern", "text"), USUAL)
def test_a_usual_pattern_runs_on_a_usual_text(pattern: str, text: str) -> None:
    assert feel.evaluate("matches(t, p)", {"t": text, "p": pattern}) is True


DEEP = [
    "(" * 5000, "[" * 5000 + "]" * 5000, "-" * 5000 + "x", "not(" * 400 + "true" + ")" * 400, "{a:" * 500,
    "if true then " * 400 + "1" + " else 2" * 400, "for i in [1] return " * 199 + "i", "function(a) " * 199 + "1",
    "x" + "[1]" * 3000, "x" + ".a" * 3000, "x in " * 3000 + "x", "1+" * 20_000 + "1", "true and " * 5000 + "true",
    "x between 1 and " * 300 + "2", "a" * 70_000, "`" * 4000, "list<" * 500,
    "x instance of " + "list<" * 500 + "a" + ">" * 500,
]  # fmt: skip


@pytest.mark.parametrize("text", DEEP)
def test_deep_and_long_texts_end_in_a_value_or_an_error(text: str) -> None:
    run(text)


def _deep(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("text", ["d = d", "string(d)", "list contains([d], d)", "distinct values([d, d])"])
def test_data_too_deep_to_walk_is_refused(text: str) -> None:
    expression = feel.compile_expression(text)
    variables = {"d": _deep(100_000)}
    with pytest.raises(feel.BudgetExceeded):
        expression.evaluate(variables, feel.Runtime(budget=10**9))


def test_deep_data_can_be_flattened() -> None:
    assert feel.evaluate("flatten(d)", {"d": _deep(100_000)}) == [1]
