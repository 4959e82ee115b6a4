"""Python to FEEL, for models of SpiffWorkflow: expressions and assignments that only reckon, compare and take parts.

The text is parsed by Python's own parser and never run. What calls, loops or changes something is left to a worker.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable
from typing import Any, Final, final

import msgspec

from procession.convert.translation import (
    Notes,
    Translation,
    binary,
    call,
    choice,
    constant,
    context,
    feel_text,
    item,
    items,
    logic,
    name,
    negative,
    number,
    path,
)
from procession.feel import nodes as n

TEXT_MAX: Final = 8_192
"""Longest script that is read, in characters."""
DEPTH_MAX: Final = 60
"""Deepest nesting of a script."""

_BINARY: Final[dict[type, n.Operator]] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}
_COMPARE: Final[dict[type, n.Operator]] = {
    ast.Eq: "=", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip
_CALLS: Final[dict[tuple[str, int], str]] = {
    ("len", 1): "count", ("str", 1): "string", ("sum", 1): "sum", ("min", 1): "min", ("max", 1): "max",
    ("abs", 1): "abs", ("float", 1): "number", ("all", 1): "all", ("any", 1): "any",
}  # fmt: skip
_METHODS: Final[dict[tuple[str, int], str]] = {
    ("upper", 0): "upper case", ("lower", 0): "lower case", ("strip", 0): "trim",
    ("startswith", 1): "starts with", ("endswith", 1): "ends with", ("get", 1): "get value",
}  # fmt: skip
_TRUTH: Final = "a value that is no boolean is not taken as one: compare it"


@final
class _Foreign(Exception):
    """A part of Python that FEEL has no words for."""


@final
class Assignment(msgspec.Struct, frozen=True):
    """`target = …` of a script, in FEEL."""

    target: str
    feel: str


def translate_python(text: str) -> Translation:
    """One expression in FEEL."""
    notes = Notes()
    try:
        # A statement of one expression, and not the mode for expressions: that one forgives no line breaks.
        body = _statements(f"({text.strip()}\n)")
        if not text.strip() or len(body) != 1 or not isinstance(body[0], ast.Expr):
            raise _Foreign("this is no expression of Python")
        tree = _expression(body[0].value, notes, 0)
    except _Foreign as error:
        return Translation(feel=None, outcome="needs-work", notes=(str(error),))
    return notes.translation(tree)


def translate_assignments(text: str) -> tuple[tuple[Assignment, ...], Translation]:
    """The assignments of a script that has nothing else, and one context of all of them, in order.

    A later entry sees the earlier ones, so the context reckons what the script does.
    """
    notes = Notes()
    found: list[tuple[str, n.Node]] = []
    try:
        for statement in _statements(text.strip()):
            target = statement.targets[0] if isinstance(statement, ast.Assign) else None
            if not isinstance(statement, ast.Assign) or len(statement.targets) != 1 or not isinstance(target, ast.Name):
                raise _Foreign(f"line {statement.lineno} is no plain assignment: a worker has to do it")
            if any(target.id == known for known, _ in found):
                raise _Foreign(f"line {statement.lineno} assigns to {target.id} again: a worker has to do it")
            found.append((target.id, _expression(statement.value, notes, 0)))
    except _Foreign as error:
        return (), Translation(feel=None, outcome="needs-work", notes=(str(error),))
    if not found:
        return (), Translation(feel=None, outcome="needs-work", notes=("the script is empty",))
    done = notes.translation(context(found))
    return tuple(Assignment(target, feel_text(value)) for target, value in found), done


def translate_entries(text: str) -> tuple[tuple[Assignment, ...], Translation]:
    """The entries of a dictionary that is written out, and the whole of it as a context."""
    whole = translate_python(text)
    notes = Notes()
    found: list[Assignment] = []
    try:
        body = _statements(f"({text.strip()}\n)")
        only = body[0].value if len(body) == 1 and isinstance(body[0], ast.Expr) else None
        if not isinstance(only, ast.Dict):
            raise _Foreign("this is no dictionary that is written out")
        for key, value in zip(only.keys, only.values, strict=True):
            if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
                raise _Foreign("a key of the dictionary is no text")
            found.append(Assignment(key.value, feel_text(_expression(value, notes, 0))))
    except _Foreign as error:
        return (), Translation(feel=None, outcome="needs-work", notes=(str(error),))
    return tuple(found), whole


def _statements(text: str) -> list[ast.stmt]:
    if len(text) > TEXT_MAX:
        raise _Foreign(f"the script has more than {TEXT_MAX} characters: a worker has to do it")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text).body
    except SyntaxError as error:
        raise _Foreign(f"this is no Python: {error.msg} at line {error.lineno}, character {error.offset}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise _Foreign(f"this cannot be read as Python: {error}") from None


def _expression(node: ast.expr, notes: Notes, depth: int) -> n.Node:
    if depth > DEPTH_MAX:
        raise _Foreign(f"the script is nested deeper than {DEPTH_MAX}: a worker has to do it")
    row = _NODES.get(type(node))
    found: n.Node | None = row(node, notes, depth + 1) if row is not None else None
    if found is None:
        # Not the part's text: to print a tree of Python may go deeper than the stack.
        place = f"line {node.lineno}, character {node.col_offset + 1}"
        raise _Foreign(f"the {type(node).__name__} at {place} has no words in FEEL: a worker has to do it")
    return found


def _constant(node: ast.Constant, notes: Notes, depth: int) -> n.Node | None:
    value = node.value
    if value is None or isinstance(value, bool | str):
        return constant(value)
    return number(repr(value)) if isinstance(value, int | float) and abs(value) < 10**30 else None


def _name(node: ast.Name, notes: Notes, depth: int) -> n.Node:
    return name(node.id)


def _attribute(node: ast.Attribute, notes: Notes, depth: int) -> n.Node:
    return path(_expression(node.value, notes, depth), node.attr)


def _subscript(node: ast.Subscript, notes: Notes, depth: int) -> n.Node | None:
    key = node.slice
    base = _expression(node.value, notes, depth)
    if isinstance(key, ast.Constant) and isinstance(key.value, str):
        return path(base, key.value)
    if isinstance(key, ast.Constant) and type(key.value) is int:
        return item(base, key.value + 1)
    if isinstance(key, ast.UnaryOp) and isinstance(key.op, ast.USub) and isinstance(key.operand, ast.Constant):
        value = key.operand.value
        return item(base, -value) if type(value) is int and value > 0 else None
    return None


def _binary(node: ast.BinOp, notes: Notes, depth: int) -> n.Node | None:
    left, right = _expression(node.left, notes, depth), _expression(node.right, notes, depth)
    if isinstance(node.op, ast.Mod):
        return call("modulo", left, right)
    if isinstance(node.op, ast.FloorDiv):
        return call("floor", binary("/", left, right))
    operator = _BINARY.get(type(node.op))
    if operator is None:
        return None
    if isinstance(node.op, ast.Add):
        notes.remark("lists are joined by concatenate(a, b), not by +")
    return binary(operator, left, right)


def _unary(node: ast.UnaryOp, notes: Notes, depth: int) -> n.Node | None:
    if isinstance(node.op, ast.USub):
        return negative(_expression(node.operand, notes, depth))
    if isinstance(node.op, ast.Not):
        return call("not", _truth(node.operand, notes, depth))
    return None


def _truth(node: ast.expr, notes: Notes, depth: int) -> n.Node:
    """An operand of a logical operator."""
    if not isinstance(node, ast.Compare | ast.BoolOp | ast.Constant):
        notes.remark(_TRUTH)
    return _expression(node, notes, depth)


def _logic(node: ast.BoolOp, notes: Notes, depth: int) -> n.Node:
    return logic("and" if isinstance(node.op, ast.And) else "or", [_truth(each, notes, depth) for each in node.values])


def _compare(node: ast.Compare, notes: Notes, depth: int) -> n.Node | None:
    operands = [_expression(each, notes, depth) for each in (node.left, *node.comparators)]
    found: list[n.Node] = []
    for operator, left, right in zip(node.ops, operands, operands[1:], strict=False):
        known = _COMPARE.get(type(operator))
        if known is not None:
            found.append(binary(known, left, right))
        elif isinstance(operator, ast.In | ast.NotIn):
            notes.remark("`in` is taken as that of a list")
            inside = call("list contains", right, left)
            found.append(inside if isinstance(operator, ast.In) else call("not", inside))
        elif isinstance(right, n.Literal) and right.value is None:
            found.append(binary("=" if isinstance(operator, ast.Is) else "!=", left, right))
        else:
            return None
    return found[0] if len(found) == 1 else logic("and", found)


def _choice(node: ast.IfExp, notes: Notes, depth: int) -> n.Node:
    yes, no = _expression(node.body, notes, depth), _expression(node.orelse, notes, depth)
    return choice(_truth(node.test, notes, depth), yes, no)


def _list(node: ast.List | ast.Tuple, notes: Notes, depth: int) -> n.Node:
    return items([_expression(each, notes, depth) for each in node.elts])


def _context(node: ast.Dict, notes: Notes, depth: int) -> n.Node | None:
    entries: list[tuple[str, n.Node]] = []
    for key, value in zip(node.keys, node.values, strict=True):
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            return None
        entries.append((key.value, _expression(value, notes, depth)))
    return context(entries)


def _call(node: ast.Call, notes: Notes, depth: int) -> n.Node | None:
    if node.keywords:
        return None
    if isinstance(node.func, ast.Name):
        function = _CALLS.get((node.func.id, len(node.args)))
        return None if function is None else call(function, *(_expression(each, notes, depth) for each in node.args))
    if isinstance(node.func, ast.Attribute):
        function = _METHODS.get((node.func.attr, len(node.args)))
        if function is not None:
            return call(function, *(_expression(each, notes, depth) for each in (node.func.value, *node.args)))
    return None


_NODES: Final[dict[type, Callable[[Any, Notes, int], n.Node | None]]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.BoolOp: _logic,
    ast.Compare: _compare,
    ast.IfExp: _choice,
    ast.List: _list,
    ast.Tuple: _list,
    ast.Dict: _context,
    ast.Call: _call,
}
