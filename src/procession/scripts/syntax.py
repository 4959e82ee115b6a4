"""Sources as trees: read within bounds, refused at a line and a column, edited without moving lines.

The grammar is tree-sitter's of TypeScript, which reads JavaScript too. It is read, never run: what a source does is the
cage's to bound. What must not live here: what modules and types mean (`modules`, `typescript`).
"""

from __future__ import annotations

import re
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Final, final

import msgspec

from procession.base.diagnostics import Diagnostic, Refused, Span

if TYPE_CHECKING:
    from tree_sitter import Language, Node, Parser, Tree

SOURCE_BYTES_MAX: Final = 256 * 1024
"""Largest source in bytes of UTF-8, without a source map that it carries."""
NESTING_MAX: Final = 2_000
"""Deepest nesting of a source's tree. A sum of as many terms is that deep; what people write is far from it."""
READ_S_MAX: Final = 2.0
"""Longest time of the processor that the grammar may take for a source, in seconds."""
PART_BYTES: Final = 16 * 1024
"""How much of a source the grammar is given at a time."""
MESSAGE_TEXT_MAX: Final = 40
"""Most characters of a source that a message shows."""

_CLOSED_BY: Final = {"(": ")", "[": "]", "{": "}", "${": "}"}

RULES: Final[dict[str, str]] = {
    "script-syntax": "a script or a module is no JavaScript, or no TypeScript",
    "script-size": "a script or a module is larger, or nested deeper, than the limit",
    "script-feature": "a script or a module uses what cannot be erased, or is not run here",
    "script-module": "a module is not there, lacks what is imported from it, or needs itself",
}
"""Rule -> what breaks it."""


@final
class Source(msgspec.Struct, frozen=True):
    """A text with its name; its lines end with `\\n` alone. Positions in it are bytes of `data`."""

    name: str
    data: bytes
    starts: tuple[int, ...]
    """Where its lines begin."""

    @staticmethod
    def of(text: str, name: str) -> Source:
        """JavaScript takes every `\\r\\n` and `\\r` for `\\n`, in templates too: written so, nothing changes."""
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        try:
            data = text.encode()
        except UnicodeEncodeError as error:
            raise _at(name, _place(text, error.start), "script-syntax", "half of a surrogate pair") from None
        if (zero := text.find("\0")) >= 0:
            raise _at(name, _place(text, zero), "script-syntax", "the character U+0000")
        if len(data) > SOURCE_BYTES_MAX:
            what = f"{len(data)} bytes, and at most {SOURCE_BYTES_MAX} are read"
            raise _at(name, (1, 1), "script-size", what, "move parts of it into modules")
        return Source(name, data, (0, *(found.end() for found in re.finditer(b"\n", data))))

    def place(self, byte: int) -> tuple[int, int]:
        """Line and column, from 1; columns count characters (code points)."""
        line = bisect_right(self.starts, byte)
        return line, len(self.data[self.starts[line - 1] : byte].decode(errors="replace")) + 1

    def text(self, node: Node) -> str:
        return self.data[node.start_byte : node.end_byte].decode()

    def shown(self, node: Node) -> str:
        """The beginning of a node's text, for a message."""
        text = " ".join(self.text(node).split())
        return text if len(text) <= MESSAGE_TEXT_MAX else f"{text[: MESSAGE_TEXT_MAX - 1]}…"

    def refused(self, node: Node | int, rule: str, message: str, remedy: str = "") -> Refused:
        """The error that says where, what and what to do instead."""
        byte = node if isinstance(node, int) else node.start_byte
        return _at(self.name, self.place(byte), rule, message, remedy)


def parsed(source: Source) -> Node:
    """The root of a source's tree. Raises `Refused` at the first place that no JavaScript or TypeScript has."""
    root = _tree(source).root_node
    broken: Node | None = None
    for node, depth in nodes(root):
        if depth > NESTING_MAX:
            raise source.refused(node, "script-size", f"nested deeper than {NESTING_MAX} levels")
        if broken is None and (node.is_error or node.is_missing):
            broken = node
    if broken is not None:
        raise _misread(source, broken)
    return root


def _tree(source: Source) -> Tree:
    """A source's tree. What people write is read in a tenth of a second; the worst of the largest size, a line of
    `x!x!x!…`, would take ten, so the grammar is given it by parts, and no more when it has had its time."""
    until = time.thread_time() + READ_S_MAX
    late = False

    def part(byte: int, _: object) -> bytes:
        nonlocal late
        late = late or time.thread_time() > until
        return b"" if late else source.data[byte : byte + PART_BYTES]

    tree = _parser().parse(part)
    if late:
        what = f"reading it takes more than {READ_S_MAX:g} s of the processor"
        raise source.refused(0, "script-size", what, "break its lines, or move parts of it into modules")
    return tree


