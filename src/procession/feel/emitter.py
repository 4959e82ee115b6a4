"""What the makers of generated code share: the open block, fresh variables, constants, scopes and names.

A maker is a function (emitter, node) -> Value, in a table by node type (`codegen`). Names are settled here: local,
an entry of the item in a filter, or free; a free variable is looked up once where its first use dominates the others.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias, final

from procession.feel import nodes as n
from procession.feel import pyast as py
from procession.feel.builtins import Dialect
from procession.feel.runtime import pack
from procession.feel.types import Types

Kind: TypeAlias = Literal["", "truth", "int", "number", "str", "null"]
"""What is known of a value; `number` is int or Decimal."""
Emit: TypeAlias = "Callable[[Emitter, Any], Value]"


@final
class Value:
    """Where a node's value is (a variable or constant, free of effects), and what is known of its type."""

    __slots__ = ("code", "kind")

    def __init__(self, code: ast.expr, kind: Kind = "") -> None:
        self.code = code
        self.kind = kind


@final
class Frame:
    """A scope: names bound to Python variables, or the item of a filter, whose entries are names too."""

    __slots__ = ("item", "names", "pending")

    def __init__(self, names: dict[str, str] | None = None, item: str = "") -> None:
        self.names = names if names is not None else {}
        self.item = item
        self.pending: str | None = None
        """The entry whose own function is being made, so that its variable has no value yet."""


@final
class Emitter:
    """The function under construction: the open block of statements, the scopes, the constants."""

    __slots__ = ("_counter", "_known", "_table", "block", "constants", "deferred", "dialect", "exact", "frames",
                 "looping", "loops", "repeated", "types")  # fmt: skip

    def __init__(self, dialect: Dialect, table: Mapping[type, Emit], types: Types) -> None:
        self.types = types
        """What the document defines, for `instance of` and the types of parameters."""
        self._table = table
        self.block: list[ast.stmt] = []
        self.constants: dict[str, object] = {}
        self.dialect: Dialect = dialect
        self.frames: list[Frame] = []
        self._known: dict[str, str] = {}
        self.loops = 0
        """Open Python loops in the current Python function."""
        self.looping = 0
        """Open FEEL loops altogether."""
        self.repeated = 0
        """Open loops and filters: what is in them runs many times."""
        self.deferred = 0
        """Open bodies of FEEL functions, which may be called after the evaluation that made them."""
        self.exact = False
        """Whether the code relies on the decimal context that its entry sets."""
        self._counter = 0

    def emit(self, node: n.Node) -> Value:
        """The value of a node; its statements go to the open block."""
        return self._table[type(node)](self, node)

    def name(self, node: n.Name) -> Value:
        return self.resolve(node, len(self.frames) - 1)

    def variable(self, letter: str = "v") -> str:
        """A fresh identifier."""
        self._counter += 1
        return f"{letter}{self._counter}"

    def store(self, code: ast.expr, kind: Kind = "") -> Value:
        """A fresh variable that holds the value of some code."""
        identifier = self.variable()
        self.block.append(py.assign(identifier, code))
        return Value(py.name(identifier), kind)

    def boxed(self, value: Value) -> ast.expr:
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

    def define(self, parameters: list[str], work: Callable[[], ast.expr], captured: tuple[str, ...] = ()) -> str:
        """An inner function; its identifier. It keeps the present values of the captured variables."""
        loops, self.loops = self.loops, 0
        body = self.nested(lambda: self.block.append(py.return_(work())))
        self.loops = loops
        identifier = self.variable("f")
        self.block.append(py.function(identifier, parameters, body, captured))
        return identifier

    def resolve(self, node: n.Name, depth: int) -> Value:
        """What a name stands for, seen from a scope outwards."""
        while depth >= 0:
            frame = self.frames[depth]
            if node.name in frame.names:
                return Value(py.name(frame.names[node.name]))
            if frame.item:
                return self.in_item(node, frame.item, depth)
            depth -= 1
        return self.free(node)

    def in_item(self, node: n.Name, item: str, depth: int) -> Value:
        """A name in a filter: an entry of the item if it has it, else `item` itself, else what it is outside."""
        result = self.variable()
        inside = py.compare(py.constant(node.name), py.IN, py.name(item))
        entry = py.all_of(py.is_type(py.name(item), "dict"), inside)

        def outside() -> None:
            inner = py.name(item) if node.name == "item" else self.resolve(node, depth - 1).code
            self.set(result, inner)

        orelse = self.nested(outside)
        self.block.append(py.if_(entry, [py.assign(result, py.subscript(py.name(item), node.name))], orelse))
        return Value(py.name(result))

    def free(self, node: n.Name) -> Value:
        known = self._known.get(node.name)
        if known is not None:
            return Value(py.name(known))
        in_filter = any(frame.item for frame in self.frames)
        result = self.variable()
        self.set(result, py.call("lookup", py.constant(node.name)))
        found = py.call("quiet" if in_filter else "unknown", py.constant(node.name), runtime(), place(node))
        missing = py.compare(py.name(result), py.IS, py.name("MISSING"))
        self.block.append(py.if_(missing, [py.assign(result, found)], []))
        self._known[node.name] = result
        return Value(py.name(result))


def runtime() -> ast.expr:
    """The runtime, as an argument."""
    return py.name("rt")


def place(node: n.Node | n.Iterator) -> ast.expr:
    """A node's place in the text, as an argument."""
    return py.constant(pack(node.start, node.end))
