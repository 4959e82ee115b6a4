"""A tree of FEEL as a program of JSON: one row a kind of node, the same that `codegen` has for Python.

A constant stands for itself; anything else is a list whose first item names a row of `NODES` in
`clients/player/src/feel/run.ts`. Scopes are kept here as far as they decide whether a name is that of a function.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from decimal import Decimal
from typing import Any, Final, TypeAlias, final

import msgspec

from procession.feel import nodes as n
from procession.feel.analysis import mentions
from procession.feel.builtins import BUILTINS, Dialect
from procession.feel.builtins.table import Overload
from procession.feel.compiler import Expression
from procession.feel.javascript.functions import CLOCK, FUNCTIONS, PATTERNS, ZONED
from procession.feel.javascript.patterns import Unwritten, pattern_of
from procession.feel.temporal import DateTime, Time
from procession.feel.temporal_text import temporal_text
from procession.feel.values import TEMPORAL_TYPES

Program: TypeAlias = "bool | int | str | list[Any] | None"
"""What the browser runs, as JSON."""
DEPTH_MAX: Final = 100
"""Deeper trees are the server's: how deep a browser's stack is, nobody says."""
_SAFE: Final = 2**53
_ABSENT: Final[list[Any]] = []
"""An argument by name that was left out."""
_TYPES: Final = {
    "Any": "*", "Null": "0", "boolean": "b", "number": "n", "string": "s", "list": "l", "context": "c", "date": "d",
    "time": "t", "date and time": "m", "years and months duration": "y", "days and time duration": "p", "range": "r",
}  # fmt: skip


@final
class Reason(msgspec.Struct, frozen=True):
    """Why an expression is not in the subset: what is not, and the part `[start, end)` of the text where it stands."""

    construct: str
    start: int
    end: int


def subset(expression: Expression, inputs: Collection[str] = ()) -> Program | tuple[Reason, ...]:
    """The program of an expression, or as a tuple all reasons why it has none, so that the server must be asked.

    `inputs` are those of `now()` and `today()` that whoever runs the program gives a value, under these names.
    """
    writer = _Writer(expression, frozenset(inputs))
    program = writer.emit(expression.node)
    return tuple(writer.reasons) or program


@final
class _Writer:
    """The program under construction: the names that are bound here, and what is not in the subset."""

    __slots__ = ("_depth", "bound", "dialect", "inputs", "reasons")

    def __init__(self, expression: Expression, inputs: frozenset[str]) -> None:
        self.dialect: Dialect = expression.dialect
        self.inputs = inputs
        self.reasons: list[Reason] = []
        self.bound: frozenset[str] = frozenset()
        self._depth = 0

    def emit(self, node: n.Node) -> Program:
        """The program of a node."""
        if self._depth >= DEPTH_MAX:
            return self.no("deep nesting", node)
        self._depth += 1
        program = _EMIT[type(node)](self, node)
        self._depth -= 1
        return program

    def all(self, nodes: tuple[n.Node, ...]) -> list[Program]:
        """The programs of some nodes."""
        return [self.emit(node) for node in nodes]

    def within(self, names: Collection[str], node: n.Node) -> Program:
        """The program of a node in which more names are bound."""
        outer = self.bound
        self.bound = outer | frozenset(names)
        program = self.emit(node)
        self.bound = outer
        return program

    def no(self, construct: str, node: n.Node) -> Program:
        """Something that is not in the subset; what stands for it, so that the rest is looked through, too."""
        self.reasons.append(Reason(construct, node.start, node.end))
        return None


def _literal(w: _Writer, node: n.Literal) -> Program:
    value = node.value
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | Decimal):
        return value if isinstance(value, int) and abs(value) < _SAFE else ["#", str(value)]
    assert isinstance(value, TEMPORAL_TYPES)
    clock = value.time if isinstance(value, DateTime) else value
    if isinstance(clock, Time) and clock.zone is not None:
        return w.no("a time zone", node)
    return ["@", temporal_text(value)]


def _bad_literal(w: _Writer, node: n.BadLiteral) -> Program:
    del w, node
    return None


def _name(w: _Writer, node: n.Name) -> Program:
    is_function = node.name in BUILTINS[w.dialect] and node.name not in w.bound
    return ["b" if is_function else "v", node.name]


def _path(w: _Writer, node: n.Path) -> Program:
    return [".", w.emit(node.base), node.name]


def _filter(w: _Writer, node: n.Filter) -> Program:
    place = isinstance(node.test, n.Literal) and type(node.test.value) is int
    return ["]" if place else "[", w.emit(node.base), w.emit(node.test)]


def _negation(w: _Writer, node: n.Negation) -> Program:
    return ["~", w.emit(node.operand)]


def _binary(w: _Writer, node: n.Binary) -> Program:
    """A chain of one operator is one list, since it may be long."""
    operands: list[n.Node] = []
    left: n.Node = node
    while isinstance(left, n.Binary) and left.operator == node.operator:
        operands.append(left.right)
        left = left.left
    return [node.operator, *w.all((left, *reversed(operands)))]


def _logic(w: _Writer, node: n.Logic) -> Program:
    return ["&" if node.operator == "and" else "|", *w.all(node.operands)]


def _between(w: _Writer, node: n.Between) -> Program:
    return ["w", *w.all((node.operand, node.low, node.high))]


def _in(w: _Writer, node: n.In) -> Program:
    return ["in", w.emit(node.operand), *(_one_test(w, test, "") for test in node.tests)]


def _unary_tests(w: _Writer, node: n.UnaryTests) -> Program:
    return ["u", node.negated, *(_one_test(w, test, "t") for test in node.tests)] if node.tests else True


def _one_test(w: _Writer, test: n.Test, plain: str) -> Program:
    operand = test.operand
    operator: str = test.operator or plain
    if not test.operator and isinstance(operand, n.Literal):
        operator = "=" if type(operand.value) in {int, str} else ""
    elif operator == "t" and mentions(operand, "?"):
        operator = "?"
    return [operator, w.emit(operand)]


def _test(w: _Writer, node: n.Test) -> Program:
    return ["u", False, _one_test(w, node, "t")]


def _conditional(w: _Writer, node: n.If) -> Program:
    return ["?", *w.all((node.condition, node.yes, node.no))]


def _loop(w: _Writer, node: n.For | n.Quantified) -> Program:
    outer = w.bound
    iterators: list[Program] = []
    for iterator in node.iterators:
        ends = [iterator.domain, *([iterator.until] if iterator.until is not None else [])]
        iterators.append([iterator.name, *(w.emit(end) for end in ends)])
        w.bound = w.bound | {iterator.name}
    row: str = node.kind if isinstance(node, n.Quantified) else "for"
    if row == "for" and mentions(node.body, "partial"):
        row = "partial"
        w.bound = w.bound | {"partial"}
    body = w.emit(node.body)
    w.bound = outer
    return [row, iterators, body]


def _list(w: _Writer, node: n.ListNode) -> Program:
    return ["l", *w.all(node.items)]


def _context(w: _Writer, node: n.ContextNode) -> Program:
    keys = [key for key, _ in node.entries]
    if len(set(keys)) != len(keys):
        return None
    outer = w.bound
    program: list[Any] = ["{"]
    for key, entry in node.entries:
        own = {key} if isinstance(entry, n.FunctionNode) else ()
        program.extend((key, w.within(own, entry)))
        w.bound = w.bound | {key}
    w.bound = outer
    return program


def _range(w: _Writer, node: n.RangeNode) -> Program:
    included = node.low_included + 2 * node.high_included
    if node.form:
        return ["o", node.form, w.emit(node.low), included]
    return ["r", w.emit(node.low), w.emit(node.high), included]


def _function(w: _Writer, node: n.FunctionNode) -> Program:
    names = [name for name, _ in node.parameters]
    if node.external:
        return w.no("an external function", node)
    if any(kind is not None for _, kind in node.parameters):
        return w.no("a parameter with a type", node)
    if len(set(names)) != len(names):
        return w.no("a parameter that appears twice", node)
    return ["fn", names, w.within(names, node.body)]


def _instance_of(w: _Writer, node: n.InstanceOf) -> Program:
    kind = _type(w, node.type, node)
    return ["is", w.emit(node.operand), kind]


def _type(w: _Writer, kind: n.TypeRef, node: n.Node) -> Program:
    letter = _TYPES.get(kind.name)
    if letter is None:
        return w.no(f"the type `{kind.name}`", node)
    fields = [[name, _type(w, field, node)] for name, field in kind.fields]
    parts = [_type(w, part, node) for part in kind.arguments]
    return [letter, *parts, *fields] if parts or fields else letter


def _call(w: _Writer, node: n.Call) -> Program:
    callee = node.callee
    if not isinstance(callee, n.Name) or callee.name in w.bound:
        return ["c", w.emit(callee), list(node.names), *w.all(node.arguments)]
    overloads = BUILTINS[w.dialect].get(callee.name)
    if overloads is None:
        return w.no(f"the function `{callee.name}`", callee)
    if callee.name in CLOCK and not node.arguments and f"{callee.name}()" in w.inputs:
        return ["i", f"{callee.name}()"]
    if callee.name in PATTERNS:
        return _pattern_call(w, node, callee.name)
    runtime = FUNCTIONS[w.dialect].get(callee.name)
    if runtime is None:
        return w.no(f"the function `{callee.name}`", callee)
    arguments = w.all(node.arguments)
    if callee.name in ZONED and any(isinstance(a, str) and "@" in a for a in arguments):
        return w.no("a time zone", node)
    if node.names:
        return _named_call(node.names, overloads, arguments, runtime)
    if not any(overload.takes(len(arguments)) for overload in overloads):
        return None
    return ["f", runtime, *arguments]


def _named_call(names: tuple[str, ...], overloads: tuple[Overload, ...], given: list[Program], runtime: str) -> Program:
    """A built-in function with named arguments: they are put in order here."""
    for overload in sorted(overloads, key=lambda overload: overload.names != names):
        if overload.takes_names(names):
            by_name = dict(zip(names, given, strict=True))
            ordered = [by_name.get(name, _ABSENT) for name in overload.names]
            while ordered and ordered[-1] is _ABSENT:
                ordered.pop()
            return ["n", runtime, overloads.index(overload), *ordered]
    return None


def _pattern_call(w: _Writer, node: n.Call, name: str) -> Program:
    """`matches(text, pattern, flags)`, `split(text, pattern)`, `replace(text, pattern, replacement, flags)`."""
    texts = [argument.value if isinstance(argument, n.Literal) else None for argument in node.arguments[1:]]
    counts = {"matches": (1, 2), "split": (1,), "replace": (2, 3)}[name]
    strings = [text for text in texts if isinstance(text, str)]
    if node.names or len(texts) not in counts or len(strings) != len(texts):
        return w.no(f"`{name}` with a pattern that is no literal", node)
    new = strings[1] if name == "replace" else ""
    if "$" in new or "\\" in new:
        return w.no("a replacement with groups", node)
    flags = strings[counts[0]] if len(strings) > counts[0] else ""
    subject = w.emit(node.arguments[0])
    try:
        pattern = pattern_of(strings[0], flags, name, lenient=w.dialect == "camunda")
    except Unwritten as reason:
        return w.no(str(reason), node)
    return None if pattern is None else ["x", name, subject, pattern, *([new] if new else [])]


_EMIT: Final[dict[type, Callable[[_Writer, Any], Program]]] = {
    n.Literal: _literal,
    n.BadLiteral: _bad_literal,
    n.Name: _name,
    n.Path: _path,
    n.Filter: _filter,
    n.Call: _call,
    n.Negation: _negation,
    n.Binary: _binary,
    n.Logic: _logic,
    n.Between: _between,
    n.Test: _test,
    n.In: _in,
    n.UnaryTests: _unary_tests,
    n.If: _conditional,
    n.For: _loop,
    n.Quantified: _loop,
    n.ListNode: _list,
    n.ContextNode: _context,
    n.RangeNode: _range,
    n.FunctionNode: _function,
    n.InstanceOf: _instance_of,
}
