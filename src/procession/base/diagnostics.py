"""Diagnostics: what is wrong with a document, where exactly, by which rule, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, TypeAlias, final

import msgspec

from procession.base.failure import ProcessionError

Severity: TypeAlias = Literal["error", "warning", "info"]


@final
class Span(msgspec.Struct, frozen=True, gc=False):
    """A place in a document: file, line and column from 1. `column` 0 means that only the line is known."""

    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file or '<text>'}:{self.line}:{self.column}" if self.line else self.file


@final
class Diagnostic(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One finding. `rule` is the lint rule's name, `element` the id in the document, `remedy` what to do.

    `path` are the ids of the elements through which a run gets there, where the finding is about runs.
    """

    rule: str
    message: str
    severity: Severity = "error"
    element: str = ""
    span: Span = Span()
    remedy: str = ""
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        where = f" {self.element}:" if self.element else ""
        remedy = f" ({self.remedy})" if self.remedy else ""
        place = f"{self.span}: " if str(self.span) else ""
        return f"{place}{self.severity} [{self.rule}]{where} {self.message}{remedy}{_shown(self.path)}"


_FIRST_SHOWN: Final = 4
_LAST_SHOWN: Final = 8


def _shown(path: tuple[str, ...]) -> str:
    """A path in a line of text, the middle of a long one left out."""
    left_out = len(path) - _FIRST_SHOWN - _LAST_SHOWN
    if left_out > 1:
        path = (*path[:_FIRST_SHOWN], f"… {left_out} more …", *path[-_LAST_SHOWN:])
    return f"; path: {' → '.join(path)}" if path else ""


@final
class Refused(ProcessionError):
    """A deployment was refused. `diagnostics` holds every finding, errors first."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(sorted(diagnostics, key=lambda d: d.severity != "error"))
        super().__init__("\n".join(str(d) for d in self.diagnostics))
