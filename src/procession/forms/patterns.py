"""Patterns of forms: regular expressions of JavaScript (flag `u`), matched in time that grows with the text alone.

Python's `re` goes back and forth, so `^(a+)+$` takes it for ever on a text that does not match, and it has no limit of
time. Here all ways are gone at once (Thompson's construction), and the steps are counted. What has no such automaton,
a reference back and looking behind, is refused when the form is read.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Final, TypeAlias, final

PATTERN_MAX: Final = 1_000
"""Longest pattern, in characters."""
STATES_MAX: Final = 5_000
"""Most states of a pattern; counted repetitions multiply them."""
STEPS_MAX: Final = 1_000_000
"""Most steps of one match; what needs more counts as no match."""
NESTING_MAX: Final = 40
"""Deepest nesting of groups."""

_Ranges: TypeAlias = tuple[tuple[int, int], ...]
_Test: TypeAlias = Callable[[str], bool]
_UNICODE_MAX: Final = 0x10FFFF
_DIGITS: Final[_Ranges] = ((48, 57),)
_WORD: Final[_Ranges] = ((48, 57), (65, 90), (95, 95), (97, 122))
_SPACES: Final[_Ranges] = (
    (9, 13), (32, 32), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029),
    (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF),
)  # fmt: skip
_SETS: Final[dict[str, _Ranges]] = {"d": _DIGITS, "w": _WORD, "s": _SPACES}
_LINE_ENDS: Final = frozenset("\n\r\u2028\u2029")
_CONTROLS: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "0": "\0"}
_CATEGORIES: Final = frozenset("L Lu Ll Lt Lm Lo M Mn N Nd Nl No P S Z Zs Alphabetic".split())


@final
class PatternError(ValueError):
    """A text that is no pattern, or one that is not matched here; the message says why, and where from 1."""


@final
class Pattern:
    """A compiled pattern. `matches` tells whether it is found anywhere in a text, as `test` does in JavaScript."""

    __slots__ = ("_program", "text")

    def __init__(self, text: str, program: _Program) -> None:
        self.text = text
        self._program = program

    def matches(self, value: str) -> bool:
        """Whether the pattern is found in the text; False where that takes more than `STEPS_MAX` steps."""
        try:
            return _Run(value).search(self._program)
        except _TooLong:
            return False


@lru_cache(maxsize=1024)
def compile_pattern(text: str) -> Pattern:
    """The pattern of a text. Raises `PatternError`."""
    if len(text) > PATTERN_MAX:
        raise PatternError(f"it has {len(text)} characters; the limit is {PATTERN_MAX}")
    return Pattern(text, _Parser(text).program())


@final
class _TooLong(Exception):
    """The steps are spent."""


@final
class _Op:
    """One state. `kind` is char, split, jump, look, assert or match; `a` and `b` are where it goes on."""

    __slots__ = ("a", "b", "inner", "kind", "negative", "test", "word")

    def __init__(self, kind: str, a: int = 0, b: int = 0, *, test: _Test | None = None, word: str = "") -> None:
        self.kind = kind
        self.a = a
        self.b = b
        self.test = test
        self.word = word
        self.inner: _Program = []
        self.negative = False


_Program: TypeAlias = "list[_Op]"


@final
class _Parser:
    """Recursive descent. Each method gives a fragment: states whose targets count from the fragment's own start."""

    __slots__ = ("_at", "_depth", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def program(self) -> _Program:
        program = self._alternatives()
        if self._at < len(self._text):
            raise self._error("a bracket closes that was not opened")
        return [*program, _Op("match")]

    def _alternatives(self) -> _Program:
        self._depth += 1
        if self._depth > NESTING_MAX:
            raise self._error(f"groups are nested deeper than {NESTING_MAX}")
        program = self._sequence()
        while self._take("|"):
            other = self._sequence()
            first = _moved(program, 1)
            second = _moved(other, len(first) + 2)
            end = len(first) + 2 + len(second)
            program = self._sized([_Op("split", 1, len(first) + 2), *first, _Op("jump", end), *second])
        self._depth -= 1
        return program

    def _sequence(self) -> _Program:
        program: _Program = []
        while self._at < len(self._text) and self._peek() not in "|)":
            atom, repeatable = self._atom()
            part = self._repeated(atom, repeatable)
            program = self._sized([*program, *_moved(part, len(program))])
        return program

    def _repeated(self, atom: _Program, repeatable: bool) -> _Program:
        sign = self._peek()
        low, high = {"*": (0, -1), "+": (1, -1), "?": (0, 1)}.get(sign, (1, 1))
        if sign and sign in "*+?":
            self._at += 1
        elif sign == "{":
            low, high = self._counts()
        else:
            return atom
        if not repeatable:
            raise self._error("there is nothing to repeat")
        self._take("?")
        if self._peek() and self._peek() in "*+?{":
            raise self._error("a repetition is repeated")
        return self._copies(atom, low, high)

    def _copies(self, atom: _Program, low: int, high: int) -> _Program:
        if max(low, high) * max(1, len(atom)) > STATES_MAX:
            raise self._error("its repetitions are too many")
        program: _Program = []
        for _ in range(low):
            program += _moved(atom, len(program))
        if high < 0:
            start = len(program)
            loop = _moved(atom, start + 1)
            program += [_Op("split", start + 1, start + len(loop) + 2), *loop, _Op("jump", start)]
            return self._sized(program)
        end = len(program) + (high - low) * (len(atom) + 1)
        for _ in range(high - low):
            start = len(program)
            program += [_Op("split", start + 1, end), *_moved(atom, start + 1)]
        return self._sized(program)

    def _counts(self) -> tuple[int, int]:
        end = self._text.find("}", self._at)
        low, comma, high = self._text[self._at + 1 : max(end, 0)].partition(",")
        if end < 0 or not low.isdecimal() or not low.isascii() or (high and not (high.isdecimal() and high.isascii())):
            raise self._error("a brace opens no repetition such as {2,5}; write \\{ for the sign itself")
        if len(low) > 5 or len(high) > 5 or (high and int(high) < int(low)):
            raise self._error("a repetition has limits that nothing keeps, or too large ones")
        self._at = end + 1
        return int(low), int(high) if high else -1 if comma else int(low)

    def _atom(self) -> tuple[_Program, bool]:
        sign = self._text[self._at]
        self._at += 1
        if sign == "(":
            return self._group()
        if sign == "[":
            return [_Op("char", 1, test=self._class())], True
        if sign == ".":
            return [_Op("char", 1, test=lambda char: char not in _LINE_ENDS)], True
        if sign in "^$":
            return [_Op("assert", 1, word=sign)], False
        if sign == "\\":
            return self._escape()
        if sign in "*+?{":
            raise self._error("there is nothing to repeat")
        return [_Op("char", 1, test=_among(((ord(sign), ord(sign)),)))], True

    def _group(self) -> tuple[_Program, bool]:
        look = ""
        if self._take("?"):
            if self._take("<"):
                if self._peek() in {"=", "!"}:
                    raise self._error("it looks behind, which is not matched in bounded time; look ahead instead")
                end = self._text.find(">", self._at)
                if end < 0:
                    raise self._error("the name of a group does not end")
                self._at = end + 1
            elif self._take("=") or self._take("!"):
                look = self._text[self._at - 1]
            elif not self._take(":"):
                raise self._error("a group begins in a way that is not known")
        inner = self._alternatives()
        if not self._take(")"):
            raise self._error("a group is not closed")
        if not look:
            return inner, True
        op = _Op("look", 1)
        op.inner = [*inner, _Op("match")]
        op.negative = look == "!"
        return [op], False

    def _escape(self) -> tuple[_Program, bool]:
        sign = self._peek()
        if sign in {"b", "B"}:
            self._at += 1
            return [_Op("assert", 1, word=sign)], False
        if sign == "k" or (sign.isdecimal() and sign != "0"):
            raise self._error("it refers back to a group, which is not matched in bounded time")
        return [_Op("char", 1, test=self._escaped())], True

    def _escaped(self) -> _Test:
        """What stands behind a backslash, outside or inside of brackets."""
        sign = self._peek()
        if not sign:
            raise self._error("it ends with a backslash")
        self._at += 1
        if sign.lower() in _SETS:
            return _among(_SETS[sign.lower()], negative=sign.isupper())
        if sign in {"p", "P"}:
            return self._property(negative=sign == "P")
        code = ord(self._character(sign))
        return _among(((code, code),))

    def _character(self, sign: str) -> str:
        """The one character of an escape whose letter is read."""
        if sign in _CONTROLS:
            return _CONTROLS[sign]
        if sign == "x":
            return self._hex(2)
        if sign == "u":
            if self._take("{"):
                end = self._text.find("}", self._at)
                char = self._hex(max(0, end - self._at))
                self._at += 1
                return char
            return self._hex(4)
        if sign == "c" or (sign.isalnum() and sign.isascii()):
            raise self._error(f"\\{sign} is no escape")
        return sign

    def _hex(self, digits: int) -> str:
        text = self._text[self._at : self._at + digits]
        try:
            code = int(text, 16) if len(text) == digits and text.isalnum() and text.isascii() and digits < 7 else -1
        except ValueError:
            code = -1
        if not 0 <= code <= _UNICODE_MAX:
            raise self._error("an escape names no character")
        self._at += digits
        return chr(code)

    def _property(self, *, negative: bool) -> _Test:
        end = self._text.find("}", self._at)
        if not self._take("{") or end < 0:
            raise self._error("\\p needs a property in braces, such as \\p{L}")
        name = self._text[self._at : end]
        name = {"Letter": "L", "Number": "N", "Alphabetic": "L"}.get(name, name)
        if name not in _CATEGORIES:
            raise self._error(
                f"\\p{{{name[:40]}}} is none of the properties that are known: {', '.join(sorted(_CATEGORIES))}"
            )
        self._at = end + 1
        return lambda char: unicodedata.category(char).startswith(name) is not negative

    def _class(self) -> _Test:
        negative = self._take("^")
        tests: list[_Test] = []
        ranges: list[tuple[int, int]] = []
        while not self._take("]"):
            low = self._member(tests)
            if self._peek() == "-" and self._text[self._at + 1 : self._at + 2] not in {"]", ""}:
                self._at += 1
                high = self._member(tests)
                if low is None or high is None or high < low:
                    raise self._error("a range in brackets has no order")
                ranges.append((low, high))
            elif low is not None:
                ranges.append((low, low))
        within = _among(tuple(ranges))
        return lambda char: (within(char) or any(test(char) for test in tests)) is not negative

    def _member(self, tests: list[_Test]) -> int | None:
        """One member of a class: its code, or None for a set, which goes to the tests."""
        if self._at >= len(self._text):
            raise self._error("a bracket is not closed")
        sign = self._text[self._at]
        self._at += 1
        if sign != "\\":
            return ord(sign)
        after = self._peek()
        if after == "b":
            self._at += 1
            return 8
        if after and (after.lower() in _SETS or after in "pP"):
            tests.append(self._escaped())
            return None
        if not after:
            raise self._error("a bracket is not closed")
        self._at += 1
        return ord(self._character(after))

    def _sized(self, program: _Program) -> _Program:
        if len(program) > STATES_MAX:
            raise self._error("its repetitions are too many")
        return program

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self, sign: str) -> bool:
        if self._text.startswith(sign, self._at):
            self._at += len(sign)
            return True
        return False

    def _error(self, message: str) -> PatternError:
        return PatternError(f"{message} (character {self._at})")


