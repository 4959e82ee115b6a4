"""Regular expressions of programs: XPath's, as JavaScript has them under its flag `u`.

The classes come out of `builtins.regex` as ranges, so that they hold the same characters on both sides, and with them
how long a text may be. They end with `TOP`; what has other characters is asked from the server.
"""

from __future__ import annotations

import re
from typing import Final

from procession.feel.builtins.charsets import TOPS, top_of
from procession.feel.builtins.regex import compiled_up_to
from procession.feel.errors import DomainError

TOP: Final = 0x24F
"""Latin letters with all of their accents."""
_TOP_MAX: Final = 0x7FF
SOURCE_MAX: Final = 2_000
_SYNTAX: Final = frozenset("^$\\.*+?()[]{}|/")
_TOKEN: Final = re.compile(
    r"\\U(?P<code>[0-9a-f]{8})(?:-\\U(?P<last>[0-9a-f]{8}))?|\\(?P<escape>.)|(?P<group>\(\?-i:)|(?P<other>.)", re.DOTALL
)
_ANCHORS: Final = {"A": "^", "Z": "$"}


class Unwritten(Exception):
    """A pattern that the browser does not get, and why."""


def pattern_of(pattern: str, flags: str, function: str, *, lenient: bool) -> list[str | int] | None:
    """A pattern for the runtime: its source, the last character it knows, the longest text.

    None if it is wrong, so that the function is null. Raises `Unwritten`.
    """
    own = top_of(pattern)
    top = max(TOP, own)
    if top > _TOP_MAX:
        raise Unwritten("rare characters in a pattern")
    try:
        found = [compiled_up_to(each, pattern, flags, lenient=lenient) for each in TOPS if own <= each <= top]
    except DomainError:
        return None
    expression, limit = found[-1]
    if any(other != limit for _, other in found):
        raise Unwritten("a pattern whose cost depends on the text")
    if function != "matches":
        # Where a match lies must be the same, too: nothing that is repeated may match the empty text.
        empty = expression.match("") is not None
        if empty and function == "replace":
            return None
        if empty or "(" in pattern:
            raise Unwritten("a pattern with groups, or one that matches nothing")
    if "(?<=" in expression.pattern or "(?(" in expression.pattern:
        raise Unwritten("a pattern with lines or references")
    source = _TOKEN.sub(_token, expression.pattern)
    if len(source) > SOURCE_MAX:
        raise Unwritten("a pattern with large classes")
    return [source, top, limit]


def _token(match: re.Match[str]) -> str:
    code, last, escape = match["code"], match["last"], match["escape"]
    if code is not None:
        first, end = int(code, 16), int(last or code, 16)
        return _char(first) if first == end else f"{_char(first)}-{_char(end)}"
    if escape is not None:
        return _ANCHORS.get(escape, f"\\{escape}" if escape in _SYNTAX else escape)
    return "(?:" if match["group"] else match["other"]


def _char(code: int) -> str:
    char = chr(code)
    return char if char.isascii() and char.isalnum() else f"\\u{{{code:x}}}"
