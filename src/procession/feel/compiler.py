"""Text in, `Expression` out: parse, analyse, generate, and keep what was made (an LRU cache by text and scope)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Final, final

from procession.feel import nodes as n
from procession.feel.analysis import Facts, analyse
from procession.feel.builtins import BUILTIN_NAMES, BUILTINS, IMPURE, Dialect
from procession.feel.codegen import compile_node
from procession.feel.errors import FeelSyntaxError
from procession.feel.lexer import NO_NAMES, Names, is_regular
from procession.feel.parser import parse_expression, parse_unary_tests
from procession.feel.runtime import MISSING, Lookup, Runtime
from procession.feel.types import NO_TYPES, Types

CACHE_SIZE: Final = 4096


@final
class Expression:
    """A compiled expression. `function(lookup, runtime)` is the hot path; it raises nothing but `BudgetExceeded`.

    `variables` are the free variables' names, `paths` the dotted paths that are read, `constant` tells that the
    value depends on nothing.
    """

    __slots__ = ("_facts", "dialect", "function", "node", "text")

    def __init__(self, text: str, node: n.Node, dialect: Dialect, types: Types = NO_TYPES) -> None:
        self.text = text
        self.node = node
        self.dialect: Dialect = dialect
        """The FEEL that the text is in."""
        # Who runs an expression need not know them; two threads may both find them, and they are the same.
        self._facts: Facts | None = None
        self.function: Callable[[Lookup, Runtime], object] = compile_node(node, dialect, types)

    def evaluate(self, variables: Mapping[str, object], runtime: Runtime | None = None) -> object:
        """The value for these variables; None and a note in the runtime for what has none. Raises `BudgetExceeded`."""
        return self.function(_lookup(variables), runtime or Runtime())

    @property
    def variables(self) -> frozenset[str]:
        """The free variables' names."""
        return self._analysed().variables

    @property
    def paths(self) -> tuple[str, ...]:
        """The dotted paths that are read."""
        return self._analysed().paths

    @property
    def constant(self) -> bool:
        """Whether the value depends on nothing."""
        return self._analysed().constant

    def _analysed(self) -> Facts:
        if self._facts is None:
            self._facts = analyse(self.node, BUILTINS[self.dialect], IMPURE)
        return self._facts

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"


def compile_expression(
    text: str, *, names: Iterable[str] = (), dialect: Dialect = "feel", types: Types = NO_TYPES
) -> Expression:
    """The expression (10.3.1.2), compiled once for each text, names and dialect, and kept.

    `names` are those in scope; only names with spaces, operators or keywords in them change what the text means.
    `types` are what `instance of` may name. Raises `FeelSyntaxError`, which has the place and a hint.
    """
    if types and _names_types(text):
        return _compiled(text, _irregular(names), dialect, parse_expression, types)
    return _expression(text, _irregular(names), dialect)


def compile_unary_tests(
    text: str, *, names: Iterable[str] = (), dialect: Dialect = "feel", types: Types = NO_TYPES
) -> Expression:
    """An input entry of a decision table (7.3.2, 10.3.1.2): `-`, tests with `,` between them, or `not(tests)`.

    The input is the variable `?`. It gives True, False or None: null is a test that cannot be decided. Raises
    `FeelSyntaxError`.
    """
    if types and _names_types(text):
        return _compiled(text, _irregular(names), dialect, parse_unary_tests, types)
    return _unary_tests(text, _irregular(names), dialect)


def _irregular(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({name for name in names if not is_regular(name)}))


@lru_cache(maxsize=CACHE_SIZE)
def _expression(text: str, names: tuple[str, ...], dialect: Dialect) -> Expression:
    return _compiled(text, names, dialect, parse_expression)


@lru_cache(maxsize=CACHE_SIZE)
def _unary_tests(text: str, names: tuple[str, ...], dialect: Dialect) -> Expression:
    return _compiled(text, names, dialect, parse_unary_tests)


def _names_types(text: str) -> bool:
    """Whether a text may name a type; only then is it compiled anew for each set of types."""
    return "instance" in text or "function" in text


def _compiled(
    text: str, names: tuple[str, ...], dialect: Dialect, parse: Callable[..., n.Node], types: Types = NO_TYPES
) -> Expression:
    try:
        node = parse(text, names, BUILTIN_NAMES[dialect], Names(types) if types else NO_NAMES)
        return Expression(text, node, dialect, types)
    except (RecursionError, MemoryError):
        raise FeelSyntaxError("nested too deeply", text, 0, "split it into several expressions") from None


def _lookup(variables: Mapping[str, object]) -> Lookup:
    def lookup(name: str) -> object:
        return variables.get(name, MISSING)

    return lookup
