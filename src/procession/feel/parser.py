"""FEEL's grammar (DMN 1.5, 10.3.1.2) as a Pratt parser: text in, tree out. No evaluation, no Python code here.

The order of precedence is a table in `grammar`. The parser tells the lexer which irregular names are in scope:
parameters, iterators and context entries open a frame before the first token that may use them is read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast, final

from procession.feel import nodes as n
from procession.feel.errors import FeelSyntaxError
from procession.feel.grammar import AFTER_RANGE, COMPARISONS, DEPTH_MAX, ITERATORS_MAX, PRECEDENCE, SUM, TEXT_MAX, UNARY
from procession.feel.hints import closest
from procession.feel.lexer import (
    KEYWORDS,
    NO_NAMES,
    Names,
    Token,
    is_called,
    is_regular,
    label_at,
    property_at,
    token_at,
    words_at,
)
from procession.feel.numbers import parse_number
from procession.feel.temporal_text import parse_temporal
from procession.feel.type_parser import parse_type


def parse_expression(text: str, names: tuple[str, ...], builtins: Names, types: Names = NO_NAMES) -> n.Node:
    """The tree of an expression; `types` are irregular names of types. Raises `FeelSyntaxError`."""
    parser = _Parser(text, names, builtins, types)
    node = parser.expression(0)
    parser.finish()
    return node


def parse_unary_tests(text: str, names: tuple[str, ...], builtins: Names, types: Names = NO_NAMES) -> n.UnaryTests:
    """The tree of an input entry: `-`, tests, or `not(tests)`. Raises `FeelSyntaxError`."""
    parser = _Parser(text, names, builtins, types)
    node = parser.unary_tests()
    parser.finish()
    return node


@final
class _Parser:
    """The place in the text and the names in scope there."""

    __slots__ = ("_builtins", "_depth", "_filters", "_in_range", "_scopes", "_shapes", "_types", "text", "token")

    def __init__(self, text: str, names: tuple[str, ...], builtins: Names, types: Names) -> None:
        if len(text) > TEXT_MAX:
            message = f"the expression is longer than {TEXT_MAX} characters"
            raise FeelSyntaxError(message, text[:200], 0, "split it into several expressions")
        self.text = text
        self._builtins = builtins
        self._types = types
        self._shapes = Names()
        self._scopes = [Names(names)]
        self._depth = 0
        self._filters = 0
        self._in_range = False
        self.token = token_at(text, 0, self._scopes, builtins)

    # -- tokens

    def advance(self) -> Token:
        """The current token; the next one becomes current."""
        token = self.token
        self.goto(token.end)
        return token

    def goto(self, position: int) -> None:
        """Makes the token at a position current."""
        scopes = [*self._scopes, self._shapes] if self._filters else self._scopes
        self.token = token_at(self.text, position, scopes, self._builtins)

    def at(self, key: str) -> bool:
        """Whether the current token is this one."""
        return self.token.key == key

    def take(self, key: str) -> Token | None:
        """The current token if it is this one."""
        return self.advance() if self.token.key == key else None

    def expect(self, *keys: str) -> Token:
        """The current token, which must be one of these."""
        if self.token.key in keys:
            return self.advance()
        raise self.unexpected("expected " + " or ".join(f"`{key}`" for key in keys), *keys)

    def separator(self, close: str) -> bool:
        """Whether a `,` was taken; else the list must end here."""
        if self.take(","):
            return True
        if self.at(close):
            return False
        raise self.unexpected(f"expected `,` or `{close}`", ",", close)

    def unexpected(self, hint: str, *expected: str) -> FeelSyntaxError:
        """The error that the current token is."""
        token = self.token
        shown = self.text[token.start : token.end][:40]
        message = "the expression ends too early" if token.key == "<end>" else f"unexpected `{shown}`"
        return FeelSyntaxError(message, self.text, token.start, hint, expected=expected)

    def finish(self) -> None:
        """Raises unless the whole text was read."""
        if self.at("<end>"):
            return
        before = self.text[: self.token.start].rstrip()
        if self.token.key in {"<name>", "in"} and (before[-1:].isalnum() or before[-1:] == "_"):
            word = self.text[self.token.start : self.token.end]
            meant = closest(f"{before.split()[-1]} {word}", self._builtins.all())
            question = f"; did you mean `{meant}`?" if meant else ""
            hint = f"a name with spaces that is not declared must be in back-ticks: `… {word}`{question}"
            raise self.unexpected(hint, *_AFTER_OPERAND)
        raise self.unexpected("an operator or the end was expected", *_AFTER_OPERAND)

    def error(self, message: str, start: int, hint: str = "") -> FeelSyntaxError:
        """An error at a place."""
        return FeelSyntaxError(message, self.text, start, hint)

    # -- expressions

    def expression(self, minimum: int) -> n.Node:
        """An operand and whatever follows it that binds at least as tightly as `minimum`."""
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise self.error(f"nested deeper than {DEPTH_MAX}", self.token.start, "split it into several expressions")
        prefix = _PREFIX.get(self.token.key) or self.named_like_a_keyword()
        if prefix is None:
            raise self.unexpected("a value, a name or `(` was expected", *_PREFIX)
        node = self.follow(prefix(self), minimum)
        self._depth -= 1
        return node

    def follow(self, node: n.Node, minimum: int) -> n.Node:
        """`node` with the operators after it."""
        links = 0
        while True:
            key = self.token.key
            if key == "<name>":
                key = self.token.text
                if key != "instance":
                    return node
            precedence = PRECEDENCE.get(key, -1)
            if precedence < minimum or precedence < 0 or (key == "[" and self.closes_range()):
                return node
            if precedence == PRECEDENCE["."]:
                links += 1
                if links + self._depth > DEPTH_MAX:
                    raise self.error(
                        f"nested deeper than {DEPTH_MAX}", self.token.start, "split it into several expressions"
                    )
            node = _INFIX[key](self, node)

    def closes_range(self) -> bool:
        """Whether the current `[` ends a range such as `[1..10[` rather than opening a filter."""
        if not self._in_range:
            return False
        after = token_at(self.text, self.token.end, self._scopes, self._builtins)
        return after.key in AFTER_RANGE

    def inside(self, minimum: int = 0, *, in_range: bool = False) -> n.Node:
        """An expression between brackets, where a range's end means nothing, or the end of a range itself."""
        before, self._in_range = self._in_range, in_range
        node = self.expression(minimum)
        self._in_range = before
        return node

    # -- operands

    def literal(self) -> n.Node:
        token = self.advance()
        if token.key == "<number>":
            number = parse_number(token.text)
            if number is None:
                return n.BadLiteral(token.start, token.end, "the number is too large", token.text)
            return n.Literal(token.start, token.end, number)
        value = token.text if token.key == "<string>" else _WORDS[token.key]
        return n.Literal(token.start, token.end, value)

    def name(self) -> n.Node:
        token = self.advance()
        name, end = token.text, token.end
        if token.key == "<name>" and self._filters and self.text[token.start] != "`":
            # In a filter the item's keys are in scope, and nobody knows them yet: adjacent words are one name.
            while self.at("<name>") and is_regular(self.token.text) and self.token.text != "instance":
                name, end = f"{name} {self.token.text}", self.advance().end
        return n.Name(token.start, end, name)

    def named_like_a_keyword(self) -> Callable[[_Parser], n.Node] | None:
        """What reads `and(…)` where an operand must be, if the dialect has a function of that name."""
        key = self.token.key
        return _Parser.name if key in self._builtins.keywords and is_called(self.text, self.token.end, "(") else None

    def at_literal(self) -> n.Node:
        start = self.advance().start
        if not self.at("<string>"):
            raise self.unexpected('expected a string, as in `@"2026-11-23"`', "<string>")
        token = self.advance()
        value = parse_temporal(token.text)
        if value is None:
            message = f'@"{token.text[:40]}" is no date, time or duration'
            return n.BadLiteral(start, token.end, message, self.text[start : token.end])
        return n.Literal(start, token.end, value)

    def negation(self) -> n.Node:
        start = self.advance().start
        operand = self.expression(UNARY)
        if isinstance(operand, n.Literal) and type(operand.value) is int:
            return n.Literal(start, operand.end, -operand.value)
        return n.Negation(start, operand.end, operand)

    def parenthesis(self) -> n.Node:
        start = self.advance().start
        if self.token.key in COMPARISONS:
            form = self.advance().key
            bound = self.inside(SUM)
            low, high = form in {">=", "="}, form in {"<=", "="}
            return n.RangeNode(start, self.expect(")").end, bound, bound, low, high, cast("n.Operator", form))  # type: ignore[arg-type]
        node = self.inside()
        if self.at(".."):
            return self.range_rest(start, node, included=False)
        self.expect(")")
        return node

    def bracket(self) -> n.Node:
        start = self.advance().start
        if self.at("]"):
            return n.ListNode(start, self.advance().end, ())
        items = [self.inside()]
        if self.at(".."):
            return self.range_rest(start, items[0], included=True)
        while self.take(","):
            items.append(self.inside())
        return n.ListNode(start, self.expect("]").end, tuple(items))

    def open_range(self) -> n.Node:
        start = self.advance().start
        low = self.inside()
        if not self.at(".."):
            raise self.unexpected("expected `..`", "..")
        return self.range_rest(start, low, included=False)

    def range_rest(self, start: int, low: n.Node, *, included: bool) -> n.Node:
        self.expect("..")
        high = self.inside(in_range=True)
        close = self.expect(")", "]", "[")
        return n.RangeNode(start, close.end, low, high, included, close.key == "]")

    def context(self) -> n.Node:
        start = self.advance().start
        scope = Names()
        self._scopes.append(scope)
        entries: list[tuple[str, n.Node]] = []
        while not self.at("}"):
            key = label_at(self.text, self.token.start)
            if key is None:
                raise self.unexpected("expected an entry, `name: value`", "<name>", "<string>", "}")
            self.goto(key.end)
            self.expect(":")
            value = self.inside()
            entries.append((key.text, value))
            if not is_regular(key.text):
                scope.add(key.text)
                self._shapes.add(key.text)
            if self.separator("}") and self.at("}"):
                raise self.unexpected("expected an entry, `name: value`")
        self._scopes.pop()
        return n.ContextNode(start, self.advance().end, tuple(entries))

    def conditional(self) -> n.Node:
        start = self.advance().start
        condition = self.inside()
        self.expect("then")
        yes = self.inside()
        self.expect("else")
        no = self.expression(0)
        return n.If(start, no.end, condition, yes, no)

    def iteration(self) -> n.Node:
        token = self.advance()
        iterators: list[n.Iterator] = []
        scope = Names()
        self._scopes.append(scope)
        body_word = "return" if token.key == "for" else "satisfies"
        while True:
            iterators.append(self.iterator())
            scope.add(iterators[-1].name)
            if len(iterators) > ITERATORS_MAX:
                raise self.error(f"more than {ITERATORS_MAX} iterators", token.start, "iterate in an inner expression")
            if not self.take(","):
                break
        self.expect(body_word)
        body = self.expression(0)
        self._scopes.pop()
        if token.key == "for":
            return n.For(token.start, body.end, tuple(iterators), body)
        return n.Quantified(token.start, body.end, "some" if token.key == "some" else "every", tuple(iterators), body)

    def iterator(self) -> n.Iterator:
        name = self.declared(frozenset({"in"}))
        self.goto(name.end)
        self.expect("in")
        domain = self.inside()
        until = self.inside() if self.take("..") else None
        return n.Iterator(name.start, (until or domain).end, name.text, domain, until)

    def function(self) -> n.Node:
        start = self.advance().start
        self.expect("(")
        parameters: list[tuple[str, n.TypeRef | None]] = []
        while not self.at(")"):
            name = self.declared(KEYWORDS)
            self.goto(name.end)
            kind: n.TypeRef | None = None
            if self.at(":"):
                kind, end = parse_type(self.text, self.token.end, self._types)
                self.goto(end)
            parameters.append((name.text, kind))
            self.separator(")")
        self._scopes.append(Names(name for name, _ in parameters))
        self.expect(")")
        external = self.token.text == "external" and self.text.startswith("external", self.token.start)
        if external:
            self.advance()
        body = self.expression(0)
        self._scopes.pop()
        return n.FunctionNode(start, body.end, tuple(parameters), body, external)

    def declared(self, stops: frozenset[str]) -> Token:
        """The name of an iterator or parameter."""
        name = words_at(self.text, self.token.start, stops)
        if name.start == name.end:
            raise self.error("a name is missing", name.start)
        return name

    # -- what follows an operand

    def binary(self, left: n.Node) -> n.Node:
        token = self.advance()
        right = self.expression(PRECEDENCE[token.key] + 1)
        return n.Binary(left.start, right.end, cast("n.Operator", token.key), left, right)

    def logic(self, left: n.Node) -> n.Node:
        key = self.token.key
        operands = [left]
        while self.take(key):
            operands.append(self.expression(PRECEDENCE[key] + 1))
        return n.Logic(left.start, operands[-1].end, "and" if key == "and" else "or", tuple(operands))

    def between(self, left: n.Node) -> n.Node:
        self.advance()
        low = self.expression(SUM)
        self.expect("and")
        high = self.expression(SUM)
        return n.Between(left.start, high.end, left, low, high)

    def instance_of(self, left: n.Node) -> n.Node:
        after = self.advance()
        if self.token.text != "of":
            raise self.unexpected("expected `instance of` and a type", "of")
        kind, end = parse_type(self.text, self.token.end, self._types)
        self.goto(end)
        return n.InstanceOf(left.start, max(end, after.end), left, kind)

    def in_tests(self, left: n.Node) -> n.Node:
        self.advance()
        if not self.at("("):
            test = self.test(SUM)
            return n.In(left.start, test.end, left, (test,))
        start = self.advance().start
        before, self._in_range = self._in_range, False
        tests = [self.test(0)]
        if self.at("..") and not tests[0].operator:
            node = self.follow(self.range_rest(start, tests[0].operand, included=False), SUM)
            tests = [n.Test(start, node.end, "", node)]
        else:
            while self.take(","):
                tests.append(self.test(0))
            close = self.expect(")").end
            if len(tests) == 1 and not tests[0].operator:
                node = self.follow(tests[0].operand, SUM)
                tests = [n.Test(start, max(close, node.end), "", node)]
        self._in_range = before
        return n.In(left.start, tests[-1].end, left, tuple(tests))

    def path(self, base: n.Node) -> n.Node:
        # Past the `.`, without reading what follows as a token: any word may be a property.
        self.token = Token("<property>", "", self.token.end, self.token.end)
        name, end = property_at(self.text, self.token.end, [*self._scopes, self._shapes], self._builtins)
        self.goto(end)
        return n.Path(base.start, end, base, name)

    def filter(self, base: n.Node) -> n.Node:
        self._filters += 1
        self.advance()
        test = self.inside()
        self._filters -= 1
        return n.Filter(base.start, self.expect("]").end, base, test)

    def call(self, callee: n.Node) -> n.Node:
        self.advance()
        arguments: list[n.Node] = []
        names: list[str] = []
        while not self.at(")"):
            label = label_at(self.text, self.token.start)
            if label is not None:
                self.goto(label.end)
                self.expect(":")
                names.append(label.text)
            arguments.append(self.inside())
            if names and len(names) != len(arguments):
                place = arguments[-1].start
                raise self.error("named and positional arguments cannot be mixed", place, "name all of them, or none")
            if self.separator(")") and self.at(")"):
                raise self.unexpected("expected an argument", *_PREFIX)
        return n.Call(callee.start, self.advance().end, callee, tuple(arguments), tuple(names))

    # -- unary tests

    def unary_tests(self) -> n.UnaryTests:
        start = self.token.start
        if self.at("-") and not self.text[self.token.end :].strip():
            return n.UnaryTests(start, self.advance().end, (), negated=False)
        if self.at("<name>") and self.token.text == "not":
            negated = self.negated_tests(start)
            if negated is not None:
                return negated
        tests = [self.test(0)]
        while self.take(","):
            tests.append(self.test(0))
        return n.UnaryTests(start, tests[-1].end, tuple(tests), negated=False)

    def negated_tests(self, start: int) -> n.UnaryTests | None:
        """`not(tests)` if that is the whole text; else the text is tried again as tests that begin with `not`."""
        self.advance()
        if self.at("("):
            self.advance()
            tests = [self.test(0)]
            while self.take(","):
                tests.append(self.test(0))
            if self.at(")"):
                end = self.advance().end
                if self.at("<end>"):
                    return n.UnaryTests(start, end, tuple(tests), negated=True)
        self.goto(start)
        return None

    def test(self, minimum: int) -> n.Test:
        start = self.token.start
        if self.token.key in COMPARISONS:
            operator = self.advance().key
            operand = self.expression(SUM)
            return n.Test(start, operand.end, cast("n.Operator", operator), operand)  # type: ignore[arg-type]
        node = self.expression(minimum)
        return n.Test(start, node.end, "", node)


_WORDS: Final = {"true": True, "false": False, "null": None}
_AFTER_OPERAND: Final = (*PRECEDENCE, "<end>")


_PREFIX: Final[dict[str, Callable[[_Parser], n.Node]]] = {
    **dict.fromkeys(("<number>", "<string>", "true", "false", "null"), _Parser.literal),
    "<name>": _Parser.name,
    "@": _Parser.at_literal,
    "-": _Parser.negation,
    "(": _Parser.parenthesis,
    "[": _Parser.bracket,
    "]": _Parser.open_range,
    "{": _Parser.context,
    "if": _Parser.conditional,
    **dict.fromkeys(("for", "some", "every"), _Parser.iteration),
    "function": _Parser.function,
}
_INFIX: Final[dict[str, Callable[[_Parser, n.Node], n.Node]]] = {
    **dict.fromkeys(("=", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "**"), _Parser.binary),
    "or": _Parser.logic,
    "and": _Parser.logic,
    "between": _Parser.between,
    "in": _Parser.in_tests,
    "instance": _Parser.instance_of,
    ".": _Parser.path,
    "[": _Parser.filter,
    "(": _Parser.call,
}
