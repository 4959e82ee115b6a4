"""What an expression of another language became in FEEL, and how FEEL is built: as a tree that is printed."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final, Literal, TypeAlias, cast, final

import msgspec

from procession.convert.report import Outcome
from procession.feel import FeelSyntaxError, builtin_names, compile_expression, unparse
from procession.feel import nodes as n

Kind: TypeAlias = Literal["any", "boolean", "number", "string", "null", "list", "time"]
"""What is known of a value before it is computed."""

_BUILTINS: Final = frozenset(builtin_names("camunda"))


@final
class Translation(msgspec.Struct, frozen=True, kw_only=True):
    """An expression in FEEL, without the equals sign; None where there is none, and `notes` say why.

    `literal` is the text of a template that holds no expression, None for any other.
    """

    feel: str | None
    outcome: Outcome = "mapped"
    notes: tuple[str, ...] = ()
    literal: str | None = None

    @property
    def value(self) -> str:
        """As a `zeebe` attribute says it: literal text, or FEEL after an equals sign. '' where there is neither."""
        if self.literal is not None and not self.literal.lstrip().startswith("="):
            return self.literal
        return "" if self.feel is None else f"={self.feel}"

    @property
    def expression(self) -> str:
        """As an expression element says it: FEEL after an equals sign."""
        return "" if self.feel is None else f"={self.feel}"

    @property
    def note(self) -> str:
        """All notes in one text."""
        return "; ".join(self.notes)


@final
class Notes:
    """Collects what has to be told of one expression."""

    __slots__ = ("_changed", "_problems", "_remarks")

    def __init__(self) -> None:
        self._remarks: dict[str, None] = {}
        self._changed: dict[str, None] = {}
        self._problems: dict[str, None] = {}

    def remark(self, text: str) -> None:
        """The meaning is the same under a condition that every sound model fulfils."""
        self._remarks[text] = None

    def change(self, text: str) -> None:
        """The meaning differs."""
        self._changed[text] = None

    def problem(self, text: str) -> None:
        """There is no translation."""
        self._problems[text] = None

    def translation(self, tree: n.Node | None, literal: str | None = None) -> Translation:
        """The outcome for a tree."""
        if self._problems or tree is None:
            return Translation(feel=None, outcome="needs-work", notes=tuple(self._problems))
        outcome: Outcome = "changed" if self._changed else "mapped"
        notes = (*self._changed, *self._remarks)
        return Translation(feel=feel_text(tree), outcome=outcome, notes=notes, literal=literal)


def checked_feel(text: str) -> Translation:
    """A text that is said to be FEEL, with or without the equals sign."""
    text = text.strip().removeprefix("=").strip()
    try:
        compile_expression(text, dialect="camunda")
    except FeelSyntaxError as error:
        return Translation(feel=None, outcome="needs-work", notes=(f"this is no FEEL: {error}",))
    return Translation(feel=text)


def feel_text(tree: n.Node) -> str:
    """The text of a tree, with Camunda's built-ins written as they are."""
    return unparse(tree, builtins=_called(tree))


def _called(tree: n.Node) -> set[str]:
    """The built-in functions that a tree calls; the printer takes time for each name that it is given."""
    found: set[str] = set()
    waiting: list[object] = [tree]
    while waiting:
        part = waiting.pop()
        if isinstance(part, n.Call) and isinstance(part.callee, n.Name) and part.callee.name in _BUILTINS:
            found.add(part.callee.name)
        if isinstance(part, msgspec.Struct):
            waiting.extend(getattr(part, field) for field in part.__struct_fields__)
        elif isinstance(part, tuple):
            waiting.extend(cast("tuple[object, ...]", part))
    return found


def constant(value: object) -> n.Literal:
    """A constant: null, boolean, number (Decimal or int), text."""
    return n.Literal(0, 0, value)


def number(text: str) -> n.Literal:
    """A number by its digits."""
    exact = Decimal(text)
    return constant(int(exact) if exact == exact.to_integral_value() and abs(exact) < 10**15 else exact)


def name(text: str) -> n.Node:
    """A variable."""
    return n.Name(0, 0, text)


def path(base: n.Node, entry: str) -> n.Node:
    """An entry of a context."""
    return n.Path(0, 0, base, entry)


def call(function: str, *arguments: n.Node) -> n.Node:
    """A call of a built-in function."""
    return n.Call(0, 0, n.Name(0, 0, function), arguments)


def binary(operator: n.Operator, left: n.Node, right: n.Node) -> n.Node:
    """Arithmetic or a comparison."""
    return n.Binary(0, 0, operator, left, right)


def logic(operator: Literal["and", "or"], operands: Iterable[n.Node]) -> n.Node:
    """A conjunction or disjunction."""
    flat: list[n.Node] = []
    for operand in operands:
        flat += operand.operands if isinstance(operand, n.Logic) and operand.operator == operator else [operand]
    return n.Logic(0, 0, operator, tuple(flat))


def choice(test: n.Node, yes: n.Node, no: n.Node) -> n.Node:
    """`if … then … else …`."""
    return n.If(0, 0, test, yes, no)


def negative(operand: n.Node) -> n.Node:
    """`-x`; of a number, the number."""
    if isinstance(operand, n.Literal) and isinstance(operand.value, int | Decimal):
        return constant(-operand.value)
    return n.Negation(0, 0, operand)


def items(parts: Iterable[n.Node]) -> n.Node:
    """A list."""
    return n.ListNode(0, 0, tuple(parts))


def context(entries: Iterable[tuple[str, n.Node]]) -> n.Node:
    """A context."""
    return n.ContextNode(0, 0, tuple(entries))


def instance_of(operand: n.Node, type_name: str) -> n.Node:
    """`x instance of type`."""
    return n.InstanceOf(0, 0, operand, n.TypeRef(type_name))


def item(base: n.Node, place: int) -> n.Node:
    """The item at a place, from 1."""
    return n.Filter(0, 0, base, constant(place))


def joined(parts: Iterable[tuple[n.Node, Kind]]) -> n.Node:
    """The texts of some values one after the other, null as nothing: what a template of JUEL does."""
    return call("string join", items(part if kind == "string" else call("string", part) for part, kind in parts))


def is_short(tree: n.Node) -> bool:
    """Whether a tree may be written twice: a chain of those that repeat their operands would grow without bound."""
    return isinstance(tree, n.Literal | n.Name) or (isinstance(tree, n.Path) and isinstance(tree.base, n.Name))


def is_empty(operand: n.Node) -> n.Node:
    """Whether a value is null, '', an empty list or an empty context; false for any other value."""
    empty = [constant(None), constant(""), items(()), context(())]
    return call("list contains", items(empty), operand)
