"""`parse_dmn`: a DMN document (1.1 to 1.5) from its bytes: the requirements graph and the types.

Boxed expressions are in `dmn_boxes.py`. Texts in FEEL are not read here.
"""

from __future__ import annotations

import hashlib

from procession.base.diagnostics import Diagnostic
from procession.model.bpmn import Unknown
from procession.model.dmn import (
    BusinessKnowledgeModel,
    Decision,
    Decisions,
    DecisionService,
    FunctionItem,
    Href,
    Import,
    InputData,
    ItemDefinition,
    KnowledgeSource,
)
from procession.model.xml import XmlElement
from procession.parse.dialects.zeebe import MODELER, ZEEBE, extension
from procession.parse.dmn_boxes import (
    function_definition,
    information_item,
    information_items,
    logic_in,
    type_ref,
    unary_tests,
    without_prefix,
)
from procession.parse.dmn_grammar import CHILDREN, LEAF, NEEDS_NAME, OPAQUE, REQUIREMENTS, VERSIONS
from procession.parse.reading import Parts, Reading, attribute, first, flag, parts_of, text_of
from procession.parse.xml import read_xml


def parse_dmn(data: bytes, file: str) -> tuple[Decisions | None, list[Diagnostic]]:
    """The document and all that is wrong with it, or None when it cannot be read. Never raises for bad input.

    `file` is the name that spans and diagnostics show.
    """
    root, refusals = read_xml(data, file)
    if root is None:
        return None, refusals
    reading = Reading(file)
    reading.severity = "error"
    if root.namespace not in VERSIONS or root.name != "definitions":
        reading.report("namespace", root, *_not_dmn(root))
        return None, reading.findings()
    unknown = _check(reading, root)
    decisions = _decisions(reading, root, unknown, hashlib.sha256(data).hexdigest())
    return decisions, reading.findings()


def _not_dmn(root: XmlElement) -> tuple[str, str]:
    """What the document is instead, and the remedy."""
    if "/BPMN/" in root.namespace:
        return "this is a BPMN document, not DMN", "deploy it as a process: name the file *.bpmn"
    if root.name == "definitions":
        place = f"the namespace {root.namespace!r}" if root.namespace else "no namespace"
        return f"<definitions> is in {place}", "export as DMN 1.1 to 1.5; 1.5 is " + list(VERSIONS)[-1]
    return f"the root element is <{root.name}>, not DMN <definitions>", "export the decision as DMN XML"


def _check(reading: Reading, root: XmlElement) -> tuple[Unknown, ...]:
    """Ids, names, unknown elements and requirements of the whole document. Gives the unknown elements."""
    elements: dict[str, XmlElement] = {}
    hrefs: list[XmlElement] = []
    unknown: list[Unknown] = []
    waiting = [(root, "")]
    while waiting:
        parent, owner = waiting.pop()
        allowed = CHILDREN.get(parent.name, LEAF)
        for element in parent.children:
            if element.namespace != root.namespace:
                continue
            id = attribute(element, "id")
            if element.name not in allowed:
                unknown.append(Unknown(tag=element.name, id=id, owner=owner, span=reading.span(element)))
                continue
            _check_names(reading, element, elements)
            if "href" in element.attributes:
                hrefs.append(element)
            if element.name not in OPAQUE:
                waiting.append((element, id or owner))
    for element in hrefs:
        _check_href(reading, root, element, elements)
    return tuple(sorted(unknown, key=lambda found: (found.span.line, found.span.column)))


def _check_names(reading: Reading, element: XmlElement, elements: dict[str, XmlElement]) -> None:
    id = attribute(element, "id")
    if id in elements:
        other = elements[id]
        text = f"the id {id!r} is already that of the {other.name} in line {other.line}"
        reading.report("duplicate-id", element, text, "give each element an id of its own")
    elif id:
        elements[id] = element
    elif element.name == "decision":
        text = "a decision has no id, so only its name can call it"
        reading.report("missing-id", element, text, "give it an id", "warning")
    # An `inputData` inside a decision service is a reference, not a definition.
    if element.name in NEEDS_NAME and "href" not in element.attributes and not attribute(element, "name"):
        text = f"a {element.name} has no name, so no expression can use it"
        reading.report("missing-name", element, text, "give it a name")


def _check_href(reading: Reading, root: XmlElement, element: XmlElement, elements: dict[str, XmlElement]) -> None:
    wanted = REQUIREMENTS.get(element.name)
    href = _href(root, element)
    if wanted is None or href.namespace:
        return
    target = elements.get(href.id)
    if target is None:
        text = f"{element.name} names {href.id[:80]!r}, which is not in this document"
        reading.report("dangling-reference", element, text, "correct the reference or remove it")
    elif target.name not in wanted:
        text = f"{element.name} names {href.id!r}, which is a {target.name}"
        remedy = "it must be one of: " + ", ".join(sorted(wanted))
        reading.report("dangling-reference", element, text, remedy)


def _href(root: XmlElement, element: XmlElement) -> Href:
    """`namespace#id`, or `#id`; some tools write the id alone."""
    namespace, hash_, id = attribute(element, "href").strip().rpartition("#")
    if not hash_ or namespace == attribute(root, "namespace"):
        namespace = ""
    return Href(id, namespace)


