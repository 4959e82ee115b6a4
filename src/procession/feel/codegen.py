"""From the tree to a Python function (`lookup`, `rt`) -> value, compiled once, run at the speed of Python.

Each node becomes statements that leave its value in a variable of its own. The common case (ints, strings, contexts)
is done in place, the rest by the functions of `ops` and `access`. A free variable is looked up once where its first
use dominates the others. What names mean is settled here: local, in the item of a filter, built in, or free.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, Final, Literal, TypeAlias, final

from procession.feel import access, functions, ops
from procession.feel import nodes as n
from procession.feel import pyast as py
from procession.feel.analysis import mentions, only_reads
from procession.feel.builtins import BUILTINS, Dialect
from procession.feel.builtins.table import ABSENT, Builtin, call_builtin, call_overloaded
from procession.feel.errors import DomainError
from procession.feel.numbers import INT_BOUND
from procession.feel.runtime import MISSING, Lookup, Runtime, pack
from procession.feel.support import (
    bad_literal,
    bad_call,
    merge_tests,
    negated_test,
    overflow,
    question_test,
    quiet,
    table_test,
    unknown,
    verdict,
)
from procession.feel.types import instance_of

Compiled: TypeAlias = Callable[[Lookup, Runtime], object]
_Kind: TypeAlias = Literal["", "truth", "int", "str", "null"]
_LOOPS_MAX: Final = 6
"""Python allows twenty nested loops in a function; deeper ones move to functions of their own."""

GLOBALS: Final[dict[str, object]] = {
    "__builtins__": {},
    "type": type, "int": int, "str": str, "dict": dict, "list": list, "bool": bool, "append": list.append,
    "RecursionError": RecursionError,
    "MISSING": MISSING, "ABSENT": ABSENT, "LOW": -INT_BOUND, "HIGH": INT_BOUND,
    "add": ops.add, "subtract": ops.subtract, "multiply": ops.multiply, "divide": ops.divide, "power": ops.power,
    "negate": ops.negate, "equal": ops.equal, "unequal": ops.unequal, "less": ops.less, "less_equal": ops.less_equal,
    "greater": ops.greater, "greater_equal": ops.greater_equal, "conjunction": ops.conjunction,
    "disjunction": ops.disjunction, "between": ops.between, "condition": ops.condition, "make_range": ops.make_range,
    "unary_test": ops.unary_test,
    "path": access.path, "filter_": access.filter_, "index": access.index, "domain": access.domain,
    "span": access.span, "copied": access.copied,
    "call_value": functions.call_value, "user_function": functions.user_function,
    "call_builtin": call_builtin, "call_overloaded": call_overloaded, "instance_of": instance_of,
    "unknown": unknown, "quiet": quiet, "bad_literal": bad_literal, "bad_call": bad_call, "overflow": overflow,
    "verdict": verdict, "merge_tests": merge_tests, "question_test": question_test, "table_test": table_test,
    "negated_test": negated_test,
}  # fmt: skip
_KNOWN: Final = frozenset(GLOBALS) - {"__builtins__"}
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
_FOLDED: Final = frozenset({"date", "time", "date and time", "duration"})
"""Conversions of a text literal that are done at compile time."""


def compile_node(node: n.Node, dialect: Dialect) -> Compiled:
    """The function of a tree. It raises nothing but `BudgetExceeded`."""
    generator = _Generator(dialect)
    result = generator.emit(node)
    body = [*generator.block, py.return_(result.code)]
    overflowed = [py.return_(py.call("overflow"))]
    function = py.function("evaluate", ["lookup", "rt"], [py.guarded(body, "RecursionError", overflowed)])
    module = ast.Module(body=[function], type_ignores=[])
    py.verify(module, _KNOWN)
    namespace: dict[str, object] = {**GLOBALS, **generator.constants}
    exec(compile(module, "<feel>", "exec"), namespace)
    return namespace["evaluate"]  # type: ignore[return-value]  # pyright: ignore[reportReturnType]


@final
class _Value:
    """Where a node's value is (a variable or constant, free of effects), and what is known of its type."""

    __slots__ = ("code", "kind")

    def __init__(self, code: ast.expr, kind: _Kind = "") -> None:
        self.code = code
        self.kind = kind