def _among(ranges: _Ranges, *, negative: bool = False) -> _Test:
    return lambda char: any(low <= ord(char) <= high for low, high in ranges) is not negative


def _moved(program: _Program, by: int) -> _Program:
    """A copy of a fragment that stands so much further behind."""
    moved: _Program = []
    for op in program:
        copy = _Op(op.kind, op.a + by, op.b + by, test=op.test, word=op.word)
        copy.inner, copy.negative = op.inner, op.negative
        moved.append(copy)
    return moved


@final
class _Run:
    """One match: all states that are possible at a place, and the steps that are left."""

    __slots__ = ("_left", "_looks", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._left = STEPS_MAX
        self._looks: dict[tuple[int, int], bool] = {}

    def search(self, program: _Program, start: int = 0, *, anchored: bool = False) -> bool:
        states: list[int] = []
        for at in range(start, len(self._text) + 1):
            if not anchored or at == start:
                states.append(0)
            if not states:
                return False
            waiting = self._reached(program, states, at)
            if waiting is None:
                return True
            if at == len(self._text):
                return False
            char = self._text[at]
            states = [op.a for op in waiting if op.test is not None and op.test(char)]
        return False

    def _reached(self, program: _Program, states: list[int], at: int) -> list[_Op] | None:
        """The states that wait for a character; None when the end of the pattern is reached."""
        seen: set[int] = set()
        waiting: list[_Op] = []
        stack = states
        while stack:
            number = stack.pop()
            if number in seen:
                continue
            seen.add(number)
            self._left -= 1
            if self._left < 0:
                raise _TooLong
            op = program[number]
            if op.kind == "match":
                return None
            if op.kind == "char":
                waiting.append(op)
            elif op.kind == "split":
                stack += (op.b, op.a)
            elif op.kind == "jump" or self._holds(op, at):
                stack.append(op.a)
        return waiting

    def _holds(self, op: _Op, at: int) -> bool:
        if op.kind == "look":
            known = self._looks.get((id(op), at))
            if known is None:
                known = self._looks[(id(op), at)] = self.search(op.inner, at, anchored=True)
            return known is not op.negative
        if op.word == "^":
            return at == 0
        if op.word == "$":
            return at == len(self._text)
        return (self._is_word(at - 1) is not self._is_word(at)) is (op.word == "b")

    def _is_word(self, at: int) -> bool:
        return 0 <= at < len(self._text) and any(low <= ord(self._text[at]) <= high for low, high in _WORD)
