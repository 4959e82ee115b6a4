"""What expressions say about themselves: syntax errors with a place, notes, variables, constants."""

from __future__ import annotations

import pytest

from procession import feel

ERRORS = [
    ("1 +", 3, ""),
    ("a == b", 2, "one `=`"),
    ("'x'", 0, "double quotes"),
    ('"abc', 0, ""),
    ("order id > 3", 6, "back-ticks"),
    ("a && b", 2, "`and`"),
    ("if a then b", 11, "`else`"),
    ("[1, 2", 5, "`]`"),
    ("f(a: 1, 2)", 8, ""),
    ("x instance of", 13, "number"),
    ("for i in xs", 11, "`return`"),
    ("/* never", 0, ""),
    ("", 0, ""),
    ("{a: 1, a b c}", 7, "name: value"),
]


@pytest.mark.parametrize(("text", "offset", "hint"), ERRORS)
def test_a_syntax_error_has_a_place_and_a_hint(text: str, offset: int, hint: str) -> None:
    with pytest.raises(feel.FeelSyntaxError) as raised:
        feel.compile_expression(text)
    error = raised.value
    assert (error.offset, error.text) == (offset, text)
    assert hint in error.hint
    assert str(error).splitlines()[2].index("^") == 2 + error.column - 1


def test_a_place_is_counted_in_lines_and_columns() -> None:
    with pytest.raises(feel.FeelSyntaxError) as raised:
        feel.compile_expression("1 +\n  * 2")
    assert (raised.value.line, raised.value.column) == (2, 3)


NOTES = [
    ("1 + x", "unknown-name", "x"),
    ('1 + "a"', "type", '1 + "a"'),
    ("1 / 0", "division-by-zero", "1 / 0"),
    ('2 * date("x")', "domain", 'date("x")'),
    ('@"2026-02-30"', "literal", '@"2026-02-30"'),
    ("{a: 1}.b", "path", "{a: 1}.b"),
    ("substring(1, 2)", "type", "substring(1, 2)"),
    ("substring()", "arguments", "substring()"),
    ("abs(m: 1)", "arguments", "abs(m: 1)"),
    ("5(1)", "not-a-function", "5(1)"),
    ("1 instance of money", "unknown-type", "1 instance of money"),
]


@pytest.mark.parametrize(("text", "code", "part"), NOTES)
def test_what_has_no_value_is_null_and_a_note_with_its_part(text: str, code: str, part: str) -> None:
    runtime = feel.Runtime()
    assert feel.evaluate(text, runtime=runtime) is None
    note = runtime.notes[0]
    assert (note.code, text[note.start : note.end]) == (code, part)


VARIABLES = [
    ("amount > limit.max and amount < 3", {"amount", "limit"}, ("amount", "limit.max")),
    ("for i in xs return i.a + b", {"xs", "b"}, ("b", "xs")),
    ("{a: 1, b: a + c}", {"c"}, ("c",)),
    ("function(x) x + y", {"y"}, ("y",)),
    ("items[price > max].qty", {"items", "price", "max"}, ("items", "max", "price")),
    ("count(xs)", {"xs"}, ("xs",)),
    ("custom(xs)", {"custom", "xs"}, ("custom", "xs")),
    ("some x in xs, y in x.ys satisfies y", {"xs"}, ("xs",)),
]


@pytest.mark.parametrize(("text", "variables", "paths"), VARIABLES)
def test_free_variables_are_known_before_the_run(text: str, variables: set[str], paths: tuple[str, ...]) -> None:
    expression = feel.compile_expression(text)
    assert expression.variables == variables
    assert expression.paths == paths


@pytest.mark.parametrize(
    ("text", "constant"),
    [("1 + 2", True), ('date("2026-01-01")', True), ("now()", False), ("uuid()", False), ("x", False)],
)
def test_a_constant_depends_on_nothing(text: str, constant: bool) -> None:
    assert feel.compile_expression(text).constant is constant


def test_a_variable_is_looked_up_once_and_only_when_needed() -> None:
    asked: list[str] = []

    def lookup(name: str) -> object:
        asked.append(name)
        return {"a": 1, "b": 2}.get(name, feel.MISSING)

    assert feel.compile_expression("if a = 1 then a + a else b").function(lookup, feel.Runtime()) == 2
    assert asked == ["a"]


def test_one_text_is_compiled_once() -> None:
    assert feel.compile_expression("a + 1") is feel.compile_expression("a + 1", names=["regular"])
    assert feel.compile_expression("a + 1") is not feel.compile_expression("a + 1", names=["a + 1"])
    assert feel.evaluate("a + 1", {"a + 1": "whole", "a": 1}) == "whole"


@pytest.mark.parametrize(
    ("text", "meant"),
    [("stringLength(a)", "string length"), ("list_contains(a, 1)", "list contains"), ("Count(a)", "count")],
)
def test_a_function_written_as_elsewhere_is_named_as_feel_writes_it(text: str, meant: str) -> None:
    runtime = feel.Runtime()
    assert feel.evaluate(text, {"a": "x"}, runtime=runtime) is None
    assert runtime.notes[0].message.endswith(f"; the function is written `{meant}`")


EXTERNAL = [
    ('(function(x) external {java: {class: "C", method signature: "m(int)"}})(1)', "Java"),
    ('{f: function(x: string) external {pmml: {document: "d", model: "m"}}, r: f("a")}.r', "PMML"),
    ("(function() external {})()", "another language"),
    ("(function() external 1 + 2)()", "another language"),
    ("(function(a) external {java: a})(1, 2)", "Java"),
]


@pytest.mark.parametrize(("text", "language"), EXTERNAL)
def test_a_call_of_a_function_in_another_language_is_null_and_says_what_to_do(text: str, language: str) -> None:
    value, diagnostics = feel.evaluate_full(text)
    remedy = "write it in FEEL, or call a job from the process"
    assert value is None
    assert [(note.code, note.message) for note in diagnostics] == [
        ("not-a-function", f"the function is written in {language}, which is not run: {remedy}")
    ]


def test_what_tells_where_an_external_function_lies_is_not_evaluated() -> None:
    text = "function(a) external {java: {class: b}}"
    value, diagnostics = feel.evaluate_full(text)
    assert isinstance(value, feel.Function)
    assert diagnostics == ()
    assert not feel.compile(text).variables
