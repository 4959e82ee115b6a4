"""Python syntax that generated code may consist of: short constructors, and the check that nothing else slipped in.

This is half of the sandbox. No attribute, import, f-string, comprehension or user-made identifier exists here: text
of the user becomes string constants only. The other half is the table of globals in `codegen`.
"""

from __future__ import annotations

import ast
import dis
import re
from collections.abc import Callable
from functools import lru_cache
from operator import attrgetter
from types import CodeType
from typing import Any, Final, cast

IS: Final = ast.Is()
IS_NOT: Final = ast.IsNot()
IN: Final = ast.In()
LT: Final = ast.Lt()
LTE: Final = ast.LtE()
_LOAD: Final = ast.Load()
_STORE: Final = ast.Store()


class Name(ast.Name):
    """Every node stands at one place of the Python text that nobody wrote: the class says so, which costs half of
    what telling each node does."""

    lineno = 1
    col_offset = 0


class Constant(ast.Constant):
    lineno = 1
    col_offset = 0


class Call(ast.Call):
    lineno = 1
    col_offset = 0


class Assign(ast.Assign):
    lineno = 1
    col_offset = 0


class Compare(ast.Compare):
    lineno = 1
    col_offset = 0


class IfExp(ast.IfExp):
    lineno = 1
    col_offset = 0


class If(ast.If):
    lineno = 1
    col_offset = 0


class BoolOp(ast.BoolOp):
    lineno = 1
    col_offset = 0


class Subscript(ast.Subscript):
    lineno = 1
    col_offset = 0


_PLACE: Final[dict[str, Any]] = {"lineno": 1, "col_offset": 0}
CHILDREN: Final[dict[type, tuple[str, ...]]] = {
    Name: (), Constant: (), Call: ("func", "args"), Assign: ("targets", "value"),
    Compare: ("left", "ops", "comparators"), IfExp: ("test", "body", "orelse"), If: ("test", "body", "orelse"),
    BoolOp: ("values",), Subscript: ("value", "slice"),
    ast.Module: ("body",), ast.FunctionDef: ("args", "body"), ast.arguments: ("args", "kwonlyargs", "kw_defaults"),
    ast.arg: (), ast.Return: ("value",), ast.For: ("target", "iter", "body"), ast.Break: (), ast.Expr: ("value",),
    ast.Try: ("body", "handlers", "finalbody"), ast.ExceptHandler: ("type", "body"), ast.BinOp: ("left", "op", "right"),
    ast.UnaryOp: ("op", "operand"), ast.NamedExpr: ("target", "value"), ast.Dict: ("keys", "values"),
    ast.List: ("elts",), ast.Tuple: ("elts",), ast.Not: (), ast.USub: (), ast.Add: (), ast.Sub: (), ast.Mult: (),
    ast.Is: (), ast.IsNot: (), ast.In: (), ast.Eq: (), ast.NotEq: (), ast.Lt: (), ast.LtE: (), ast.Gt: (), ast.GtE: (),
}  # fmt: skip
"""The whole vocabulary, and where in a node others hang: the constructors below make nothing else, `check` looks."""
_CONSTANTS: Final = frozenset({int, str, bool, type(None)})
GENERATED: Final = re.compile("[vfk][0-9]+|evaluate|lookup|rt")
"""Identifiers that the generator makes; none comes from an expression's text."""
_FIRST: Final = frozenset([f"{letter}{number}" for letter in "vfk" for number in range(1, 64)])
"""Those of small expressions, which need no pattern."""
FORBIDDEN: Final = frozenset(
    number
    for operation, number in dis.opmap.items()
    if operation.startswith(("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER", "LOAD_NAME", "LOAD_BUILD", "LOAD_LOCALS",
                             "STORE_ATTR", "STORE_GLOBAL", "STORE_NAME", "STORE_SUBSCR", "DELETE_", "IMPORT_",
                             "FORMAT_", "BUILD_STRING", "YIELD_", "GET_AWAITABLE", "SEND", "EXEC"))
)  # fmt: skip
"""Operations that no generated function has: attributes, imports, formatting, assignments outside of itself."""


def check(module: ast.Module, known: frozenset[str]) -> None:
    """Asserts that a tree holds nodes, names and constants of the vocabulary only; tests ask it for all they draw."""
    stack: list[Any] = [module]
    while stack:
        node = stack.pop()
        if type(node) is Name:
            assert node.id in _FIRST or node.id in known or GENERATED.fullmatch(node.id), f"unknown name {node.id}"
        elif type(node) is Constant:
            assert type(node.value) in _CONSTANTS, f"unknown constant {node.value!r}"
        else:
            children = _CHILDREN_OF.get(type(node))  # pyright: ignore[reportUnknownArgumentType]  # any object is refused
            assert children is not None, f"{type(node).__name__} is no node that is generated"
            for child in children(node):
                if type(child) is list:
                    stack += child
                elif child is not None:
                    stack.append(child)


