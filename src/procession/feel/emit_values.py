"""Code for what makes values: literals, names, lists, contexts, ranges, functions and their calls."""

from __future__ import annotations

import ast
from decimal import Decimal
from typing import Final

from procession.feel import nodes as n
from procession.feel import pyast as py
from procession.feel.analysis import language_of, mentions
from procession.feel.builtins import BUILTINS
from procession.feel.builtins.table import Builtin
from procession.feel.emitter import Emitter, Frame, Value, place, runtime
from procession.feel.errors import DomainError

_FOLDED: Final = frozenset({"date", "time", "date and time", "duration"})
"""Conversions of a text literal that are done at compile time."""


def literal(g: Emitter, node: n.Literal) -> Value:
    value = node.value
    if type(value) is int:
        return Value(py.constant(value), "int")
    if type(value) is str:
        return Value(py.constant(value), "str")
    if value is None:
        return Value(py.constant(None), "null")
    if type(value) is bool:
        return Value(py.constant(value), "truth")
    return Value(g.keep(value), "number" if type(value) is Decimal else "")


def bad_literal(g: Emitter, node: n.BadLiteral) -> Value:
    return g.store(py.call("bad_literal", py.constant(node.message), runtime(), place(node)))


def list_of(g: Emitter, node: n.ListNode) -> Value:
    return g.store(py.items([g.emit(item).code for item in node.items]))


def context(g: Emitter, node: n.ContextNode) -> Value:
    frame = Frame()
    g.frames.append(frame)
    keys: list[str] = []
    values: list[ast.expr] = []
    for key, entry in node.entries:
        if key in keys:
            g.frames.pop()
            message = py.constant(f"the key `{key}` appears twice")
            return g.store(py.call("bad_literal", message, runtime(), place(node)))
        identifier = g.variable()
        if isinstance(entry, n.FunctionNode):
            # A function may call itself by the name of its entry.
            frame.names[key] = identifier
            frame.pending = key
        g.set(identifier, g.emit(entry).code)
        frame.pending = None
        frame.names[key] = identifier
        keys.append(key)
        values.append(py.name(identifier))
    g.frames.pop()
    return g.store(py.dictionary(keys, values))


def range_of(g: Emitter, node: n.RangeNode) -> Value:
    low = g.emit(node.low)
    high = low if node.form else g.emit(node.high)
    flags = g.keep((node.low_included, node.high_included, node.form))
    return g.store(py.call("make_range", low.code, high.code, flags, runtime(), place(node)))


def function(g: Emitter, node: n.FunctionNode) -> Value:
    if node.external:
        known = g.keep(tuple(name for name, _ in node.parameters)), g.keep(tuple(kind for _, kind in node.parameters))
        return g.store(py.call("external_function", *known, py.constant(language_of(node))))
    names = {name: g.variable() for name, _ in node.parameters}
    captured = _captured(g, node) if g.looping else ()
    g.frames.append(Frame(names))
    g.deferred += 1
    body = g.define(list(names.values()), lambda: g.emit(node.body).code, captured)
    g.deferred -= 1
    g.frames.pop()
    parameters = g.keep(tuple(names))
    types = g.keep(tuple(kind for _, kind in node.parameters))
    return g.store(py.call("user_function", parameters, types, g.keep(g.types), py.name(body)))


def _captured(g: Emitter, node: n.FunctionNode) -> tuple[str, ...]:
    """The variables of a loop's turn that a function uses: the next turn assigns them anew, and it must not notice."""
    found: dict[str, None] = {}
    for frame in g.frames:
        if frame.item:
            found[frame.item] = None
        for name, identifier in frame.names.items():
            if name != frame.pending and mentions(node, name):
                found[identifier] = None
    return tuple(found)


def call(g: Emitter, node: n.Call) -> Value:
    builtin = _builtin(g, node.callee)
    if builtin is None:
        callee = g.emit(node.callee).code
        arguments = py.items([g.emit(argument).code for argument in node.arguments])
        return g.store(py.call("call_value", callee, arguments, py.texts(node.names), runtime(), place(node)))
    name, overloads = builtin
    folded = _folded(name, overloads, node)
    if folded is not None:
        return Value(g.keep(folded))
    given = [g.emit(argument) for argument in node.arguments]
    if name == "not" and len(given) == 1 and given[0].kind == "truth":
        value = g.boxed(given[0])
        opposite = py.compare(value, py.IS, py.constant(False))
        return g.store(py.if_else(py.compare(value, py.IS, py.constant(None)), value, opposite), "truth")
    codes = [value.code for value in given]
    if node.names:
        return _named_call(g, node, (name, overloads), codes)
    candidates = tuple(overload for overload in overloads if overload.takes(len(codes)))
    if not candidates:
        return g.store(py.call("bad_call", py.constant(name), runtime(), place(node)))
    if len(candidates) == 1:
        return g.store(py.call("call_builtin", g.keep(candidates[0]), py.items(codes), runtime(), place(node)))
    return g.store(py.call("call_overloaded", g.keep(candidates), py.items(codes), runtime(), place(node)))


def _named_call(g: Emitter, node: n.Call, builtin: tuple[str, Builtin], codes: list[ast.expr]) -> Value:
    """A built-in called with named arguments: they are put in order here."""
    name, overloads = builtin
    # `before(range: a, point: b)` and `before(point: a, range: b)` differ in the order alone.
    for overload in sorted(overloads, key=lambda overload: overload.names != node.names):
        if overload.takes_names(node.names):
            given = dict(zip(node.names, codes, strict=True))
            ordered = [given.get(parameter, py.name("ABSENT")) for parameter in overload.names]
            return g.store(py.call("call_builtin", g.keep(overload), py.items(ordered), runtime(), place(node)))
    return g.store(py.call("bad_call", py.constant(name), runtime(), place(node)))


def _builtin(g: Emitter, callee: n.Node) -> tuple[str, Builtin] | None:
    """The built-in function that a callee names, unless a local name hides it."""
    if not isinstance(callee, n.Name) or any(callee.name in frame.names for frame in g.frames):
        return None
    found = BUILTINS[g.dialect].get(callee.name)
    return None if found is None else (callee.name, found)


def _folded(name: str, overloads: Builtin, node: n.Call) -> object:
    """The value of `date("2026-11-23")` and the like; None if it is to be found at run time."""
    if name not in _FOLDED or len(node.arguments) != 1 or node.names:
        return None
    argument = node.arguments[0]
    if not isinstance(argument, n.Literal) or not isinstance(argument.value, str):
        return None
    try:
        return overloads[0].call(argument.value)
    except DomainError:
        return None