@final
class _Frame:
    """A scope: names bound to Python variables, or the item of a filter, whose entries are names too."""

    __slots__ = ("item", "names")

    def __init__(self, names: dict[str, str] | None = None, item: str = "") -> None:
        self.names = names if names is not None else {}
        self.item = item


@final
class _Generator:
    """The function under construction: the open block of statements, the scopes, the constants."""

    __slots__ = ("_counter", "_dialect", "_frames", "_known", "_loops", "block", "constants")

    def __init__(self, dialect: Dialect) -> None:
        self.block: list[ast.stmt] = []
        self.constants: dict[str, object] = {}
        self._dialect: Dialect = dialect
        self._frames: list[_Frame] = []
        self._known: dict[str, str] = {}
        self._loops = 0
        self._counter = 0

    # -- plumbing

    def emit(self, node: n.Node) -> _Value:
        """The value of a node; its statements go to the open block."""
        return _EMIT[type(node)](self, node)

    def variable(self, letter: str = "v") -> str:
        """A fresh identifier."""
        self._counter += 1
        return f"{letter}{self._counter}"

    def store(self, code: ast.expr, kind: _Kind = "") -> _Value:
        """A fresh variable that holds the value of some code."""
        identifier = self.variable()
        self.block.append(py.assign(identifier, code))
        return _Value(py.name(identifier), kind)

    def boxed(self, value: _Value) -> ast.expr:
        """The value in a variable: Python warns of a constant under `is` or `[]`."""
        return self.store(value.code).code if isinstance(value.code, ast.Constant) else value.code

    def set(self, identifier: str, code: ast.expr) -> None:
        """An assignment."""
        self.block.append(py.assign(identifier, code))

    def keep(self, value: object) -> ast.expr:
        """A constant that is no Python literal, as a global."""
        identifier = self.variable("k")
        self.constants[identifier] = value
        return py.name(identifier)

    def nested(self, work: Callable[[], None]) -> list[ast.stmt]:
        """The statements of a part that may not be run: what it looks up is not known after it."""
        outer, known = self.block, self._known
        self.block, self._known = [], dict(known)
        work()
        inner = self.block
        self.block, self._known = outer, known
        return inner

    def define(self, parameters: list[str], work: Callable[[], ast.expr]) -> str:
        """An inner function; its identifier."""
        loops, self._loops = self._loops, 0
        body = self.nested(lambda: self.block.append(py.return_(work())))
        self._loops = loops
        identifier = self.variable("f")
        self.block.append(py.function(identifier, parameters, body))
        return identifier

    # -- operands

    def literal(self, node: n.Literal) -> _Value:
        value = node.value
        if type(value) is int:
            return _Value(py.constant(value), "int")
        if type(value) is str:
            return _Value(py.constant(value), "str")
        if value is None:
            return _Value(py.constant(None), "null")
        if type(value) is bool:
            return _Value(py.constant(value), "truth")
        return _Value(self.keep(value))

    def bad_literal(self, node: n.BadLiteral) -> _Value:
        return self.store(py.call("bad_literal", py.constant(node.message), _rt(), _at(node)))

    def name(self, node: n.Name) -> _Value:
        return self.resolve(node, len(self._frames) - 1)

    def resolve(self, node: n.Name, depth: int) -> _Value:
        """What a name stands for, seen from a scope outwards."""
        while depth >= 0:
            frame = self._frames[depth]
            if node.name in frame.names:
                return _Value(py.name(frame.names[node.name]))
            if frame.item:
                return self.in_item(node, frame.item, depth)
            depth -= 1
        return self.free(node)

    def in_item(self, node: n.Name, item: str, depth: int) -> _Value:
        """A name in a filter: an entry of the item if it has it, else `item` itself, else what it is outside."""
        result = self.variable()
        entry = py.all_of(py.is_type(py.name(item), "dict"), py.compare(py.constant(node.name), ast.In(), py.name(item)))

        def outside() -> None:
            inner = py.name(item) if node.name == "item" else self.resolve(node, depth - 1).code
            self.set(result, inner)

        orelse = self.nested(outside)
        self.block.append(py.if_(entry, [py.assign(result, py.subscript(py.name(item), node.name))], orelse))
        return _Value(py.name(result))

    def free(self, node: n.Name) -> _Value:
        known = self._known.get(node.name)
        if known is not None:
            return _Value(py.name(known))
        in_filter = any(frame.item for frame in self._frames)
        result = self.variable()
        self.set(result, py.call("lookup", py.constant(node.name)))
        found = py.call("quiet" if in_filter else "unknown", py.constant(node.name), py.constant(self._dialect),
                        _rt(), _at(node))  # fmt: skip
        missing = py.compare(py.name(result), ast.Is(), py.name("MISSING"))
        self.block.append(py.if_(missing, [py.assign(result, found)], []))
        self._known[node.name] = result
        return _Value(py.name(result))

    def list_of(self, node: n.ListNode) -> _Value:
        return self.store(py.items([self.emit(item).code for item in node.items]))

    def context(self, node: n.ContextNode) -> _Value:
        frame = _Frame()
        self._frames.append(frame)
        keys: list[str] = []
        values: list[ast.expr] = []
        for key, entry in node.entries:
            if key in keys:
                self._frames.pop()
                return self.store(py.call("bad_literal", py.constant(f"the key `{key}` appears twice"), _rt(), _at(node)))
            identifier = self.variable()
            if isinstance(entry, n.FunctionNode):
                # A function may call itself by the name of its entry.
                frame.names[key] = identifier
            self.set(identifier, self.emit(entry).code)
            frame.names[key] = identifier
            keys.append(key)
            values.append(py.name(identifier))
        self._frames.pop()
        return self.store(py.dictionary(keys, values))

    def range_of(self, node: n.RangeNode) -> _Value:
        low = self.emit(node.low)
        high = low if node.form else self.emit(node.high)
        flags = self.keep((node.low_included, node.high_included, node.form))
        return self.store(py.call("make_range", low.code, high.code, flags, _rt(), _at(node)))

    def function(self, node: n.FunctionNode) -> _Value:
        names = {name: self.variable() for name, _ in node.parameters}
        self._frames.append(_Frame(names))
        body = self.define(list(names.values()), lambda: self.emit(node.body).code)
        self._frames.pop()
        parameters = self.keep(tuple(names))
        types = self.keep(tuple(kind for _, kind in node.parameters))
        return self.store(py.call("user_function", parameters, types, py.name(body)))

    # -- operators

    def negation(self, node: n.Negation) -> _Value:
        operand = self.emit(node.operand).code
        slow = py.call("negate", operand, _rt(), _at(node))
        return self.store(py.if_else(py.is_type(operand, "int"), py.negative(operand), slow))

    def binary(self, node: n.Binary) -> _Value:
        """A chain such as `a + b + c` is walked in a loop: it may be thousands of terms long."""
        chain: list[n.Binary] = []
        left: n.Node = node
        while isinstance(left, n.Binary):
            chain.append(left)
            left = left.left
        value = self.emit(left)
        for link in reversed(chain):
            value = self.apply(link.operator, value, self.emit(link.right), _at(link))
        return value

    def apply(self, operator: n.Operator, left: _Value, right: _Value, at: ast.expr) -> _Value:
        """One operator on two values."""
        if operator in _COMPARISON:
            if isinstance(left.code, ast.Constant):
                left = _Value(self.boxed(left), left.kind)
            return self.store(_comparison(operator, left, right, at), "truth")
        slow_name, fast = _ARITHMETIC[operator]
        slow = py.call(slow_name, left.code, right.code, _rt(), at)
        if fast is None or not _may_be(left, "int") or not _may_be(right, "int"):
            return self.store(slow)
        result = self.variable()
        compute = py.walrus(result, py.binary(left.code, fast(), right.code))
        fits = py.chain(py.name("LOW"), compute, py.name("HIGH"), (ast.Lt(), ast.Lt()))
        test = py.all_of(*_types(left, right, "int"), fits)
        self.set(result, py.if_else(test, py.name(result), slow))
        return _Value(py.name(result))

    def logic(self, node: n.Logic) -> _Value:
        """Later operands are evaluated only while the outcome is open."""
        decisive = node.operator == "or"
        slow = "disjunction" if decisive else "conjunction"
        result = self.variable()
        first = self.emit(node.operands[0])
        self.set(result, first.code)
        for operand in node.operands[1:]:
            body = self.nested(lambda operand=operand: self._operand(operand, result, slow, node))  # type: ignore[misc]
            undecided = py.compare(py.name(result), ast.IsNot(), py.constant(decisive))
            self.block.append(py.if_(undecided, body, []))
        return _Value(py.name(result), "truth")

    def _operand(self, operand: n.Node, result: str, slow: str, node: n.Logic) -> None:
        value = self.emit(operand)
        neutral = py.compare(py.name(result), ast.Is(), py.constant(node.operator == "and"))
        combined = py.call(slow, py.name(result), value.code, _rt(), _at(node))
        if value.kind == "truth":
            combined = py.if_else(neutral, value.code, combined)
        self.set(result, combined)

    def between(self, node: n.Between) -> _Value:
        value, low, high = self.emit(node.operand), self.emit(node.low), self.emit(node.high)
        slow = py.call("between", value.code, low.code, high.code, _rt(), _at(node))
        return self.store(slow, "truth")

    def instance_of(self, node: n.InstanceOf) -> _Value:
        operand = self.emit(node.operand).code
        return self.store(py.call("instance_of", operand, self.keep(node.type), _rt(), _at(node)), "truth")

    def path(self, node: n.Path) -> _Value:
        base = self.boxed(self.emit(node.base))
        entry = py.all_of(py.is_type(base, "dict"), py.compare(py.constant(node.name), ast.In(), base))
        slow = py.call("path", base, py.constant(node.name), _rt(), _at(node))
        return self.store(py.if_else(entry, py.subscript(base, node.name), slow))

    def filter(self, node: n.Filter) -> _Value:
        base = self.emit(node.base).code
        if isinstance(node.test, n.Literal) and type(node.test.value) is int:
            return self.store(py.call("index", base, py.constant(node.test.value), _rt(), _at(node)))
        item = self.variable()
        self._frames.append(_Frame(item=item))
        test = self.define([item], lambda: self.emit(node.test).code)
        self._frames.pop()
        return self.store(py.call("filter_", base, py.name(test), _rt(), _at(node)))

    def conditional(self, node: n.If) -> _Value:
        test = self.emit(node.condition)
        verdict = self.boxed(test)
        result = self.variable()
        yes = self.nested(lambda: self.set(result, self.emit(node.yes).code))

        def otherwise() -> None:
            if test.kind != "truth":
                self.block.append(py.expression(py.call("condition", test.code, _rt(), _at(node.condition))))
            self.set(result, self.emit(node.no).code)

        no = self.nested(otherwise)
        self.block.append(py.if_(py.compare(verdict, ast.Is(), py.constant(True)), yes, no))
        return _Value(py.name(result))

    # -- loops

    def loop(self, node: n.For | n.Quantified) -> _Value:
        """Deeply nested loops continue in an inner function."""
        if self._loops + len(node.iterators) > _LOOPS_MAX and self._loops:
            inner = self.define([], lambda: self.loop_here(node).code)
            return self.store(py.call(inner))
        return self.loop_here(node)

    def loop_here(self, node: n.For | n.Quantified) -> _Value:
        result = self.variable()
        frame = _Frame()
        if isinstance(node, n.For):
            self.set(result, py.items([]))
            partial = self.variable()
            frame.names["partial"] = partial
            copy = not only_reads(node.body, "partial")

            def body() -> None:
                whole = py.call("copied", py.name(result), _rt()) if copy else py.name(result)
                if mentions(node.body, "partial"):
                    self.set(partial, whole)
                self.block.append(py.expression(py.call("append", py.name(result), self.emit(node.body).code)))

            stop: ast.expr = py.constant(None)
        else:
            decisive = node.kind == "some"
            self.set(result, py.constant(not decisive))
            stop = py.constant(decisive)

            def body() -> None:
                value = _Value(self.boxed(self.emit(node.body)))
                at = py.compare(value.code, ast.Is(), py.constant(decisive))
                same = py.compare(value.code, ast.IsNot(), py.constant(not decisive))
                unclear = py.if_(same, [py.assign(result, py.call("verdict", value.code, _rt(), _at(node.body)))], [])
                self.block.append(py.if_(at, [py.assign(result, py.constant(decisive)), py.break_()], [unclear]))

        self._frames.append(frame)
        self.iterate(node.iterators, result, stop, body)
        self._frames.pop()
        return _Value(py.name(result), "" if isinstance(node, n.For) else "truth")

    def iterate(
        self, iterators: tuple[n.Iterator, ...], result: str, stop: ast.expr, body: Callable[[], None]
    ) -> None:
        """One loop for the first iterator, around those for the others."""
        iterator, rest = iterators[0], iterators[1:]
        first = self.emit(iterator.domain).code
        if iterator.until is None:
            domain = self.store(py.call("domain", first, _rt(), _at(iterator.domain))).code
        else:
            last = self.emit(iterator.until).code
            domain = self.store(py.call("span", first, last, _rt(), _at(iterator))).code
        item = self.variable()

        def turn() -> None:
            self._frames[-1].names[iterator.name] = item
            if not rest:
                body()
                return
            self.iterate(rest, result, stop, body)
            ended = py.compare(py.name(result), ast.Is(), stop)
            self.block.append(py.if_(ended, [py.break_()], []))

        self._loops += 1
        turns = self.nested(turn)
        self._loops -= 1
        none = py.compare(domain, ast.Is(), py.constant(None))
        failed = [py.assign(result, py.constant(None))]
        self.block.append(py.if_(none, failed, [py.for_(item, domain, turns)]))

    # -- calls

    def call(self, node: n.Call) -> _Value:
        builtin = self.builtin(node.callee)
        if builtin is None:
            callee = self.emit(node.callee).code
            arguments = py.items([self.emit(argument).code for argument in node.arguments])
            return self.store(py.call("call_value", callee, arguments, py.texts(node.names), _rt(), _at(node)))
        name, overloads = builtin
        folded = _folded(name, overloads, node)
        if folded is not None:
            return _Value(self.keep(folded))
        given = [self.emit(argument) for argument in node.arguments]
        if name == "not" and len(given) == 1 and given[0].kind == "truth":
            value = self.boxed(given[0])
            opposite = py.compare(value, ast.Is(), py.constant(False))
            return self.store(py.if_else(py.compare(value, ast.Is(), py.constant(None)), value, opposite), "truth")
        codes = [value.code for value in given]
        if node.names:
            return self.named_call(node, (name, overloads), codes)
        candidates = tuple(overload for overload in overloads if overload.takes(len(codes)))
        if not candidates:
            return self.store(py.call("bad_call", py.constant(name), _rt(), _at(node)))
        if len(candidates) == 1:
            return self.store(py.call("call_builtin", self.keep(candidates[0]), py.items(codes), _rt(), _at(node)))
        return self.store(py.call("call_overloaded", self.keep(candidates), py.items(codes), _rt(), _at(node)))

    def named_call(self, node: n.Call, builtin: tuple[str, Builtin], codes: list[ast.expr]) -> _Value:
        """A built-in called with named arguments: they are put in order here."""
        name, overloads = builtin
        for overload in overloads:
            if overload.takes_names(node.names):
                given = dict(zip(node.names, codes, strict=True))
                ordered = [given.get(parameter, py.name("ABSENT")) for parameter in overload.names]
                return self.store(py.call("call_builtin", self.keep(overload), py.items(ordered), _rt(), _at(node)))
        return self.store(py.call("bad_call", py.constant(name), _rt(), _at(node)))

    def builtin(self, callee: n.Node) -> tuple[str, Builtin] | None:
        """The built-in function that a callee names, unless a local name hides it."""
        if not isinstance(callee, n.Name) or any(callee.name in frame.names for frame in self._frames):
            return None
        found = BUILTINS[self._dialect].get(callee.name)
        return None if found is None else (callee.name, found)

    # -- unary tests

    def in_tests(self, node: n.In) -> _Value:
        value = self.emit(node.operand)
        return self.tests(value, node.tests, "unary_test")

    def unary_tests(self, node: n.UnaryTests) -> _Value:
        if not node.tests:
            return _Value(py.constant(True), "truth")
        value = self.name(n.Name(node.start, node.end, "?"))
        result = self.tests(value, node.tests, "table_test")
        return self.store(py.call("negated_test", result.code), "truth") if node.negated else result

    def tests(self, value: _Value, tests: tuple[n.Test, ...], plain: str) -> _Value:
        """The tests one after the other, until one is true."""
        result = self.variable()
        self.set(result, self.one_test(value, tests[0], plain).code)
        for test in tests[1:]:

            def again(test: n.Test = test) -> None:
                outcome = self.one_test(value, test, plain)
                self.set(result, py.call("merge_tests", py.name(result), outcome.code))

            body = self.nested(again)
            open_ = py.compare(py.name(result), ast.IsNot(), py.constant(True))
            self.block.append(py.if_(open_, body, []))
        return _Value(py.name(result), "truth")

    def one_test(self, value: _Value, test: n.Test, plain: str) -> _Value:
        operand = test.operand
        if test.operator:
            return self.apply(test.operator, value, self.emit(operand), _at(test))
        if isinstance(operand, n.Literal) and type(operand.value) in {int, str}:
            return self.apply("=", value, self.emit(operand), _at(test))
        if isinstance(operand, n.RangeNode) and not operand.form:
            low, high = _int_literal(operand.low), _int_literal(operand.high)
            if low is not None and high is not None and low <= high:
                operators = (ast.LtE() if operand.low_included else ast.Lt(),
                             ast.LtE() if operand.high_included else ast.Lt())  # fmt: skip
                inside = py.chain(py.constant(low), value.code, py.constant(high), operators)
                interval = self.emit(operand)
                slow = py.call("unary_test", value.code, interval.code, _rt(), _at(test))
                return self.store(py.if_else(py.is_type(value.code, "int"), inside, slow), "truth")
        function = plain
        if plain == "table_test" and isinstance(operand, n.Literal):
            function = "unary_test"
        elif plain == "table_test" and mentions(operand, "?"):
            function = "question_test"
        result = self.emit(operand)
        return self.store(py.call(function, value.code, result.code, _rt(), _at(test)), "truth")

    def test(self, node: n.Test) -> _Value:
        return self.one_test(self.name(n.Name(node.start, node.end, "?")), node, "table_test")