def _getter(fields: tuple[str, ...]) -> Callable[[object], tuple[Any, ...]]:
    if len(fields) == 1:
        only = attrgetter(fields[0])
        return lambda node: (only(node),)
    return attrgetter(*fields) if fields else lambda node: ()


_CHILDREN_OF: Final = {kind: _getter(fields) for kind, fields in CHILDREN.items()}


@lru_cache(maxsize=1024)
def name(identifier: str) -> ast.Name:
    """A variable read. Nodes are not changed, so each is made once."""
    return Name(identifier, _LOAD)


@lru_cache(maxsize=1024)
def _target(identifier: str) -> ast.Name:
    return Name(identifier, _STORE)


def constant(value: int | str | bool | None) -> ast.Constant:
    """A constant."""
    return Constant(value)


def call(function: str, *arguments: ast.expr) -> ast.Call:
    """A call of a function by name."""
    return Call(name(function), list(arguments), [])


def assign(identifier: str, value: ast.expr) -> ast.stmt:
    """`identifier = value`."""
    return Assign([_target(identifier)], value)


def walrus(identifier: str, value: ast.expr) -> ast.expr:
    """`(identifier := value)`."""
    return ast.NamedExpr(target=_target(identifier), value=value, **_PLACE)


def compare(left: ast.expr, operator: ast.cmpop, right: ast.expr) -> ast.expr:
    """`left operator right`."""
    return Compare(left, [operator], [right])


def chain(low: ast.expr, value: ast.expr, high: ast.expr, operators: tuple[ast.cmpop, ast.cmpop]) -> ast.expr:
    """`low < value < high`."""
    return Compare(low, list(operators), [value, high])


def all_of(*conditions: ast.expr) -> ast.expr:
    """`a and b`."""
    return conditions[0] if len(conditions) == 1 else BoolOp(ast.And(), list(conditions))


def either(*conditions: ast.expr) -> ast.expr:
    """`a or b`."""
    return BoolOp(ast.Or(), list(conditions))


def binary(left: ast.expr, operator: ast.operator, right: ast.expr) -> ast.expr:
    """`left operator right` on ints."""
    return ast.BinOp(left=left, op=operator, right=right, **_PLACE)


def negative(operand: ast.expr) -> ast.expr:
    """`-operand`."""
    return ast.UnaryOp(op=ast.USub(), operand=operand, **_PLACE)


def if_else(test: ast.expr, yes: ast.expr, no: ast.expr) -> ast.expr:
    """`yes if test else no`."""
    return IfExp(test, yes, no)


def subscript(base: ast.expr, key: str) -> ast.expr:
    """`base["key"]`."""
    return Subscript(base, constant(key), _LOAD)


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
    return compare(call("type", value), IS, name(kind))


def one_of(value: ast.expr, kinds: str) -> ast.expr:
    """`type(value) in kinds`."""
    return compare(call("type", value), IN, name(kinds))


def if_(test: ast.expr, body: list[ast.stmt], orelse: list[ast.stmt]) -> ast.stmt:
    """`if test: … else: …`."""
    return If(test, body or [expression(constant(None))], orelse)


def for_(identifier: str, iterable: ast.expr, body: list[ast.stmt]) -> ast.stmt:
    """`for identifier in iterable: …`."""
    target = _target(identifier)
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


def guarded(body: list[ast.stmt], exception: str, handler: list[ast.stmt], at_last: list[ast.stmt]) -> list[ast.stmt]:
    """`try: … except exception: … finally: …`."""
    caught = ast.ExceptHandler(type=name(exception), name=None, body=handler, **_PLACE)
    return [ast.Try(body=body, handlers=[caught], orelse=[], finalbody=at_last, **_PLACE)]


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
    """Asserts that compiled code does nothing forbidden and reaches nothing but known names."""
    found = FORBIDDEN.intersection(code.co_code[::2])
    assert not found, f"forbidden operations {sorted(found)}"
    for identifier in (*code.co_names, *code.co_varnames, *code.co_freevars, *code.co_cellvars):
        accepted = identifier in _FIRST or identifier in known or GENERATED.fullmatch(identifier)
        assert accepted, f"unknown name {identifier}"
    for value in code.co_consts:
        if isinstance(value, CodeType):
            verify(value, known)
        else:
            assert _is_plain(value), f"unknown constant {value!r}"


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_plain, cast("tuple[object, ...]", value)))
    return type(value) in _CONSTANTS
