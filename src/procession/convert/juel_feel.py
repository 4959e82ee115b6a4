"""JUEL to FEEL: what an expression means in each, and what is said where the two differ.

`mapped`: equal wherever both are defined. A null operand is not: JUEL takes it as 0, false or '', FEEL gives null.
What needs Java (beans, delegates, most methods) is no expression here; a worker does it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias, final

import msgspec

from procession.convert import juel as j
from procession.convert.juel_methods import FUNCTIONS, METHODS, VARIABLES, Done
from procession.convert.translation import (
    Kind,
    Notes,
    Translation,
    binary,
    call,
    choice,
    constant,
    is_empty,
    is_short,
    item,
    joined,
    logic,
    name,
    negative,
    number,
    path,
)
from procession.feel import nodes as n

_NULL_ORDER: Final = "with a null operand JUEL answers false, here the result is null, which no condition accepts"
_NULL_NUMBER: Final = "JUEL reckons null as 0, here the result is null"
_LOOP: Final[dict[str, str]] = {
    "nrOfInstances": "numberOfInstances",
    "nrOfActiveInstances": "numberOfActiveInstances",
    "nrOfCompletedInstances": "numberOfCompletedInstances",
}
_ENGINE: Final = frozenset(
    "execution task caseExecution externalTask authenticatedUserId processEngineServices externalTaskService".split()
)
"""Objects of the Java engine, which are no variables."""
_ARITHMETIC: Final[dict[str, n.Operator]] = {"+": "+", "-": "-", "*": "*", "/": "/"}
_ORDER: Final[dict[str, n.Operator]] = {"<": "<", "<=": "<=", ">": ">", ">=": ">="}
_EQUALITY: Final[dict[str, n.Operator]] = {"==": "=", "!=": "!="}


@final
class Place(msgspec.Struct, frozen=True):
    """Where an expression stands: the id and name of its element, and the base 0 or 1 of `loopCounter` there."""

    element: str = ""
    name: str = ""
    loop_counter_from: int = 0


NOWHERE: Final = Place()


def translate(text: str, place: Place = NOWHERE) -> Translation:
    """A template of JUEL in FEEL. A text without an expression is itself, and its FEEL a string literal."""
    try:
        parts = j.parse_template(text)
    except j.JuelError as error:
        return Translation(feel=None, outcome="needs-work", notes=(f"this is no JUEL: {error}",))
    if not any(not isinstance(part, str) for part in parts):
        literal = "".join(part for part in parts if isinstance(part, str))
        return Notes().translation(constant(literal), literal)
    translator = _Translator(place)
    done = [translator.part(part) for part in parts]
    if len(done) == 1:
        return translator.notes.translation(done[0][0])
    if any(kind in {"number", "any"} for _, kind in done):
        translator.notes.remark("a number is written as FEEL writes it")
    return translator.notes.translation(joined(done))


def translate_expression(text: str, place: Place = NOWHERE, *, single_equals: bool = False) -> Translation:
    """An expression without braces, as scripts and other languages near JUEL have it, XPath with one equals sign."""
    try:
        tree = j.parse_expression(text, single_equals=single_equals)
    except j.JuelError as error:
        return Translation(feel=None, outcome="needs-work", notes=(f"this is no expression of JUEL: {error}",))
    return translate_node(tree, place)


def translate_node(tree: j.Node, place: Place = NOWHERE) -> Translation:
    """A part of an expression."""
    translator = _Translator(place)
    return translator.notes.translation(translator.part(tree)[0])


@final
class _Translator:
    """Walks one tree. Every method gives the FEEL and what is known of its value."""

    __slots__ = ("_place", "notes")

    def __init__(self, place: Place) -> None:
        self._place = place
        self.notes = Notes()

    def part(self, part: j.Part) -> Done:
        """A literal text, or an expression."""
        if isinstance(part, str):
            return constant(part), "string"
        row: Callable[[_Translator, j.Node], Done] = _NODES[type(part)]
        return row(self, part)

    def _boolean(self, node: j.Node) -> n.Node:
        """An operand of a logical operator: JUEL takes null as false."""
        tree, kind = self.part(node)
        return tree if kind == "boolean" else binary("=", tree, constant(True))

    def lit(self, node: j.Lit) -> Done:
        value = node.value
        if node.is_float:
            return number(str(value)), "number"
        if isinstance(value, bool):
            return constant(value), "boolean"
        if isinstance(value, int):
            return constant(value), "number"
        return constant(value), "null" if value is None else "string"

    def name(self, node: j.Name) -> Done:
        if node.name in _ENGINE:
            text = f"`{node.name}` at character {node.at} is an object of the Java engine: pass what is needed of it"
            self.notes.problem(f"{text} in a variable")
        if node.name in _LOOP:
            return name(_LOOP[node.name]), "number"
        if node.name == "loopCounter" and not self._place.loop_counter_from:
            # It counts from 0 there and from 1 here.
            return binary("-", name("loopCounter"), constant(1)), "number"
        return name(node.name), "any"

    def prop(self, node: j.Prop) -> Done:
        base = node.base
        if isinstance(base, j.Name) and base.name in _ENGINE:
            return self._of_engine(base.name, node.name, node.at, ())
        tree, _ = self.part(base)
        if node.name in {"singleEntry", "singleResult", "resultList", "firstResult"}:
            return self._decision_result(tree)
        return path(tree, node.name), "any"

    def _decision_result(self, tree: n.Node) -> Done:
        self.notes.change("the variable holds what the decision gives, not a list of maps")
        return tree, "any"

    def index(self, node: j.Index) -> Done:
        tree, _ = self.part(node.base)
        key = node.key
        if isinstance(key, j.Lit) and isinstance(key.value, str) and not key.is_float:
            return path(tree, key.value), "any"
        if isinstance(key, j.Lit) and type(key.value) is int:
            return item(tree, key.value + 1), "any"
        place, kind = self.part(key)
        if kind == "string":
            return call("get value", tree, place), "any"
        if kind != "number":
            self.notes.change(
                "the key in brackets is taken as the place in a list; for a map write get value(map, key)"
            )
        # A filter would look the key's variables up in the items first, so the list is cut instead.
        return item(call("sublist", tree, binary("+", place, constant(1)), constant(1)), 1), "any"

    def call(self, node: j.Call) -> Done:
        base = node.base
        if isinstance(base, j.Name) and base.name in _ENGINE:
            return self._of_engine(base.name, node.name, node.at, node.args)
        if isinstance(base, j.Name) and base.name == "KieFunctions":
            return self.function(j.Function(node.at, base.name, node.name, node.args))
        if node.name in {"getSingleEntry", "getSingleResult", "getFirstResult", "getResultList"} and not node.args:
            return self._decision_result(self.part(base)[0])
        row = METHODS.get((node.name, len(node.args)))
        if row is not None:
            receiver = self.part(base)
            found = row(self.notes, receiver, tuple(self.part(arg) for arg in node.args))
            if found is not None:
                return found
        elif not node.args and len(node.name) > 3 and node.name.startswith("get") and node.name[3].isupper():
            entry = node.name[3].lower() + node.name[4:]
            self.notes.change(
                f"{node.name}() is read as the entry `{entry}`; if it is a bean's method, a worker is needed"
            )
            return path(self.part(base)[0], entry), "any"
        text = f"the method {node.name}() at character {node.at} is Java: a worker has to do it"
        self.notes.problem(f"{text}, or a service task before this element that puts the value into a variable")
        return constant(None), "any"

    def _of_engine(self, owner: str, member: str, at: int, args: tuple[j.Node, ...]) -> Done:
        """Members of `execution` and `task` that say something about the instance."""
        first = args[0] if args else None
        if isinstance(first, j.Lit) and isinstance(first.value, str) and len(args) == 1:
            if member in {"getVariable", "getVariableLocal", "getVariableTyped"}:
                return name(first.value), "any"
            if member in {"hasVariable", "hasVariableLocal"}:
                self.notes.change("a variable that is null counts as one that is not there")
                return binary("!=", name(first.value), constant(None)), "boolean"
        if member in {"processBusinessKey", "getProcessBusinessKey", "businessKey", "getBusinessKey"}:
            self.notes.change("start the process with its business key as the variable `businessKey` too")
            return name("businessKey"), "string"
        if owner == "execution" and member in {"currentActivityId", "getCurrentActivityId"} and self._place.element:
            return constant(self._place.element), "string"
        if owner == "execution" and member in {"currentActivityName", "getCurrentActivityName"} and self._place.element:
            return constant(self._place.name), "string"
        text = f"`{owner}.{member}` at character {at} is of the Java engine: pass what is needed of it in a variable"
        self.notes.problem(text)
        return constant(None), "any"

    def function(self, node: j.Function) -> Done:
        row = FUNCTIONS.get((f"{node.prefix}:{node.name}" if node.prefix else node.name, len(node.args)))
        if row is None:
            text = f"the function {node.name}() at character {node.at} is Java: a worker has to do it"
            self.notes.problem(f"{text}, or a service task before this element that puts the value into a variable")
            return constant(None), "any"
        args = node.args
        if node.prefix in VARIABLES and args and isinstance(args[0], j.Lit) and isinstance(args[0].value, str):
            # The name of a variable may be written as text there.
            args = (j.Name(args[0].at, args[0].value), *args[1:])
        return row(self.notes, tuple(self.part(arg) for arg in args))

    def unary(self, node: j.Unary) -> Done:
        if node.operator == "empty":
            return is_empty(self.part(node.operand)[0]), "boolean"
        tree, kind = self.part(node.operand)
        if node.operator == "-":
            if kind == "any":
                self.notes.remark(_NULL_NUMBER)
            return negative(tree), "number"
        if kind == "boolean":
            return call("not", tree), "boolean"
        # Null is false in JUEL, so its opposite is true.
        return binary("!=", tree, constant(True)), "boolean"

    def binary(self, node: j.Binary) -> Done:
        operator = node.operator
        if operator in {"&&", "||"}:
            operands = [self._boolean(node.left), self._boolean(node.right)]
            return logic("and" if operator == "&&" else "or", operands), "boolean"
        left, right = self.part(node.left), self.part(node.right)
        if operator in _EQUALITY:
            tree = binary(_EQUALITY[operator], *self._comparable(left, right))
            return tree, "boolean"
        if operator in _ORDER:
            if "any" in {left[1], right[1]}:
                self.notes.remark(_NULL_ORDER)
            return binary(_ORDER[operator], *self._comparable(left, right)), "boolean"
        if "string" in {left[1], right[1]}:
            self.notes.change("JUEL reckons a text as the number that it writes; here a text is no number")
        if "any" in {left[1], right[1]}:
            self.notes.remark(_NULL_NUMBER)
        if operator == "%":
            return self._remainder(left[0], right[0]), "number"
        return binary(_ARITHMETIC[operator], left[0], right[0]), "number"

    def _comparable(self, left: Done, right: Done) -> tuple[n.Node, n.Node]:
        """The operands of a comparison; JUEL compares as texts where one is a text."""
        trees, kinds = (left[0], right[0]), (left[1], right[1])
        if set(kinds) == {"string", "number"}:
            self.notes.remark("a number and a text are compared as texts, as in JUEL; FEEL writes numbers its own way")
            first, second = (
                tree if kind == "string" else call("string", tree) for tree, kind in zip(trees, kinds, strict=True)
            )
            return first, second
        return trees

    def _remainder(self, left: n.Node, right: n.Node) -> n.Node:
        """`%` has the sign of the dividend, `modulo` that of the divisor."""
        both = (left, right)
        if all(isinstance(each, n.Literal) and type(each.value) is int and each.value >= 0 for each in both):
            return call("modulo", left, right)
        if not all(is_short(each) for each in both):
            self.notes.change("the remainder has the sign of the divisor, in JUEL that of the dividend")
            return call("modulo", left, right)
        whole = call("round down", binary("/", left, right))
        return binary("-", left, binary("*", right, whole))

    def choice(self, node: j.Choice) -> Done:
        test = self.part(node.test)[0]
        yes, no = self.part(node.yes), self.part(node.no)
        kind: Kind = yes[1] if yes[1] == no[1] else "any"
        return choice(test, yes[0], no[0]), kind


_Row: TypeAlias = Callable[..., Done]

_NODES: Final[dict[type, _Row]] = {
    j.Lit: _Translator.lit,
    j.Name: _Translator.name,
    j.Prop: _Translator.prop,
    j.Index: _Translator.index,
    j.Call: _Translator.call,
    j.Function: _Translator.function,
    j.Unary: _Translator.unary,
    j.Binary: _Translator.binary,
    j.Choice: _Translator.choice,
}
