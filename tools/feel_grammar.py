"""The productions of FEEL's grammar (DMN 1.5, 10.3.1.2) by name, each with a text that uses it and what the text gives.

docs/conformance.md lists them; tests/unit/feel/test_feel_grammar.py evaluates them in the specification's dialect.
"""

from __future__ import annotations

from typing import Final

VARIABLES: Final[dict[str, object]] = {
    "a": 5,
    "order": {"lines": [{"price": 2, "n": 3}, {"price": 9, "n": 1}]},
    "first name": "Ada",
    "pre-tax/net": 7,
    "nothing": None,
}

EXPRESSIONS: Final = (
    ("textual expression", "(1 + 2) * 3", "9"),
    ("addition", "1 + 2.5", "3.5"),
    ("subtraction", "1 - 2", "-1"),
    ("multiplication", "2 * 3", "6"),
    ("division", "7 / 2", "3.5"),
    ("exponentiation", "2 ** 3 ** 2", "64"),
    ("arithmetic negation", "-a ** 2", "25"),
    ("simple value, qualified name", "order.lines.price", "[2, 9]"),
    ("name", "first name", "Ada"),
    ("name start, name part", "{größe_1: 1}.größe_1", "1"),
    ("additional name symbols", "pre-tax/net + 1", "8"),
    ("null", "nothing = null", "true"),
    ("numeric literal", "[12, 0.5, .5, -.5]", "[12, 0.5, 0.5, -0.5]"),
    ("string literal", '"text"', "text"),
    ("string escape sequences", r'"\"\\\n\t\u00e9\U01F40E"', '"\\\n\té🐎'),
    ("boolean literal", "[true, false]", "[true, false]"),
    (
        "date time literal",
        '[date("2026-11-23"), time("12:00:00"), duration("P1D")]',
        '[@"2026-11-23", @"12:00:00", @"P1D"]',
    ),
    ("at literal", '@"2026-11-23T12:00:00Z".year', "2026"),
    ("white space, comments", "1 /* one */ +\n 2 // two", "3"),
    ("function invocation", "abs(-1)", "1"),
    ("positional parameters", 'substring("abc", 2)', "bc"),
    ("named parameters", 'substring(start position: 2, string: "abc")', "bc"),
    ("path expression", "{b: {c: 1}}.b.c", "1"),
    ("for expression", "for i in [1, 2], j in [3] return i * j", "[3, 6]"),
    ("iteration context, a range", "for i in 3..1 return i", "[3, 2, 1]"),
    ("partial results", "for i in 1..4 return if i = 1 then 1 else i * partial[-1]", "[1, 2, 6, 24]"),
    ("if expression", 'if a > 3 then "big" else "small"', "big"),
    ("quantified expression, some", "some i in [1, 2] satisfies i > 1", "true"),
    ("quantified expression, every", "every i in [1, 2] satisfies i > 1", "false"),
    ("disjunction", "false or nothing or true", "true"),
    ("conjunction", "true and nothing and false", "false"),
    ("comparison, =", "1 = 1.0", "true"),
    ("comparison, !=", '"a" != "b"', "true"),
    ("comparison, < <= > >=", "[1 < 2, 1 <= 1, 2 > 1, 1 >= 2]", "[true, true, true, false]"),
    ("comparison, between", "a between 1 and 5", "true"),
    ("comparison, in", "a in (1, > 4)", "true"),
    ("filter expression", "order.lines[price > 5].n", "[1]"),
    ("filter by place", "[10, 20][-1]", "20"),
    ("instance of", "1 instance of number", "true"),
    ("type, list", "[1] instance of list<number>", "true"),
    ("type, context", "{b: 1} instance of context<b: number>", "true"),
    ("type, range", "[1..2] instance of range<number>", "true"),
    ("type, function", "(function(x: number) x) instance of function<number> -> number", "true"),
    ("type, with spaces", '@"P1D" instance of days and time duration', "true"),
    ("list", "[1, [2], []]", "[1, [2], []]"),
    ("function definition", "(function(x, y) x - y)(3, 1)", "2"),
    (
        "function definition, external",
        '(function(x) external {java: {class: "C", method signature: "m(int)"}}) instance of function<Any> -> Any',
        "true",
    ),
    ("formal parameter with a type", "(function(x: number) x + 1)(1)", "2"),
    ("context, context entry", "{b: 1, c: b + 1}.c", "2"),
    ("key, a string", '{"two words": 1}.two words', "1"),
    ("interval", "[a in [1..5], a in (1..5), a in ]1..5[, a in [1..5[]", "[true, false, false, false]"),
    ("range literal", "[1..5].end", "5"),
    ("one-sided range", "(< 5).end included", "false"),
    ("endpoint, any expression", "a in [a - 1..a * 2]", "true"),
)
"""(production, expression, value)."""

TESTS: Final = (
    ("simple positive unary test", "> 4", True),
    ("simple positive unary test, an interval", "[1..5)", False),
    ("simple positive unary test, = and !=", "!= 3", True),
    ("positive unary test, an expression", "? * 2 = 10", True),
    ("positive unary test, a value", "a", True),
    ("positive unary tests", "1, 2, > 4", True),
    ("unary tests, not", "not(1, 5)", False),
    ("unary tests, -", "-", True),
)
"""(production, unary tests of the input 5, result)."""
