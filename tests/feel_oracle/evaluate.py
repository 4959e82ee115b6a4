"""The walk over the tree: one case a kind of node (DMN 1.5, 10.3.2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Final, TypeAlias

from feel_oracle.functions import FUNCTIONS, call
from feel_oracle.functions_of_dates import property_of
from feel_oracle.operators import (
    arithmetic,
    compare,
    conjunction,
    disjunction,
    interval,
    is_of,
    negated,
    passes,
)
from feel_oracle.values import Day, Fn, Interval, Nothing, Value, number, of_ordinal, ordinal, read_temporal
from procession.feel import nodes as n

Scope: TypeAlias = Mapping[str, Value]
_TYPES: Final = {
    "number", "string", "boolean", "date", "time", "date and time", "years and months duration",
    "days and time duration", "Any", "Null", "list", "context", "function", "range",
}  # fmt: skip


class Walk:
    """One evaluation: the text, and the scopes from the outermost inwards."""

    def __init__(self, text: str, variables: Scope) -> None:
        self.text = text
        self.scopes: tuple[Scope, ...] = (variables,)

    def with_scope(self, *scopes: Scope) -> Walk:
        """The same walk with more names."""
        walk = Walk(self.text, {})
        walk.scopes = (*self.scopes, *scopes)
        return walk

    def value(self, node: n.Node) -> Value:
        """The value of a node."""
        match node:
            case n.Literal() | n.BadLiteral():
                return self.literal(node)
            case n.Name():
                return self.name(node.name)
            case n.Path():
                return path(self.value(node.base), node.name)
            case n.Negation():
                return negated(self.value(node.operand))
            case n.Binary():
                return self.binary(node)
            case n.Logic():
                return self.logic(node)
            case n.Between():
                value, low, high = (self.value(part) for part in (node.operand, node.low, node.high))
                return conjunction(compare(">=", value, low), compare("<=", value, high))
            case n.In():
                return self.tests(self.value(node.operand), node.tests)
            case n.InstanceOf():
                value = self.value(node.operand)
                return is_of(value, node.type) if _exists(node.type) else None
            case n.If():
                return self.value(node.yes if self.value(node.condition) is True else node.no)
            case n.ListNode():
                return [self.value(item) for item in node.items]
            case _:
                return self.made(node)

    def made(self, node: n.Node) -> Value:
        """What opens a scope or is called."""
        match node:
            case n.Filter():
                return self.filtered(node)
            case n.Call():
                return self.called(node)
            case n.For():
                return self.loop(node)
            case n.Quantified():
                return self.quantified(node)
            case n.ContextNode():
                return self.context(node)
            case n.RangeNode():
                return self.range(node)
            case n.FunctionNode():
                return self.function(node)
            case _:
                raise AssertionError(node)

    def literal(self, node: n.Literal | n.BadLiteral) -> Value:
        """A literal, read from its own text where the parser would have had to know what it means."""
        text = self.text[node.start : node.end]
        if text.startswith("@"):
            content = text[1:].strip().strip('"')
            return read_temporal(content)
        value = node.value if isinstance(node, n.Literal) else None
        if isinstance(value, str | bool | None) and isinstance(node, n.Literal):
            return value
        # A minus sign before an integer belongs to the literal, and there may be parentheses between them.
        found = re.search(r"[0-9.]+([eE][+-]?[0-9]+)?", text)
        assert found is not None
        minus = text[: found.start()].count("-") % 2
        return number(Decimal(found[0]).copy_negate() if minus else Decimal(found[0]))

    def name(self, name: str) -> Value:
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        return Fn(("?",) * 9, (), lambda arguments: call(name, arguments)) if name in FUNCTIONS else None

    def binary(self, node: n.Binary) -> Value:
        a, b = self.value(node.left), self.value(node.right)
        if node.operator in {"=", "!=", "<", "<=", ">", ">="}:
            return compare(node.operator, a, b)
        return arithmetic(node.operator, a, b)

    def logic(self, node: n.Logic) -> Value:
        combine = conjunction if node.operator == "and" else disjunction
        result = self.value(node.operands[0])
        for operand in node.operands[1:]:
            if result is (node.operator == "or"):
                break
            result = combine(result, self.value(operand))
        return result

    def tests(self, value: Value, tests: tuple[n.Test, ...]) -> bool | None:
        """True if one test passes, null if none can be decided."""
        verdicts: list[bool | None] = []
        for test in tests:
            operand = self.value(test.operand)
            verdicts.append(compare(test.operator, value, operand) if test.operator else passes(value, operand))
        if True in verdicts:
            return True
        return None if all(verdict is None for verdict in verdicts) else False

    def filtered(self, node: n.Filter) -> Value:
        """`base[test]`: the first test that gives a number is an index; else the items for which it is true."""
        base = self.value(node.base)
        items = base if isinstance(base, list) else [] if base is None else [base]
        if isinstance(node.test, n.Literal) and type(node.test.value) is int:
            return element(items, Decimal(node.test.value))
        if not items:
            probe = self.in_item(None, node.test)
            return element(items, probe) if isinstance(probe, Decimal) else []
        kept: list[Value] = []
        for item in items:
            verdict = self.in_item(item, node.test)
            if verdict is True:
                kept.append(item)
            elif isinstance(verdict, Decimal):
                return element(items, verdict)
            elif verdict is not None and verdict is not False:
                return None
        return kept

    def in_item(self, item: Value, test: n.Node) -> Value:
        return self.with_scope({"item": item}, item if isinstance(item, dict) else {}).value(test)

    def called(self, node: n.Call) -> Value:
        name = node.callee.name if isinstance(node.callee, n.Name) else ""
        hidden = any(name in scope for scope in self.scopes[1:])
        arguments = [self.value(argument) for argument in node.arguments]
        if name in FUNCTIONS and not hidden:
            return call(name, arguments, node.names)
        callee = self.value(node.callee)
        if not isinstance(callee, Fn):
            return None
        if node.names:
            if len(set(node.names)) != len(node.names) or set(node.names) != set(callee.parameters):
                return None
            given = dict(zip(node.names, arguments, strict=True))
            arguments = [given[parameter] for parameter in callee.parameters]
        return callee.call(arguments)

    def bindings(self, iterators: tuple[n.Iterator, ...]) -> Iterator[Walk | None]:
        """A walk for each turn; None where there is nothing to iterate over."""
        first, rest = iterators[0], iterators[1:]
        items = self.domain(first)
        if items is None:
            yield None
            return
        for item in items:
            walk = self.with_scope({first.name: item})
            if rest:
                yield from walk.bindings(rest)
            else:
                yield walk

    def domain(self, iterator: n.Iterator) -> list[Value] | None:
        value = self.value(iterator.domain)
        if iterator.until is not None:
            return _steps(value, self.value(iterator.until))
        if isinstance(value, list):
            return value
        if isinstance(value, Interval):
            if _step(value.start) is None or _step(value.end) is None:
                return None
            steps = _steps(value.start, value.end) if compare("<=", value.start, value.end) else []
            assert steps is not None
            return steps[0 if value.start_included else 1 : None if value.end_included else -1]
        return None if value is None else [value]

    def loop(self, node: n.For) -> Value:
        results: list[Value] = []
        for walk in self.bindings(node.iterators):
            if walk is None:
                return None
            results.append(walk.with_scope({"partial": list(results)}).value(node.body))
        return results

    def quantified(self, node: n.Quantified) -> Value:
        decisive = node.kind == "some"
        result: bool | None = not decisive
        for walk in self.bindings(node.iterators):
            verdict = None if walk is None else walk.value(node.body)
            if verdict is decisive:
                return decisive
            if verdict is not (not decisive):
                result = None
        return result

    def context(self, node: n.ContextNode) -> Value:
        entries: dict[str, Value] = {}
        if len({key for key, _ in node.entries}) < len(node.entries):
            return None
        walk = self.with_scope(entries)
        for key, entry in node.entries:
            entries[key] = walk.value(entry)
        return entries

    def range(self, node: n.RangeNode) -> Value:
        low = self.value(node.low)
        if node.form:
            below = node.form.startswith("<")
            above = node.form.startswith(">")
            return Interval(None if below else low, None if above else low, node.form in {">=", "="},
                            node.form in {"<=", "="}, node.form)  # fmt: skip
        return interval(low, self.value(node.high), (node.low_included, node.high_included))

    def function(self, node: n.FunctionNode) -> Fn:
        names = tuple(name for name, _ in node.parameters)

        def invoke(arguments: list[Value]) -> Value:
            if node.external or len(arguments) != len(names):
                return None
            try:
                given = [_bound(value, type_) for value, (_, type_) in zip(arguments, node.parameters, strict=True)]
            except Nothing:
                return None
            return self.with_scope(dict(zip(names, given, strict=True))).value(node.body)

        return Fn(names, tuple(type_ for _, type_ in node.parameters), invoke)


def evaluate(text: str, node: n.Node, variables: Scope) -> Value:
    """The value of a tree that was read from a text."""
    walk = Walk(text, variables)
    if isinstance(node, n.UnaryTests):
        raise AssertionError("an expression is needed")
    return walk.value(node)


def _bound(value: Value, type_: n.TypeRef | None) -> Value:
    """An argument, with the conversions between an item and a list of one (10.3.2.9.4)."""
    if type_ is None or value is None or is_of(value, type_):
        return value
    if isinstance(value, list) and len(value) == 1 and is_of(value[0], type_):
        return value[0]
    if type_.name == "list" and is_of([value], type_):
        return [value]
    raise Nothing


def _exists(type_: n.TypeRef) -> bool:
    parts = [*type_.arguments, *(field for _, field in type_.fields), *([type_.result] if type_.result else [])]
    return type_.name in _TYPES and all(map(_exists, parts))


def element(items: list[Value], place: Decimal) -> Value:
    """`items[place]`, from 1, or from the end."""
    if place != place.to_integral_value() or not 1 <= abs(place) <= len(items):
        return None
    return items[int(place) - (1 if place > 0 else 0)]


def path(base: Value, name: str) -> Value:
    """`base.name`."""
    if isinstance(base, dict):
        return base.get(name)
    if isinstance(base, list):
        return [path(item, name) for item in base]
    return property_of(base, name)


def _step(value: Value) -> int | None:
    if isinstance(value, Day):
        return ordinal(value)
    return int(value) if isinstance(value, Decimal) and value == value.to_integral_value() else None


def _steps(low: Value, high: Value) -> list[Value] | None:
    """From low to high or down to it, both included."""
    first, last = _step(low), _step(high)
    if first is None or last is None or type(low) is not type(high):
        return None
    if abs(first - last) > 10_000:
        raise TooLarge
    numbers = range(first, last + 1) if first <= last else range(first, last - 1, -1)
    make: Callable[[int], Value] = of_ordinal if isinstance(low, Day) else Decimal
    return [make(step) for step in numbers]


class TooLarge(Exception):
    """More than the oracle has the patience for."""
