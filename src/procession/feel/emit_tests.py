"""Code for unary tests: `in`, and the input entries of decision tables."""

from __future__ import annotations

from procession.feel import nodes as n
from procession.feel import pyast as py
from procession.feel.analysis import mentions
from procession.feel.emit_operators import apply
from procession.feel.emitter import Emitter, Value, place, runtime


def in_tests(g: Emitter, node: n.In) -> Value:
    value = g.emit(node.operand)
    return _tests(g, value, node.tests, "unary_test")


def unary_tests(g: Emitter, node: n.UnaryTests) -> Value:
    if not node.tests:
        return Value(py.constant(True), "truth")
    value = g.name(n.Name(node.start, node.end, "?"))
    result = _tests(g, value, node.tests, "table_test")
    return g.store(py.call("negated_test", result.code), "truth") if node.negated else result


def _tests(g: Emitter, value: Value, tests: tuple[n.Test, ...], plain: str) -> Value:
    """The tests one after the other, until one is true."""
    result = g.variable()
    g.set(result, _one_test(g, value, tests[0], plain).code)
    for test in tests[1:]:

        def again(test: n.Test = test) -> None:
            outcome = _one_test(g, value, test, plain)
            g.set(result, py.call("merge_tests", py.name(result), outcome.code))

        body = g.nested(again)
        open_ = py.compare(py.name(result), py.IS_NOT, py.constant(True))
        g.block.append(py.if_(open_, body, []))
    return Value(py.name(result), "truth")


def _one_test(g: Emitter, value: Value, test: n.Test, plain: str) -> Value:
    operand = test.operand
    if test.operator:
        return apply(g, test.operator, value, g.emit(operand), place(test))
    if isinstance(operand, n.Literal) and type(operand.value) in {int, str}:
        return apply(g, "=", value, g.emit(operand), place(test))
    if isinstance(operand, n.RangeNode) and not operand.form:
        low, high = _int_literal(operand.low), _int_literal(operand.high)
        if low is not None and high is not None and low <= high:
            operators = (py.LTE if operand.low_included else py.LT,
                         py.LTE if operand.high_included else py.LT)  # fmt: skip
            inside = py.chain(py.constant(low), value.code, py.constant(high), operators)
            interval = g.emit(operand)
            slow = py.call("unary_test", value.code, interval.code, runtime(), place(test))
            return g.store(py.if_else(py.is_type(value.code, "int"), inside, slow), "truth")
    function = plain
    if plain == "table_test" and isinstance(operand, n.Literal):
        function = "unary_test"
    elif plain == "table_test" and mentions(operand, "?"):
        function = "question_test"
    result = g.emit(operand)
    return g.store(py.call(function, value.code, result.code, runtime(), place(test)), "truth")


def test(g: Emitter, node: n.Test) -> Value:
    return _one_test(g, g.name(n.Name(node.start, node.end, "?")), node, "table_test")


def _int_literal(node: n.Node) -> int | None:
    return node.value if isinstance(node, n.Literal) and type(node.value) is int else None
