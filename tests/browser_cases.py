"""The table of expressions that the engine and the browser must answer alike (tests/unit/feel/browser_cases.json)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final, NamedTuple

from procession import feel

_FILE: Final = Path(__file__).parent / "unit" / "feel" / "browser_cases.json"
_CAMUNDA: Final = "Camunda's dialect"
_ASKED: Final = "asked from the server"


class Case(NamedTuple):
    """An expression and its value in FEEL's text."""

    text: str
    expected: str
    dialect: feel.Dialect

    def expression(self) -> feel.Expression:
        """The compiled expression."""
        return feel.compile_expression(self.text, names=("a b",), dialect=self.dialect)


_TABLE: Final = json.loads(_FILE.read_text(encoding="utf-8"))
CONTEXT: Final[dict[str, object]] = _TABLE["context"]
"""The variables of all cases."""
SECTIONS: Final[dict[str, list[Case]]] = {
    name: [Case(text, expected, "camunda" if name == _CAMUNDA else "feel") for text, expected in rows]
    for name, rows in _TABLE.items()
    if name not in {"context", _ASKED}
}
ASKED: Final[list[tuple[str, str | None]]] = [(text, reason) for text, reason in _TABLE[_ASKED]]
"""Expressions for the server: the reason that is known before they run, or None where only running them shows it."""
