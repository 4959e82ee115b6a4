"""Whether a document has the form of the XML schemas of the standard (clause 15): elements, order, attributes.

The tables are in `grammar.py`. What references lead to is checked in `references.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from procession.compile.check.standard import grammar
from procession.compile.check.standard.document import Document, is_formal
from procession.compile.check.standard.grammar import BPMN, BPMNDI, Kind, Part, Shape
from procession.compile.check.standard.rule import Rule
from procession.model.xml import XmlElement

_NCNAME: Final = r"[^\W\d][\w.\-\u00b7]*"
_URI: Final = re.compile(r"""(?:[^\s<>"{}|\\^`%#]|%[0-9A-Fa-f]{2})*(?:#(?:[^\s<>"{}|\\^`%#]|%[0-9A-Fa-f]{2})*)?""")
VALUES: Final[dict[str, tuple[re.Pattern[str], str]]] = {
    "string": (re.compile(r".*", re.DOTALL), "a text"),
    "boolean": (re.compile(r"true|false|1|0"), "true or false"),
    "integer": (re.compile(r"[+-]?\d+", re.ASCII), "a whole number"),
    "int": (re.compile(r"[+-]?\d{1,10}", re.ASCII), "a whole number"),
    "ID": (re.compile(_NCNAME), "an XML name without a colon"),
    "IDREF": (re.compile(_NCNAME), "the id of an element of this document"),
    "QName": (re.compile(rf"({_NCNAME}:)?{_NCNAME}"), "a name, or a prefix and a name"),
    "anyURI": (_URI, "a URI"),
    "implementation": (
        re.compile(rf"##unspecified|##WebService|{_URI.pattern}"),
        "##WebService, ##unspecified or a URI",
    ),
    "method": (re.compile(rf"##Compensate|##Image|##Store|{_URI.pattern}"), "##Compensate, ##Image, ##Store or a URI"),
}
"""Type -> the values that have it, and how it is told."""
_INT_MAX: Final = 2**31
_COUNTS: Final = {"": (1, 1), "?": (0, 1), "*": (0, 0), "+": (1, 0)}
_PART: Final = re.compile(r"([@\w|]+?)([?*+]|\{\d+,\d*\})?")
_XML: Final = "http://www.w3.org/XML/1998/namespace"


def _shape(name: str) -> Shape:
    parts = tuple(_part(text) for text in grammar.CONTENT.get(name, "documentation* extensionElements?").split())
    attributes = grammar.ATTRIBUTES.get(name, {"id": "ID"})
    return Shape(parts, attributes, grammar.REQUIRED.get(name, frozenset()), is_open=name in grammar.OPEN)


def _part(text: str) -> Part:
    found = _PART.fullmatch(text)
    assert found is not None, text
    names, mark = found[1], found[2] or ""
    if mark.startswith("{"):
        low, _, high = mark[1:-1].partition(",")
        least, most = int(low), int(high or 0)
    else:
        least, most = _COUNTS[mark]
    group = names.startswith("@")
    among = grammar.GROUPS[names[1:]] if group else names.split("|")
    return Part(frozenset(among), least, most, " or ".join(among[:3]) if not group else f"a {names[1:]}")


_REFERENCE_TEXTS: Final = grammar.IDREF_TEXTS | grammar.QNAME_TEXTS
_NAMES: Final = frozenset(
    [
        *grammar.CONTENT,
        *grammar.ATTRIBUTES,
        *(name for group in grammar.GROUPS.values() for name in group),
        *(name for content in grammar.CONTENT.values() for name in re.findall(r"(?<!@)\b[a-zA-Z]+", content)),
    ]
) - _REFERENCE_TEXTS  # fmt: skip
SHAPES: Final[dict[str, Shape]] = {name: _shape(name) for name in sorted(_NAMES)}
_EXPRESSION_PARTS: Final = SHAPES["auditing"].parts
_EXPRESSION: Final = Shape(_EXPRESSION_PARTS, grammar.EXPRESSION, frozenset(), is_mixed=True)
_FORMAL: Final = Shape(_EXPRESSION_PARTS, grammar.FORMAL_EXPRESSION, frozenset(), is_mixed=True)
_REFERENCE: Final = Shape((), {}, frozenset(), is_mixed=True)
_DRAWN: Final = frozenset({"BPMNDiagram"})


def shape_of(document: Document, element: XmlElement) -> Shape:
    """What an element of BPMN is made of, at its place."""
    name = element.name
    if name in grammar.EXPRESSIONS or name in grammar.FORMAL:
        return _FORMAL if is_formal(document, element) else _EXPRESSION
    if name in _REFERENCE_TEXTS:
        return _REFERENCE
    return SHAPES.get(name, SHAPES["auditing"])


def _name_of(element: XmlElement) -> str:
    """How the content of a parent calls a child; '' for one of a namespace that it does not know."""
    if element.namespace == BPMNDI:
        return element.name if element.name in _DRAWN else ""
    return element.name if element.namespace == BPMN else ""


def _places(parts: tuple[Part, ...], element: XmlElement) -> int:
    name = _name_of(element)
    return next((index for index, part in enumerate(parts) if name in part.names), -1)


def _allowed(document: Document, element: XmlElement) -> Iterator[str]:
    shape = shape_of(document, element)
    if shape.is_open:
        return
    for child in element.children:
        if _places(shape.parts, child) < 0:
            where = "" if child.namespace == BPMN else f" of the namespace {child.namespace!r}"
            yield f"line {child.line}: <{child.name}>{where} does not belong into a {element.name}"


def _in_order(document: Document, element: XmlElement) -> Iterator[str]:
    last, before = -1, ""
    for child in element.children:
        place = _places(shape_of(document, element).parts, child)
        if 0 <= place < last:
            yield f"line {child.line}: <{child.name}> stands behind <{before}>; it belongs before it"
        elif place > last:
            last, before = place, child.name


def _counts(document: Document, element: XmlElement) -> Iterator[str]:
    shape = shape_of(document, element)
    counted = [0] * len(shape.parts)
    for child in element.children:
        place = _places(shape.parts, child)
        if place >= 0:
            counted[place] += 1
    for part, count in zip(shape.parts, counted, strict=True):
        if count < part.least:
            yield f"a {element.name} needs {part.text}" + (f", {part.least} times" if part.least > 1 else "")
        elif part.most and count > part.most:
            yield f"a {element.name} has {count} times {part.text}; at most {part.most} is allowed"


def _text(document: Document, element: XmlElement) -> Iterator[str]:
    shape = shape_of(document, element)
    if not shape.is_mixed and not shape.is_open and element.text.strip():
        yield f"the text {element.text.strip()[:40]!r} stands in a {element.name}, which holds elements only"


def _known(document: Document, element: XmlElement) -> Iterator[str]:
    attributes = shape_of(document, element).attributes
    for name in element.attributes:
        if " " not in name and name not in attributes:
            yield f"a {element.name} has no attribute {name!r}"
        elif name.startswith(f"{BPMN} "):
            yield f"the attribute {name.partition(' ')[2]!r} is written with a prefix"


def _required(document: Document, element: XmlElement) -> Iterator[str]:
    for name in sorted(shape_of(document, element).required - element.attributes.keys()):
        yield f"a {element.name} needs the attribute {name!r}"


def _values(document: Document, element: XmlElement) -> Iterator[str]:
    for name, kind in shape_of(document, element).attributes.items():
        value = element.attributes.get(name)
        if value is not None and (problem := _problem(value, kind) or _prefix(element, value, kind)):
            yield f"the attribute {name} is {value[:60]!r}, not {problem}"
    kind = "IDREF" if element.name in grammar.IDREF_TEXTS else "QName" if element.name in grammar.QNAME_TEXTS else ""
    if kind and (problem := _problem(element.text, kind) or _prefix(element, element.text, kind)):
        yield f"<{element.name}> is {element.text.strip()[:60]!r}, not {problem}"


def _prefix(element: XmlElement, value: str, kind: Kind) -> str:
    """What a name with a prefix that is not declared should be, or ''."""
    prefix, colon, _ = value.strip().partition(":")
    if kind != "QName" or not colon or element.prefixes.namespace(prefix) is not None:
        return ""
    return f"a name of a declared prefix: xmlns:{prefix} is missing"


def _problem(value: str, kind: Kind) -> str:
    """What a value should be and is not, or ''."""
    if isinstance(kind, tuple):
        return "" if value in kind else "one of " + ", ".join(kind)
    text = value if kind == "string" else value.strip()
    pattern, told = VALUES[kind]
    if pattern.fullmatch(text) is None or (kind == "int" and not -_INT_MAX <= int(text) < _INT_MAX):
        return told
    return ""


RULES: Final = (
    Rule(
        "schema-element",
        "15.3",
        "*",
        "an element stands where the schema has no place for it",
        "remove it, or move it to its place",
        _allowed,
    ),
    Rule(
        "schema-order",
        "15.3",
        "*",
        "an element stands behind one that the schema wants after it",
        "put the elements into the order of the schema",
        _in_order,
    ),
    Rule(
        "schema-count",
        "15.3",
        "*",
        "an element stands too often, or not at all where there must be one",
        "add what is missing, remove what is too much",
        _counts,
    ),
    Rule("schema-text", "15.3", "*", "there is text in an element that holds elements only", "remove the text", _text),
    Rule(
        "schema-attribute",
        "15.3",
        "*",
        "an attribute is not one of its element",
        "remove it, or give it the prefix of its extension",
        _known,
    ),
    Rule("schema-required", "15.3", "*", "an attribute is missing that its element must have", "give it", _required),
    Rule("schema-value", "15.3", "*", "a value is not of its type", "correct it", _values),
)
