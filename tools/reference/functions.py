"""FEEL's built-in functions, from the tables that the compiler itself uses."""

from __future__ import annotations

from typing import Final

from tools.reference.text import table

from procession.feel.builtins import BUILTINS, IMPURE
from procession.feel.builtins.camunda import CAMUNDA
from procession.feel.builtins.contexts import CONTEXTS
from procession.feel.builtins.conversion import CONVERSIONS
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
    "Of the zeebe dialect only": CAMUNDA,
}


def page() -> str:
    """The whole page. Fails when a family is missing here."""
    known = {name for family in FAMILIES.values() for name in family}
    assert known == {name for dialect in BUILTINS.values() for name in dialect}
    parts = [
        f"{len(BUILTINS['feel'])} functions of DMN 1.5, clause 10.3.4, in processes and decisions, and"
        f" {len(CAMUNDA)} more, or with more parameters, that models of the zeebe dialect use. Arguments go by"
        " position or by name. `?` marks a parameter that may be left out, `...` one that takes all that remain. A"
        " wrong argument gives null and a warning that is kept with the element instance.",
        "Numbers are decimals of 34 digits. " + ", ".join(f"`{name}`" for name in sorted(IMPURE)) + " depend on the"
        " event's time or on the instance's seed, so a replay gives the same result.",
    ]
    for title, family in FAMILIES.items():
        rows = [(f"`{name}`", "<br>".join(f"`{_shown(each)}`" for each in family[name])) for name in family]
        parts += [f"## {title}", table(("function", "parameters"), rows)]
    return "\n\n".join(parts)


def _shown(overload: Overload) -> str:
    return f"({', '.join(_parameter(each) for each in overload.parameters)})"


def _parameter(parameter: Parameter) -> str:
    mark = "..." if parameter.rest else "?" if parameter.optional else ""
    kinds = " or ".join(kind for kind in parameter.kinds if kind)
    return f"{parameter.name}{mark}: {kinds}" if kinds else f"{parameter.name}{mark}"
