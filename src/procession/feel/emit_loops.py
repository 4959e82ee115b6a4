"""Code for `for`, `some` and `every`: Python loops in place, inner functions where they would nest too deeply."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Final

from procession.feel import nodes as n
from procession.feel import pyast as py
from procession.feel.analysis import mentions, only_reads
from procession.feel.emitter import Emitter, Frame, Value, place, runtime

_LOOPS_MAX: Final = 6
"""Python allows twenty nested loops in a function; deeper ones move to functions of their own."""


def loop(g: Emitter, node: n.For | n.Quantified) -> Value:
    """Deeply nested loops continue in an inner function."""
    if g.loops + len(node.iterators) > _LOOPS_MAX and g.loops:
        inner = g.define([], lambda: _loop_here(g, node).code)
        return g.store(py.call(inner))
    return _loop_here(g, node)


def _loop_here(g: Emitter, node: n.For | n.Quantified) -> Value:
    result = g.variable()
    frame = Frame()
    stop: ast.expr
    if isinstance(node, n.For):
        g.set(result, py.items([]))
        partial = g.variable()
        copy = not only_reads(node.body, "partial")

        def body() -> None:
            whole = py.call("copied", py.name(result), runtime()) if copy else py.name(result)
            if mentions(node.body, "partial"):
                g.set(partial, whole)
                frame.names["partial"] = partial
            g.block.append(py.expression(py.call("append", py.name(result), g.emit(node.body).code)))

        stop = py.constant(None)
    else:
        decisive = node.kind == "some"
        g.set(result, py.constant(not decisive))
        stop = py.constant(decisive)

        def body() -> None:
            value = Value(g.boxed(g.emit(node.body)))
            at = py.compare(value.code, py.IS, py.constant(decisive))
            same = py.compare(value.code, py.IS_NOT, py.constant(not decisive))
            unclear = py.if_(same, [py.assign(result, py.call("verdict", value.code, runtime(), place(node.body)))], [])
            g.block.append(py.if_(at, [py.assign(result, py.constant(decisive)), py.break_()], [unclear]))

    g.looping += 1
    g.repeated += 1
    g.frames.append(frame)
    _iterate(g, node.iterators, result, stop, body)
    g.frames.pop()
    g.looping -= 1
    g.repeated -= 1
    return Value(py.name(result)) if isinstance(node, n.For) else Value(py.name(result), "truth")


def _iterate(
    g: Emitter, iterators: tuple[n.Iterator, ...], result: str, stop: ast.expr, body: Callable[[], None]
) -> None:
    """One loop for the first iterator, around those for the others."""
    iterator, rest = iterators[0], iterators[1:]
    first = g.emit(iterator.domain).code
    if iterator.until is None:
        domain = g.store(py.call("domain", first, runtime(), place(iterator.domain))).code
    else:
        last = g.emit(iterator.until).code
        domain = g.store(py.call("span", first, last, runtime(), place(iterator))).code
    item = g.variable()

    def turn() -> None:
        g.frames[-1].names[iterator.name] = item
        if not rest:
            body()
            return
        _iterate(g, rest, result, stop, body)
        ended = py.compare(py.name(result), py.IS, stop)
        g.block.append(py.if_(ended, [py.break_()], []))

    g.loops += 1
    turns = g.nested(turn)
    g.loops -= 1
    none = py.compare(domain, py.IS, py.constant(None))
    failed = [py.assign(result, py.constant(None))]
    g.block.append(py.if_(none, failed, [py.for_(item, domain, turns)]))
