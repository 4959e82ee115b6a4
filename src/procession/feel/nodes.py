"""The syntax tree of FEEL. Data only; each node knows the part `[start, end)` of the text that it stands for."""

from __future__ import annotations

from typing import Literal as OneOf
from typing import TypeAlias, final

import msgspec

Operator: TypeAlias = OneOf["+", "-", "*", "/", "**", "=", "!=", "<", "<=", ">", ">="]


@final
class Literal(msgspec.Struct, frozen=True):
    """A constant: null, boolean, number, string or the temporal value of `@"…"`."""

    start: int
    end: int
    value: object


@final
class BadLiteral(msgspec.Struct, frozen=True):
    """A constant that has no value, such as `@"2026-02-30"`: null and a note."""

    start: int
    end: int
    message: str
    text: str
    """How it is written."""


@final
class Name(msgspec.Struct, frozen=True):
    """A variable, `?`, or a function's name."""

    start: int
    end: int
    name: str


@final
class Path(msgspec.Struct, frozen=True):
    """`base.name`."""

    start: int
    end: int
    base: Node
    name: str


@final
class Filter(msgspec.Struct, frozen=True):
    """`base[test]`: a selection or an index."""

    start: int
    end: int
    base: Node
    test: Node


@final
class Call(msgspec.Struct, frozen=True):
    """An invocation. `names` is empty for positional arguments, else there is one for each argument."""

    start: int
    end: int
    callee: Node
    arguments: tuple[Node, ...]
    names: tuple[str, ...] = ()


@final
class Negation(msgspec.Struct, frozen=True):
    """`-operand`."""

    start: int
    end: int
    operand: Node


@final
class Binary(msgspec.Struct, frozen=True):
    """Arithmetic or a comparison."""

    start: int
    end: int
    operator: Operator
    left: Node
    right: Node


@final
class Logic(msgspec.Struct, frozen=True):
    """A conjunction or disjunction of two or more operands."""

    start: int
    end: int
    operator: OneOf["and", "or"]
    operands: tuple[Node, ...]


@final
class Between(msgspec.Struct, frozen=True):
    """`operand between low and high`."""

    start: int
    end: int
    operand: Node
    low: Node
    high: Node


@final
class Test(msgspec.Struct, frozen=True):
    """One unary test: `< 10`, or with the operator `""` an expression that the value equals, is in, or fulfils."""

    start: int
    end: int
    operator: OneOf["", "<", "<=", ">", ">=", "=", "!="]
    operand: Node


@final
class In(msgspec.Struct, frozen=True):
    """`operand in tests`."""

    start: int
    end: int
    operand: Node
    tests: tuple[Test, ...]


@final
class UnaryTests(msgspec.Struct, frozen=True):
    """A decision table's input entry (grammar rule 15). No tests is `-`: always true."""

    start: int
    end: int
    tests: tuple[Test, ...]
    negated: bool


@final
class If(msgspec.Struct, frozen=True):
    """`if condition then yes else no`."""

    start: int
    end: int
    condition: Node
    yes: Node
    no: Node


@final
class Iterator(msgspec.Struct, frozen=True):
    """`name in domain`, or `name in domain..until`."""

    start: int
    end: int
    name: str
    domain: Node
    until: Node | None


@final
class For(msgspec.Struct, frozen=True):
    """`for iterators return body`."""

    start: int
    end: int
    iterators: tuple[Iterator, ...]
    body: Node


@final
class Quantified(msgspec.Struct, frozen=True):
    """`some iterators satisfies body` and `every …`."""

    start: int
    end: int
    kind: OneOf["some", "every"]
    iterators: tuple[Iterator, ...]
    body: Node


@final
class ListNode(msgspec.Struct, frozen=True):
    """`[a, b]`."""

    start: int
    end: int
    items: tuple[Node, ...]


@final
class ContextNode(msgspec.Struct, frozen=True):
    """`{a: 1, b: a + 1}`; later entries see the earlier ones."""

    start: int
    end: int
    entries: tuple[tuple[str, Node], ...]


@final
class RangeNode(msgspec.Struct, frozen=True):
    """`[low..high)`, or `(< 10)` with a `form` and its one operand in `low`."""

    start: int
    end: int
    low: Node
    high: Node
    low_included: bool
    high_included: bool
    form: OneOf["", "<", "<=", ">", ">=", "=", "!="] = ""


@final
class TypeRef(msgspec.Struct, frozen=True):
    """A type: a name, with `arguments` for list, range and function, `fields` for context, `result` for function."""

    name: str
    arguments: tuple[TypeRef, ...] = ()
    fields: tuple[tuple[str, TypeRef], ...] = ()
    result: TypeRef | None = None


@final
class FunctionNode(msgspec.Struct, frozen=True):
    """`function(a, b: number) body`, or `function(a) external body`, where the body tells where the code is."""

    start: int
    end: int
    parameters: tuple[tuple[str, TypeRef | None], ...]
    body: Node
    external: bool = False


@final
class InstanceOf(msgspec.Struct, frozen=True):
    """`operand instance of type`."""

    start: int
    end: int
    operand: Node
    type: TypeRef


Node: TypeAlias = (
    Literal | BadLiteral | Name | Path | Filter | Call | Negation | Binary | Logic | Between | Test | In | UnaryTests
    | If | For | Quantified | ListNode | ContextNode | RangeNode | FunctionNode | InstanceOf
)  # fmt: skip
