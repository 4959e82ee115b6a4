"""Where the two profiles differ: a row for each rule whose weight depends on it. Every other rule holds for both.

`zeebe` is how models of that dialect are meant, `standard` is BPMN 2.0.2 as written. The program records its profile:
its expressions are in that profile's FEEL (`ir.program.feel_dialect`); no line of the interpreter differs.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from procession.base.diagnostics import Severity

Profile: TypeAlias = Literal["zeebe", "standard"]
Line: TypeAlias = Literal[
    "condition of a default flow",
    "escalation at the border of a task",
    "message without a correlation key",
    "cycle of an event that comes once",
    "compensation event without an activity",
]

SEVERITIES: Final[dict[Line, dict[Profile, Severity | None]]] = {
    # The standard gives a default flow no condition, and then says that it is not evaluated (10.5.1, 13.4.2).
    "condition of a default flow": {"zeebe": "error", "standard": "warning"},
    # Nothing throws one inside a task; the standard does not forbid to draw it.
    "escalation at the border of a task": {"zeebe": "error", "standard": "warning"},
    # In the standard a message may be correlated by its flow, or by name.
    "message without a correlation key": {"zeebe": "error", "standard": None},
    # The standard lets any timer have a cycle; where the first firing ends it, it comes once.
    "cycle of an event that comes once": {"zeebe": "error", "standard": None},
    # Then there is nothing to undo; who draws it for an engine of the dialect forgot something.
    "compensation event without an activity": {"zeebe": "error", "standard": "warning"},
}
"""None: allowed."""
