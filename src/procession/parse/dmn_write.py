"""`write_dmn`: a changed DMN document back into its bytes. Everything that was not changed stays byte for byte.

The source is patched, never made anew: elements of other namespaces, the drawing, comments, white space, prefixes and
the order of attributes are not in the model, so a document made from the model alone would lose them. What is written
is read again and compared with what was wanted, so nothing is written that means something else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeAlias, cast, final
from xml.parsers import expat
from xml.sax.saxutils import escape

import msgspec

from procession.base.diagnostics import Span
from procession.base.failure import ProcessionError
from procession.model.dmn import Decisions, DecisionTable, LiteralExpression, Rule, UnaryTests
from procession.parse.dmn_xml import parse_dmn

ATTRIBUTES: Final = {
    "name": "name",
    "label": "label",
    "type_ref": "typeRef",
    "hit_policy": "hitPolicy",
    "aggregation": "aggregation",
    "output_label": "outputLabel",
    "language": "expressionLanguage",
    "exporter": "exporter",
    "exporter_version": "exporterVersion",
}
"""Fields of the model that are attributes of the element, and so can be changed; `text` can too, and the rules."""
_ABOUT_SOURCE: Final = frozenset({"span", "digest", "source"})

_Patch: TypeAlias = tuple[int, int, bytes]
"""Bytes [start, end) of the source, and what stands there instead."""


@final
class NotWritten(ProcessionError, ValueError):
    """A change that has no place in the source; the text names the element's place and the field."""


@final
class _Place(msgspec.Struct, gc=False):
    """An element's bytes: `start` of its `<`, `open_end` behind its start tag, `close` of its end tag, `end` behind."""

    name: str
    start: int
    open_end: int = 0
    close: int = 0
    end: int = 0
    children: list[_Place] = []


def write_dmn(document: Decisions, source: bytes) -> bytes:
    """The bytes of a document that was parsed from `source` and changed (`msgspec.structs.replace`).

    Texts of expressions, tests and annotations of rules, names, labels, types, hit policies, and rules that were
    removed or are new (without a span) can be written. Without a change the result is `source` itself. Raises
    `NotWritten` for any other change, and for a document that is not from this source.
    """
    old, found = parse_dmn(source, document.span.file)
    if old is None:
        raise NotWritten("the source cannot be read: " + "; ".join(map(str, found[:3])))
    if old.digest != document.digest:
        raise NotWritten("the document was parsed from another source: parse this one, and change that")
    writer = _Writer(source)
    patches = list(writer.changes(old, document))
    written = _patched(source, patches)
    if patches:
        again, _ = parse_dmn(written, document.span.file)
        if again is None or _meaning(again) != _meaning(document):
            raise NotWritten("the source cannot say what was changed: leave this element to the modeler")
    return written


def _patched(source: bytes, patches: Iterable[_Patch]) -> bytes:
    parts: list[bytes] = []
    at = 0
    for start, end, text in sorted(patches, key=lambda patch: patch[:2]):
        if start < at:
            raise NotWritten("two changes lie in one another: write one after the other")
        parts += [source[at:start], text]
        at = end
    return b"".join([*parts, source[at:]])


def _meaning(value: object) -> object:
    """A document without what tells of its bytes."""
    if isinstance(value, msgspec.Struct):
        names = [name for name in value.__struct_fields__ if name not in _ABOUT_SOURCE]
        return (type(value).__name__, *(_meaning(getattr(value, name)) for name in names))
    return tuple(map(_meaning, cast("tuple[object, ...]", value))) if isinstance(value, tuple) else value


