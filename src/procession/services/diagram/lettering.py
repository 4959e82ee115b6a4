"""Text in a picture: how wide it is, where its lines break. Widths are estimates for a sans-serif face.

No renderer is asked, so a picture is the same on every machine; the estimate is on the wide side.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_NARROW: Final = frozenset("iIjlftr.,:;'!|()[]{}-/ ")
_WIDE: Final = frozenset("mwMW@%—")
_BREAK_AFTER: Final = re.compile(r"(?<=[-/_.])(?=\w)")
ELLIPSIS: Final = "…"


def width_of(text: str, size: float) -> float:
    """The width of one line in the unit of `size`, the font's size."""
    return sum(map(_em, text)) * size


def wrap(text: str, width: float, size: float, lines_max: int = 99) -> list[str]:
    """The lines of `text`, each at most `width` wide where a break allows it; the last one is cut with `…`.

    Breaks at white space first, then after a hyphen, slash, underscore or dot, then within a word.
    """
    lines: list[str] = []
    for paragraph in text.strip().splitlines():
        lines.extend(_fill(paragraph.split(), width, size))
    if len(lines) <= lines_max:
        return lines
    kept = lines[:lines_max]
    kept[-1] = _cut(kept[-1] + ELLIPSIS, width, size)
    return kept


def clean(text: str) -> str:
    """The text without the characters that XML 1.0 cannot hold."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _em(char: str) -> float:
    if char in _NARROW:
        return 0.34
    if char in _WIDE:
        return 0.92
    if not char.isascii() and unicodedata.east_asian_width(char) in "WF":
        return 1.0
    return 0.7 if char.isupper() else 0.57


def _fill(words: list[str], width: float, size: float) -> list[str]:
    lines: list[str] = []
    line = ""
    for word in words:
        joined = f"{line} {word}" if line else word
        if width_of(joined, size) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        *full, line = _pieces(word, width, size)
        lines.extend(full)
    return [*lines, line] if line else lines


def _pieces(word: str, width: float, size: float) -> list[str]:
    """One word in as many lines as it needs."""
    if width_of(word, size) <= width:
        return [word]
    pieces = [""]
    for part in _BREAK_AFTER.split(word):
        for text in (part,) if width_of(part, size) <= width else part:
            if pieces[-1] and width_of(pieces[-1] + text, size) > width:
                pieces.append("")
            pieces[-1] += text
    return pieces


def _cut(line: str, width: float, size: float) -> str:
    while len(line) > 1 and width_of(line, size) > width:
        line = line[:-2].rstrip() + ELLIPSIS
    return line
