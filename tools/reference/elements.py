"""What of BPMN is executed, from the tables of the compiler and of the interpreter."""

from __future__ import annotations

import inspect
from typing import Final

from tools.reference.text import code, line, table

from procession.compile.check.support import DEFINITIONS, EXECUTED, REFUSED
from procession.compile.lower.activities import ACTIVITIES
from procession.compile.lower.gateways import GATEWAYS
from procession.compile.lower.parts import BINDINGS, EXECUTION_EVENTS, TASK_EVENTS
from procession.core.elements.table import ENTER

RUN: Final = "●"


def page() -> str:
    """The whole page."""
    words = [name for name in DEFINITIONS.values() if any(name in row for row in EXECUTED.values())]
    rows = [
        (code(place), *(_cell(place, word) for word in words))
        for place in EXECUTED
        if EXECUTED[place] or "sub" in place
    ]
    return "\n\n".join(
        (
            "What is not executed is refused at deployment by the rule `element-type`, with the line and the remedy;"
            " nothing is skipped. The clause-by-clause account is [Conformance](../conformance.md).",
            "## Tasks, sub-processes and call activities",
            table(("element", "executed as"), [(code(tag), _doc(lower)) for tag, lower in ACTIVITIES.items()]),
            "Each of them may be a multi-instance, parallel or sequential.",
            "## Gateways",
            table(("element", "runs as"), [(code(tag), code(kind.name)) for tag, kind in GATEWAYS.items()]),
            "## Events",
            f"{RUN} is executed, an empty cell is what BPMN does not have (BPMN 2.0.2, table 10.93)."
            " None start, throw and end events are executed; the start event of an embedded sub-process is always one.",
            table(("place", *words), rows),
            "## Refused elements",
            table(("element", "what it is", "use instead"), [(code(tag), *both) for tag, both in REFUSED.items()]),
            "## Words of extensions",
            "Execution listeners: " + ", ".join(code(each) for each in EXECUTION_EVENTS) + ". Task listeners: "
            + ", ".join(code(each) for each in TASK_EVENTS) + ". Bindings of called processes, decisions and forms: "
            + ", ".join(code(each) for each in BINDINGS if each) + ".",
            "## Kinds of the interpreter",
            "What a compiled program's nodes are, and what each does when a token enters it.",
            table(("kind", "on entering"), [(code(kind.name), _doc(enter)) for kind, enter in sorted(ENTER.items())]),
        )
    )  # fmt: skip


def _cell(place: str, word: str) -> str:
    return RUN if word in EXECUTED[place] else ""


def _doc(function: object) -> str:
    return line(inspect.getdoc(function))
