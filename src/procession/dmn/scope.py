"""Scopes: what a name means while a decision is evaluated, as chains of lookups. No expressions here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from procession.feel import MISSING, Lookup, Runtime
from procession.feel.lexer import is_regular

Evaluate: TypeAlias = Callable[[Lookup, Runtime], object]
"""Any compiled piece of a decision: a FEEL expression, a table, a boxed expression."""

Names: TypeAlias = tuple[str, ...]
"""The irregular names in scope, sorted, each once; without them a text would be read differently."""


def nothing(name: str) -> object:
    """The empty scope."""
    del name
    return MISSING


def within(values: Mapping[str, object], outer: Lookup = nothing) -> Lookup:
    """A scope with these values in front of another. `values` is read at each lookup, so it may still grow."""

    def look(name: str) -> object:
        return values[name] if name in values else outer(name)

    return look


def tested(value: object, outer: Lookup) -> Lookup:
    """A scope in which `?` is the value."""

    def look(name: str) -> object:
        return value if name == "?" else outer(name)

    return look


def names_with(names: Names, more: Iterable[str]) -> Names:
    """The irregular names of a scope that also has `more`."""
    irregular = {name for name in more if name and not is_regular(name)}
    return tuple(sorted({*names, *irregular})) if irregular else names
