"""What Camunda's dialect has beyond the specification: each function and overload, by position and by name."""

from __future__ import annotations

import pytest

from procession import feel
from procession.feel.builtins import BUILTINS
from procession.feel.builtins.camunda import CAMUNDA

VARIABLES: dict[str, object] = {"x": 4, "order": {"lines": [1, 2]}, "nothing": None}

RESULTS = [
    (r'matches("_", "^\w$")', "true"),
    (r'matches("-", "\w")', "false"),
    (r'matches("\u00a0", "^\s$")', "true"),
    (r'matches("a]}", "^a]}$")', "true"),
    (r'matches("a/b", "a\/b")', "true"),
    (r'matches("[a]", "^[[]a[]]$")', "true"),
    (r'matches("5", "^[0-9-.]$")', "true"),
    (r'matches(input: "A_B", pattern: "a\Wb", flags: "i")', "false"),
    (r'replace("a_b", "\w", "x")', "xxx"),
    (r'replace(input: "a b", pattern: "\s", replacement: "_")', "a_b"),
    (r'split("a_b c", "\W")', '["a_b", "c"]'),
    (r'split(string: "a b", delimiter: "\s")', '["a", "b"]'),
    ("get entries(context: {a: 1})", '[{key: "a", value: 1}]'),
    ("get entries(m: {a: 1})", '[{key: "a", value: 1}]'),
    ("get entries({})", "[]"),
    ("abs(-2)", "2"),
    ("abs(number: -2)", "2"),
    ('abs(n: @"-P1D")', "P1D"),
    ("and([true, false])", "false"),
    ("and([])", "true"),
    ("and(list: [true, true])", "true"),
    ("and(true, x = 4)", "true"),
    ("true and and([true]) and (true)", "true"),
    ("or([false, true])", "true"),
    ("or([])", "false"),
    ("or(false, null, true)", "true"),
    ("(x = 5) or or(list: [x = 4]) or (false)", "true"),
    ("for i in [1, 4] return or(i = x)", "[false, true]"),
    ("is empty([])", "true"), ("is empty(list: [1])", "false"), ("is empty({})", "true"), ('is empty("")', "true"),
    ('is blank("")', "true"), ('is blank(" \\n\\t")', "true"), ('is blank(string: "a ")', "false"),
    ("is defined(x)", "true"), ("is defined(y)", "false"), ("is defined(order.total)", "false"),
    ("is defined(value: null)", "false"), ("is defined(y.z)", "false"),
    ("get or else(x, 1)", "4"), ("get or else(y, 1)", "1"), ("get or else(null, null)", "null"),
    ("get or else(value: nothing, default: [])", "[]"),
    ("assert(x, x > 3)", "4"), ('assert(x, x > 3, "too small")', "4"),
    ('assert(value: x, condition: true, cause: "why")', "4"),
    ("fromAi(order.lines)", "[1, 2]"), ('fromAi(x, "how many")', "4"), ('fromAi(x, null, "number")', "4"),
    ('fromAi(x, "how many", "number", {minimum: 0})', "4"), ('fromAi(value: x, type: "number")', "4"),
    ('fromAi(value: x, options: {required: false}, description: "how many")', "4"),
    ('trim("  a  b ")', "a  b"), ('trim(string: "\\ta")', "a"),
    ('extract("1234, 1256, 1378", "12[0-9]*")', '["1234", "1256"]'), ('extract("abc", "x")', "[]"),
    ('extract(string: "aB", pattern: "[A-Z]")', '["B"]'),
    ('to base64("FEEL")', "RkVFTA=="), ('to base64(value: "")', ""), ('from base64("RkVFTA==")', "FEEL"),
    ('from base64(value: to base64("Größe"))', "Größe"),
    ("partition([1, 2, 3, 4, 5], 2)", "[[1, 2], [3, 4], [5]]"), ("partition([], 2)", "[]"),
    ("partition(size: 3, list: [1])", "[[1]]"),
    ("duplicate values([1, 2, 3, 2, 1])", "[1, 2]"), ('duplicate values(list: ["a", "b"])', "[]"),
    ('from json("{\\"a\\": 1, \\"b\\": [true, null]}")', "{a: 1, b: [true, null]}"), ('from json("0.10")', "0.10"),
    ('from json(value: "\\"2023-06-14\\"")', "2023-06-14"),
    ("to json({a: 1, b: [2]})", '{"a":1,"b":[2]}'), ("to json(true)", "true"), ("to json(null)", "null"),
    ('to json(@"2023-06-14")', '"2023-06-14"'), ('to json(value: @"P3Y")', '"P3Y"'),
    ('to json([@"2025-11-24T10:00:00@Europe/Berlin"])', '["2025-11-24T10:00:00+01:00[Europe/Berlin]"]'),
    ('to json(@"2025-11-24T10:00:00+02:00")', '"2025-11-24T10:00:00+02:00"'),
    ('last day of month(date("2024-02-01"))', "2024-02-29"),
    ('last day of month(date: @"2022-10-16T12:00:00")', "2022-10-31"),
    ('date and time(@"2020-07-31T14:27:30@Europe/Berlin", "America/Los_Angeles")',
     "2020-07-31T05:27:30@America/Los_Angeles"),
    ('date and time(@"2020-07-31T14:27:30+02:00", "Z")', "2020-07-31T12:27:30Z"),
    ('date and time(date: @"2020-07-31T14:27:30Z", timezone: "Europe/Berlin")', "2020-07-31T16:27:30@Europe/Berlin"),
    ('date and time("2018-04-29T09:30:00+02:00[Europe/Berlin]")', "2018-04-29T09:30:00@Europe/Berlin"),
    ('date and time("2018-04-29T07:30:00Z[Europe/Berlin]")', "2018-04-29T09:30:00@Europe/Berlin"),
    ('date and time("2018-04-29T09:30:00[Europe/Berlin]")', "2018-04-29T09:30:00@Europe/Berlin"),
    ('date and time("2018-04-29T09:30:00")', "2018-04-29T09:30:00"),
    ('date and time(date("2018-04-29"), time("09:30:00"))', "2018-04-29T09:30:00"),
    ("round up(5.5)", "6"), ("round down(-5.5)", "-5"), ("round half up(n: 2.5)", "3"), ("round half down(2.5)", "2"),
    ("round half up(1.125, 2)", "1.13"),
    ("decimal(2.5, 0)", "2"), ('decimal(2.5, 0, "half_up")', "3"), ('decimal(n: 1.21, scale: 1, mode: "UP")', "1.3"),
    ('decimal(1.20, 1, "UNNECESSARY")', "1.2"), ('decimal(-1.5, 0, "FLOOR")', "-2"),
    ('get value({a: {b: 1}}, ["a", "b"])', "1"), ('get value(context: {a: 1}, key: "a")', "1"),
    ('get value(context: {a: {b: 2}}, keys: ["a"])', "{b: 2}"), ('get value({a: 1}, ["b", "c"])', "null"),
    ('get value(null, "a")', "null"),
    ('context put(null, "a", 1)', "{a: 1}"), ('context put({x: 1}, ["y", "z"], 2)', "{x: 1, y: {z: 2}}"),
    ('put({x: 1}, "y", 2)', "{x: 1, y: 2}"), ('put(context: {}, key: "a", value: null)', "{a: null}"),
    ("put all({x: 1}, {y: 2})", "{x: 1, y: 2}"), ("put all([{x: 1}, {x: 2}])", "{x: 2}"),
    ('context([{key: "a", value: 1}, {key: "a", value: 2}])', "{a: 2}"),
    ('context(entries: [{key: "a", value: null}])', "{a: null}"),
    ('string join(["a", null, "b"], ", ", "[", "]")', "[a, b]"),
    ('string join(list: ["a"], delimiter: "-", prefix: "<", suffix: ">")', "<a>"),
    ("`order`.lines", "[1, 2]"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), RESULTS)
