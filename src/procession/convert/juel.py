"""JUEL, the expression language of Camunda 7, Operaton, Flowable and Activiti: lexer, parser and tree (EL 2.2).

A text is a template: literal text with expressions in `${…}` or `#{…}`. What an expression means in FEEL is in
`juel_feel.py`; nothing is evaluated here.
"""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias, final

import msgspec

from procession.base.failure import ProcessionError

TEXT_MAX: Final = 32_768
"""Longest template, in characters."""
DEPTH_MAX: Final = 40
"""Deepest nesting of an expression."""
OPERATORS_MAX: Final = 200
"""Most operators, points and brackets of one expression: what walks the tree goes as deep as a chain is long."""

Operator: TypeAlias = Literal["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||"]


@final
class JuelError(ProcessionError, ValueError):
    """A text that is no JUEL. `at` is the place in it, in characters from 1."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(f"{message} at character {at}")
        self.at = at


@final
class Lit(msgspec.Struct, frozen=True):
    """A constant: null, boolean, number or text. `value` of a float is its text, so that no digit is lost."""

    at: int
    value: bool | int | str | None
    is_float: bool = False


@final
class Name(msgspec.Struct, frozen=True):
    """A variable, or an object that the engine provides."""

    at: int
    name: str


@final
class Prop(msgspec.Struct, frozen=True):
    """`base.name`."""

    at: int
    base: Node
    name: str


@final
class Index(msgspec.Struct, frozen=True):
    """`base[key]`."""

    at: int
    base: Node
    key: Node


@final
class Call(msgspec.Struct, frozen=True):
    """`base.name(args)`."""

    at: int
    base: Node
    name: str
    args: tuple[Node, ...]


@final
class Function(msgspec.Struct, frozen=True):
    """`name(args)`, or `prefix:name(args)`."""

    at: int
    prefix: str
    name: str
    args: tuple[Node, ...]


@final
class Unary(msgspec.Struct, frozen=True):
    """`!x`, `-x`, `empty x`."""

    at: int
    operator: Literal["!", "-", "empty"]
    operand: Node


@final
class Binary(msgspec.Struct, frozen=True):
    """Arithmetic, a comparison, or a logical operator."""

    at: int
    operator: Operator
    left: Node
    right: Node


@final
class Choice(msgspec.Struct, frozen=True):
    """`test ? yes : no`."""

    at: int
    test: Node
    yes: Node
    no: Node


Node: TypeAlias = Lit | Name | Prop | Index | Call | Function | Unary | Binary | Choice
Part: TypeAlias = str | Node

_TOKEN: Final = re.compile(
    r"(?P<space>\s+)|(?P<float>\d+\.\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)|(?P<int>\d+)"
    r"|(?P<name>[^\W\d]\w*|[$_]\w*)|(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<symbol>&&|\|\||==|!=|<=|>=|[-+*/%<>!=?:.,()\[\]])",
    re.DOTALL,
)
_WORDS: Final[dict[str, str]] = {
    "and": "&&", "or": "||", "not": "!", "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
    "div": "/", "mod": "%",
}  # fmt: skip
"""Words that are operators."""
_LEVELS: Final[tuple[dict[str, Operator], ...]] = (
    {"||": "||"},
    {"&&": "&&"},
    {"==": "==", "!=": "!="},
    {"<": "<", "<=": "<=", ">": ">", ">=": ">="},
    {"+": "+", "-": "-"},
    {"*": "*", "/": "/", "%": "%"},
)
"""The operators of two operands, from the loosest level to the tightest; all associate to the left."""
_CONSTANTS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)


@final
class _Token(msgspec.Struct, frozen=True):
    kind: str
    text: str
    at: int


def parse_template(text: str) -> tuple[Part, ...]:
    """The literal texts and the expressions of a template, in order. Raises `JuelError`."""
    if len(text) > TEXT_MAX:
        raise JuelError(f"the expression has more than {TEXT_MAX} characters", TEXT_MAX)
    parts: list[Part] = []
    literal: list[str] = []
    at = 0
    while at < len(text):
        if text.startswith(("\\${", "\\#{"), at):
            literal.append(text[at + 1 : at + 3])
            at += 3
        elif text.startswith(("${", "#{"), at):
            if literal:
                parts.append("".join(literal))
                literal = []
            parser = _Parser(text, at + 2)
            parts.append(parser.expression())
            at = parser.close("}")
        else:
            literal.append(text[at])
            at += 1
    if literal:
        parts.append("".join(literal))
    return tuple(parts)


def parse_expression(text: str, *, single_equals: bool = False) -> Node:
    """An expression without braces around it; `=` may stand for `==`. Raises `JuelError`."""
    if len(text) > TEXT_MAX:
        raise JuelError(f"the expression has more than {TEXT_MAX} characters", TEXT_MAX)
    parser = _Parser(text, 0, single_equals=single_equals)
    node = parser.expression()
    parser.close("")
    return node


@final
class _Parser:
    """A recursive descent over the text from a place on; it ends at the first `}` that no text holds."""

    __slots__ = ("_at", "_depth", "_operators", "_single_equals", "_text", "_token")

    def __init__(self, text: str, at: int, *, single_equals: bool = False) -> None:
        self._single_equals = single_equals
        self._text = text
        self._at = at
        self._depth = 0
        self._operators = 0
        self._token = self._next()

    def close(self, brace: str) -> int:
        """Takes what ends the expression; the place behind it."""
        token = self._token
        if token.text != brace or (token.kind == "end") == bool(brace):
            raise self._error(f"expected {brace!r}" if brace else "expected the end")
        return token.at + len(brace)

    def expression(self) -> Node:
        """`or ? expression : expression`."""
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise JuelError(f"the expression is nested deeper than {DEPTH_MAX}", self._token.at + 1)
        test = self._level(0)
        if self._token.text == "?" and self._token.kind == "symbol":
            at = self._take().at
            yes = self.expression()
            self._expect(":")
            test = Choice(at + 1, test, yes, self.expression())
        self._depth -= 1
        return test

    def _level(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._unary()
        left = self._level(level + 1)
        while self._token.kind == "symbol" and self._token.text in _LEVELS[level]:
            token = self._operator()
            left = Binary(token.at + 1, _LEVELS[level][token.text], left, self._level(level + 1))
        return left

    def _unary(self) -> Node:
        token = self._token
        if token.kind == "symbol" and token.text in {"!", "-", "empty"}:
            self._depth += 1
            if self._depth > DEPTH_MAX:
                raise JuelError(f"the expression is nested deeper than {DEPTH_MAX}", token.at + 1)
            self._take()
            operator: Literal["!", "-", "empty"] = "!" if token.text == "!" else "-" if token.text == "-" else "empty"
            node = Unary(token.at + 1, operator, self._unary())
            self._depth -= 1
            return node
        return self._value()

    def _value(self) -> Node:
        node = self._primary()
        while self._is(".") or self._is("["):
            token = self._operator()
            if token.text == "[":
                node = Index(token.at + 1, node, self.expression())
                self._expect("]")
                continue
            if self._token.kind != "name":
                raise self._error("expected a name after the point")
            name = self._take()
            if self._is("("):
                node = Call(name.at + 1, node, name.text, self._arguments())
            else:
                node = Prop(name.at + 1, node, name.text)
        return node

    def _primary(self) -> Node:
        token = self._token
        at = token.at + 1
        if token.kind == "int":
            self._take()
            return Lit(at, int(token.text) if len(token.text) < 40 else token.text, len(token.text) >= 40)
        if token.kind == "float":
            self._take()
            return Lit(at, token.text, is_float=True)
        if token.kind == "text":
            self._take()
            return Lit(at, _ESCAPE.sub(r"\1", token.text[1:-1]))
        if token.kind == "name":
            self._take()
            if token.text in _CONSTANTS:
                return Lit(at, _CONSTANTS[token.text])
            return self._named(token)
        if self._is("("):
            self._take()
            node = self.expression()
            self._expect(")")
            return node
        raise self._error("expected a value")

    def _named(self, token: _Token) -> Node:
        # A prefix stands at its colon without white space; `a ? b : c(d)` is a choice.
        behind = self._text[token.at + len(token.text) :]
        prefixed = re.match(r":([^\W\d]\w*)\(", behind)
        if prefixed is not None:
            self._take()
            name = self._take()
            return Function(token.at + 1, token.text, name.text, self._arguments())
        if self._is("("):
            return Function(token.at + 1, "", token.text, self._arguments())
        return Name(token.at + 1, token.text)

    def _arguments(self) -> tuple[Node, ...]:
        self._expect("(")
        found: list[Node] = []
        while not self._is(")"):
            if found:
                self._expect(",")
            found.append(self.expression())
        self._take()
        return tuple(found)

    def _is(self, symbol: str) -> bool:
        return self._token.kind == "symbol" and self._token.text == symbol

    def _expect(self, symbol: str) -> None:
        if not self._is(symbol):
            raise self._error(f"expected {symbol!r}")
        self._take()

    def _operator(self) -> _Token:
        self._operators += 1
        if self._operators > OPERATORS_MAX:
            raise JuelError(f"the expression has more than {OPERATORS_MAX} operators", self._token.at + 1)
        return self._take()

    def _take(self) -> _Token:
        token = self._token
        self._token = self._next()
        return token

    def _next(self) -> _Token:
        text = self._text
        while self._at < len(text):
            if text[self._at] == "}":
                return _Token("brace", "}", self._at)
            match = _TOKEN.match(text, self._at)
            if match is None:
                raise JuelError(f"unexpected {text[self._at]!r}", self._at + 1)
            start, self._at = self._at, match.end()
            kind = str(match.lastgroup)
            if kind == "space":
                continue
            word = match[0]
            if kind == "name" and (word in _WORDS or word == "empty"):
                return _Token("symbol", _WORDS.get(word, word), start)
            if word == "=":
                if not self._single_equals:
                    raise JuelError("unexpected '='", start + 1)
                word = "=="
            if kind == "name" and word == "instanceof":
                raise JuelError("`instanceof` is reserved", start + 1)
            return _Token(kind, word, start)
        return _Token("end", "", len(text))

    def _error(self, expected: str) -> JuelError:
        token = self._token
        found = f"{token.text!r}" if token.text else "the end"
        return JuelError(f"{expected}, found {found}", token.at + 1)
