"""The hardened XML reader: bytes to a light tree in which every element knows its line and column.

Nothing outside the bytes is ever read: a document type declaration, and with it every entity, is refused at
its first character. Size, depth and number of elements are bounded before they can cost. What elements mean
is not known here.
"""

from __future__ import annotations

import re
from typing import Final, final
from xml.parsers import expat

from procession.base.diagnostics import Diagnostic, Span
from procession.model.xml import Prefixes, XmlElement

DOCUMENT_BYTES_MAX: Final = 16 * 1024 * 1024
"""Largest document, in bytes; the largest drawing known to us has 2 MB."""
DEPTH_MAX: Final = 100
"""Deepest nesting of elements; readers and compiler recurse along it."""
ELEMENTS_MAX: Final = 400_000
"""Most elements of a document: bounds memory, which bytes alone do not (`<a/>` has four)."""

_ENCODING: Final = re.compile(rb"""^\s*<\?xml[^>]*?\bencoding\s*=\s*["']([\w.-]+)""")
_SEPARATOR: Final = " "
_NOT_DECODED: Final = frozenset(
    {
        expat.errors.codes[expat.errors.XML_ERROR_UNKNOWN_ENCODING],
        expat.errors.codes[expat.errors.XML_ERROR_INCORRECT_ENCODING],
    }
)


def read_xml(data: bytes, file: str) -> tuple[XmlElement | None, list[Diagnostic]]:
    """The root element, or None and the reason why the bytes are refused. Never raises for bad input."""
    if len(data) > DOCUMENT_BYTES_MAX:
        size = f"the document has {len(data)} bytes; the limit is {DOCUMENT_BYTES_MAX}"
        return None, [_refusal("document-size", size, Span(file), "split the model")]
    if not data.strip():
        return None, [_refusal("xml", "the document is empty", Span(file, 1, 1), "export the model again")]
    reader = _Reader(file)
    try:
        return reader.read(data), []
    except _Refused as refused:
        return None, [refused.diagnostic]
    except expat.ExpatError as error:
        return None, [_not_well_formed(error, data, file)]
    except (LookupError, ValueError) as error:
        # pyexpat raises these for an encoding that is unknown or has several bytes a character.
        text = f"the encoding that the document declares cannot be read: {error}"
        return None, [_refusal("encoding", text, Span(file, 1, 1), "save the document as UTF-8")]


class _Refused(Exception):
    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


@final
class _Reader:
    """Builds the tree of one document from expat's events."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
        # What stands around the root, so that every element has a parent.
        self._document = XmlElement("", "", {}, 0, 0, Prefixes({}, None))
        self._open: list[XmlElement] = [self._document]
        self._more: dict[XmlElement, list[str]] = {}
        """The pieces of a text that came in several: joined at the end, for adding each would be quadratic."""
        self._tags: dict[str, tuple[str, str]] = {}
        self._declared: dict[str, str] = {}
        self._left = ELEMENTS_MAX

    def read(self, data: bytes) -> XmlElement:
        parser = self._parser
        parser.buffer_text = True
        parser.buffer_size = 1 << 16
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartNamespaceDeclHandler = self._declare
        parser.StartDoctypeDeclHandler = self._doctype
        try:
            parser.Parse(data, True)
        finally:
            # Parser and reader hold each other: without this the tree would wait for the collector.
            parser.StartElementHandler = parser.EndElementHandler = parser.CharacterDataHandler = None
            parser.StartNamespaceDeclHandler = parser.StartDoctypeDeclHandler = None
        return self._document.children[0]

    def _start(self, raw: str, attributes: dict[str, str]) -> None:
        parser = self._parser
        opened = self._open
        tag = self._tags.get(raw)
        if tag is None:
            namespace, _, name = raw.rpartition(_SEPARATOR)
            tag = self._tags[raw] = (namespace, name)
        parent = opened[-1]
        prefixes = parent.prefixes
        if self._declared:
            prefixes = Prefixes(self._declared, prefixes)
            self._declared = {}
        line, column = parser.CurrentLineNumber, parser.CurrentColumnNumber + 1
        element = XmlElement(tag[0], tag[1], attributes, line, column, prefixes)
        self._left -= 1
        if len(opened) > DEPTH_MAX or self._left < 0:
            raise self._too_much(element)
        parent.children.append(element)
        opened.append(element)

    def _end(self, _raw: str) -> None:
        element = self._open.pop()
        if element in self._more:
            element.text = "".join(self._more.pop(element))

    def _characters(self, data: str) -> None:
        element = self._open[-1]
        if not element.text:
            element.text = data
        elif element in self._more:
            self._more[element].append(data)
        else:
            self._more[element] = [element.text, data]

    def _declare(self, prefix: str | None, uri: str | None) -> None:
        self._declared[prefix or ""] = uri or ""

    def _doctype(self, name: str, _system: str | None, _public: str | None, _internal: bool) -> None:
        place = Span(self._file, self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1)
        text = f"a document type declaration ({name}) is refused: it can define entities and read other files"
        raise _Refused(_refusal("xml-doctype", text, place, "remove the <!DOCTYPE ...> declaration"))

    def _too_much(self, element: XmlElement) -> _Refused:
        text = f"the document has more than {ELEMENTS_MAX} elements"
        if self._left >= 0:
            text = f"elements are nested deeper than {DEPTH_MAX}"
        return _Refused(
            _refusal("document-size", text, Span(self._file, element.line, element.column), "split the model")
        )


def _not_well_formed(error: expat.ExpatError, data: bytes, file: str) -> Diagnostic:
    place = Span(file, error.lineno, error.offset + 1)
    reason = expat.ErrorString(error.code) or "not well-formed"
    if error.code in _NOT_DECODED:
        return _refusal("encoding", f"{reason}: {_declaration(data)}", place, "save the document as UTF-8")
    if _is_said_to_be_utf8(data):
        try:
            data.decode()
        except UnicodeDecodeError as undecoded:
            text = f"byte {undecoded.start} is not UTF-8, and no other encoding is declared"
            return _refusal("encoding", text, place, "save as UTF-8, or declare the encoding")
    if b"encoding" in data[:200]:
        reason = f"{reason} ({_declaration(data)})"
    text = f"this is not well-formed XML: {reason}"
    return _refusal("xml", text, place, "export the model again as XML")


def _is_said_to_be_utf8(data: bytes) -> bool:
    """Whether the declaration, or its absence, means UTF-8."""
    declared = _ENCODING.search(data[:200])
    if declared is not None:
        return declared[1].lower() in {b"utf-8", b"utf8"}
    return not data.startswith((b"\xff\xfe", b"\xfe\xff"))


def _declaration(data: bytes) -> str:
    """The first line up to the end of the XML declaration, for people."""
    line = data[:200].split(b"?>")[0].decode("latin-1")
    return f"the document says {' '.join(line.split())}?>"


def _refusal(rule: str, message: str, span: Span, remedy: str) -> Diagnostic:
    return Diagnostic(rule=rule, message=message, span=span, remedy=remedy)
