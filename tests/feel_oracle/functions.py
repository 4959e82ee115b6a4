"""The oracle's built-in functions by name, and how arguments get to them (DMN 1.5, 10.3.2.9.4, 10.3.4)."""

from __future__ import annotations

from typing import Final, TypeAlias

from feel_oracle import functions_of_dates, functions_of_lists
from feel_oracle.values import Nothing, Row, Value, kind

FUNCTIONS: Final[dict[str, list[Row]]] = {**functions_of_lists.ROWS, **functions_of_dates.ROWS}


def call(name: str, arguments: list[Value], names: tuple[str, ...] = ()) -> Value:
    """A built-in: the first signature whose number of parameters and types fit, else the first whose number fits."""
    rows = [(_signature(text), impl) for text, impl in FUNCTIONS[name]]
    if names:
        ordered = [(_by_name(signature, arguments, names), (signature, impl)) for signature, impl in rows]
        fitting = [(given, row) for given, row in ordered if given is not None]
        if not fitting:
            return None
        arguments, row = fitting[0]
        rows = [row]
    rows = [row for row in rows if _fits(row[0], len(arguments))]
    exact = [
        row for row in rows if all(_is(a, kinds) for a, (_, kinds, _) in zip(arguments, _spread(row[0]), strict=False))
    ]
    if not rows:
        return None
    signature, impl = (exact or rows)[0]
    try:
        values = [_argument(a, kinds) for a, (_, kinds, _) in zip(arguments, _spread(signature), strict=False)]
        return impl(*values)
    except Nothing:
        return None


_Parameter: TypeAlias = tuple[str, tuple[str, ...], str]


def _signature(text: str) -> list[_Parameter]:
    """`name: kind|kind`, with `?` for what may be left out and `*` or `+` for a repeated last one."""
    found: list[_Parameter] = []
    for part in filter(None, text.split(", ")):
        label, _, kinds = part.partition(": ")
        mark = label[-1] if label[-1] in "?*+" else ""
        found.append((label.rstrip("?*+"), tuple(kinds.split("|")), mark))
    return found


def _by_name(signature: list[_Parameter], arguments: list[Value], names: tuple[str, ...]) -> list[Value] | None:
    given = dict(zip(names, arguments, strict=True))
    known = [name for name, _, _ in signature]
    if len(given) < len(names) or not set(names) <= set(known):
        return None
    if any(name not in given and not mark for name, _, mark in signature):
        return None
    return [given[name] for name in known if name in given]


def _fits(signature: list[_Parameter], count: int) -> bool:
    least = sum(1 for _, _, mark in signature if mark in {"", "+"})
    most = 10**9 if signature and signature[-1][2] in {"*", "+"} else len(signature)
    return least <= count <= most


def _spread(signature: list[_Parameter]) -> list[_Parameter]:
    return signature + signature[-1:] * 50 if signature and signature[-1][2] in {"*", "+"} else signature


def _is(value: Value, kinds: tuple[str, ...]) -> bool:
    return kinds == ("any",) or kind(value) in kinds


def _argument(value: Value, kinds: tuple[str, ...]) -> Value:
    """An argument after the conversions between an item and a list of one (10.3.2.9.4)."""
    if _is(value, kinds):
        return value
    if isinstance(value, list) and len(value) == 1 and _is(value[0], kinds) and value[0] is not None:
        return value[0]
    if value is not None and "list" in kinds:
        return [value]
    raise Nothing