def _decisions(reading: Reading, root: XmlElement, unknown: tuple[Unknown, ...], digest: str) -> Decisions:
    parts = parts_of(root)
    # What other namespaces hold at the root is the drawing; it has no effect.
    parts.pop("", None)
    return Decisions(
        id=attribute(root, "id"),
        name=attribute(root, "name"),
        namespace=attribute(root, "namespace"),
        version=VERSIONS[root.namespace],
        expression_language=attribute(root, "expressionLanguage"),
        type_language=attribute(root, "typeLanguage"),
        exporter=attribute(root, "exporter"),
        exporter_version=attribute(root, "exporterVersion"),
        execution_platform=attribute(root, f"{MODELER} executionPlatform"),
        uses_zeebe=root.prefixes.declares(ZEEBE),
        imports=tuple([_import(reading, child) for child in parts.get("import", ())]),
        item_definitions=tuple([_item(reading, child) for child in parts.get("itemDefinition", ())]),
        input_data=tuple([_input_data(reading, child) for child in parts.get("inputData", ())]),
        decisions=tuple([_decision(reading, root, child) for child in parts.get("decision", ())]),
        knowledge_models=tuple(
            [_knowledge_model(reading, root, child) for child in parts.get("businessKnowledgeModel", ())]
        ),
        services=tuple([_service(reading, root, child) for child in parts.get("decisionService", ())]),
        knowledge_sources=tuple([_knowledge_source(reading, child) for child in parts.get("knowledgeSource", ())]),
        unknown=unknown,
        description=text_of(parts, "description"),
        extension=extension(reading, root, parts),
        source=reading.file,
        digest=digest,
        span=reading.span(root),
    )


def _import(reading: Reading, element: XmlElement) -> Import:
    return Import(
        namespace=attribute(element, "namespace"),
        name=attribute(element, "name"),
        location=attribute(element, "locationURI"),
        import_type=attribute(element, "importType"),
        span=reading.span(element),
    )


def _item(reading: Reading, element: XmlElement) -> ItemDefinition:
    parts = parts_of(element)
    return ItemDefinition(
        id=attribute(element, "id"),
        name=attribute(element, "name").strip(),
        label=attribute(element, "label"),
        type_ref=without_prefix(element, text_of(parts, "typeRef")),
        is_collection=flag(reading, element, "isCollection", False),
        allowed_values=unary_tests(reading, first(parts, "allowedValues")),
        type_constraint=unary_tests(reading, first(parts, "typeConstraint")),
        components=tuple([_item(reading, child) for child in parts.get("itemComponent", ())]),
        function=_function_item(reading, first(parts, "functionItem")),
        span=reading.span(element),
    )


def _function_item(reading: Reading, element: XmlElement | None) -> FunctionItem | None:
    if element is None:
        return None
    return FunctionItem(
        parameters=information_items(reading, parts_of(element), "parameters"),
        output_type_ref=type_ref(element, "outputTypeRef"),
        span=reading.span(element),
    )


def _input_data(reading: Reading, element: XmlElement) -> InputData:
    return InputData(
        id=attribute(element, "id"),
        name=attribute(element, "name").strip(),
        variable=information_item(reading, first(parts_of(element), "variable")),
        span=reading.span(element),
    )


def _required(root: XmlElement, parts: Parts, requirement: str, tag: str) -> tuple[Href, ...]:
    return tuple(
        [_href(root, child) for holder in parts.get(requirement, ()) for child in holder.children if child.name == tag]
    )


def _decision(reading: Reading, root: XmlElement, element: XmlElement) -> Decision:
    parts = parts_of(element)
    own = extension(reading, element, parts)
    return Decision(
        id=attribute(element, "id"),
        name=attribute(element, "name").strip(),
        label=attribute(element, "label"),
        variable=information_item(reading, first(parts, "variable")),
        logic=logic_in(reading, element),
        required_inputs=_required(root, parts, "informationRequirement", "requiredInput"),
        required_decisions=_required(root, parts, "informationRequirement", "requiredDecision"),
        required_knowledge=_required(root, parts, "knowledgeRequirement", "requiredKnowledge"),
        required_authorities=_required(root, parts, "authorityRequirement", "requiredAuthority"),
        version_tag=own.version_tag,
        question=text_of(parts, "question"),
        allowed_answers=text_of(parts, "allowedAnswers"),
        description=text_of(parts, "description"),
        extension=own,
        span=reading.span(element),
    )


def _knowledge_model(reading: Reading, root: XmlElement, element: XmlElement) -> BusinessKnowledgeModel:
    parts = parts_of(element)
    logic = first(parts, "encapsulatedLogic")
    return BusinessKnowledgeModel(
        id=attribute(element, "id"),
        name=attribute(element, "name").strip(),
        variable=information_item(reading, first(parts, "variable")),
        function=function_definition(reading, logic) if logic is not None else None,
        required_knowledge=_required(root, parts, "knowledgeRequirement", "requiredKnowledge"),
        required_authorities=_required(root, parts, "authorityRequirement", "requiredAuthority"),
        description=text_of(parts, "description"),
        span=reading.span(element),
    )


def _service(reading: Reading, root: XmlElement, element: XmlElement) -> DecisionService:
    parts = parts_of(element)
    return DecisionService(
        id=attribute(element, "id"),
        name=attribute(element, "name").strip(),
        variable=information_item(reading, first(parts, "variable")),
        output_decisions=tuple([_href(root, child) for child in parts.get("outputDecision", ())]),
        encapsulated_decisions=tuple([_href(root, child) for child in parts.get("encapsulatedDecision", ())]),
        input_decisions=tuple([_href(root, child) for child in parts.get("inputDecision", ())]),
        input_data=tuple([_href(root, child) for child in parts.get("inputData", ())]),
        span=reading.span(element),
    )


def _knowledge_source(reading: Reading, element: XmlElement) -> KnowledgeSource:
    return KnowledgeSource(
        id=attribute(element, "id"),
        name=attribute(element, "name").strip(),
        type=text_of(parts_of(element), "type"),
        location=attribute(element, "locationURI"),
        span=reading.span(element),
    )
