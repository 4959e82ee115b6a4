"""From the tree to a Python function (`lookup`, `rt`) -> value, compiled once, run at the speed of Python.

Each node becomes statements that leave its value in a variable of its own. The common case (ints, strings, contexts)
is done in place, the rest by the functions of `ops` and `access`. A free variable is looked up once where its first
use dominates the others. What names mean is settled here: local, in the item of a filter, built in, or free.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from decimal import Decimal, setcontext
from functools import partial
from types import CodeType
from typing import Final, TypeAlias, cast

from procession.feel import access, emit_loops, emit_operators, emit_tests, emit_values, functions, ops
from procession.feel import nodes as n
from procession.feel import pyast as py
from procession.feel.builtins import BUILTINS, Dialect
from procession.feel.builtins.table import ABSENT, call_builtin, call_overloaded
from procession.feel.emitter import Emit, Emitter
from procession.feel.numbers import INT_BOUND
from procession.feel.runtime import MISSING, Lookup, Runtime
from procession.feel.support import (
    bad_call,
    bad_literal,
    enter,
    merge_tests,
    negated_test,
    overflow,
    question_test,
    quiet,
    table_test,
    unknown,
    verdict,
)
from procession.feel.types import NO_TYPES, Types, instance_of

Compiled: TypeAlias = Callable[[Lookup, Runtime], object]
_append: Callable[[list[object], object], None] = list[object].append
_is_finite: Callable[[Decimal], bool] = Decimal.is_finite

GLOBALS: Final[dict[str, object]] = {
    "__builtins__": {},
    "type": type, "int": int, "str": str, "dict": dict, "list": list, "bool": bool, "append": _append,
    "RecursionError": RecursionError, "EXACT": frozenset({int, Decimal}),
    "is_finite": _is_finite, "enter": enter, "leave": setcontext,
    "MISSING": MISSING, "ABSENT": ABSENT, "LOW": -INT_BOUND, "HIGH": INT_BOUND,
    "add": ops.add, "subtract": ops.subtract, "multiply": ops.multiply, "divide": ops.divide, "power": ops.power,
    "negate": ops.negate, "equal": ops.equal, "unequal": ops.unequal, "less": ops.less, "less_equal": ops.less_equal,
    "greater": ops.greater, "greater_equal": ops.greater_equal, "conjunction": ops.conjunction,
    "disjunction": ops.disjunction, "between": ops.between, "condition": ops.condition, "make_range": ops.make_range,
    "unary_test": ops.unary_test,
    "path": access.path, "filter_": access.filter_, "index": access.index, "domain": access.domain,
    "span": access.span, "copied": access.copied,
    "call_value": functions.call_value, "user_function": functions.user_function,
    "external_function": functions.external_function,
    "call_builtin": call_builtin, "call_overloaded": call_overloaded, "instance_of": instance_of,
    "bad_literal": bad_literal, "bad_call": bad_call, "overflow": overflow,
    "verdict": verdict, "merge_tests": merge_tests, "question_test": question_test, "table_test": table_test,
    "negated_test": negated_test,
}  # fmt: skip
_GLOBALS: Final[dict[Dialect, dict[str, object]]] = {
    dialect: {**GLOBALS, "unknown": partial(unknown, dialect), "quiet": partial(quiet, dialect)} for dialect in BUILTINS
}
KNOWN: Final = frozenset(_GLOBALS["feel"]) - {"__builtins__"}


def compile_node(node: n.Node, dialect: Dialect, types: Types = NO_TYPES) -> Compiled:
    """The function of a tree. It raises nothing but `BudgetExceeded`."""
    module, constants = generate(node, dialect, types)
    # The constructors of `pyast` make nothing outside of the vocabulary, which the tests check tree by tree
    # (`pyast.check`); what Python makes of them is looked through each time, before it can run.
    code = compile(module, "<feel>", "exec")
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            py.verify(inner, KNOWN)
    namespace: dict[str, object] = {**_GLOBALS[dialect], **constants}
    exec(code, namespace)
    return cast("Compiled", namespace["evaluate"])


def generate(node: n.Node, dialect: Dialect, types: Types = NO_TYPES) -> tuple[ast.Module, dict[str, object]]:
    """The Python tree of a FEEL tree, and the constants that it needs as globals."""
    generator = Emitter(dialect, _EMIT, types)
    result = generator.emit(node)
    body = [*generator.block, py.return_(result.code)]
    overflowed = [py.return_(py.call("overflow"))]
    guarded = py.guarded(body, "RecursionError", overflowed, [])
    if generator.exact:
        outer = generator.variable()
        leave = [py.expression(py.call("leave", py.name(outer)))]
        guarded = py.guarded(body, "RecursionError", overflowed, leave)
        guarded.insert(0, py.assign(outer, py.call("enter", py.name("rt"))))
    function = py.function("evaluate", ["lookup", "rt"], guarded)
    return ast.Module(body=[function], type_ignores=[]), generator.constants


_EMIT: Final[dict[type, Emit]] = {
    n.Literal: emit_values.literal,
    n.BadLiteral: emit_values.bad_literal,
    n.Name: Emitter.name,
    n.Path: emit_operators.path,
    n.Filter: emit_operators.filter,
    n.Call: emit_values.call,
    n.Negation: emit_operators.negation,
    n.Binary: emit_operators.binary,
    n.Logic: emit_operators.logic,
    n.Between: emit_operators.between,
    n.Test: emit_tests.test,
    n.In: emit_tests.in_tests,
    n.UnaryTests: emit_tests.unary_tests,
    n.If: emit_operators.conditional,
    n.For: emit_loops.loop,
    n.Quantified: emit_loops.loop,
    n.ListNode: emit_values.list_of,
    n.ContextNode: emit_values.context,
    n.RangeNode: emit_values.range_of,
    n.FunctionNode: emit_values.function,
    n.InstanceOf: emit_operators.instance_of,
}
