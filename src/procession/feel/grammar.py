"""The grammar as tables: precedence, and the limits that keep what comes after the parser small."""

from __future__ import annotations

from typing import Final

TEXT_MAX: Final = 65_536
"""Longest expression, in characters."""
DEPTH_MAX: Final = 200
"""Deepest nesting; what walks the tree later recurses as deep."""
ITERATORS_MAX: Final = 8

COMPARISONS: Final = frozenset({"=", "!=", "<", "<=", ">", ">="})
PRECEDENCE: Final = {
    "or": 1, "and": 2,
    "=": 3, "!=": 3, "<": 3, "<=": 3, ">": 3, ">=": 3, "between": 3, "in": 3,
    "+": 4, "-": 4, "*": 5, "/": 5, "**": 6,
    "instance": 7, ".": 9, "[": 9, "(": 9,
}  # fmt: skip
"""How tightly what follows an operand binds; all associate to the left, `**` too."""
SUM: Final = 4
UNARY: Final = 8
AFTER_RANGE: Final = frozenset(PRECEDENCE) - {"[", "(", "-"} | {"<end>", ")", "]", "}", ",", "..", "then", "else",
                                                                "return", "satisfies"}  # fmt: skip
