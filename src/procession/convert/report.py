"""What became of each attribute and extension element of an imported model. Data only."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, final

import msgspec

Outcome: TypeAlias = Literal["mapped", "changed", "dropped", "needs-work"]

OUTCOMES: Final[dict[Outcome, str]] = {
    "mapped": "the native model says the same",
    "changed": "the native model says it with another meaning, which the note tells",
    "dropped": "it has no meaning here; nothing has to be done",
    "needs-work": "somebody has to do what the note tells before the process does what it did",
}


FOREIGN: Final = "of a namespace that is not known: it is kept as it is, and does nothing"
"""The note of what belongs to another tool."""


@final
class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One attribute, extension element or expression: where it stood, what it said, and what became of it.

    `element` is the id of the BPMN element; `attribute` is written as in the document, an element in angle brackets.
    `target` is what says it in the native model, '' for nothing. `line` counts from 1.
    """

    file: str
    element: str
    line: int
    attribute: str
    value: str
    outcome: Outcome
    target: str = ""
    note: str = ""


@final
class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All entries of one document, in the order of its elements, and the dialects that it is written in."""

    file: str
    dialects: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()

    @property
    def counts(self) -> dict[Outcome, int]:
        """How many entries there are of each outcome."""
        found: dict[Outcome, int] = dict.fromkeys(OUTCOMES, 0)
        for entry in self.entries:
            found[entry.outcome] += 1
        return found

    @property
    def needs_work(self) -> bool:
        """Whether something has to be done by hand."""
        return any(entry.outcome == "needs-work" for entry in self.entries)


@final
class Conversion(msgspec.Struct, frozen=True):
    """The native document, and what was done for it."""

    data: bytes
    report: Report
