"""Source maps (revision 3): where a place in a generated JavaScript source was in what its author wrote.

A map is data of a customer: it is bounded before it is read, and whoever uses it goes on without one that is bad.
"""

from __future__ import annotations

import base64
import binascii
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Final, final

import msgspec

from procession.base.failure import BadValue
from procession.base.values import Json, decode

MAP_BYTES_MAX: Final = 2 * 1024 * 1024
"""Largest map, as JSON, in bytes."""
SEGMENTS_MAX: Final = 300_000
"""Most places that a map tells. A source of the largest size has fewer."""
SECTIONS_MAX: Final = 1_000
NUMBER_MAX: Final = 2**31 - 1
NAME_MAX: Final = 1_000
"""Longest file name or name that is shown, in characters."""

_CARRIED: Final = re.compile(r"^[ \t]*//[#@][ \t]*sourceMappingURL=(\S*)[ \t]*\s*\Z", re.MULTILINE)
_DATA: Final = re.compile(r"data:application/json(?:;charset=[\w-]+)?;base64,", re.IGNORECASE)
_DIGITS: Final = {
    ord(letter): value
    for value, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
}


@final
class Original(msgspec.Struct, frozen=True):
    """A place in what an author wrote: line and column from 1, the column in units of UTF-16. `name` may be ""."""

    file: str
    line: int
    column: int
    name: str


@final
class SourceMap(msgspec.Struct, frozen=True):
    """For each line of the code, from the first: where segments begin (columns from 0), and what they are of."""

    columns: Mapping[int, Sequence[int]]
    origins: Mapping[int, Sequence[Original | None]]

    def original(self, line: int, column: int) -> Original | None:
        """What a place in the code was, line and column from 1, in units of UTF-16. None where the map is silent."""
        columns = self.columns.get(line, ())
        at = bisect_right(columns, column - 1) - 1
        return self.origins[line][at] if at >= 0 else None


def carried(source: str) -> tuple[str, str, tuple[str, ...]]:
    """A source without the map that its last line carries, that map as JSON, and notes where it is not used.

    The comment goes, the lines stay: a map may be larger than the source may be."""
    # Only the end is searched: a pattern that may begin at each line would read a large source as often.
    at = max(source.rfind("//# sourceMappingURL="), source.rfind("//@ sourceMappingURL="))
    found = _CARRIED.match(source, source.rfind("\n", 0, at) + 1) if at >= 0 else None
    if found is None:
        return source, "", ()
    rest = source[: found.start()] + "\n" * source.count("\n", found.start())
    address = found[1]
    data = _DATA.match(address)
    if data is None:
        return rest, "", ("the source map is not used: only a map inside of the source, as base64, is read",)
    if len(address) > MAP_BYTES_MAX * 4 // 3 + 100:
        return rest, "", (f"the source map is not used: it is larger than {MAP_BYTES_MAX} bytes",)
    try:
        return rest, base64.b64decode(address[data.end() :], validate=True).decode(), ()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return rest, "", ("the source map is not used: it is no base64 of UTF-8",)


def read(text: str) -> SourceMap:
    """The map of a JSON text. Raises `BadValue` for what is no map, or larger than the limits."""
    if len(text) > MAP_BYTES_MAX:
        raise BadValue(f"it is larger than {MAP_BYTES_MAX} bytes")
    # Servers put a line before JSON that keeps it from being run as a script.
    document = decode(text.partition("\n")[2] if text.startswith(")]}") else text)
    if not isinstance(document, dict):
        raise BadValue("it is no object")
    reader = _Reader()
    sections = document.get("sections")
    if sections is None:
        reader.take(document, 0, 0)
    else:
        if not isinstance(sections, list) or len(sections) > SECTIONS_MAX:
            raise BadValue(f"its sections are no list, or more than {SECTIONS_MAX}")
        for section in sections:
            reader.take_section(section)
    return reader.result()


@final
class _Reader:
    """Maps of the sections of a source, put together."""

    def __init__(self) -> None:
        self._segments: dict[int, list[tuple[int, Original | None]]] = {}
        self._count = 0

    def take_section(self, section: Json) -> None:
        offset = section.get("offset") if isinstance(section, dict) else None
        inner = section.get("map") if isinstance(section, dict) else None
        if not isinstance(offset, dict) or not isinstance(inner, dict):
            raise BadValue("a section has no offset or no map")
        self.take(inner, _number(offset.get("line"), "offset"), _number(offset.get("column"), "offset"))

    def take(self, document: Mapping[str, Json], line: int, column: int) -> None:
        """One map, whose first line is that line of the code and begins at that column; both from 0."""
        if document.get("version") != 3:
            raise BadValue("its version is not 3")
        root = document.get("sourceRoot")
        sources = _texts(document.get("sources"), "sources")
        if isinstance(root, str) and root:
            sources = [f"{root.rstrip('/')}/{source}"[:NAME_MAX] for source in sources]
        names = _texts(document.get("names", []), "names")
        mappings = document.get("mappings")
        if not isinstance(mappings, str):
            raise BadValue("its mappings are no text")
        state = [0, 0, 0, 0]
        for at, text in enumerate(mappings.split(";")):
            base, generated = column if at == 0 else 0, 0
            for segment in text.split(",") if text else ():
                self._count += 1
                if self._count > SEGMENTS_MAX:
                    raise BadValue(f"it tells more than {SEGMENTS_MAX} places")
                first, *others = _numbers(segment)
                generated += first
                origin = _origin(others, state, sources, names)
                self._segments.setdefault(line + at + 1, []).append((base + generated, origin))

    def result(self) -> SourceMap:
        for segments in self._segments.values():
            segments.sort(key=lambda segment: segment[0])
        return SourceMap(
            {line: [column for column, _ in segments] for line, segments in self._segments.items()},
            {line: [origin for _, origin in segments] for line, segments in self._segments.items()},
        )


def _origin(fields: list[int], state: list[int], sources: list[str], names: list[str]) -> Original | None:
    """What a segment is of: 0, 3 or 4 further fields, each the difference to the last one of its kind."""
    if not fields:
        return None
    if len(fields) not in {3, 4}:
        raise BadValue("a segment has a wrong number of fields")
    for at, difference in enumerate(fields):
        state[at] += difference
    if not (0 <= state[0] < len(sources) and 0 <= state[1] <= NUMBER_MAX and 0 <= state[2] <= NUMBER_MAX):
        raise BadValue("a segment names a place that is not there")
    name = ""
    if len(fields) == 4:
        if not 0 <= state[3] < len(names):
            raise BadValue("a segment names a name that is not there")
        name = names[state[3]]
    return Original(sources[state[0]], state[1] + 1, state[2] + 1, name)


def _numbers(segment: str) -> list[int]:
    """The numbers of a segment: base 64, five bits a digit, the lowest first, the sign in the lowest bit of all."""
    found: list[int] = []
    value = shift = 0
    for letter in segment:
        digit = _DIGITS.get(ord(letter))
        if digit is None or shift > 30:
            raise BadValue("a segment is no base 64, or a number is too large")
        value |= (digit & 31) << shift
        if digit & 32:
            shift += 5
            continue
        found.append(-(value >> 1) if value & 1 else value >> 1)
        value = shift = 0
    if shift or not found:
        raise BadValue("a segment is cut off")
    return found


def _texts(value: Json, what: str) -> list[str]:
    if not isinstance(value, list):
        raise BadValue(f"its {what} are no list")
    return [text[:NAME_MAX] if isinstance(text, str) else "" for text in value]


def _number(value: Json, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= NUMBER_MAX:
        raise BadValue(f"an {what} is no number of a line or a column")
    return value
