"""Regular expressions of XPath (XQuery 1.0 functions, 7.6; XML Schema part 2, appendix G) on Python's `re`, and the
guard against endless ones.

Classes are computed here as sets of characters, so that they are XML Schema's whatever Python's are; `re` gets them as
ranges. `re` cannot be interrupted. So a pattern whose repetitions are nested ambiguously, which may take time
exponential in the text's length, gets short texts only, and for the others the number of repetitions bounds the length
of the text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, final

from procession.feel.builtins.blocks import BLOCKS
from procession.feel.builtins.charsets import (
    CATEGORIES,
    CHAR_MAX,
    Ranges,
    any_case,
    category,
    common,
    others,
    top_of,
    union,
)
from procession.feel.errors import DomainError

PATTERN_MAX: Final = 1000
TEXT_MAX: Final = 100_000
NESTED_TEXT_MAX: Final = 24
"""Longest text, in characters, for a pattern with nested repetitions: 2 ** 24 steps are bearable, more are not."""
STEPS_MAX: Final = 10**9
RANGES_MAX: Final = 10_000
"""Most ranges of characters in a pattern: `re` compiles them in 0.1 s. A `\\w` of all scripts has 800, of Latin ten."""
_FEW: Final = 10
"""Up to so many repetitions count as a choice, not as a loop."""
_CHOICES_MAX: Final = 12
_QUANTIFIER: Final = re.compile("(?:([*+?])|{([0-9]{1,4})(?:(,)([0-9]{0,4}))?})[?]?")
_CATEGORY: Final = re.compile("{([A-Za-z0-9-]+)}")
_NUMBER: Final = re.compile("[0-9]+")
_FLAGS: Final = {"s": re.DOTALL, "m": re.MULTILINE, "i": re.IGNORECASE, "x": 0}
_NAME_START: Final = (
    (0x3A, 0x3A), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A), (0xC0, 0xD6), (0xD8, 0xF6), (0xF8, 0x2FF), (0x370, 0x37D),
    (0x37F, 0x1FFF), (0x200C, 0x200D), (0x2070, 0x218F), (0x2C00, 0x2FEF), (0x3001, 0xD7FF), (0xF900, 0xFDCF),
    (0xFDF0, 0xFFFD), (0x10000, 0xEFFFF),
)  # fmt: skip
_NAME_PART: Final = union(_NAME_START, ((0x2D, 0x2E), (0x30, 0x39), (0xB7, 0xB7), (0x300, 0x36F), (0x203F, 0x2040)))
_CONTROLS: Final = {"n": 0x0A, "r": 0x0D, "t": 0x09}
_ESCAPED: Final = frozenset("\\|.-^?*+{}()[]$")
_ESCAPED_TOO: Final = frozenset("/\"' ")
_SPACES: Final = ((0x09, 0x0A), (0x0D, 0x0D), (0x20, 0x20))
_LINE_ENDS: Final = ((0x0A, 0x0A), (0x0D, 0x0D))
_LOOSE_SPACES: Final = ((0x09, 0x0D), (0x1C, 0x20), (0x85, 0x85))
_UNDERSCORE: Final = ((0x5F, 0x5F),)


def compiled(pattern: str, flags: str, text: str, *, lenient: bool = False) -> re.Pattern[str]:
    """The pattern, if it may run on a text of this length. Raises `DomainError`.

    `lenient` is how the patterns of Camunda's models are meant: `\\w` takes `_`, `\\s` all white space, and brackets
    and slashes need no care.
    """
    expression, limit = compiled_up_to(max(top_of(text), top_of(pattern)), pattern, flags, lenient=lenient)
    if len(text) > limit:
        raise DomainError(f"the pattern may run on texts of {limit} characters at most, not {len(text)}", "regex")
    return expression


def compiled_up_to(top: int, pattern: str, flags: str, *, lenient: bool = False) -> tuple[re.Pattern[str], int]:
    """The pattern for texts whose characters are at most `top`, and how long they may be. Raises `DomainError`."""
    expression, repeats, nested = _compile(pattern, flags, top, lenient)
    limit = NESTED_TEXT_MAX if nested else min(TEXT_MAX, int(STEPS_MAX ** (1 / (repeats + 1))) if repeats else TEXT_MAX)
    return expression, limit


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
def _compile(pattern: str, flags: str, top: int, lenient: bool) -> tuple[re.Pattern[str], int, bool]:
    if len(pattern) > PATTERN_MAX:
        raise DomainError(f"the pattern is longer than {PATTERN_MAX} characters", "regex")
    value = 0
    for flag in flags:
        if flag not in _FLAGS:
            raise DomainError(f"there is no flag `{flag}`", "regex")
        value |= _FLAGS[flag]
    translation = _Translation(_stripped(pattern) if "x" in flags else pattern, flags, top, lenient=lenient)
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
        self.atoms: list[Ranges] = []
        """The characters that each may match."""
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
            rest = [atom for index, atom in enumerate(self.atoms) if index != place]
            if place in self.bare and not any(common(self.atoms[place], atom) for atom in rest):
                return True
        return False

    def _told_apart(self) -> bool:
        """Whether each alternative begins with characters of its own."""
        if not all(place in self.bare and place < len(self.atoms) for place in self.starts):
            return False
        firsts = [self.atoms[place] for place in self.starts]
        return sum(map(_size, firsts)) == _size(union(*firsts))


@final
class _Translation:
    """One pass over a pattern: its text for Python, and what it may cost.

    `repeats` is the longest run of unbounded repetitions with nothing certain between them, `nested` tells that
    repetitions are nested ambiguously, or that there are many choices: the time may be exponential.
    """

    __slots__ = ("_at", "_choices", "_flags", "_groups", "_lenient", "_opened", "_pattern", "_ranges", "_run", "_top",
                 "_wild", "nested", "repeats")  # fmt: skip

    def __init__(self, pattern: str, flags: str, top: int, *, lenient: bool) -> None:
        self._pattern = pattern
        self._at = 0
        self._flags = flags
        self._top = top
        self._lenient = lenient
        self._opened = 0
        self._ranges = 0
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
            char = self._taken()
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
                out.append(_ANCHORS[char, "m" in self._flags])
                # An anchor takes no character: repeating it changes nothing.
                match = _QUANTIFIER.match(self._pattern, self._at)
                if match is not None:
                    self._at = match.end()
                    out.append("?" if _bounds(match)[0] == 0 else "")
            else:
                self._atom(char, out)
        return "".join(out)

    def _taken(self) -> str:
        char = self._pattern[self._at : self._at + 1]
        self._at += 1
        return char

    def _atom(self, char: str, out: list[str]) -> None:
        back = self._back_reference() if char == "\\" else None
        if back is not None:
            found: Ranges = ((0, CHAR_MAX),)
            out.append(back)
        else:
            found = self._characters(char)
            out.append(self._written(found))
        self._groups[-1].atoms.append(found)
        self._quantified(_Group(), out, wild=char == ".")

    def _characters(self, char: str) -> Ranges:
        """What an atom matches."""
        if char == "[":
            return self._class()
        if char == ".":
            return others(() if "s" in self._flags else _LINE_ENDS, self._top)
        if char in "]}" and not self._lenient:
            raise DomainError(f"a `{char}` must be escaped", "regex")
        found, is_one = self._escape() if char == "\\" else (_one(ord(char)), True)
        return self._in_any_case(found) if is_one else found

    def _in_any_case(self, found: Ranges) -> Ranges:
        return any_case(found, self._top) if "i" in self._flags else found

    def _written(self, found: Ranges) -> str:
        """A set of characters in Python's syntax. Its case is settled: `i` means nothing to it any more."""
        if len(found) == 1 and found[0][0] == found[0][1]:
            return re.escape(chr(found[0][0]))
        found = common(found, ((0, self._top),))
        self._ranges += len(found)
        if self._ranges > RANGES_MAX:
            raise DomainError("the pattern has too many large classes", "regex")
        body = f"[{''.join(f'{_char(first)}-{_char(last)}' for first, last in found)}]" if found else "(?!)"
        return f"(?-i:{body})" if "i" in self._flags else body

    def _open(self) -> str:
        self._groups.append(_Group())
        if not self._pattern.startswith("?", self._at):
            self._opened += 1
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

    def _back_reference(self) -> str | None:
        """`\\1`, also of two digits if so many groups were opened; a group that matched nothing is the empty text."""
        match = _NUMBER.match(self._pattern, self._at)
        if match is None or match[0].startswith("0"):
            return None
        digits = match[0]
        while len(digits) > 1 and int(digits) > self._opened:
            digits = digits[:-1]
        if int(digits) > self._opened:
            raise DomainError(f"there is no group {digits} before `\\{digits}`", "regex")
        self._at += len(digits)
        return f"(?:(?({digits})\\{digits}))"

    def _escape(self) -> tuple[Ranges, bool]:
        """What an escape matches, and whether it stands for one character. Raises `DomainError`."""
        char = self._taken()
        if char in _CONTROLS:
            return _one(_CONTROLS[char]), True
        if char in _ESCAPED or (self._lenient and char in _ESCAPED_TOO):
            return _one(ord(char)), True
        if char and char in "sSiIcCdDwWpP":
            found = self._named(char.lower())
            return others(found, self._top) if char.isupper() else found, False
        raise DomainError(f"`\\{char}` is no escape", "regex")

    def _named(self, char: str) -> Ranges:
        """The characters of a class with a letter of its own (G.4.2.5), of a category or of a block."""
        top = self._top
        match char:
            case "s":
                return union(_LOOSE_SPACES, category("Z", top)) if self._lenient else _SPACES
            case "i":
                return _NAME_START
            case "c":
                return _NAME_PART
            case "d":
                return category("Nd", top)
            case "w" if self._lenient:
                return union(category("L", top), category("N", top), _UNDERSCORE)
            case "w":
                return others(union(category("P", top), category("Z", top), category("C", top)), top)
            case _:
                return self._category()

    def _category(self) -> Ranges:
        match = _CATEGORY.match(self._pattern, self._at)
        if match is None:
            raise DomainError("a category, such as `\\p{L}`, is expected", "regex")
        self._at = match.end()
        name = match[1]
        if name.startswith("Is"):
            block = BLOCKS.get(name[2:])
            if block is None:
                raise DomainError(f"there is no block `{name}`", "regex")
            return (block,)
        if name not in CATEGORIES:
            raise DomainError(f"there is no category `{name}`", "regex")
        return category(name, self._top)

    def _class(self) -> Ranges:
        """A class in brackets (G.4.2): characters, ranges and escapes, maybe negated, maybe less another class."""
        negated = self._pattern.startswith("^", self._at)
        start = self._at = self._at + negated
        found: list[Ranges] = []
        without: Ranges = ()
        while True:
            if self._at >= len(self._pattern):
                raise DomainError("a `[` is not closed", "regex")
            if self._at > start and self._pattern.startswith("-[", self._at):
                self._at += 2
                without = self._class()
                if not self._pattern.startswith("]", self._at):
                    raise DomainError("a `]` must follow what a class leaves out", "regex")
            if self._at > start and self._pattern.startswith("]", self._at):
                self._at += 1
                break
            found.append(self._part(is_first=self._at == start))
        members = union(*found)
        return common(others(members, self._top) if negated else members, others(without, CHAR_MAX))

    def _part(self, *, is_first: bool) -> Ranges:
        """One character, a range, or an escape of many."""
        char = self._pattern[self._at]
        first, is_one = self._member()
        if not is_one:
            return first
        follows = self._pattern[self._at : self._at + 2]
        is_range = follows.startswith("-") and follows not in {"-]", "-["}
        if char == "-" and not (self._lenient or is_first or follows.startswith(("]", "-["))):
            raise DomainError("a `-` in brackets stands first, last or between two characters", "regex")
        if not is_range or (char == "-" and is_first):
            return self._in_any_case(first)
        self._at += 1
        last, is_one = self._member()
        if not is_one or last[0][0] < first[0][0]:
            raise DomainError("a range in brackets goes from one character up to another", "regex")
        return self._in_any_case(((first[0][0], last[0][0]),))

    def _member(self) -> tuple[Ranges, bool]:
        char = self._taken()
        if char == "\\":
            return self._escape()
        if char in {"[", "]"} and not self._lenient:
            raise DomainError(f"a `{char}` in brackets must be escaped", "regex")
        return (_one(ord(char)), True) if char else self._unclosed()

    def _unclosed(self) -> tuple[Ranges, bool]:
        raise DomainError("a `[` is not closed", "regex")


_ANCHORS: Final = {
    ("^", False): r"(?:\A)",
    ("$", False): r"(?:\Z)",
    # A newline at the very end begins no line.
    ("^", True): r"(?:\A|(?<=\n)(?!\Z))",
    ("$", True): r"(?:(?=\n)|\Z)",
}
"""What begins and ends a text, or with the flag `m` a line (7.6.1.1)."""


def _one(code: int) -> Ranges:
    return ((code, code),)


def _size(ranges: Ranges) -> int:
    return sum(last - first + 1 for first, last in ranges)


def _char(code: int) -> str:
    return f"\\U{code:08x}"
