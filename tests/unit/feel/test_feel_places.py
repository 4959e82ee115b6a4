"""Where an error is, and what is said about it: syntax errors by line, column and length, notes by their part."""

from __future__ import annotations

import pytest

from procession import feel

SYNTAX = [
    # text, line, column, length, one of what was expected, a part of the hint
    ("1 +", 1, 4, 0, "<name>", "("),
    ("* 2", 1, 1, 1, "<name>", "("),
    ("(1", 1, 3, 0, ")", ")"),
    ("[1, 2", 1, 6, 0, "]", "]"),
    ("{a: 1", 1, 6, 0, ",", ","),
    ("{a 1}", 1, 2, 1, "<name>", "name: value"),
    ("{a: }", 1, 5, 1, "<name>", "("),
    ("{: 1}", 1, 2, 1, "<name>", "name: value"),
    ("{a: 1 b: 2}", 1, 7, 1, ",", ","),
    ("a == b", 1, 3, 2, "=", "="),
    ("a && b", 1, 3, 2, "and", "and"),
    ("a || b", 1, 3, 2, "or", "or"),
    ("!a", 1, 1, 1, "!=", "not(...)"),
    ("'x'", 1, 1, 1, '"', "strings are in double qu"),
    ("a % b", 1, 3, 1, "modulo", "modulo(a, b)"),
    ("a ^ b", 1, 3, 1, "**", "a ** b"),
    ("a; b", 1, 2, 1, ",", ","),
    ("$a", 1, 1, 1, "`", "$"),
    ("#a", 1, 1, 1, "`", "#"),
    ('"abc', 1, 1, 1, '"', 'strings end with "'),
    ("`abc", 1, 1, 1, "`", ""),
    ("``", 1, 1, 1, "<name>", "write the name"),
    ("/* never", 1, 1, 1, "*/", "comments end with */"),
    ("@x", 1, 2, 1, "<string>", '@"2026-11-23"'),
    ("@", 1, 2, 0, "<string>", '@"2026-11-23"'),
    ("@1", 1, 2, 1, "<string>", '@"2026-11-23"'),
    ("if a", 1, 5, 0, "then", "then"),
    ("if a then", 1, 10, 0, "<name>", "("),
    ("if a then b", 1, 12, 0, "else", "else"),
    ("if a else b", 1, 6, 4, "then", "then"),
    ("then a", 1, 1, 4, "<name>", "("),
    ("if then a", 1, 4, 4, "<name>", "("),
    ("for", 1, 4, 0, "<name>", "write a name"),
    ("for i", 1, 6, 0, "in", "in"),
    ("for i in", 1, 9, 0, "<name>", "("),
    ("for i in xs", 1, 12, 0, "return", "return"),
    ("for i in xs return", 1, 19, 0, "<name>", "("),
    ("for 1 in xs return i", 1, 5, 1, "<name>", "write a name"),
    ("for i of xs return i", 1, 21, 0, "in", "in"),
    ("some i in xs", 1, 13, 0, "satisfies", "satisfies"),
    ("every i in xs return i", 1, 15, 6, "satisfies", "satisfies"),
    ("function", 1, 9, 0, "(", "("),
    ("function(", 1, 10, 0, "<name>", "write a name"),
    ("function(a", 1, 11, 0, ",", ","),
    ("function(a) ", 1, 13, 0, "<name>", "("),
    ("function(a: ) a", 1, 13, 1, "<type>", "such as number"),
    ("function(1) a", 1, 10, 1, "<name>", "write a name"),
    ("function(a: list<number) a", 1, 24, 1, ",", ","),
    ("function() external", 1, 20, 0, "<name>", "a value, a name"),
    ("and([true])", 1, 1, 3, "<name>", "a value, a name"),
    ("f(", 1, 3, 0, "<name>", "("),
    ("f(a", 1, 4, 0, ",", ","),
    ("f(a,", 1, 5, 0, "<name>", "("),
    ("f(a,)", 1, 5, 1, "<name>", "expected an argument"),
    ("f(a: 1, 2)", 1, 9, 1, "", "name all of them"),
    ("f(1, a: 2)", 1, 9, 1, "", "name all of them"),
    ("f(,)", 1, 3, 1, "<name>", "("),
    ("a.", 1, 3, 0, "<name>", "write a name"),
    ("a..b", 1, 2, 2, "<end>", "an operator or the end w"),
    ("a.1", 1, 2, 1, "<end>", "an operator or the end w"),
    ("a[", 1, 3, 0, "<name>", "("),
    ("a[1", 1, 4, 0, "]", "]"),
    ("a]", 1, 2, 1, "<end>", "an operator or the end w"),
    ("a)", 1, 2, 1, "<end>", "an operator or the end w"),
    ("}", 1, 1, 1, "<name>", "("),
    ("x in", 1, 5, 0, "<name>", "("),
    ("x in (", 1, 7, 0, "<name>", "("),
    ("x in (1", 1, 8, 0, ")", ")"),
    ("x in (1,", 1, 9, 0, "<name>", "("),
    ("x between", 1, 10, 0, "<name>", "("),
    ("x between 1", 1, 12, 0, "and", "and"),
    ("x between 1 and", 1, 16, 0, "<name>", "("),
    ("x between 1 or 2", 1, 13, 2, "and", "and"),
    ("x instance", 1, 11, 0, "of", "instance of"),
    ("x instance of", 1, 14, 0, "<type>", "such as number"),
    ("x instance number", 1, 12, 6, "of", "instance of"),
    ("x instance of list<", 1, 20, 0, "<type>", "such as number"),
    ("x instance of context<a>", 1, 23, 1, "<name>", "as in context<a: number>"),
    ("x instance of list<number", 1, 26, 0, ",", ","),
    ("order id > 3", 1, 7, 2, "<end>", "… id"),
    ("list contain(xs, 1)", 1, 6, 7, "<end>", "… contain"),
    ("[1..", 1, 5, 0, "<name>", "("),
    ("[1..2", 1, 6, 0, ")", ")"),
    ("[1..2}", 1, 6, 1, ")", ")"),
    ("(1..2", 1, 6, 0, ")", ")"),
    ("(< ", 1, 4, 0, "<name>", "("),
    ("(< 1", 1, 5, 0, ")", ")"),
    ("1 2", 1, 3, 1, "<end>", "an operator or the end w"),
    ("a b c", 1, 3, 1, "<end>", "… b"),
    ("1 + + 2", 1, 5, 1, "<name>", "("),
    ("- ", 1, 3, 0, "<name>", "("),
    ("true false", 1, 6, 5, "<end>", "an operator or the end w"),
    ("null 1", 1, 6, 1, "<end>", "an operator or the end w"),
    ("a and", 1, 6, 0, "<name>", "("),
    ("or b", 1, 1, 2, "<name>", "("),
    ("a = = b", 1, 5, 1, "<name>", "("),
    ("a !! b", 1, 3, 1, "!=", "not(...)"),
    ("1 ~ 2", 1, 3, 1, "<name>", "leave it out"),
    ("1 +\n  * 2", 2, 3, 1, "<name>", "("),
    ("{a: 1,\n b: (2 +\n }", 3, 2, 1, "<name>", "("),
    ("", 1, 1, 0, "<name>", "("),
    ("   ", 1, 4, 0, "<name>", "("),
    ("1..2", 1, 2, 2, "<end>", "an operator or the end w"),
    ("..", 1, 1, 2, "<name>", "("),
    ("a ? b", 1, 3, 1, "<end>", "… ?"),
    ("return", 1, 1, 6, "<name>", "("),
    ("in", 1, 1, 2, "<name>", "("),
    ("x in <", 1, 7, 0, "<name>", "("),
    ("x in (< )", 1, 9, 1, "<name>", "("),
    ("and", 1, 1, 3, "<name>", "("),
    ("1.2.3", 1, 4, 1, "<end>", "an operator or the end w"),
    ('"a" "b"', 1, 5, 1, "<end>", "an operator or the end w"),
    ('@"x" 1', 1, 6, 1, "<end>", "an operator or the end w"),
    ("for i in 1.. return i", 1, 14, 6, "<name>", "("),
    ("for a in b, return c", 1, 21, 0, "in", "in"),
    ("[" * 300, 1, 201, 1, "", "split"),
    ("for " + ", ".join(f"a{i} in b" for i in range(9)) + " return 1", 1, 1, 3, "", "inner expression"),
    ("1" * 70_000, 1, 1, 200, "", "split"),
]


