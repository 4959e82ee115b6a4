"""The built-in functions of each dialect, by name. One file per family of the specification's clause 10.3.4."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from procession.feel.builtins.camunda import CAMUNDA
from procession.feel.builtins.contexts import CONTEXTS
from procession.feel.builtins.conversion import CONVERSIONS
from procession.feel.builtins.lists import LISTS
from procession.feel.builtins.numeric import NUMERIC
from procession.feel.builtins.ranges import RANGES
from procession.feel.builtins.strings import STRINGS
from procession.feel.builtins.table import Builtin
from procession.feel.builtins.temporal_fns import TEMPORAL
from procession.feel.lexer import Names

if TYPE_CHECKING:
    from procession.feel.builtins.described import Description

Dialect: TypeAlias = Literal["feel", "camunda"]
"""The FEEL that a text is in: the specification's, or that of Camunda's models, which has more functions."""

_SPECIFICATION: Final[dict[str, Builtin]] = {
    **CONVERSIONS,
    **STRINGS,
    **NUMERIC,
    **LISTS,
    **CONTEXTS,
    **TEMPORAL,
    **RANGES,
}
BUILTINS: Final[dict[Dialect, dict[str, Builtin]]] = {
    "feel": _SPECIFICATION,
    "camunda": {**_SPECIFICATION, **CAMUNDA},
}
BUILTIN_NAMES: Final[dict[Dialect, Names]] = {dialect: Names(table) for dialect, table in BUILTINS.items()}
"""The built-in names with spaces, which the lexer must know."""
IMPURE: Final = frozenset({"now", "today", "uuid", "random number"})
"""Their results depend on the runtime, so an expression that calls them is no constant."""


def describe(name: str, dialect: Dialect = "feel") -> Description | None:
    """A built-in function in words, for editors and help: the clause of DMN 1.5 ("" for an addition), the kind of its
    result, what it gives, when it is null, and an example with its value. None for a name that no function has.
    """
    # Nobody who only evaluates pays for the texts.
    from procession.feel.builtins.described import DESCRIBED, DESCRIBED_CAMUNDA

    own = DESCRIBED_CAMUNDA.get(name) if dialect == "camunda" else None
    return own or DESCRIBED.get(name)
