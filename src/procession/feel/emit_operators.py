"""Code for operators, conditions, paths and filters: the common case in place, the rest by `ops` and `access`."""

from __future__ import annotations

import ast
from typing import Final

from procession.feel import nodes as n
from procession.feel import pyast as py
from procession.feel.emitter import Emitter, Frame, Kind, Value, place, runtime

_ARITHMETIC: Final[dict[str, tuple[str, type[ast.operator] | None]]] = {
    "+": ("add", ast.Add),
    "-": ("subtract", ast.Sub),
    "*": ("multiply", ast.Mult),
    "/": ("divide", None),
    "**": ("power", None),
}
_COMPARISON: Final[dict[str, tuple[str, type[ast.cmpop]]]] = {
    "<": ("less", ast.Lt),
    "<=": ("less_equal", ast.LtE),
    ">": ("greater", ast.Gt),
    ">=": ("greater_equal", ast.GtE),
    "=": ("equal", ast.Eq),
    "!=": ("unequal", ast.NotEq),
}


def negation(g: Emitter, node: n.Negation) -> Value:
    operand = g.emit(node.operand).code
    slow = py.call("negate", operand, runtime(), place(node))
    return g.store(py.if_else(py.is_type(operand, "int"), py.negative(operand), slow))


def binary(g: Emitter, node: n.Binary) -> Value:
    """A chain such as `a + b + c` is walked in a loop: it may be thousands of terms long."""
    chain: list[n.Binary] = []
    left: n.Node = node
    while isinstance(left, n.Binary):
        chain.append(left)
        left = left.left
    value = g.emit(left)
    for link in reversed(chain):
        value = apply(g, link.operator, value, g.emit(link.right), place(link))
    return value


def apply(g: Emitter, operator: n.Operator, left: Value, right: Value, at: ast.expr) -> Value:
    """One operator on two values."""
    if operator in _COMPARISON:
        if left.kind == "null" and operator in {"=", "!="}:
            left, right = right, left
        if isinstance(left.code, ast.Constant):
            left.code = g.boxed(left)
        return g.store(_comparison(operator, left, right, at), "truth")
    slow_name, fast = _ARITHMETIC[operator]
    slow = py.call(slow_name, left.code, right.code, runtime(), at)
    if fast is None or not _may_be(left, "number") or not _may_be(right, "number"):
        return g.store(slow)
    result = g.variable()
    if g.repeated and not g.deferred:
        # Only where it pays: the entry sets the decimal context, so that an operator does what `slow` would.
        g.exact = True
        quick = py.walrus(result, py.binary(left.code, fast(), right.code))
        is_int = py.compare(py.call("type", quick), py.IS, py.name("int"))
        fits = py.chain(py.name("LOW"), py.name(result), py.name("HIGH"), (py.LT, py.LT))
        finite = py.if_else(is_int, fits, py.call("is_finite", py.name(result)))
        test = py.all_of(*_types(left, right), finite)
        g.set(result, py.if_else(test, py.name(result), slow))
        return Value(py.name(result))
    if "number" in {left.kind, right.kind}:
        g.set(result, slow)
        return Value(py.name(result))
    compute = py.walrus(result, py.binary(left.code, fast(), right.code))
    fits = py.chain(py.name("LOW"), compute, py.name("HIGH"), (py.LT, py.LT))
    test = py.all_of(*[py.is_type(value.code, "int") for value in (left, right) if value.kind != "int"], fits)
    g.set(result, py.if_else(test, py.name(result), slow))
    return Value(py.name(result))


def logic(g: Emitter, node: n.Logic) -> Value:
    """Later operands are evaluated only while the outcome is open."""
    decisive = node.operator == "or"
    slow = "disjunction" if decisive else "conjunction"
    first = g.emit(node.operands[0])
    if first.kind == "truth" and isinstance(first.code, ast.Name):
        # Only code of ours is known to be a truth value, and its variable is used nowhere else.
        result = first.code.id
    else:
        result = g.variable()
        g.set(result, first.code)
    for operand in node.operands[1:]:
        body = g.nested(lambda operand=operand: _operand(g, operand, result, slow, node))  # type: ignore[misc]
        undecided = py.compare(py.name(result), py.IS_NOT, py.constant(decisive))
        g.block.append(py.if_(undecided, body, []))
    return Value(py.name(result), "truth")