@pytest.mark.parametrize(("text", "line", "column", "length", "expected", "hint"), SYNTAX)
def test_a_syntax_error_says_where_and_what_to_do(
    text: str, line: int, column: int, length: int, expected: str, hint: str
) -> None:
    with pytest.raises(feel.FeelSyntaxError) as raised:
        feel.compile_expression(text)
    error = raised.value
    assert (error.line, error.column, error.length) == (line, column, length)
    assert expected in error.expected if expected else not error.expected
    assert hint in error.hint
    assert error.hint


NOTES = [
    # text, the code of the first note, the part that it is about
    ("1 + (2 - x.y)", "unknown-name", "x"),
    ('[1, 2 * "a"]', "type", '2 * "a"'),
    ("{a: {b: 1 / 0}}", "division-by-zero", "1 / 0"),
    ("if 1 then 2 else 3", "type", "1"),
    ('if "x" < 1 then 2 else 3', "type", '"x" < 1'),
    ("{a: 1}.b + 1", "path", "{a: 1}.b"),
    ("[1, 2].a[1]", "path", "[1, 2].a"),
    ('3 in ["a".."b"]', "type", '["a".."b"]'),
    ("[3..1]", "range", "[3..1]"),
    ("for i in null return i", "null", "null"),
    ('for i in 1.."a" return i', "range", 'i in 1.."a"'),
    ('[1][item > "a"]', "type", 'item > "a"'),
    ('[1]["a"]', "type", '[1]["a"]'),
    ('true and "a"', "type", 'true and "a"'),
    ('not("a")', "type", 'not("a")'),
    ('1 + date("x").year', "domain", 'date("x")'),
    ("sqrt(-1) * 2", "domain", "sqrt(-1)"),
    ('upper case(1) + "a"', "type", "upper case(1)"),
    ("(function(a: number) a)(true)", "type", "(function(a: number) a)(true)"),
    ("(function(a) a)(1, 2)", "arguments", "(function(a) a)(1, 2)"),
    ("5(1)", "not-a-function", "5(1)"),
    ('@"2026-02-30" + 1', "literal", '@"2026-02-30"'),
    ("1 instance of money", "unknown-type", "1 instance of money"),
    ('-"a" = 1', "type", '-"a"'),
    ("10 ** 6145 = 1", "number", "10 ** 6145"),
    ('1 between "a" and 2', "type", '1 between "a" and 2'),
    ("some i in [1] satisfies 3", "type", "3"),
    ('"a" = 1 or true', "type", '"a" = 1'),
    ("modulo(1, 0)", "division-by-zero", "modulo(1, 0)"),
]


@pytest.mark.parametrize(("text", "code", "part"), NOTES)
def test_a_note_is_about_the_part_that_failed(text: str, code: str, part: str) -> None:
    runtime = feel.Runtime()
    feel.evaluate(text, runtime=runtime)
    note = runtime.notes[0]
    assert (note.code, text[note.start : note.end].strip("()")) == (code, part.strip("()"))
    assert note.message


HINTS = [
    ("order-id > 3", "`order-id` is read as a subtraction: put the name in back-ticks"),
    ("1 + my-long-name", "`my-long-name` is read as a subtraction: put the name in back-ticks"),
    ("amuont > 3", "did you mean `amount`?"),
    ("lst contains", ""),
    ("xyz", ""),
    ("custmer.name", "did you mean `customer`?"),
    ("`first nam`", "did you mean `first name`?"),
]


@pytest.mark.parametrize(("text", "hint"), HINTS)
def test_an_unknown_name_has_a_hint(text: str, hint: str) -> None:
    runtime = feel.Runtime()
    try:
        feel.evaluate(text, runtime=runtime)
    except feel.FeelSyntaxError:
        assert not hint
        return
    assert feel.hint(runtime.notes[0], text, ["amount", "customer", "first name"]) == hint
