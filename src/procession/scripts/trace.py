"""Where an error of a script was: the engine's text as a message and frames in the customer's own files.

quickjs-ng writes `    at name (file:line:column)` for each frame, and for mistakes of syntax `    at file:line:column`.
Its columns are bytes of UTF-8 from 1. Where it keeps no place (`null.x`, `var [a] = null`), it tells where the function
begins; for a source's own statements that is the line before it, which is told as the source's first. What it notices
only behind the source is told as the source's end.
What it says is text that a script may have written itself: a forged frame misleads its own author, and nobody else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, Protocol, final

import msgspec

from procession.base.failure import BadValue
from procession.scripts import source_map as maps
from procession.scripts.prepared import Prepared

FRAMES_MAX: Final = 20
"""Most frames that are told: the innermost."""
TEXT_MAX: Final = 64 * 1024
"""Most characters of an engine's text that are looked at."""
MESSAGE_MAX: Final = 4_000
FUNCTION_MAX: Final = 200
LINES_MAX: Final = 100
"""Most lines that may be frames, those that are left out included."""
LINE_END: Final = 10**9
LINE_MAX: Final = 1_000
"""Longest line that may be a frame, in characters."""

_FRAME: Final = re.compile(
    r"[ \t]+at (?:(?P<function>.*?) \()?(?P<file>[^()]*?):(?P<line>\d{1,9}):(?P<column>\d{1,9})\)?"
)
_AT: Final = re.compile(r"[ \t]+at \S")
_HIDDEN: Final = frozenset(("<eval>", "<anonymous>", "anonymous", ""))
"""Names of functions that have none."""


class Standing(Protocol):
    """Where a source stands in the text that is run: its first line there, from 1, and how many lines it has."""

    @property
    def source(self) -> str: ...
    @property
    def first(self) -> int: ...
    @property
    def lines(self) -> int: ...


@final
class Frame(msgspec.Struct, frozen=True):
    """A place in a customer's file: line and column from 1, in characters. `function` is "" for one without a name.

    `mapped`: the file is the one that a source map names, and the place is in there."""

    function: str
    file: str
    line: int
    column: int
    mapped: bool = False

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}"
        return f"{self.function} ({place})" if self.function else place


@final
class Trace(msgspec.Struct, frozen=True):
    """What happened, and where: the innermost frame first. `frames` may be empty."""

    message: str
    frames: tuple[Frame, ...]

    def __str__(self) -> str:
        return "".join([self.message, *(f"\n    at {frame}" for frame in self.frames)])


def trace_of(message: str, stack: str, sources: Mapping[str, Prepared], places: Iterable[Standing]) -> Trace:
    """What a message and an engine's stack, kept apart, say; see `trace`."""
    frames = (line for line in stack.split("\n") if line.lstrip().startswith("at "))
    return trace("\n".join([message, *frames]), sources, places)


def trace(text: str, sources: Mapping[str, Prepared], places: Iterable[Standing] = ()) -> Trace:
    """What an engine's text says of a customer's sources. With `places`, the engine saw one text, and they say where
    each source stands in it; without, the files that it names are the names of sources. Frames of anything else, the
    wrapper's and the cage's own, are left out. Never fails: what is no frame is a part of the message."""
    lines = text[:TEXT_MAX].rstrip().split("\n")
    start = len(lines)
    # The last lines are frames; one in the middle of a message is not.
    while start > 0 and len(lines[start - 1]) <= LINE_MAX and _AT.match(lines[start - 1]):
        start -= 1
    standing = tuple(places)
    read: dict[str, maps.SourceMap | None] = {}
    frames: list[Frame] = []
    for line in lines[start : start + LINES_MAX]:
        found = _FRAME.fullmatch(line)
        frame = _placed(found, sources, standing, read) if found is not None else None
        if frame is not None:
            frames.append(frame)
        if len(frames) == FRAMES_MAX:
            break
    return Trace("\n".join(lines[:start])[:MESSAGE_MAX], tuple(frames))


def _placed(
    found: re.Match[str],
    sources: Mapping[str, Prepared],
    standing: tuple[Standing, ...],
    read: dict[str, maps.SourceMap | None],
) -> Frame | None:
    """The frame of a match, when it is in a source."""
    name, line, told = found["file"], int(found["line"]), int(found["column"])
    if standing:
        # With the line before a source, and that behind it: what is noticed there belongs to the source, too.
        place = next((place for place in standing if place.first - 1 <= line <= place.first + place.lines), None)
        if place is None:
            return None
        name, line = place.source, line - place.first + 1
        if line == 0:
            line, told = 1, 1
    source = sources.get(name)
    written = source.source.split("\n") if source is not None else []
    if source is None:
        return None
    if standing and line > len(written):
        line, told = len(written), LINE_END
    if not 1 <= line <= len(written):
        return None
    column = _column(source, line, told)
    column = min(max(1, column), len(written[line - 1]) + 1)
    function = (found["function"] or "")[:FUNCTION_MAX]
    function = "" if function in _HIDDEN else function
    return _mapped(source, Frame(function, name, line, column), written[line - 1], read)


def _column(source: Prepared, line: int, told: int) -> int:
    """The column of the source, in characters, for what the engine tells of the code."""
    code = source.code.split("\n")[line - 1]
    before = code.encode("utf-8", "replace")
    column = len(before[: max(0, told - 1)].decode("utf-8", "ignore")) + 1
    by = 0
    for shift in source.shifts:
        if shift.line == line and shift.column <= column:
            by = shift.by
    return column - by


def _mapped(source: Prepared, frame: Frame, written: str, read: dict[str, maps.SourceMap | None]) -> Frame:
    """The same frame in what the source was made from, when its map knows the place."""
    if source.source_map and frame.file not in read:
        try:
            read[frame.file] = maps.read(source.source_map)
        except BadValue:
            # It was read when the source was prepared; what has spoiled it since must not hide the error.
            read[frame.file] = None
    known = read.get(frame.file)
    units = len(written[: frame.column - 1].encode("utf-16-le", "surrogatepass")) // 2 + 1
    original = known.original(frame.line, units) if known is not None else None
    if original is None:
        return frame
    # A map's name is of what stands at the place, often of what is called: a function's own name says more.
    return Frame(frame.function or original.name, original.file, original.line, original.column, mapped=True)
