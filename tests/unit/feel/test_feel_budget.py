"""The budget bounds the work: what a hostile expression executes is counted, not timed."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal, getcontext, setcontext

import pytest
from bench.opcodes import opcodes

from procession import feel

BUDGET = 5_000
OPCODES_PER_STEP = 60
"""The dearest step: the turn of a loop with an operation that gives null and a note."""
HOSTILE = {
    "nested loops": "count(for a in 1..1000, b in 1..1000, c in 1..1000 return a)",
    "loops in loops": "for a in 1..1000 return for b in 1..1000 return for c in 1..1000 return a + b + c",
    "a range of 10^9": "for i in 1..1000000000 return i",
    "a range value of 10^9": "for i in [1..1000000000] return i",
    "a range of 10^300": "for i in 1..10 ** 300 return i",
    "some in a range": "some i in 1..1000000000 satisfies i < 0",
    "every in ranges": "every i in 1..100000, j in 1..100000 satisfies i > 0",
    "a filter of a filter": "(for i in 1..4000 return i)[count((for j in 1..4000 return j)[item > 0]) > 0]",
    "text of text": '{a: "0123456789", b: a+a+a+a+a+a+a+a+a+a, c: b+b+b+b+b+b+b+b+b+b, d: c+c+c+c+c+c+c+c+c+c, '
    "e: d+d+d+d+d+d+d+d+d+d, f: for i in 1..1000 return e + e}",
    "notes in loops": "for i in 1..100000 return null + i",
    "exponents in loops": "for i in 1..1000000 return 9.9999 ** 6000",
    "functions that call themselves": "{f: function(n) f(n + 1) + f(n + 1), r: f(0)}.r",
    "lists of lists": "{a: for i in 1..60 return i, b: for i in a return a, c: for i in b return b, d: flatten(c)}",
    "sorting by a function": "sort(for i in 1..4000 return 4000 - i, function(a, b) a < b)",
    "joined lists": "{a: for i in 1..1000 return i, b: for i in a return concatenate(a, a, a)}",
    "patterns in loops": 'for i in 1..100000 return matches("aaaaaaaaaaaaaaaaaaaaaaaa", "(a+)+b")',
    "replacing in loops": 'for i in 1..100000 return replace("aaaaaaaaaaaa", "a", "bbbbbbbbbbbbbbbb")',
    "repeated text in loops": 'for i in 1..100000 return string join(for j in 1..100 return "aaaaaaaa")',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_expression_executes_no_more_than_its_budget_buys(name: str) -> None:
    expression = feel.compile_expression(HOSTILE[name])
    runtime = feel.Runtime(budget=BUDGET)

    def work() -> None:
        with suppress(feel.BudgetExceeded):
            expression.evaluate({}, runtime)

    assert opcodes(work, ("<feel>",)) < BUDGET * OPCODES_PER_STEP
    assert runtime.left < BUDGET


@pytest.mark.parametrize(
    "text",
    ["10 ** 10 ** 10 ** 10", "9 ** 99999999999999999999", "2 ** 0.5 ** 1000", "-1 ** 0.5", "1e6144 * 10",
     "10 ** 6145", "exp(99999999)", "0.1 ** 99999"],
)  # fmt: skip
def test_no_power_grows_beyond_34_digits(text: str) -> None:
    value = feel.evaluate(text)
    assert value is None or (isinstance(value, int | Decimal) and len(Decimal(value).as_tuple().digits) <= 34)


@pytest.mark.parametrize(
    "text",
    [
        'get value(x, "__class__")', 'get value(x, "__dict__")', '{"__class__": x}.`__class__`.`__init__`',
        'context put({}, "__builtins__", 1).open', 'context put(x, ["a", "__class__"], 1).a.`__mro__`',
        'get entries({"__globals__": 1})[1].value.x', "f.`__globals__`", "f.`__code__`.co_consts",
        'get value(f, "call")',
        "f.call", "f.parameters", 'date("2026-01-01").`__class__`', "x.`keys`()", 'x.`a"]`', "`v1`", "`MISSING`",
        "`EXACT`",
        "[1][`__class__`]", 'string("{0.__class__.__mro__}")', '"%s" + "{}"', "for `__builtins__` in [1] return open",
        "function(`__import__`) `__import__`", "{f: function(rt) rt.left, r: f(1)}.r", "`__class__`.x",
        "lookup.`__self__`",
    ],
)  # fmt: skip
def test_names_of_python_are_names_like_others(text: str) -> None:
    scope: dict[str, object] = {"x": {"a": 1}, "f": feel.evaluate("function(a) a")}
    try:
        value = feel.evaluate(text, scope, runtime=feel.Runtime(budget=BUDGET))
    except feel.FeelSyntaxError:
        return
    seen = [value]
    for part in seen:
        assert type(part) in {type(None), bool, int, str, list, dict, Decimal, feel.Function}
        seen.extend(part if isinstance(part, list) else part.values() if isinstance(part, dict) else ())
    assert "<" not in feel.string(value)


def test_the_decimal_context_of_the_caller_is_its_own() -> None:
    before = getcontext().copy()
    getcontext().prec = 9
    seen: list[object] = []

    def host(value: object) -> object:
        seen.append(Decimal(1) / 3)
        return value

    runtime = feel.Runtime(functions={"host": host}, budget=1000)
    with pytest.raises(feel.BudgetExceeded):
        feel.evaluate("for i in [1.1, 2.2] return host(i) * 1.5 + count(for j in 1..9999 return j)", runtime=runtime)
    assert getcontext().prec == 9
    assert seen == [Decimal("0.333333333")]
    assert feel.evaluate("a * a", {"a": Decimal("1.00000000001")}) == Decimal("1.0000000000200000000001")
    setcontext(before)


def test_decimals_in_loops_are_rounded_to_34_digits_as_elsewhere() -> None:
    values: dict[str, object] = {"a": Decimal("1.234567890123456789012345678901234"), "b": 10**33 + 7}
    for text in ("a * a", "a * b", "b * b", "b + a", "a - b", "b * b * a", "a * 3", "1e6000 * a * 1e6000", "b * 1e10"):
        assert feel.evaluate(f"(for i in [1] return {text})[1]", values) == feel.evaluate(text, values)
        later = feel.evaluate(f"for i in [a] return function(b) {text.replace('a', 'i')}", values)
        assert isinstance(later, list)
        assert isinstance(later[0], feel.Function)
        assert later[0].call([values["b"]], feel.Runtime(), 0) == feel.evaluate(text, values)