@final
class _Writer:
    """Finds the bytes of what differs."""

    __slots__ = ("_encoding", "_places", "_source")

    def __init__(self, source: bytes) -> None:
        self._source = source
        declared = re.match(rb"""\s*<\?xml[^>]*?encoding\s*=\s*["']([\w.-]+)""", source[:200])
        self._encoding = declared[1].decode() if declared is not None else "utf-8"
        self._places = _places(source)

    def changes(self, old: object, new: object) -> Iterator[_Patch]:
        """The patches that make the one of the other."""
        waiting: list[tuple[object, object, Span, str]] = [(old, new, Span(), "")]
        while waiting:
            before, after, span, field = waiting.pop()
            if isinstance(before, DecisionTable) and isinstance(after, DecisionTable):
                kept, patches = self._rules(before, after)
                yield from patches
                before = msgspec.structs.replace(before, rules=tuple(rule for rule, _ in kept))
                after = msgspec.structs.replace(after, rules=tuple(rule for _, rule in kept))
            if isinstance(before, msgspec.Struct) and type(before) is type(after):
                own = cast("Span", getattr(before, "span", span))
                for name in before.__struct_fields__:
                    if name not in _ABOUT_SOURCE:
                        waiting.append((getattr(before, name), getattr(after, name), own, name))
            elif isinstance(before, tuple) and isinstance(after, tuple):
                pairs = (cast("tuple[object, ...]", before), cast("tuple[object, ...]", after))
                if field == "annotations" and pairs[0] != pairs[1]:
                    yield from self._annotations(span, *cast("tuple[Sequence[str], Sequence[str]]", pairs))
                elif len(pairs[0]) != len(pairs[1]):
                    raise NotWritten(f"{span}: a changed number of `{field}` cannot be written")
                else:
                    waiting += [(a, b, span, field) for a, b in zip(*pairs, strict=True)]
            elif before != after:
                yield self._field(span, field, after)

    def _field(self, span: Span, field: str, value: object) -> _Patch:
        place = self._at(span)
        if not isinstance(value, str) or (field != "text" and field not in ATTRIBUTES):
            raise NotWritten(f"{span}: a change of `{field}` cannot be written")
        return self._text(place, value, span) if field == "text" else self._attribute(place, ATTRIBUTES[field], value)

    def _at(self, span: Span) -> _Place:
        place = self._places.get((span.line, span.column))
        if place is None:
            raise NotWritten(f"{span}: what was changed is no element of the source")
        return place

    def _text(self, place: _Place, value: str, span: Span) -> _Patch:
        text = next((child for child in place.children if child.name.rpartition(":")[2] == "text"), None)
        if text is None:
            raise NotWritten(f"{span}: there is no <text> to be written into")
        return self._content(text, value)

    def _content(self, place: _Place, value: str) -> _Patch:
        if place.open_end == place.end:
            # An empty element has no end tag yet.
            opened = self._source[place.start : place.end].removesuffix(b">").removesuffix(b"/").rstrip()
            return place.start, place.end, opened + b">" + self._encoded(value) + f"</{place.name}>".encode()
        # The white space around a text is the document's, not the text's: it stays.
        inner = self._source[place.open_end : place.close]
        left = len(inner) - len(inner.lstrip())
        right = len(inner.rstrip())
        if b"<" in inner or left >= right:
            return place.open_end, place.close, self._encoded(value)
        return place.open_end + left, place.open_end + right, self._encoded(value)

    def _encoded(self, value: str) -> bytes:
        # A carriage return would be read as a line feed.
        return escape(value, {"\r": "&#13;"}).encode(self._encoding, "xmlcharrefreplace")

    def _attribute(self, place: _Place, name: str, value: str) -> _Patch:
        tag = self._source[place.start : place.open_end]
        quoted = escape(value, {'"': "&quot;", "\n": "&#10;", "\t": "&#9;", "\r": "&#13;"})
        written = f' {name}="{quoted}"'.encode(self._encoding, "xmlcharrefreplace") if value else b""
        for match in _ATTRIBUTE.finditer(tag):
            if match[1].decode("latin-1") == name:
                return place.start + match.start(), place.start + match.end(), written
        end = len(tag) - (2 if tag.endswith(b"/>") else 1)
        return place.start + end, place.start + end, written

    def _annotations(self, span: Span, old: Sequence[str], new: Sequence[str]) -> Iterator[_Patch]:
        children = self._at(span).children
        entries = [child for child in children if child.name.rpartition(":")[2] == "annotationEntry"]
        if len(old) != len(new) or len(entries) != len(new):
            raise NotWritten(f"{span}: a changed number of `annotations` cannot be written")
        for place, before, after in zip(entries, old, new, strict=True):
            if before != after:
                yield self._text(place, after, span)

    def _rules(self, old: DecisionTable, new: DecisionTable) -> tuple[list[tuple[Rule, Rule]], list[_Patch]]:
        """The rules that stay, before and after; and the patches for those that go and come."""
        if [rule.span for rule in old.rules] == [rule.span for rule in new.rules]:
            return list(zip(old.rules, new.rules, strict=True)), []
        known = {rule.span: rule for rule in old.rules}
        stay = [rule.span for rule in new.rules if rule.span in known]
        if stay != [rule.span for rule in old.rules if rule.span in set(stay)]:
            raise NotWritten(f"{old.span}: rules in another order cannot be written: remove them, and add new ones")
        patches = [self._without(self._at(span)) for span in known if span not in set(stay)]
        table = self._at(old.span)
        last = [child for child in table.children if child.name.rpartition(":")[2] in {"input", "output", "annotation"}]
        at = last[-1].end if last else table.open_end
        fresh = b""
        for rule in new.rules:
            if rule.span not in known:
                fresh += self._indent(table) + self._rule(rule, table.name.rpartition(":")[0])
                continue
            if fresh:
                patches.append((at, at, fresh))
            at, fresh = self._at(rule.span).end, b""
        if fresh:
            # Behind rules that go: the place of the last one that stays is before them.
            patches.append((at, at, fresh))
        return [(known[rule.span], rule) for rule in new.rules if rule.span in known], patches

    def _without(self, place: _Place) -> _Patch:
        start = place.start
        while start and self._source[start - 1 : start].isspace():
            start -= 1
        return start, place.end, b""

    def _indent(self, table: _Place) -> bytes:
        start = table.children[0].start if table.children else table.open_end
        before = start
        while before and self._source[before - 1 : before].isspace():
            before -= 1
        return self._source[before:start]

    def _rule(self, rule: Rule, prefix: str) -> bytes:
        p = f"{prefix}:" if prefix else ""
        cells = [(entry, "inputEntry") for entry in rule.inputs] + [(entry, "outputEntry") for entry in rule.outputs]
        inner = "".join(_cell(p, tag, entry) for entry, tag in cells)
        described = f"<{p}description>{escape(rule.description)}</{p}description>" if rule.description else ""
        inner += "".join(
            f"<{p}annotationEntry><{p}text>{escape(each)}</{p}text></{p}annotationEntry>" for each in rule.annotations
        )
        text = f"<{p}rule{_id(rule.id)}>{described}{inner}</{p}rule>"
        return text.encode(self._encoding, "xmlcharrefreplace")


