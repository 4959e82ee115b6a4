"""Where what is wrong with one form is collected: at most so many, each with its JSON pointer, line and column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, final

from procession.base.diagnostics import Diagnostic, Severity, Span
from procession.forms.rules import RULES

FINDINGS_MAX: Final = 1_000
"""Most findings kept of one form."""


@final
class Findings:
    """The findings of one form. An element is named by its JSON pointer."""

    __slots__ = ("_file", "_found", "_places", "left_out")

    def __init__(self, file: str, places: Mapping[str, tuple[int, int]]) -> None:
        self._file = file
        self._places = places
        self._found: list[Diagnostic] = []
        self.left_out = 0

    def report(self, rule: str, at: str, message: str, remedy: str, severity: Severity = "error") -> None:
        """Adds a finding about what stands at a JSON pointer."""
        assert rule in RULES, rule
        if len(self._found) >= FINDINGS_MAX:
            self.left_out += 1
            if severity != "error" or self._found[-1].severity == "error":
                return
            # A warning makes room: that there is an error must be known.
            self._found.pop()
        line, column = self._places.get(at) or self._around(at)
        self._found.append(
            Diagnostic(
                rule=rule,
                message=message,
                severity=severity,
                element=at or "/",
                span=Span(self._file, line, column),
                remedy=remedy,
            )
        )

    def all(self) -> list[Diagnostic]:
        """Every finding in the order of the document."""
        found = sorted(self._found, key=lambda each: (each.span.line, each.span.column))
        if self.left_out:
            text = f"{self.left_out} more findings are not shown"
            found.append(Diagnostic(rule="form-size", message=text, severity="warning", span=Span(self._file)))
        return found

    @property
    def wrong(self) -> bool:
        """Whether any of them is an error."""
        return any(each.severity == "error" for each in self._found)

    def _around(self, at: str) -> tuple[int, int]:
        while at and at not in self._places:
            at = at.rpartition("/")[0]
        return self._places.get(at, (0, 0))