def _rt() -> ast.expr:
    return py.name("rt")


def _at(node: n.Node | n.Iterator) -> ast.expr:
    return py.constant(pack(node.start, node.end))


def _may_be(value: _Value, kind: _Kind) -> bool:
    return value.kind in {"", kind}


def _types(left: _Value, right: _Value, kind: _Kind) -> list[ast.expr]:
    """The checks that are left to do so that both values are of a type."""
    return [py.is_type(value.code, kind) for value in (left, right) if value.kind != kind]


def _comparison(operator: n.Operator, left: _Value, right: _Value, at: ast.expr) -> ast.expr:
    slow_name, fast = _COMPARISON[operator]
    slow = py.call(slow_name, left.code, right.code, _rt(), at)
    if operator in {"=", "!="} and "null" in {left.kind, right.kind}:
        return py.compare(left.code, ast.Is() if operator == "=" else ast.IsNot(), right.code)
    kind: _Kind = "str" if "str" in {left.kind, right.kind} else "int"
    if not _may_be(left, kind) or not _may_be(right, kind):
        return slow
    checks = _types(left, right, kind)
    quick = py.compare(left.code, fast(), right.code)
    return py.if_else(py.all_of(*checks), quick, slow) if checks else quick


def _int_literal(node: n.Node) -> int | None:
    return node.value if isinstance(node, n.Literal) and type(node.value) is int else None


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


_EMIT: Final[dict[type, Callable[[_Generator, Any], _Value]]] = {
    n.Literal: _Generator.literal,
    n.BadLiteral: _Generator.bad_literal,
    n.Name: _Generator.name,
    n.Path: _Generator.path,
    n.Filter: _Generator.filter,
    n.Call: _Generator.call,
    n.Negation: _Generator.negation,
    n.Binary: _Generator.binary,
    n.Logic: _Generator.logic,
    n.Between: _Generator.between,
    n.Test: _Generator.test,
    n.In: _Generator.in_tests,
    n.UnaryTests: _Generator.unary_tests,
    n.If: _Generator.conditional,
    n.For: _Generator.loop,
    n.Quantified: _Generator.loop,
    n.ListNode: _Generator.list_of,
    n.ContextNode: _Generator.context,
    n.RangeNode: _Generator.range_of,
    n.FunctionNode: _Generator.function,
    n.InstanceOf: _Generator.instance_of,
}