def _operand(g: Emitter, operand: n.Node, result: str, slow: str, node: n.Logic) -> None:
    value = g.emit(operand)
    neutral = py.compare(py.name(result), py.IS, py.constant(node.operator == "and"))
    combined: ast.expr = py.call(slow, py.name(result), value.code, runtime(), place(node))
    if value.kind == "truth":
        combined = py.if_else(neutral, value.code, combined)
    g.set(result, combined)


def between(g: Emitter, node: n.Between) -> Value:
    value, low, high = g.emit(node.operand), g.emit(node.low), g.emit(node.high)
    slow = py.call("between", value.code, low.code, high.code, runtime(), place(node))
    return g.store(slow, "truth")


def instance_of(g: Emitter, node: n.InstanceOf) -> Value:
    operand = g.emit(node.operand).code
    return g.store(py.call("instance_of", operand, g.keep(node.type), g.keep(g.types), runtime(), place(node)), "truth")


def path(g: Emitter, node: n.Path) -> Value:
    base = g.boxed(g.emit(node.base))
    entry = py.all_of(py.is_type(base, "dict"), py.compare(py.constant(node.name), py.IN, base))
    slow = py.call("path", base, py.constant(node.name), runtime(), place(node))
    return g.store(py.if_else(entry, py.subscript(base, node.name), slow))


def filter(g: Emitter, node: n.Filter) -> Value:
    base = g.emit(node.base).code
    if isinstance(node.test, n.Literal) and type(node.test.value) is int:
        return g.store(py.call("index", base, py.constant(node.test.value), runtime(), place(node)))
    item = g.variable()
    g.frames.append(Frame(item=item))
    g.repeated += 1
    test = g.define([item], lambda: g.emit(node.test).code)
    g.repeated -= 1
    g.frames.pop()
    return g.store(py.call("filter_", base, py.name(test), runtime(), place(node)))


def conditional(g: Emitter, node: n.If) -> Value:
    test = g.emit(node.condition)
    verdict = g.boxed(test)
    result = g.variable()
    yes = g.nested(lambda: g.set(result, g.emit(node.yes).code))

    def otherwise() -> None:
        if test.kind != "truth":
            g.block.append(py.expression(py.call("condition", test.code, runtime(), place(node.condition))))
        g.set(result, g.emit(node.no).code)

    no = g.nested(otherwise)
    g.block.append(py.if_(py.compare(verdict, py.IS, py.constant(True)), yes, no))
    return Value(py.name(result))


def _may_be(value: Value, kind: Kind) -> bool:
    return value.kind in {"", kind} or (kind == "number" and value.kind == "int")


def _types(left: Value, right: Value) -> list[ast.expr]:
    """The checks that are left to do so that both values are exact numbers."""
    return [py.one_of(value.code, "EXACT") for value in (left, right) if value.kind not in {"int", "number"}]


def _comparison(operator: n.Operator, left: Value, right: Value, at: ast.expr) -> ast.expr:
    slow_name, fast = _COMPARISON[operator]
    slow = py.call(slow_name, left.code, right.code, runtime(), at)
    if operator in {"=", "!="} and "null" in {left.kind, right.kind}:
        return py.compare(left.code, py.IS if operator == "=" else py.IS_NOT, right.code)
    kind: Kind = "str" if "str" in {left.kind, right.kind} else "number"
    if not _may_be(left, kind) or not _may_be(right, kind):
        return slow
    checks = _types(left, right)
    if kind == "str":
        checks = [py.is_type(value.code, "str") for value in (left, right) if value.kind != "str"]
    quick = py.compare(left.code, fast(), right.code)
    return py.if_else(py.all_of(*checks), quick, slow) if checks else quick