def _cell(prefix: str, tag: str, entry: UnaryTests | LiteralExpression) -> str:
    return (
        f"<{prefix}{tag}{_id(entry.id)}><{prefix}text>{escape(entry.text, {chr(13): '&#13;'})}</{prefix}text>"
        f"</{prefix}{tag}>"
    )


def _id(id: str) -> str:
    quoted = escape(id, {'"': "&quot;"})
    return f' id="{quoted}"' if id else ""


_ATTRIBUTE: Final = re.compile(rb"""\s([\w.:-]+)\s*=\s*(?:"[^"]*"|'[^']*')""")
_TAG_END: Final = re.compile(rb"""(?:[^>"']|"[^"]*"|'[^']*')*>""")


def _places(source: bytes) -> dict[tuple[int, int], _Place]:
    """The elements by the line and column of their `<`. The source is known to be well-formed."""
    parser = expat.ParserCreate()
    found: dict[tuple[int, int], _Place] = {}
    open_: list[_Place] = [_Place("", 0)]

    def start(name: str, _: dict[str, str]) -> None:
        at = parser.CurrentByteIndex
        tag = _TAG_END.match(source, at)
        assert tag is not None
        place = _Place(name, at, tag.end(), tag.end(), tag.end(), [])
        found[(parser.CurrentLineNumber, parser.CurrentColumnNumber + 1)] = place
        open_[-1].children.append(place)
        open_.append(place)

    def end(_: str) -> None:
        place = open_.pop()
        if not source[place.start : place.open_end].endswith(b"/>"):
            place.close = parser.CurrentByteIndex
            place.end = source.index(b">", place.close) + 1

    handlers: tuple[Callable[[str, dict[str, str]], None], Callable[[str], None]] = (start, end)
    parser.StartElementHandler, parser.EndElementHandler = handlers
    parser.Parse(source, True)
    return found
