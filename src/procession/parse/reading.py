"""What all BPMN readers share: spans, diagnostics, attributes of simple types, expressions, references.

`Reading` is the state of one document being read. Readers of single elements are in `bpmn_nodes.py`,
`bpmn_data.py` and `bpmn_xml.py`.
"""

from __future__ import annotations

from typing import Final, TypeAlias, TypeVar, final

from procession.base.diagnostics import Diagnostic, Severity, Span
from procession.base.rules import RULES
from procession.model.bpmn import Unknown
from procession.model.events import EventDefinition
from procession.model.extension import Expression
from procession.model.xml import XSI_TYPE, XmlElement, local_name

Parts: TypeAlias = "dict[str, list[XmlElement]]"
"""An element's children by tag; those of other namespaces are under ''."""

FINDINGS_MAX: Final = 1_000
"""Most findings kept of one document."""

_Word = TypeVar("_Word", bound=str)
_TRUTH: Final = {"true": True, "1": True, "false": False, "0": False}


@final
class Reading:
    """One document: its name, what was found wrong, and the severity of faults at the place being read."""

    __slots__ = (
        "_errors_left_out", "_findings", "_left_out",
        "event_definitions", "file", "severity", "unknown", "uses_zeebe",
    )  # fmt: skip

    def __init__(self, file: str) -> None:
        self.file = file
        self._findings: list[Diagnostic] = []
        self._left_out = 0
        self._errors_left_out = 0
        self.severity: Severity = "warning"
        self.unknown: dict[XmlElement | None, list[Unknown]] = {}
        self.event_definitions: dict[str, EventDefinition] = {}
        self.uses_zeebe = False

    def span(self, element: XmlElement) -> Span:
        return Span(self.file, element.line, element.column)

    def report(
        self,
        rule: str,
        element: XmlElement,
        message: str,
        remedy: str,
        severity: Severity | None = None,
    ) -> None:
        """Adds a finding about an element; its severity is that of the place unless given."""
        assert rule in RULES, rule
        severity = severity or self.severity
        if len(self._findings) >= FINDINGS_MAX:
            self._left_out += 1
            self._errors_left_out += severity == "error"
            return
        self._findings.append(
            Diagnostic(
                rule=rule,
                message=message,
                severity=severity,
                element=element.attributes.get("id", ""),
                span=self.span(element),
                remedy=remedy,
            )
        )

    def findings(self) -> list[Diagnostic]:
        """All findings in the order of the document; where some are left out, a last one counts them."""
        found = sorted(self._findings, key=lambda each: (each.span.line, each.span.column))
        if self._left_out:
            more = Diagnostic(
                rule="too-many-findings",
                message=f"{self._left_out} more findings, {self._errors_left_out} of them errors, are not shown",
                # A document with an error must stay refused, though only warnings may be shown.
                severity="error" if self._errors_left_out else "warning",
                span=Span(self.file),
                remedy="correct those above first",
            )
            found.append(more)
        return found


def parts_of(element: XmlElement) -> Parts:
    """The children grouped by tag, in the order of the document."""
    parts: Parts = {}
    namespace = element.namespace
    for child in element.children:
        name = child.name if child.namespace == namespace else ""
        if name in parts:
            parts[name].append(child)
        else:
            parts[name] = [child]
    return parts


def first(parts: Parts, name: str) -> XmlElement | None:
    """The first child of that tag."""
    found = parts.get(name)
    return found[0] if found else None


def text_of(parts: Parts, name: str) -> str:
    """The stripped text of the first child of that tag, or ''."""
    found = parts.get(name)
    return found[0].text.strip() if found else ""


def attribute(element: XmlElement, name: str) -> str:
    """An attribute's text, or ''."""
    return element.attributes.get(name, "")


def flag(reading: Reading, element: XmlElement, name: str, default: bool) -> bool:
    """An attribute of type xsd:boolean; a wrong one is reported and counts as absent."""
    text = element.attributes.get(name)
    if text is None:
        return default
    value = _TRUTH.get(text.strip())
    if value is None:
        reading.report(
            "attribute",
            element,
            f"attribute {name} is {text[:40]!r}, which is no boolean",
            f'write {name}="true" or {name}="false"',
        )
        return default
    return value


def optional_flag(reading: Reading, element: XmlElement, name: str) -> bool | None:
    """An attribute of type xsd:boolean, or None where it is absent."""
    return flag(reading, element, name, False) if name in element.attributes else None


def word(reading: Reading, element: XmlElement, name: str, words: tuple[_Word, ...]) -> _Word:
    """An attribute that is one of some words, the first being the default; a wrong one is reported."""
    text = element.attributes.get(name)
    if text is None:
        return words[0]
    for candidate in words:
        if candidate == text:
            return candidate
    reading.report("attribute", element, f"attribute {name} is {text[:40]!r}", f"write one of {', '.join(words)}")
    return words[0]


def reference(element: XmlElement, name: str) -> str:
    """The id that an attribute names, or ''."""
    value = element.attributes.get(name)
    return local_name(value) if value else ""


def references(parts: Parts, name: str) -> tuple[str, ...]:
    """The ids that the texts of all children of a tag name."""
    found = parts.get(name)
    return tuple([local_name(child.text) for child in found]) if found else ()


def expression(reading: Reading, element: XmlElement | None) -> Expression | None:
    """The expression that an element holds, its text stripped."""
    if element is None:
        return None
    attributes = element.attributes
    return Expression(
        text=element.text.strip(),
        language=attributes.get("language", ""),
        formal=attributes.get(XSI_TYPE, "").endswith("tFormalExpression"),
        type_ref=attributes.get("evaluatesToTypeRef", ""),
        span=reading.span(element),
    )


def documentation(parts: Parts) -> str:
    """All documentation of an element, a blank line between two."""
    found = parts.get("documentation")
    return "\n\n".join(child.text.strip() for child in found) if found else ""
