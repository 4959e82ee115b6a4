"""Python syntax that generated code may consist of: short constructors, and the check that nothing else slipped in.

This is half of the sandbox. No attribute, import, f-string, comprehension or user-made identifier exists here: text
of the user becomes string constants only. The other half is the table of globals in `codegen`.
"""

from __future__ import annotations

import ast
import re
from types import CodeType
from typing import Any, Final

_LOAD: Final = ast.Load()
_STORE: Final = ast.Store()
_PLACE: Final[dict[str, Any]] = {"lineno": 1, "col_offset": 0}
ALLOWED: Final = frozenset(
    getattr(ast, kind)
    for kind in (
        "Module FunctionDef arguments arg Return Assign If For Break Expr Try ExceptHandler Compare BoolOp BinOp "
        "UnaryOp IfExp NamedExpr Call Name Constant Subscript Dict List Tuple Load Store And Or Not USub Add Sub Mult "
        "Is IsNot In Eq NotEq Lt LtE Gt GtE"
    ).split()
)
"""The whole vocabulary: the constructors below make nothing else, and a test walks what they made."""
GENERATED: Final = re.compile("[vfk][0-9]+|evaluate|lookup|rt")
"""Identifiers that the generator makes; none comes from an expression's text."""


def name(identifier: str) -> ast.Name:
    """A variable read."""
    return ast.Name(id=identifier, ctx=_LOAD, **_PLACE)


def constant(value: int | str | bool | None) -> ast.Constant:
    """A constant."""
    return ast.Constant(value=value, **_PLACE)


def call(function: str, *arguments: ast.expr) -> ast.Call:
    """A call of a function by name."""
    return ast.Call(func=name(function), args=list(arguments), keywords=[], **_PLACE)


def assign(identifier: str, value: ast.expr) -> ast.stmt:
    """`identifier = value`."""
    return ast.Assign(targets=[ast.Name(id=identifier, ctx=_STORE, **_PLACE)], value=value, **_PLACE)


def walrus(identifier: str, value: ast.expr) -> ast.expr:
    """`(identifier := value)`."""
    return ast.NamedExpr(target=ast.Name(id=identifier, ctx=_STORE, **_PLACE), value=value, **_PLACE)


def compare(left: ast.expr, operator: ast.cmpop, right: ast.expr) -> ast.expr:
    """`left operator right`."""
    return ast.Compare(left=left, ops=[operator], comparators=[right], **_PLACE)


def chain(low: ast.expr, value: ast.expr, high: ast.expr, operators: tuple[ast.cmpop, ast.cmpop]) -> ast.expr:
    """`low < value < high`."""
    return ast.Compare(left=low, ops=list(operators), comparators=[value, high], **_PLACE)


def all_of(*conditions: ast.expr) -> ast.expr:
    """`a and b`."""
    return conditions[0] if len(conditions) == 1 else ast.BoolOp(op=ast.And(), values=list(conditions), **_PLACE)


def either(*conditions: ast.expr) -> ast.expr:
    """`a or b`."""
    return ast.BoolOp(op=ast.Or(), values=list(conditions), **_PLACE)


def binary(left: ast.expr, operator: ast.operator, right: ast.expr) -> ast.expr:
    """`left operator right` on ints."""
    return ast.BinOp(left=left, op=operator, right=right, **_PLACE)


def negative(operand: ast.expr) -> ast.expr:
    """`-operand`."""
    return ast.UnaryOp(op=ast.USub(), operand=operand, **_PLACE)


def if_else(test: ast.expr, yes: ast.expr, no: ast.expr) -> ast.expr:
    """`yes if test else no`."""
    return ast.IfExp(test=test, body=yes, orelse=no, **_PLACE)


def subscript(base: ast.expr, key: str) -> ast.expr:
    """`base["key"]`."""
    return ast.Subscript(value=base, slice=constant(key), ctx=_LOAD, **_PLACE)


def dictionary(keys: list[str], values: list[ast.expr]) -> ast.expr:
    """`{"key": value}`."""
    return ast.Dict(keys=[constant(key) for key in keys], values=values, **_PLACE)


def items(values: list[ast.expr]) -> ast.expr:
    """`[a, b]`."""
    return ast.List(elts=values, ctx=_LOAD, **_PLACE)


def texts(values: tuple[str, ...]) -> ast.expr:
    """`("a", "b")`."""
    return ast.Tuple(elts=[constant(value) for value in values], ctx=_LOAD, **_PLACE)


def is_type(value: ast.expr, kind: str) -> ast.expr:
    """`type(value) is kind`."""
    return compare(call("type", value), ast.Is(), name(kind))


def if_(test: ast.expr, body: list[ast.stmt], orelse: list[ast.stmt]) -> ast.stmt:
    """`if test: … else: …`."""
    return ast.If(test=test, body=body or [expression(constant(None))], orelse=orelse, **_PLACE)


def for_(identifier: str, iterable: ast.expr, body: list[ast.stmt]) -> ast.stmt:
    """`for identifier in iterable: …`."""
    target = ast.Name(id=identifier, ctx=_STORE, **_PLACE)
    return ast.For(target=target, iter=iterable, body=body or [expression(constant(None))], orelse=[], **_PLACE)


def break_() -> ast.stmt:
    """`break`."""
    return ast.Break(**_PLACE)


def expression(value: ast.expr) -> ast.stmt:
    """A statement that is an expression."""
    return ast.Expr(value=value, **_PLACE)


def return_(value: ast.expr) -> ast.stmt:
    """`return value`."""
    return ast.Return(value=value, **_PLACE)


def guarded(body: list[ast.stmt], exception: str, handler: list[ast.stmt]) -> ast.stmt:
    """`try: … except exception: …`."""
    caught = ast.ExceptHandler(type=name(exception), name=None, body=handler, **_PLACE)
    return ast.Try(body=body, handlers=[caught], orelse=[], finalbody=[], **_PLACE)


def function(identifier: str, parameters: list[str], body: list[ast.stmt], captured: tuple[str, ...] = ()) -> ast.stmt:
    """`def identifier(parameters, *, captured=captured): …`."""
    arguments = ast.arguments(
        posonlyargs=[],
        args=[ast.arg(arg=parameter, annotation=None, **_PLACE) for parameter in parameters],
        vararg=None,
        kwonlyargs=[ast.arg(arg=variable, annotation=None, **_PLACE) for variable in captured],
        kw_defaults=[name(variable) for variable in captured],
        kwarg=None,
        defaults=[],
    )
    return ast.FunctionDef(name=identifier, args=arguments, body=body, decorator_list=[], returns=None, **_PLACE)


def verify(code: CodeType, known: frozenset[str]) -> None:
    """Asserts that compiled code reaches nothing but known names: globals, attributes and imports all count."""
    for identifier in (*code.co_names, *code.co_varnames, *code.co_freevars, *code.co_cellvars):
        assert identifier in known or GENERATED.fullmatch(identifier), f"unknown name {identifier}"
    for value in code.co_consts:
        if isinstance(value, CodeType):
            verify(value, known)
