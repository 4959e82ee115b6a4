"""What the passes report: findings about elements, in the order of the document. No rule lives here."""

from __future__ import annotations

from typing import Protocol, final

from procession.base.diagnostics import Diagnostic, Severity, Span
from procession.base.rules import RULES


class Located(Protocol):
    """Anything in a document that has an id and a place."""

    @property
    def id(self) -> str: ...
    @property
    def span(self) -> Span: ...


@final
class Findings:
    """The findings of one process. `is_drawing` turns errors into warnings: nothing will run it."""

    __slots__ = ("_is_drawing", "_is_faulty", "_is_strict", "_reported", "diagnostics")

    def __init__(self, *, is_drawing: bool = False, is_strict: bool = False) -> None:
        self.diagnostics: list[Diagnostic] = []
        self._is_drawing = is_drawing
        self._is_strict = is_strict
        self._is_faulty = False
        self._reported: set[Diagnostic] = set()

    def report(
        self,
        rule: str,
        at: Located,
        message: str,
        remedy: str = "",
        *,
        severity: Severity | None = "error",
        span: Span | None = None,
        path: tuple[str, ...] = (),
    ) -> None:
        """Adds a finding about `at`; `span` is a place inside it, `path` how the flow gets there. The same finding
        twice is one.

        `severity` None is a rule that does not hold for the profile of the document: nothing is reported.
        """
        assert rule in RULES, rule
        if severity is None:
            return
        if self._is_strict and severity == "warning":
            severity = "error"
        self._is_faulty |= severity == "error"
        if self._is_drawing and severity == "error":
            severity = "warning"
        diagnostic = Diagnostic(
            rule=rule,
            message=message,
            severity=severity,
            element=at.id,
            span=span if span is not None and span.line else at.span,
            remedy=remedy,
            path=path,
        )
        if diagnostic not in self._reported:
            self._reported.add(diagnostic)
            self.diagnostics.append(diagnostic)

    def has_error(self) -> bool:
        """Whether anything found forbids to run the process."""
        return any(diagnostic.severity == "error" for diagnostic in self.diagnostics)

    def is_runnable(self) -> bool:
        """Whether nothing found would forbid to run the process, were it executable."""
        return not self._is_faulty

    def in_order(self) -> list[Diagnostic]:
        """The findings by place; those of one place as they were found."""
        return sorted(self.diagnostics, key=lambda d: (d.span.line, d.span.column))
