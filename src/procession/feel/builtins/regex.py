"""Regular expressions of XPath (XQuery 1.0 functions, 7.6) on Python's `re`, and the guard against endless ones.

`re` cannot be interrupted. So a pattern whose repetitions are nested ambiguously, which may take time exponential in
the text's length, gets short texts only, and for the others the number of repetitions bounds the length of the text.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final, TypeAlias, final

from procession.feel.builtins.blocks import BLOCKS
from procession.feel.errors import DomainError

PATTERN_MAX: Final = 1000
TEXT_MAX: Final = 100_000
NESTED_TEXT_MAX: Final = 24
"""Longest text, in characters, for a pattern with nested repetitions: 2 ** 24 steps are bearable, more are not."""
STEPS_MAX: Final = 10**9
_CLASS_ESCAPES: Final = frozenset({"\\s", "\\S", "\\d", "\\D", "\\w", "\\W", "."})
_ATOM_MAX: Final = 200
_SAMPLE: Final = tuple(chr(code) for code in range(0x250))
_FEW: Final = 10
"""Up to so many repetitions count as a choice, not as a loop."""
_CHOICES_MAX: Final = 12
_QUANTIFIER: Final = re.compile("(?:([*+?])|{([0-9]{1,4})(?:(,)([0-9]{0,4}))?})[?]?")
_FLAGS: Final = {"s": re.DOTALL, "m": re.MULTILINE, "i": re.IGNORECASE, "x": 0}
_NAME_START: Final = (
    (0x3A, 0x3A), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A), (0xC0, 0xD6), (0xD8, 0xF6), (0xF8, 0x2FF), (0x370, 0x37D),
    (0x37F, 0x1FFF), (0x200C, 0x200D), (0x2070, 0x218F), (0x2C00, 0x2FEF), (0x3001, 0xD7FF), (0xF900, 0xFDCF),
    (0xFDF0, 0xFFFD), (0x10000, 0xEFFFF),
)  # fmt: skip
_NAME_PART: Final = (*_NAME_START, (0x2D, 0x2E), (0x30, 0x39), (0xB7, 0xB7), (0x300, 0x36F), (0x203F, 0x2040))
_CLASSES: Final = {"i": _NAME_START, "c": _NAME_PART}
Ranges: TypeAlias = tuple[tuple[int, int], ...]
_CHAR_MAX: Final = 0x10FFFF


def compiled(pattern: str, flags: str, text: str) -> re.Pattern[str]:
    """The pattern, if it may run on a text of this length. Raises `DomainError`."""
    expression, repeats, nested = _compile(pattern, flags)
    limit = NESTED_TEXT_MAX if nested else min(TEXT_MAX, int(STEPS_MAX ** (1 / (repeats + 1))) if repeats else TEXT_MAX)
    if len(text) > limit:
        raise DomainError(f"the pattern may run on texts of {limit} characters at most, not {len(text)}", "regex")
    return expression


def replacement(text: str, groups: int) -> str:
    """An XPath replacement (`$1`, `\\$`) as Python writes it. Raises `DomainError`."""
    out: list[str] = []
    position = 0
    while position < len(text):
        char = text[position]
        position += 1
        if char == "\\":
            if text[position : position + 1] not in {"\\", "$"}:
                raise DomainError("a backslash in a replacement must be followed by `\\` or `$`")
            out.append("\\\\" if text[position] == "\\" else "$")
            position += 1
        elif char == "$":
            match = re.compile("[0-9]+").match(text, position)
            if match is None:
                raise DomainError("`$` in a replacement must be followed by the number of a group")
            digits = match[0]
            # `$12` is group 1 and a `2` if there are fewer than twelve groups.
            while len(digits) > 1 and int(digits) > groups:
                digits = digits[:-1]
            if int(digits) <= groups:
                out.append(f"\\g<{int(digits)}>")
            position += len(digits)
        else:
            out.append(char)
    return "".join(out)


def _bounds(match: re.Match[str]) -> tuple[int, int | None]:
    """The fewest and most repetitions of a quantifier; None for no limit."""
    if match[1]:
        return {"*": (0, None), "+": (1, None), "?": (0, 1)}[match[1]]
    least = int(match[2])
    if not match[3]:
        return least, least
    return least, int(match[4]) if match[4] else None


@lru_cache(maxsize=512)
def _compile(pattern: str, flags: str) -> tuple[re.Pattern[str], int, bool]:
    if len(pattern) > PATTERN_MAX:
        raise DomainError(f"the pattern is longer than {PATTERN_MAX} characters", "regex")
    value = 0
    for flag in flags:
        if flag not in _FLAGS:
            raise DomainError(f"there is no flag `{flag}`", "regex")
        value |= _FLAGS[flag]
    dot = "." if "s" in flags else "[^\\n\\r]"
    translation = _Translation(_stripped(pattern) if "x" in flags else pattern, dot=dot)
    try:
        expression = re.compile(translation.text(), value)
    except (re.error, OverflowError, RecursionError, ValueError) as error:
        raise DomainError(f"the pattern is wrong: {error}", "regex") from None
    return expression, translation.repeats, translation.nested


def _stripped(pattern: str) -> str:
    """The pattern without the white space outside of brackets, for the flag `x`."""
    out: list[str] = []
    depth = 0
    escaped = False
    for char in pattern:
        if not escaped:
            depth += (char == "[") - (char == "]" and depth > 0)
        if depth or char not in " \t\n\r":
            out.append(char)
            escaped = char == "\\" and not escaped
    return "".join(out)


@final
class _Group:
    """A group that is being read: its atoms, and whether repeating it may match one text in many ways."""

    __slots__ = ("atoms", "bare", "loose", "nests", "starts")

    def __init__(self) -> None:
        self.atoms: list[str] = []
        self.bare: set[int] = set()
        """Places of atoms without a quantifier."""
        self.starts: list[int] = [0]
        """Places where the alternatives begin."""
        self.loose = False
        """A quantifier in it lets it match texts of several lengths."""
        self.nests = False
        """There is another group in it."""

    def varies(self) -> bool:
        """Whether it may match texts of several lengths."""
        return self.loose or len(self.starts) > 1

    def ambiguous(self) -> bool:
        """Whether a repetition of it may split one text in many ways."""
        if not self.varies():
            return False
        if self.nests:
            return True
        return not self._separated() if len(self.starts) == 1 else self.loose or not self._told_apart()

    def _separated(self) -> bool:
        """Whether it begins or ends with one character that nothing else in it matches."""
        for place in (0, len(self.atoms) - 1):
            others = [atom for index, atom in enumerate(self.atoms) if index != place]
            if place in self.bare and not any(_overlap(self.atoms[place], atom) for atom in others):
                return True
        return False

    def _told_apart(self) -> bool:
        """Whether each alternative begins with a character of its own."""
        firsts = [self._literal(place).lower() for place in self.starts]
        return "" not in firsts and len(set(firsts)) == len(firsts)

    def _literal(self, place: int) -> str:
        """The character that an atom stands for, or "" if it is a class or repeated."""
        if place not in self.bare or place >= len(self.atoms):
            return ""
        char = self.atoms[place].removeprefix("\\")
        return char if len(char) == 1 and self.atoms[place] not in _CLASS_ESCAPES else ""


@lru_cache(maxsize=1024)
def _overlap(first: str, second: str) -> bool:
    """Whether one character matches both atoms; assumed of classes too large to try."""
    if max(len(first), len(second)) > _ATOM_MAX:
        return True
    one, other = (re.compile(atom, re.IGNORECASE | re.DOTALL) for atom in (first, second))
    return any(one.fullmatch(char) and other.fullmatch(char) for char in _SAMPLE)


@final
class _Translation:
    """One pass over a pattern: its text for Python, and what it may cost.

    `repeats` is the longest run of unbounded repetitions with nothing certain between them, `nested` tells that
    repetitions are nested ambiguously, or that there are many choices: the time may be exponential.
    """

    __slots__ = ("_at", "_choices", "_dot", "_groups", "_pattern", "_run", "_wild", "nested", "repeats")

    def __init__(self, pattern: str, *, dot: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._dot = dot
        self._groups = [_Group()]
        self._run = 0
        self._wild = False
        self._choices = 0
        self.repeats = 0
        self.nested = False

    def text(self) -> str:
        """The pattern in Python's syntax. Raises `DomainError`."""
        out: list[str] = []
        while self._at < len(self._pattern):
            start = self._at
            char = self._pattern[start]
            self._at += 1
            if char == "(":
                out.append(self._open())
            elif char == ")":
                out.append(")")
                self._quantified(self._close(), out)
            elif char == "|":
                self._groups[-1].starts.append(len(self._groups[-1].atoms))
                out.append(char)
            elif char in "*+?{":
                raise DomainError(f"nothing to repeat before `{char}`", "regex")
            elif char in "^$":
                # Python's `$` also matches before a newline at the end, XPath's does not.
                out.append(char if char == "^" else "(?!\\n\\Z)$")
            else:
                atom = self._atom(char)
                out.append(atom)
                self._groups[-1].atoms.append(atom)
                self._quantified(_Group(), out, wild=char == ".")
        return "".join(out)

    def _atom(self, char: str) -> str:
        if char == "[":
            self._at -= 1
            return self._class()
        if char == "\\":
            return self._escape()
        return self._dot if char == "." else char if char not in "]}" else "\\" + char

    def _open(self) -> str:
        self._groups.append(_Group())
        if not self._pattern.startswith("?", self._at):
            return "("
        if not self._pattern.startswith("?:", self._at):
            raise DomainError("only `(?:` may follow `(`", "regex")
        self._at += 2
        return "(?:"

    def _close(self) -> _Group:
        if len(self._groups) == 1:
            raise DomainError("a `)` too many", "regex")
        group = self._groups.pop()
        outer = self._groups[-1]
        outer.nests = True
        outer.loose = outer.loose or group.varies()
        return group

    def _quantified(self, body: _Group, out: list[str], *, wild: bool = False) -> None:
        """The quantifier after an atom or a group, if there is one."""
        match = _QUANTIFIER.match(self._pattern, self._at)
        group = self._groups[-1]
        if match is None:
            if not body.atoms and not wild and not self._wild:
                self._run = 0
            group.bare.add(len(group.atoms) - 1)
            return
        self._at = match.end()
        out.append(match[0])
        if self._pattern[self._at : self._at + 1] in {"*", "+", "?", "{"}:
            raise DomainError("a quantifier follows a quantifier", "regex")
        least, most = _bounds(match)
        if least != most:
            group.loose = True
        self.nested = self.nested or (most != 1 and body.ambiguous())
        if most is not None and most <= _FEW:
            self._choices += least != most
        else:
            self._run += 1
            self._wild = wild or body.varies()
            self.repeats = max(self.repeats, self._run)
        self.nested = self.nested or self._choices > _CHOICES_MAX

    def _escape(self) -> str:
        char = self._pattern[self._at : self._at + 1]
        self._at += 1
        if char and char in "iIcCpP":
            return f"[{self._members(char)}]"
        if char.isdigit() and char != "0":
            return f"(?:\\{char})"
        if char in "nrtsSdDwW" or (char and char in "\\|.-^?*+{}()[]$/\"' "):
            return "\\" + char
        raise DomainError(f"`\\{char}` is no escape", "regex")

    def _members(self, char: str) -> str:
        """The inside of a class for `\\i`, `\\c` or `\\p{…}`; in capitals all other characters."""
        ranges = _CLASSES.get(char.lower()) or self._category()
        return _inside(_others(ranges) if char.isupper() else ranges)

    def _category(self) -> Ranges:
        match = re.compile("{([A-Za-z0-9-]+)}").match(self._pattern, self._at)
        if match is None:
            raise DomainError("a category, such as `\\p{L}`, is expected", "regex")
        self._at = match.end()
        name = match[1]
        if name.startswith("Is"):
            block = BLOCKS.get(name[2:])
            if block is None:
                raise DomainError(f"there is no block `{name}`", "regex")
            return (block,)
        ranges = _category_ranges(name)
        if not ranges:
            raise DomainError(f"there is no category `{name}`", "regex")
        return ranges

    def _class(self) -> str:
        """A class in brackets; `[a-z-[aeiou]]` becomes a look-ahead and the class."""
        self._at += 1
        negated = self._pattern.startswith("^", self._at)
        self._at += negated
        out: list[str] = []
        without = ""
        while True:
            if self._at >= len(self._pattern):
                raise DomainError("a `[` is not closed", "regex")
            char = self._pattern[self._at]
            if char == "]" and out:
                self._at += 1
                break
            if char == "-" and self._pattern.startswith("-[", self._at):
                self._at += 1
                without = self._class()
                continue
            self._at += 1
            out.append(self._class_escape() if char == "\\" else "\\" + char if char in "[&~|^" else char)
        body = f"[{'^' if negated else ''}{''.join(out)}]"
        return f"(?:(?!{without}){body})" if without else body

    def _class_escape(self) -> str:
        char = self._pattern[self._at : self._at + 1]
        if char.isdigit():
            raise DomainError(f"`\\{char}` in brackets is not supported", "regex")
        escaped = self._escape()
        return escaped[1:-1] if escaped.startswith("[") else escaped.removeprefix("(?:").removesuffix(")")


def _char(code: int) -> str:
    return f"\\U{code:08x}"


def _inside(ranges: Ranges) -> str:
    return "".join(f"{_char(first)}-{_char(last)}" for first, last in ranges)


def _others(ranges: Ranges) -> Ranges:
    """All characters that are not in the ranges."""
    found: list[tuple[int, int]] = []
    start = 0
    for first, last in sorted(ranges):
        if first > start:
            found.append((start, first - 1))
        start = max(start, last + 1)
    if start <= _CHAR_MAX:
        found.append((start, _CHAR_MAX))
    return tuple(found)


@lru_cache(maxsize=64)
def _category_ranges(name: str) -> Ranges:
    """The characters of a Unicode category, `L` or `Lu`."""
    found: list[tuple[int, int]] = []
    start: int | None = None
    for code in range(_CHAR_MAX + 1):
        if unicodedata.category(chr(code)).startswith(name):
            start = code if start is None else start
        elif start is not None:
            found.append((start, code - 1))
            start = None
    if start is not None:
        found.append((start, _CHAR_MAX))
    return tuple(found)
