"""Foundation and common elements: ids, text formats, imports, artifacts, expressions, items (8.2 to 8.4.12)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from procession.compile.check.standard import grammar
from procession.compile.check.standard.document import Document, child, children, flag, identity, is_formal
from procession.compile.check.standard.rule import Rule
from procession.model.xml import XmlElement

NEEDS_ID: Final = (
    *grammar.FLOW_NODES, "process", "sequenceFlow", "dataObject", "dataObjectReference", "dataStore",
    "dataStoreReference", "participant", "message", "signal", "error", "escalation", "itemDefinition",
    "messageFlow", "dataInput", "dataOutput", "property", "operation", "interface",
)  # fmt: skip
"""Elements that are there to be referred to."""
_MIME: Final = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+*-]+(\s*;\s*[\w-]+=(\"[^\"]*\"|[^\s;]+))*", re.ASCII)
_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S+")
_SCHEMA: Final = "http://www.w3.org/2001/XMLSchema"
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE: Final = re.compile(r"\+?\d+", re.ASCII)
_STRING: Final = re.compile(r"\"[^\"]*\"|'[^']*'")

EXECUTED: Final = " ".join(sorted(grammar.EXPRESSIONS))
FORMAL: Final = " ".join(sorted({*grammar.EXPRESSIONS, *grammar.FORMAL}))
BOOLEAN: Final = "conditionExpression completionCondition loopCondition condition activationCondition"


def _taken(document: Document, element: XmlElement) -> Iterator[str]:
    other = document.repeated.get(element)
    if other is not None:
        yield f"the id {element.attributes['id']!r} is that of the {other.name} in line {other.line} too"


def _drawn_twice(document: Document, root: XmlElement) -> Iterator[str]:
    for element, other in document.repeated.items():
        if element.namespace != grammar.BPMN:
            yield f"line {element.line}: the id {element.attributes['id']!r} is that of the {other.name} too"


def _no_id(document: Document, element: XmlElement) -> Iterator[str]:
    is_part = element.name == "event" or document.parent(element).name == "complexBehaviorDefinition"
    if not element.attributes.get("id") and not is_part:
        yield f"a {element.name} has no id, so nothing can refer to it"


def _format(document: Document, element: XmlElement) -> Iterator[str]:
    for name in ("textFormat", "scriptFormat", "scriptLanguage"):
        value = element.attributes.get(name)
        if value is not None and _MIME.fullmatch(value.strip()) is None:
            yield f"{name} is {value[:40]!r}, which is no MIME type"


def _import_type(document: Document, element: XmlElement) -> Iterator[str]:
    kind = element.attributes.get("importType", "").strip()
    if _ABSOLUTE.fullmatch(kind) is None:
        yield f"importType is {kind[:60]!r}, which is no absolute URI"


def _import_empty(document: Document, element: XmlElement) -> Iterator[str]:
    for name in ("location", "namespace"):
        if not element.attributes.get(name, "?").strip():
            yield f"the import says no {name}"


def _import_lost(document: Document, element: XmlElement) -> Iterator[str]:
    if element in document.lost:
        yield f"there is no file {element.attributes.get('location', '')[:60]!r} beside the document"


def _import_wrong(document: Document, element: XmlElement) -> Iterator[str]:
    namespace = element.attributes.get("namespace", "")
    if element.attributes.get("importType", "") != grammar.BPMN:
        return
    for known in document.imports.get(namespace, ()):
        if known.root.name != "definitions" or known.root.namespace != grammar.BPMN:
            yield f"what is imported as {namespace!r} is no BPMN document"
        elif known.target_namespace != namespace:
            yield f"the imported document has the namespace {known.target_namespace!r}, not {namespace!r}"


def _category(document: Document, group: XmlElement) -> Iterator[str]:
    if not group.attributes.get("categoryValueRef"):
        return
    value = document.named(group, "categoryValueRef")
    if value is not None and value.name == "categoryValue" and document.parent(value).name != "category":
        yield "the value of the group belongs to no category"


# --- expressions (8.4.6) ----------------------------------------------------------------------------------------------


def _informal(document: Document, element: XmlElement) -> Iterator[str]:
    if document.runs(element) and not is_formal(document, element):
        yield f"the {element.name} of an executable process is no formal expression"


def _empty(document: Document, element: XmlElement) -> Iterator[str]:
    must_be = is_formal(document, element) or (element.name in BOOLEAN.split() and document.runs(element))
    if must_be and not element.text.strip():
        yield f"the {element.name} is empty"


def _language(document: Document, element: XmlElement) -> Iterator[str]:
    for name in ("expressionLanguage", "typeLanguage", "language"):
        value = element.attributes.get(name)
        if value is not None and _ABSOLUTE.fullmatch(value.strip()) is None:
            yield f"{name} is {value[:60]!r}, which is no URI"


def _other_type(document: Document, element: XmlElement) -> Iterator[str]:
    """A condition whose type is one of a schema, by itself or by its item, and not boolean."""
    named = element.attributes.get("evaluatesToTypeRef", "")
    item = document.find(element, named) if named else None
    at, kind = (element, named) if item is None else (item, item.attributes.get("structureRef", ""))
    prefix, colon, local = kind.strip().partition(":")
    if colon and at.prefixes.namespace(prefix) == _SCHEMA and local != "boolean":
        yield f"the {element.name} evaluates to {kind}, which is neither true nor false"


def _no_condition(document: Document, element: XmlElement) -> Iterator[str]:
    yield from _other_type(document, element)
    text = element.text.strip()
    if _NUMBER.fullmatch(text) or _STRING.fullmatch(text):
        yield f"the {element.name} is {text[:40]}, which is neither true nor false"


def _no_count(document: Document, element: XmlElement) -> Iterator[str]:
    text = element.text.strip()
    is_number = _NUMBER.fullmatch(text) is not None and _WHOLE.fullmatch(text) is None
    if is_number or _STRING.fullmatch(text) or text in {"true", "false"}:
        yield f"the loopCardinality is {text[:40]}, which is no whole number"


# --- items (8.4.10) ---------------------------------------------------------------------------------------------------


def _collection(document: Document, element: XmlElement) -> Iterator[str]:
    item = document.named(element, "itemSubjectRef")
    if (
        item is not None
        and item.name == "itemDefinition"
        and flag(item, "isCollection") != flag(element, "isCollection")
    ):
        which = "a collection" if flag(item, "isCollection") else "no collection"
        yield f"the item {identity(item)!r} is {which}; what this {element.name} says of isCollection differs"


# --- correlation and resources (8.4.2, 8.4.12, 10.3.1) ----------------------------------------------------------------


def _key_without_properties(document: Document, key: XmlElement) -> Iterator[str]:
    if not children(key, "correlationPropertyRef"):
        yield "the correlation key has no property"


def _path_twice(document: Document, prop: XmlElement) -> Iterator[str]:
    seen: set[XmlElement] = set()
    for each in children(prop, "correlationPropertyRetrievalExpression"):
        message = document.named(each, "messageRef")
        if message is not None and message in seen:
            yield f"there are two expressions for the message {identity(message)!r}"
        if message is not None:
            seen.add(message)


def _bound(document: Document, subscription: XmlElement) -> Iterator[str]:
    key = document.named(subscription, "correlationKeyRef")
    if key is None or key.name != "correlationKey":
        return
    properties = document.listed(key, "correlationPropertyRef")
    bound = [
        document.named(each, "correlationPropertyRef") for each in children(subscription, "correlationPropertyBinding")
    ]
    for each in properties:
        if each not in bound:
            yield f"the property {identity(each)!r} of the key is bound to nothing"
    for one in bound:
        if one is not None and one not in properties:
            yield f"{identity(one)!r} is bound, which is no property of the key"


def _role(document: Document, role: XmlElement) -> Iterator[str]:
    if child(role, "resourceRef") is not None and child(role, "resourceAssignmentExpression") is not None:
        yield "the role names a resource and has an expression to find one; it can do one of them"
    elif child(role, "resourceRef") is None and children(role, "resourceParameterBinding"):
        yield "the role binds parameters of a resource that it does not name"


def _parameters(document: Document, role: XmlElement) -> Iterator[str]:
    resource = next(iter(document.listed(role, "resourceRef")), None)
    if resource is None or resource.name != "resource":
        return
    own = children(resource, "resourceParameter")
    bound = [document.named(each, "parameterRef") for each in children(role, "resourceParameterBinding")]
    for parameter in bound:
        if parameter is not None and parameter.name == "resourceParameter" and parameter not in own:
            yield f"{identity(parameter)!r} is no parameter of the resource {identity(resource)!r}"
    for parameter in own:
        if flag(parameter, "isRequired") and parameter not in bound:
            yield f"the parameter {identity(parameter)!r} is required, and not bound"


_ROLES: Final = " ".join(grammar.ROLES)
_COLLECTIONS: Final = "dataInput dataOutput dataObject inputDataItem outputDataItem"
RULES: Final = (
    Rule("id-unique", "8.3.1", "*", "two elements have the same id", "give each an id of its own", _taken),
    Rule(
        "diagram-id-unique",
        "12.2",
        "definitions",
        "an element of the diagram has the id of another element",
        "give each an id of its own",
        _drawn_twice,
    ),
    Rule(
        "id-required", "8.3.1", " ".join(NEEDS_ID), "an element that others refer to has no id", "give it an id", _no_id
    ),
    Rule(
        "text-format",
        "8.3.2, 10.3.3, 10.3.7",
        "documentation textAnnotation scriptTask globalScriptTask",
        "the format of a text is no MIME type",
        "write it as type/subtype: text/plain",
        _format,
    ),
    Rule(
        "import-type",
        "8.2.2",
        "import",
        "the type of an import is no absolute URI",
        "name the language of what is imported by its URI",
        _import_type,
    ),
    Rule(
        "import-incomplete",
        "8.2.2",
        "import",
        "an import says not where from, or not which namespace",
        "give both",
        _import_empty,
    ),
    Rule(
        "import-location",
        "8.2.2",
        "import",
        "what an import names is not there",
        "put the file beside the document, or correct the location",
        _import_lost,
    ),
    Rule(
        "import-namespace",
        "8.2.2",
        "import",
        "an imported document is no BPMN, or has another namespace than the import says",
        "correct the import",
        _import_wrong,
    ),
    Rule(
        "group-category",
        "8.4.1",
        "group",
        "the value that a group stands for belongs to no category",
        "put it into a category",
        _category,
    ),
    Rule(
        "expression-formal",
        "8.4.6",
        EXECUTED,
        "an expression of an executable process is in natural language",
        'make it formal: xsi:type="tFormalExpression"',
        _informal,
    ),
    Rule(
        "language-uri",
        "8.2.1, 8.4.6",
        f"definitions {FORMAL}",
        "the language of expressions or types is no URI",
        "name it by its URI: http://www.w3.org/1999/XPath",
        _language,
    ),
    Rule("expression-empty", "8.4.6", FORMAL, "a formal expression or a condition is empty", "write it", _empty),
    Rule(
        "condition-boolean",
        "8.4.6",
        BOOLEAN,
        "a condition is a number or a text, or says to be of a type that is not boolean",
        "write a condition",
        _no_condition,
    ),
    Rule(
        "loop-cardinality-integer",
        "10.3.8",
        "loopCardinality",
        "the number of instances is no whole number",
        "write a whole number, or an expression that gives one",
        _no_count,
    ),
    Rule(
        "item-collection",
        "8.4.10",
        _COLLECTIONS,
        "an element and its item differ in whether they are collections",
        "let both say the same",
        _collection,
    ),
    Rule(
        "correlation-key-properties",
        "8.4.2",
        "correlationKey",
        "a correlation key has no property",
        "refer to a correlation property",
        _key_without_properties,
    ),
    Rule(
        "correlation-property-message",
        "8.4.2",
        "correlationProperty",
        "a correlation property is taken from a message in two ways",
        "keep one expression for each message",
        _path_twice,
    ),
    Rule(
        "correlation-subscription-bindings",
        "8.4.2",
        "correlationSubscription",
        "a property of a key is not bound, or what is bound is no property of it",
        "bind each property of the key",
        _bound,
    ),
    Rule(
        "resource-role-choice",
        "10.3.1",
        _ROLES,
        "a resource role names a resource and an expression, or binds parameters of none",
        "name the resource, or write the expression",
        _role,
    ),
    Rule(
        "resource-parameters",
        "10.3.1",
        _ROLES,
        "a required parameter of a resource is not bound, or the parameter of another one is",
        "bind the parameters of the resource",
        _parameters,
    ),
)