def nodes(root: Node, into: Callable[[Node], bool] = lambda _: True) -> Iterator[tuple[Node, int]]:
    """A tree's nodes in the order of the text, each with its depth. Children are visited where `into` says so.

    A loop, not a recursion: how deep a source is nested is its author's choice, Python's stack is ours."""
    stack = [(root, 0)]
    while stack:
        node, depth = stack.pop()
        yield node, depth
        if node.child_count and into(node):
            stack.extend((child, depth + 1) for child in reversed(node.children))


@final
class Shift(msgspec.Struct, frozen=True):
    """From this column of a line of the code on, the source's column is `by` smaller. Columns from 1, in characters."""

    line: int
    column: int
    by: int


@final
class Edits:
    """Replacements of parts of a source that do not overlap; none of them moves a line."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._made: list[tuple[int, int, str]] = []

    def blank(self, start: int, end: int, first: str = "", *, last: str = "") -> None:
        """Spaces instead of these bytes, one a character; line ends stay. `first` or `last` stands at that place."""
        spaces = re.sub(r"[^\n\u2028\u2029]", " ", self._source.data[start:end].decode())
        self._made.append((start, end, first + spaces[len(first) : len(spaces) - len(last)] + last))

    def put(self, start: int, end: int, text: str) -> None:
        """A text of one line instead of these bytes, padded to their width; what stood on further lines is blanked."""
        old = self._source.data[start:end].decode()
        first, newline, rest = old.partition("\n")
        self._made.append((start, end, text.ljust(len(first)) + newline + re.sub(r"[^\n]", " ", rest)))

    def applied(self) -> tuple[str, tuple[Shift, ...]]:
        """The text with everything replaced, and where columns have moved."""
        data, pieces, shifts, at = self._source.data, list[str](), list[Shift](), 0
        line, column, by = 1, 1, 0
        for start, end, text in sorted(self._made, key=lambda made: made[:2]):
            kept = data[at:start].decode()
            pieces += (kept, text)
            line, column, by = _onward(kept, line, column, by)
            moved = 0 if "\n" in text else len(text) - len(data[start:end].decode())
            line, column, by = _onward(text, line, column, by)
            if moved:
                by += moved
                shifts.append(Shift(line, column, by))
            at = end
        return "".join(pieces) + data[at:].decode(), tuple(shifts)


def _onward(text: str, line: int, column: int, by: int) -> tuple[int, int, int]:
    """Where a text ends that begins here; a line that begins has moved nothing yet."""
    lines = text.count("\n")
    if not lines:
        return line, column + len(text), by
    return line + lines, len(text) - text.rfind("\n"), 0


def _misread(source: Source, node: Node) -> Refused:
    """What is wrong where the grammar found nothing that fits."""
    if node.is_missing:
        return source.refused(node, "script-syntax", f"`{node.type}` is missing here")
    # An error spans everything that was passed over, a whole source at times: its deepest first part is where it is.
    inner = next((below for below, _ in nodes(node) if below.is_error and below is not node), node)
    opened: list[Node] = []
    for child in inner.children:
        if child.type in _CLOSED_BY:
            opened.append(child)
        elif opened and child.type == _CLOSED_BY[opened[-1].type]:
            opened.pop()
    if opened:
        what = f"`{opened[-1].type}` is not closed, or what follows it does not fit"
        return source.refused(opened[-1], "script-syntax", what)
    text = source.shown(inner)
    remedy = "JSX and `<T>value` are not read" if re.search(r"(?:^|[=(?:,]\s*)<\w", text) else ""
    return source.refused(inner, "script-syntax", f"unexpected `{text}`" if text else "the text ends too early", remedy)


def _at(name: str, place: tuple[int, int], rule: str, message: str, remedy: str = "") -> Refused:
    span = Span(name, *place)
    return Refused([Diagnostic(rule=rule, message=message, span=span, remedy=remedy)])


def _place(text: str, at: int) -> tuple[int, int]:
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _parser() -> Parser:
    """One for each source: while it is given parts of one, another thread may come to read another."""
    try:
        import tree_sitter
    except ImportError as error:
        raise _missing(error) from None
    return tree_sitter.Parser(_language())


@cache
def _language() -> Language:
    try:
        import tree_sitter
        import tree_sitter_typescript
    except ImportError as error:
        raise _missing(error) from None
    return tree_sitter.Language(tree_sitter_typescript.language_typescript())


def _missing(error: ImportError) -> ImportError:
    return ImportError(f'{error.name} is missing: pip install "procession[js]"')
