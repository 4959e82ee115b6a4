"""FEEL's built-in functions, from the tables that the compiler itself uses."""

from __future__ import annotations

from typing import Final

from tools.reference.text import line, table

from procession.feel.builtins import BUILTINS, IMPURE
from procession.feel.builtins.camunda import CAMUNDA
from procession.feel.builtins.contexts import CONTEXTS
from procession.feel.builtins.conversion import CONVERSIONS
from procession.feel.builtins.described import DESCRIBED, DESCRIBED_CAMUNDA, Description
from procession.feel.builtins.lists import LISTS
from procession.feel.builtins.numeric import NUMERIC
from procession.feel.builtins.ranges import RANGES
from procession.feel.builtins.strings import STRINGS
from procession.feel.builtins.table import Builtin, Overload, Parameter
from procession.feel.builtins.temporal_fns import TEMPORAL

FAMILIES: Final[dict[str, dict[str, Builtin]]] = {
    "Conversion": CONVERSIONS,
    "Strings": STRINGS,
    "Numbers": NUMERIC,
    "Lists": LISTS,
    "Contexts": CONTEXTS,
    "Dates, times and durations": TEMPORAL,
    "Ranges": RANGES,
    "Of Camunda's dialect": CAMUNDA,
}


def page() -> str:
    """The whole page. Fails when a family is missing here."""
    known = {name for family in FAMILIES.values() for name in family}
    assert known == {name for dialect in BUILTINS.values() for name in dialect}
    impure = ", ".join(f"`{name}`" for name in sorted(IMPURE))
    parts = [
        line(
            f"""{len(BUILTINS["feel"])} functions of DMN 1.5, clause 10.3.4, in processes and decisions, and
            {len(CAMUNDA)} that documents of Camunda's dialect add or have otherwise
            ([how the dialects differ](../feel-dialects.md)). Arguments go by position or by name. `?` marks a parameter
            that may be left out, `...` one that takes all that remain. Text is counted in characters (code points),
            places from 1, or from the end if negative. Numbers are decimals of 34 digits."""
        ),
        line(
            """An argument of another type makes the result null, and so does null where the type does not name it; a
            list of one item stands for the item, and an item for a list of itself. The column *null* says when else a
            function is null. A note says why each time; a process keeps it as a warning with the element instance."""
        ),
        f"{impure} depend on the event's time or on the instance's seed, so a replay gives the same result.",
    ]
    for title, family in FAMILIES.items():
        described = DESCRIBED_CAMUNDA if family is CAMUNDA else DESCRIBED
        rows = [_row(name, family[name], described[name]) for name in family]
        heads = ("function", "parameters", "result", "null", "clause", "example")
        columns = [number for number, head in enumerate(heads) if head != "clause" or family is not CAMUNDA]
        chosen = [[row[number] for number in columns] for row in rows]
        parts += [f"## {title}", table([heads[number] for number in columns], chosen)]
    return "\n\n".join(parts)


def _row(name: str, overloads: Builtin, what: Description) -> tuple[str, ...]:
    parameters = "<br>".join(f"`{_shown(each)}`" for each in overloads)
    example = f"`{what.example}` is `{what.value}`"
    return f"`{name}`", parameters, f"{what.result}: {what.gives}", what.null, what.clause, example


def _shown(overload: Overload) -> str:
    return f"({', '.join(_parameter(each) for each in overload.parameters)})"


def _parameter(parameter: Parameter) -> str:
    mark = "..." if parameter.rest else "?" if parameter.optional else ""
    kinds = " or ".join(kind for kind in parameter.kinds if kind)
    return f"{parameter.name}{mark}: {kinds}" if kinds else f"{parameter.name}{mark}"
