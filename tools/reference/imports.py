"""What an import makes of every attribute and extension element, from the tables of the dialects."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from typing import Final

from tools.reference.text import code, line, table

from procession.convert import OUTCOMES
from procession.convert.dialect import Dialect
from procession.convert.juel_methods import FUNCTIONS, METHODS
from procession.convert.languages import LANGUAGES
from procession.convert.standard import STANDARD
from procession.convert.tables import ACTIVITI, CAMUNDA, FLOWABLE, JBPM, OPERATON, SPIFFWORKFLOW
from procession.convert.work import Row

GROUPS: Final[tuple[tuple[Dialect, ...], ...]] = ((CAMUNDA, OPERATON), (FLOWABLE, ACTIVITI), (SPIFFWORKFLOW,), (JBPM,))
"""Dialects that share a table."""
_SHARED: Final = frozenset(id(row) for row in CAMUNDA.rows)


def page() -> str:
    """The whole page."""
    return "\n\n".join(
        (
            "What [`procession import`](../how-to/migrate-from-camunda-7.md) makes of each attribute (`@`) and"
            " extension element of a dialect. What no table knows needs work, and stays in the model as it is.",
            table(("outcome", "means"), [(code(name), meaning) for name, meaning in OUTCOMES.items()]),
            *_dialects(),
            "## Elements of the standard",
            "In every dialect. Expressions are read in the language that they name, else in that of the dialect.",
            table(("element", ""), [(code(name), _told(step)) for name, step in STANDARD.items()]),
            "Expressions and scripts in these languages are read where they look like JUEL: "
            + ", ".join(code(name) for name in LANGUAGES)
            + ".",
            "## JUEL",
            "Operators, constants, choices, properties and indexes are translated, and these methods and functions by"
            " the number of their arguments. Any other method is Java, and needs work.",
            table(("methods",), [(_signatures(METHODS),)]),
            table(("functions",), [(_signatures(FUNCTIONS),)]),
        )
    )


def _dialects() -> Iterator[str]:
    for group in GROUPS:
        first = group[0]
        rows = [row for row in first.rows if first is CAMUNDA or id(row) not in _SHARED]
        yield f"## {', '.join(each.title for each in group)}"
        yield ", ".join(f"`{each.name}`: `{each.namespace}`" for each in group) + "."
        if len(rows) < len(first.rows):
            yield f"All that {CAMUNDA.title} has, and:"
        yield table(("attribute or element", "on", "becomes", ""), [_row(row) for row in rows])


def _row(row: Row) -> tuple[str, str, str, str]:
    becomes = code(row.target) if row.target else ("" if row.action is not None else row.outcome)
    return code(row.name), ", ".join(code(each) for each in sorted(row.on)), becomes, row.says or _told(row.action)


def _told(action: object) -> str:
    """The first sentence of what does it, without the name that the row has already."""
    text = line(inspect.getdoc(action)).split(". ")[0].rstrip(".")
    return text.partition(": ")[2] or ("" if text.startswith("`") else text)


def _signatures(rows: Iterable[tuple[str, int]]) -> str:
    return ", ".join(code(f"{name}({', '.join('abc'[:count])})") for name, count in rows)
