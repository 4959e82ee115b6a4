"""From the tree back to text: what `unparse` prints is read as the same tree again, places apart.

Parentheses stand where the precedence asks for them. A name that could be read as something else is in back-ticks. The
left operands of a chain are walked in a loop, because a chain may be thousands of operators long.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any, Final, TypeAlias, cast

import msgspec

from procession.feel import nodes as n
from procession.feel.grammar import PRECEDENCE, SUM, UNARY
from procession.feel.lexer import LABEL, canonical, is_regular, split_name
from procession.feel.temporal import Temporal
from procession.feel.temporal_text import temporal_text

_Known: TypeAlias = tuple[frozenset[str], frozenset[str]]
"""The first words of irregular names in scope, and the built-ins that are written as they are when called."""
_Left: TypeAlias = tuple[n.Node, int, str]
"""The leftmost operand, how tightly it must bind, and the text after it."""

_POSTFIX: Final = PRECEDENCE["."]
_ATOM: Final = 10
_COMPARISON: Final = PRECEDENCE["="]
_OPENS_FORM: Final = re.compile(r"\(+(?:[<>=]|!=)")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_DIGITS_MAX: Final = 60
_IN_NAMES: Final = frozenset({"date", "get"})
"""Words that the built-ins `date and time` and `get or else` begin with: `date and time(x)` has two readings."""
_ESCAPES: Final = str.maketrans({'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def unparse(node: n.Node, *, names: Iterable[str] = (), builtins: Iterable[str] = ()) -> str:
    """The text of a tree. `names` are the irregular names in scope, `builtins` names with spaces to print bare.

    Both may be left out: the text is then read as the same tree wherever no irregular names are declared outside.
    """
    declared = [*names, *_declared(node)]
    words = frozenset(split_name(name)[0] for name in declared if not is_regular(name) and split_name(name))
    bare = frozenset(name for name in builtins if split_name(name)[0] not in words)
    return _text(node, 0, (words, bare))


def _declared(node: n.Node) -> Iterator[str]:
    """The names that a tree declares."""
    stack: list[object] = [node]
    while stack:
        part = stack.pop()
        if isinstance(part, n.ContextNode):
            yield from (key for key, _ in part.entries)
        elif isinstance(part, n.FunctionNode):
            yield from (name for name, _ in part.parameters)
        elif isinstance(part, n.Iterator):
            yield part.name
        if isinstance(part, msgspec.Struct):
            stack.extend(getattr(part, field) for field in part.__struct_fields__)
        elif isinstance(part, tuple):
            stack.extend(cast("tuple[object, ...]", part))


def _text(node: n.Node, minimum: int, known: _Known) -> str:
    """A node where operators bind as tightly as `minimum` on both sides."""
    opened = 0
    tails: list[str] = []
    called = False
    while True:
        if _precedence(node) < minimum:
            opened += 1
            tails.append(")")
        split = _LEFT.get(type(node))
        if split is None:
            name = called and isinstance(node, n.Name)
            head = _called_name(cast("n.Name", node), known) if name else _HEAD[type(node)](node, known)
            return "(" * opened + head + "".join(reversed(tails))
        called = isinstance(node, n.Call)
        node, minimum, tail = split(node, known)
        tails.append(tail)


def _precedence(node: n.Node) -> int:
    match node:
        case n.Binary():
            return PRECEDENCE[node.operator]
        case n.Logic():
            return PRECEDENCE[node.operator]
        case n.Between() | n.In():
            return _COMPARISON
        case n.Negation():
            return UNARY
        case n.Literal() if type(node.value) is int and node.value < 0:
            return UNARY
        case n.Path() | n.Filter() | n.Call():
            return _POSTFIX
        # A type reaches as far as it can (`date and time`, `list < …`), so it is closed off everywhere.
        case n.InstanceOf() | n.If() | n.For() | n.Quantified() | n.FunctionNode():
            return 0
        case _:
            return _ATOM


# -- what begins with an operand


def _binary(node: n.Binary, known: _Known) -> _Left:
    level = PRECEDENCE[node.operator]
    return node.left, level, f" {node.operator} {_text(node.right, level + 1, known)}"


def _logic(node: n.Logic, known: _Known) -> _Left:
    level = PRECEDENCE[node.operator] + 1
    rest = (f" {node.operator} {_text(operand, level, known)}" for operand in node.operands[1:])
    return node.operands[0], level, "".join(rest)


def _between(node: n.Between, known: _Known) -> _Left:
    low, high = _text(node.low, SUM, known), _text(node.high, SUM, known)
    return node.operand, _COMPARISON, f" between {low} and {high}"


def _in(node: n.In, known: _Known) -> _Left:
    if len(node.tests) == 1:
        test = node.tests[0]
        text = _test(test, SUM, known)
        # `x in (< 3)` is a list of tests already; the range of that form stands in its own parentheses.
        inner = f"({text})" if not test.operator and _OPENS_FORM.match(text) else text
    else:
        inner = f"({', '.join(_test(test, 0, known) for test in node.tests)})"
    return node.operand, _COMPARISON, f" in {inner}"


def _instance_of(node: n.InstanceOf, known: _Known) -> _Left:
    del known
    return node.operand, PRECEDENCE["instance"], f" instance of {type_text(node.type)}"


def _path(node: n.Path, known: _Known) -> _Left:
    return node.base, _POSTFIX, f".{_name_text(node.name, known)}"


def _filter(node: n.Filter, known: _Known) -> _Left:
    return node.base, _POSTFIX, f"[{_text(node.test, 0, known)}]"


def _call(node: n.Call, known: _Known) -> _Left:
    arguments = [_text(argument, 0, known) for argument in node.arguments]
    if node.names:
        arguments = [f"{_label(name)}: {text}" for name, text in zip(node.names, arguments, strict=True)]
    return node.callee, _POSTFIX, f"({', '.join(arguments)})"


_LEFT: Final[dict[type, Callable[[Any, _Known], _Left]]] = {
    n.Binary: _binary,
    n.Logic: _logic,
    n.Between: _between,
    n.In: _in,
    n.InstanceOf: _instance_of,
    n.Path: _path,
    n.Filter: _filter,
    n.Call: _call,
}


# -- what begins with its own word or bracket


def _literal(node: n.Literal, known: _Known) -> str:
    del known
    value = node.value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        text = format(value, "f")
        # A whole number without its exponent would be read as an integer.
        return text if "." in text and len(text) <= _DIGITS_MAX else str(value)
    if isinstance(value, str):
        return quoted(value)
    return f'@"{temporal_text(cast("Temporal", value))}"'


def _bad_literal(node: n.BadLiteral, known: _Known) -> str:
    del known
    return node.text


def _name(node: n.Name, known: _Known) -> str:
    if node.name == "?":
        return node.name
    return f"`{node.name}`" if node.name in _IN_NAMES else _name_text(node.name, known)


def _called_name(node: n.Name, known: _Known) -> str:
    return node.name if node.name in known[1] else _name_text(node.name, known)


def _negation(node: n.Negation, known: _Known) -> str:
    return f"-{_text(node.operand, UNARY, known)}"


def _test(node: n.Test, minimum: int, known: _Known) -> str:
    if node.operator:
        return f"{node.operator} {_text(node.operand, SUM, known)}"
    return _text(node.operand, minimum, known)


def _lone_test(node: n.Test, known: _Known) -> str:
    return _test(node, 0, known)


def _unary_tests(node: n.UnaryTests, known: _Known) -> str:
    if not node.tests:
        return "-"
    texts = [_test(test, 0, known) for test in node.tests]
    if node.negated:
        return f"not({', '.join(texts)})"
    if texts[0].startswith(("not", "`not")):
        # `not(x)` alone negates tests; a call of the function `not` is told apart by its parentheses.
        texts[0] = f"({texts[0]})"
    return ", ".join(texts)


def _if(node: n.If, known: _Known) -> str:
    condition, yes, no = (_text(part, 0, known) for part in (node.condition, node.yes, node.no))
    return f"if {condition} then {yes} else {no}"


def _loop(node: n.For | n.Quantified, known: _Known) -> str:
    first, word = ("for", "return") if isinstance(node, n.For) else (node.kind, "satisfies")
    iterators = ", ".join(_iterator(iterator, known) for iterator in node.iterators)
    return f"{first} {iterators} {word} {_text(node.body, 0, known)}"


def _iterator(node: n.Iterator, known: _Known) -> str:
    until = "" if node.until is None else f"..{_text(node.until, 0, known)}"
    return f"{_declared_text(node.name)} in {_text(node.domain, 0, known)}{until}"


def _list(node: n.ListNode, known: _Known) -> str:
    return f"[{', '.join(_text(item, 0, known) for item in node.items)}]"


def _context(node: n.ContextNode, known: _Known) -> str:
    return "{" + ", ".join(f"{_label(key)}: {_text(value, 0, known)}" for key, value in node.entries) + "}"


def _range(node: n.RangeNode, known: _Known) -> str:
    if node.form:
        return f"({node.form} {_text(node.low, SUM, known)})"
    low, high = _text(node.low, 0, known), _text(node.high, 0, known)
    return f"{'[' if node.low_included else '('}{low}..{high}{']' if node.high_included else ')'}"


def _function(node: n.FunctionNode, known: _Known) -> str:
    parameters = ", ".join(
        _declared_text(name) + ("" if kind is None else f": {type_text(kind)}") for name, kind in node.parameters
    )
    body = _text(node.body, 0, known)
    if body.startswith("external"):
        body = f"({body})"
    return f"function({parameters}) {'external ' if node.external else ''}{body}"


_HEAD: Final[dict[type, Callable[[Any, _Known], str]]] = {
    n.Literal: _literal,
    n.BadLiteral: _bad_literal,
    n.Name: _name,
    n.Negation: _negation,
    n.Test: _lone_test,
    n.UnaryTests: _unary_tests,
    n.If: _if,
    n.For: _loop,
    n.Quantified: _loop,
    n.ListNode: _list,
    n.ContextNode: _context,
    n.RangeNode: _range,
    n.FunctionNode: _function,
}


# -- words


def type_text(kind: n.TypeRef) -> str:
    """A type as it is written: `list<number>`, `context<a: string>`, `function<number>->string`."""
    if kind.fields:
        return f"{kind.name}<{', '.join(f'{name}: {type_text(field)}' for name, field in kind.fields)}>"
    arguments = ", ".join(map(type_text, kind.arguments))
    if kind.result is not None:
        return f"{kind.name}<{arguments}>->{type_text(kind.result)}"
    return f"{kind.name}<{arguments}>" if arguments else kind.name


def _name_text(name: str, known: _Known) -> str:
    """A name where it is used."""
    if is_regular(name) and name not in known[0]:
        return name
    return _ticked(name)


def _declared_text(name: str) -> str:
    """An iterator or a parameter."""
    return name if is_regular(name) else _ticked(name)


def _ticked(name: str) -> str:
    # Back-ticks cannot hold such a name. It is a key in quotes, hence declared, and found as it stands.
    return name if "`" in name or canonical(name) != name else f"`{name}`"


def _label(name: str) -> str:
    """The key of an entry, the name of an argument."""
    plain = LABEL.fullmatch(name) is not None and canonical(name) == name
    return name if plain else quoted(name)


def quoted(text: str) -> str:
    """A text as FEEL writes it."""
    # Escapes make half a surrogate pair U+FFFD, so a text that holds one was written without escapes.
    return f'"{text}"' if _SURROGATE.search(text) else f'"{text.translate(_ESCAPES)}"'
