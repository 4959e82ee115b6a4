"""A lossless XML tree: what is read is written again, with prefixes, comments and the order of attributes.

The model keeps what BPMN means; this keeps what a document says, so that a converter changes a few places and nothing
else. White space between attributes, the quotes and the encoding are not kept: the text is written as UTF-8.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias, final
from xml.parsers import expat

import msgspec

from procession.base.diagnostics import Refused
from procession.model.xml import Prefixes
from procession.parse.xml import read_xml

_ATTRIBUTE: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
)
_TEXT: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_XML: Final = "http://www.w3.org/XML/1998/namespace"


@final
class Text(msgspec.Struct, eq=False, gc=False):
    """Character data; `cdata` where it stood in a CDATA section."""

    text: str
    cdata: bool = False


@final
class Comment(msgspec.Struct, eq=False, gc=False):
    """`<!--text-->`."""

    text: str


@final
class Instruction(msgspec.Struct, eq=False, gc=False):
    """`<?target text?>`."""

    target: str
    text: str


@final
class Element(msgspec.Struct, eq=False, weakref=False):
    """An element with its names as written. `attributes` holds declarations of namespaces too, in their order.

    `namespace` and `name` are those of `tag`; `line` counts from 1 and is 0 for an element that was made here.
    """

    tag: str
    attributes: dict[str, str]
    namespace: str
    name: str
    prefixes: Prefixes
    line: int = 0
    parent: Element | None = None
    children: list[Node] = []
    indent: str = "\n"
    """The line break and the white space before it; a line break alone where there is none."""

    @property
    def elements(self) -> list[Element]:
        """The children that are elements."""
        return [child for child in self.children if isinstance(child, Element)]

    @property
    def text(self) -> str:
        """All character data directly inside."""
        return "".join(child.text for child in self.children if isinstance(child, Text))

    def child(self, name: str) -> Element | None:
        """The first child of this namespace and that local name."""
        return next((e for e in self.elements if e.name == name and e.namespace == self.namespace), None)

    def of_name(self, namespace: str, name: str) -> list[Element]:
        """The children of a name."""
        return [e for e in self.elements if e.name == name and e.namespace == namespace]

    def in_namespace(self, namespace: str) -> list[tuple[str, str, str]]:
        """The attributes of a namespace: as written, local name, value."""
        found: list[tuple[str, str, str]] = []
        for written, value in self.attributes.items():
            prefix, colon, local = written.partition(":")
            if colon and prefix != "xmlns" and self.prefixes.namespace(prefix) == namespace:
                found.append((written, local, value))
        return found

    def get(self, name: str, namespace: str = "") -> str | None:
        """The value of an attribute by its local name, of no namespace or of one."""
        if not namespace:
            return self.attributes.get(name)
        return next((value for _, local, value in self.in_namespace(namespace) if local == name), None)

    def walk(self) -> Iterator[Element]:
        """This element and all inside it, in the order of the document, as they are now."""
        waiting: list[Element] = [self]
        while waiting:
            element = waiting.pop()
            yield element
            waiting.extend(reversed(element.elements))


Node: TypeAlias = Element | Text | Comment | Instruction


@final
class Document(msgspec.Struct, eq=False):
    """The root with what stands before and behind it."""

    root: Element
    before: list[Node] = []
    behind: list[Node] = []
    standalone: int = -1
    """As expat says it: 1 for yes, 0 for no, -1 where the declaration has none."""


def read_document(data: bytes, file: str) -> Document:
    """The document of some bytes. Raises `Refused` for what the hardened reader refuses: document types, entities,
    wrong XML, too much of it."""
    root, refusals = read_xml(data, file)
    if root is None:
        raise Refused(refusals)
    return _Reader().read(data)


def write_document(document: Document) -> bytes:
    """The document as UTF-8."""
    standalone = {1: ' standalone="yes"', 0: ' standalone="no"'}.get(document.standalone, "")
    out: list[str] = [f'<?xml version="1.0" encoding="UTF-8"{standalone}?>\n']
    for node in (*document.before, document.root, *document.behind):
        _write(node, out)
        out.append("\n")
    return "".join(out).encode("utf-8")


def make(parent: Element, prefix: str, name: str, namespace: str, attributes: dict[str, str] | None = None) -> Element:
    """An element that is to stand in `parent`; where its prefix means something else there, it declares its own."""
    own = dict(attributes or {})
    prefixes = parent.prefixes
    if prefixes.namespace(prefix) != namespace:
        own = {f"xmlns:{prefix}" if prefix else "xmlns": namespace, **own}
        prefixes = Prefixes({prefix: namespace}, prefixes)
    return Element(f"{prefix}:{name}" if prefix else name, own, namespace, name, prefixes, parent=parent, children=[])


def insert(parent: Element, child: Element, index: int | None = None) -> None:
    """Puts an element into another, on a line of its own where the others have one. `index` counts children."""
    child.parent = parent
    child.indent = f"{parent.indent}  "
    children = parent.children
    if index is None:
        index = len(children)
        if index and isinstance(children[-1], Text) and not children[-1].text.strip():
            index -= 1
    children[index:index] = [Text(child.indent), child]
    if index + 2 == len(children):
        children.append(Text(parent.indent))


def remove(child: Element) -> None:
    """Takes an element out of its parent, with the white space before it."""
    parent = child.parent
    assert parent is not None
    index = next(number for number, each in enumerate(parent.children) if each is child)
    del parent.children[index]
    before = parent.children[index - 1] if index else None
    if isinstance(before, Text) and not before.text.strip() and not before.cdata:
        del parent.children[index - 1]
    if not any(not isinstance(each, Text) or each.text.strip() for each in parent.children):
        parent.children.clear()
    child.parent = None


def set_text(element: Element, text: str) -> None:
    """Makes a text the only content of an element."""
    element.children = [Text(text)]


def _write(node: Node, out: list[str]) -> None:
    match node:
        case Text():
            # `]]>` cannot stand in a CDATA section, so such a text is written without one.
            plain = not node.cdata or "]]>" in node.text
            out.append(node.text.translate(_TEXT) if plain else f"<![CDATA[{node.text}]]>")
        case Comment():
            out.append(f"<!--{node.text}-->")
        case Instruction():
            out.append(f"<?{node.target} {node.text}?>" if node.text else f"<?{node.target}?>")
        case Element():
            out.append(f"<{node.tag}")
            out.extend(f' {name}="{value.translate(_ATTRIBUTE)}"' for name, value in node.attributes.items())
            if not node.children:
                out.append("/>")
                return
            out.append(">")
            for child in node.children:
                _write(child, out)
            out.append(f"</{node.tag}>")


@final
class _Reader:
    """Builds the tree from expat's events; the bytes are known to be well-formed and free of entities."""

    __slots__ = ("_before", "_behind", "_cdata", "_open", "_parser", "_root", "_standalone")

    def __init__(self) -> None:
        self._parser = expat.ParserCreate()
        self._open: list[Element] = []
        self._root: Element | None = None
        self._before: list[Node] = []
        self._behind: list[Node] = []
        self._cdata = False
        self._standalone = -1

    def read(self, data: bytes) -> Document:
        parser = self._parser
        parser.buffer_text = True
        parser.buffer_size = 1 << 16
        parser.ordered_attributes = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.CommentHandler = self._comment
        parser.ProcessingInstructionHandler = self._instruction
        parser.StartCdataSectionHandler = self._start_cdata
        parser.EndCdataSectionHandler = self._end_cdata
        parser.XmlDeclHandler = self._declaration
        parser.Parse(data, True)
        assert self._root is not None
        return Document(self._root, self._before, self._behind, self._standalone)

    def _declaration(self, _version: str, _encoding: str | None, standalone: int) -> None:
        self._standalone = standalone

    def _start(self, tag: str, raw: list[str]) -> None:
        attributes = dict(zip(raw[::2], raw[1::2], strict=True))
        parent = self._open[-1] if self._open else None
        declared = {
            name[6:] if name != "xmlns" else "": value
            for name, value in attributes.items()
            if name == "xmlns" or name.startswith("xmlns:")
        }
        outer = parent.prefixes if parent is not None else Prefixes({"xml": _XML}, None)
        prefixes = Prefixes(declared, outer) if declared else outer
        prefix, colon, local = tag.partition(":")
        namespace = prefixes.namespace(prefix if colon else "") or ""
        line = self._parser.CurrentLineNumber
        element = Element(tag, attributes, namespace, local if colon else tag, prefixes, line, parent, [])
        if parent is None:
            self._root = element
        else:
            before = parent.children[-1] if parent.children else None
            if isinstance(before, Text) and "\n" in before.text:
                element.indent = "\n" + before.text.rpartition("\n")[2]
            parent.children.append(element)
        self._open.append(element)

    def _end(self, _tag: str) -> None:
        self._open.pop()

    def _place(self) -> list[Node]:
        if self._open:
            return self._open[-1].children
        return self._before if self._root is None else self._behind

    def _characters(self, text: str) -> None:
        place = self._place()
        last = place[-1] if place else None
        if isinstance(last, Text) and last.cdata == self._cdata and not self._cdata:
            last.text += text
        else:
            place.append(Text(text, self._cdata))

    def _comment(self, text: str) -> None:
        self._place().append(Comment(text))

    def _instruction(self, target: str, text: str) -> None:
        self._place().append(Instruction(target, text))

    def _start_cdata(self) -> None:
        self._cdata = True

    def _end_cdata(self) -> None:
        self._cdata = False
