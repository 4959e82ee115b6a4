"""`convert`: a model of another platform to the native one, with a report of every attribute."""

from __future__ import annotations

from typing import Final

from procession.base.diagnostics import Diagnostic, Refused, Span
from procession.convert import standard
from procession.convert.dialect import Dialect
from procession.convert.javascript import ReadUses
from procession.convert.report import FOREIGN, Conversion, Entry, Report
from procession.convert.tables import CAMUNDA, DIALECTS, PLAIN
from procession.convert.tree import Document, Element, read_document, write_document
from procession.convert.work import Row, Step, Work
from procession.parse.dialects.zeebe import MODELER, PROCESSION, XSI, ZEEBE
from procession.parse.grammar import BPMN

NATIVE: Final = "zeebe"
"""The name of the native dialect in a report."""
PLATFORM: Final = "Camunda Cloud"
"""What modelers call the platform of the native namespace."""
OLD_PLATFORM: Final = "Camunda Platform"
"""What modelers call Camunda 7."""
PLATFORM_VERSION: Final = "8.8.0"

_OURS: Final = frozenset({ZEEBE, PROCESSION, MODELER, XSI, BPMN})
_UNKNOWN: Final = "no table knows it: it is kept as it is, and does nothing"


def convert(data: bytes, name: str, uses: ReadUses | None = None) -> Conversion:
    """The native model for the bytes of a BPMN document, and what became of each of its attributes.

    `name` is what the report calls the document. A document that is native already comes back with an empty report. The
    diagram, comments, unknown extensions and everything of the standard are kept; what needs work stays where it was.
    `uses` reads scripts of JavaScript (`scripts.free.uses`); without it they stay jobs. Raises `Refused` for bytes that
    are no BPMN.
    """
    document = read_document(data, name)
    if document.root.namespace != BPMN or document.root.name != "definitions":
        raise Refused([_not_bpmn(document.root, name)])
    known = {each.namespace: each for each in DIALECTS}
    used = _namespaces(document)
    dialects = [each for each in DIALECTS if each.namespace in used]
    if not dialects and (ZEEBE in used or _platform(document) == PLATFORM):
        return Conversion(write_document(document), Report(file=name, dialects=(NATIVE,)))
    if not dialects:
        # Nothing is said in them, but what was drawn for an engine is meant as that engine takes it.
        dialects = [each for each in DIALECTS if document.root.prefixes.declares(each.namespace)]
    if not dialects and _platform(document) == OLD_PLATFORM:
        dialects = [CAMUNDA]
    main = dialects[0] if dialects else PLAIN
    work = Work(document, name, main.translate, uses)
    work.loop_counter_from = main.loop_counter_from
    for element in [e for e in document.root.walk() if e.namespace == BPMN and e.name != "extensionElements"]:
        _attributes(work, element, known)
        _extensions(work, element, known)
    for element in [e for e in document.root.walk() if e.namespace == BPMN]:
        row = standard.STANDARD.get(element.name)
        if row is not None and element.parent is not None:
            row(work, element, main.habits)
    for step in main.after:
        step(work)
    standard.expression_language(work)
    was_native = _platform(document) == PLATFORM
    if work.is_native:
        standard.subscriptions(work)
        _mark(work)
    if main.habits.data_is_drawn and not was_native:
        standard.ignored(work)
    if main.habits.data_is_drawn and not _platform(document):
        # Else what is documentation there would be executed here.
        work.attribute(document.root, "executionPlatform", PLATFORM, MODELER)
        work.attribute(document.root, "executionPlatformVersion", PLATFORM_VERSION, MODELER)
        note = "data objects, stores and associations stay documentation"
        work.tell(document.root, "executionPlatform", "", "mapped", target=PLATFORM, note=note)
    dialect_names = tuple(each.name for each in dialects) or (main.name,)
    report = Report(file=name, dialects=dialect_names, entries=tuple(_in_order(work)))
    return Conversion(write_document(document), report)


def _in_order(work: Work) -> list[Entry]:
    return sorted(work.entries, key=lambda entry: entry.line)


def _not_bpmn(root: Element, name: str) -> Diagnostic:
    text = f"the root element is <{root.tag}>, not the `definitions` of BPMN 2.0"
    return Diagnostic(
        rule="namespace", message=text, span=Span(name, root.line), remedy="export the model as BPMN 2.0 XML"
    )


def _namespaces(document: Document) -> set[str]:
    """The namespaces that elements and attributes of the document are in."""
    found: set[str] = set()
    for element in document.root.walk():
        found.add(element.namespace)
        for name in element.attributes:
            prefix, colon, _ = name.partition(":")
            if colon and prefix != "xmlns":
                found.add(element.prefixes.namespace(prefix) or "")
    return found


def _platform(document: Document) -> str:
    return document.root.get("executionPlatform", MODELER) or ""


def _attributes(work: Work, element: Element, known: dict[str, Dialect]) -> None:
    gone: list[str] = []
    for namespace, dialect in known.items():
        for written, local, value in element.in_namespace(namespace):
            step = Step(work, element, local, written, value)
            row = _row(dialect, f"@{local}", element)
            if row is None:
                step.tell("needs-work", "", _UNKNOWN)
            elif row.apply(step):
                gone.append(written)
    for written in gone:
        del element.attributes[written]
    for written, value in element.attributes.items():
        prefix, colon, _ = written.partition(":")
        foreign = element.prefixes.namespace(prefix) if colon and prefix != "xmlns" else None
        if foreign is not None and foreign not in _OURS and foreign not in known:
            work.tell(element, written, value, "dropped", note=FOREIGN)


def _extensions(work: Work, element: Element, known: dict[str, Dialect]) -> None:
    holder = element.child("extensionElements")
    # jBPM and others put their elements beside the standard's too.
    places = [*(holder.elements if holder is not None else ()), *element.elements]
    for child in places:
        dialect = known.get(child.namespace)
        if dialect is None:
            if child.parent is holder and child.namespace not in _OURS:
                work.tell(child, f"<{child.tag}>", child.text, "dropped", note=FOREIGN)
            continue
        step = Step(work, element, child.name, f"<{child.tag}>", child.text.strip(), child)
        row = _row(dialect, child.name, element)
        if row is None:
            step.tell("needs-work", "", _UNKNOWN)
        elif row.apply(step):
            work.discard(child)


def _row(dialect: Dialect, name: str, element: Element) -> Row | None:
    return next((row for row in dialect.rows if row.name == name and (not row.on or element.name in row.on)), None)


def _mark(work: Work) -> None:
    """Says to modelers which platform the document is for now."""
    root = work.document.root
    if _platform(work.document) == PLATFORM:
        return
    for written, local, value in root.in_namespace(MODELER):
        if local == "executionPlatform" and value != PLATFORM:
            root.attributes[written] = PLATFORM
            work.tell(root, written, value, "mapped", target=PLATFORM)
        elif local == "executionPlatformVersion":
            root.attributes[written] = PLATFORM_VERSION
            work.tell(root, written, value, "mapped", target=PLATFORM_VERSION)