def test_a_function_of_the_dialect_gives_its_value(text: str, expected: str) -> None:
    assert feel.string(feel.evaluate(text, VARIABLES, dialect="camunda")) == expected


NULLS = [
    ("is empty(5)", "type"), ("is empty(null)", "type"), ("is blank(null)", "null"), ("is blank(1)", "type"),
    ("is defined()", "arguments"), ("get or else(1)", "arguments"), ("assert(x, x > 9)", "assert"),
    ('assert(x, null, "no answer")', "assert"), ("trim(1)", "type"), ('extract("a", "[")', "regex"),
    ('from base64("?")', "domain"), ('from base64("/w==")', "domain"), ("partition([1, 2], 0)", "domain"),
    ("partition([1], 1.5)", "domain"), ("duplicate values(null)", "null"), ('from json("{")', "domain"),
    ('last day of month("2024-02-01")', "type"), ('date and time(@"2020-01-01T00:00:00", "Mars/Base")', "domain"),
    ('date and time("2018-04-29T09:30:00+02:00[Mars/Base]")', "domain"), ('decimal(1.25, 1, "up and away")', "domain"),
    ('decimal(1.25, 1, "UNNECESSARY")', "domain"), ('context put({}, [], 1)', "domain"),
    ('context([{key: "a"}])', "type"), ("put all(1)", "type"), ('string join([1], ", ", "", "")', "type"),
    ("uuid(1)", "arguments"), ("random number(1)", "arguments"), ("fromAi()", "arguments"),
    ("round up(null)", "null"), ("to json()", "arguments"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code"), NULLS)
def test_outside_of_its_domain_a_function_gives_null_and_says_why(text: str, code: str) -> None:
    runtime = feel.Runtime()
    assert feel.evaluate(text, VARIABLES, runtime=runtime, dialect="camunda") is None
    assert [note.code for note in runtime.notes][-1] == code


def test_a_failed_assertion_says_its_cause() -> None:
    runtime = feel.Runtime()
    assert feel.evaluate('assert(x, x > 9, "x is too small")', VARIABLES, runtime=runtime, dialect="camunda") is None
    assert runtime.notes[0].message == "assert: x is too small"


def test_a_local_time_is_that_of_the_runtimes_zone() -> None:
    berlin = feel.Runtime(zone="Europe/Berlin")
    text = 'date and time(@"2020-07-31T14:27:30", "Z")'
    assert feel.string(feel.evaluate(text, runtime=berlin, dialect="camunda")) == "2020-07-31T12:27:30Z"
    assert feel.string(feel.evaluate(text, dialect="camunda")) == "2020-07-31T14:27:30Z"


def test_uuid_and_random_number_have_their_form() -> None:
    form = "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
    text = "[matches(uuid(), `form`), random number() >= 0, random number() < 1]"
    value = feel.evaluate(text, {"form": form}, dialect="camunda")
    assert value == [True, True, True]


@pytest.mark.parametrize("name", sorted(CAMUNDA))
def test_every_function_of_the_dialect_is_shown_here(name: str) -> None:
    shown = [text for text, _ in (*RESULTS, *NULLS)]
    assert any(f"{name}(" in text for text in shown)


@pytest.mark.parametrize("name", sorted(name for name in CAMUNDA if name not in BUILTINS["feel"]))
def test_the_specification_knows_none_of_the_additions(name: str) -> None:
    runtime = feel.Runtime()
    assert feel.evaluate(f"`{name}`(1, 2)", dialect="feel", runtime=runtime) is None
    assert runtime.notes[0].code == "unknown-name"
