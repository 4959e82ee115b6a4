"""JSON to plain values, with the place of every value: what people and modelers write and want to be told about.

Stricter than most readers: a key that stands twice, NaN, and a number of thousands of digits are refused. Whole
numbers are `int`, others `Decimal` with the digits as written. What must not live here: what the values mean.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Final, TypeAlias, cast, final

from procession.base.values import DIGITS_MAX, Json

Places: TypeAlias = dict[str, tuple[int, int]]
"""Line and column, both from 1, of each value, by its JSON pointer (RFC 6901)."""

VALUES_MAX: Final = 200_000
"""Most values of one JSON document that is read with its places."""
DEPTH_MAX: Final = 96
"""Deepest nesting of lists and objects of such a document."""
EXPONENT_MAX: Final = 6_144
"""Largest exponent of a number of such a document: what FEEL has."""

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_STRING: Final = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_WORDS: Final[dict[str, Json]] = {"true": True, "false": False, "null": None}
_WORD: Final = re.compile(r"true|false|null")
_LONE: Final = re.compile(r"[\ud800-\udfff]")


@final
class JsonError(ValueError):
    """Why a text is no JSON that is taken; `line` and `column` count from 1, `place` is the pointer so far."""

    def __init__(self, message: str, line: int, column: int, place: str) -> None:
        super().__init__(message)
        self.line = line
        self.column = column
        self.place = place


def read_json(text: str) -> tuple[Json, Places]:
    """The value of a text, with the places of all values in it. Raises `JsonError`."""
    reader = _Reader(text)
    value = reader.value("", 0)
    reader.space()
    if reader.at < len(text):
        raise reader.error("there is more behind the end of the document", "")
    return value, reader.places


def pointer(place: str, step: str | int) -> str:
    """The JSON pointer of an entry of what stands at a place."""
    return f"{place}/{str(step).replace('~', '~0').replace('/', '~1')}"


def write_json(value: Json) -> str:
    """The text of a value, indented by two as modelers write it; numbers keep their digits."""
    return _written(value, "\n") + "\n"


def _written(value: Json, line: str) -> str:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        if not value:
            return "{}"
        inner = line + "  "
        entries = [f"{json.dumps(key, ensure_ascii=False)}: {_written(each, inner)}" for key, each in value.items()]
        return "{" + inner + f",{inner}".join(entries) + line + "}"
    if isinstance(value, list):
        if not value:
            return "[]"
        inner = line + "  "
        return "[" + inner + f",{inner}".join(_written(each, inner) for each in value) + line + "]"
    return json.dumps(value, ensure_ascii=False)


@final
class _Reader:
    """A text and how far it is read."""

    __slots__ = ("_line", "_line_start", "_scanned", "at", "places", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.places: Places = {}
        self._line, self._line_start, self._scanned = 1, 0, 0

    def value(self, place: str, depth: int) -> Json:
        self.space()
        self.places[place] = self._where()
        if len(self.places) > VALUES_MAX:
            raise self.error(f"more than {VALUES_MAX} values", place)
        if depth > DEPTH_MAX:
            raise self.error(f"nested deeper than {DEPTH_MAX}", place)
        first = self.text[self.at : self.at + 1]
        if first == "{":
            return self._object(place, depth)
        if first == "[":
            return self._list(place, depth)
        if first == '"':
            return self._string(place)
        word = _WORD.match(self.text, self.at)
        if word is not None:
            self.at = word.end()
            return _WORDS[word[0]]
        return self._number(place)

    def space(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found is not None else self.at

    def error(self, message: str, place: str) -> JsonError:
        line, column = self._where()
        return JsonError(message, line, column, place)

    def _where(self) -> tuple[int, int]:
        lines = self.text.count("\n", self._scanned, self.at)
        if lines:
            self._line += lines
            self._line_start = self.text.rfind("\n", self._scanned, self.at) + 1
        self._scanned = self.at
        return self._line, self.at - self._line_start + 1

    def _object(self, place: str, depth: int) -> Json:
        found: dict[str, Json] = {}
        self.at += 1
        while not self._ends("}", place, first=not found):
            self.space()
            key = self._string(place, "the name of an entry in quotation marks")
            if key in found:
                raise self.error(f"{key[:80]!r} is given twice", place)
            self.space()
            self._expect(":", place)
            found[key] = self.value(pointer(place, key), depth + 1)
        return found

    def _list(self, place: str, depth: int) -> Json:
        found: list[Json] = []
        self.at += 1
        while not self._ends("]", place, first=not found):
            found.append(self.value(f"{place}/{len(found)}", depth + 1))
        return found

    def _ends(self, bracket: str, place: str, *, first: bool) -> bool:
        self.space()
        if self.text.startswith(bracket, self.at):
            self.at += 1
            return True
        if not first:
            self._expect(",", place, f" or {bracket!r}")
        return False

    def _expect(self, sign: str, place: str, other: str = "") -> None:
        if not self.text.startswith(sign, self.at):
            raise self.error(f"expected {sign!r}{other}", place)
        self.at += 1

    def _string(self, place: str, what: str = "a text in quotation marks that ends") -> str:
        found = _STRING.match(self.text, self.at)
        if found is None:
            raise self.error(f"expected {what}", place)
        token = found[0]
        try:
            value = cast("str", json.loads(token)) if "\\" in token else token[1:-1]
        except ValueError:
            raise self.error("an escape in a text is none that JSON has", place) from None
        if _LONE.search(value):
            raise self.error("a text holds a lone surrogate, which no UTF-8 text can carry", place)
        self.at = found.end()
        return value

    def _number(self, place: str) -> Json:
        found = _NUMBER.match(self.text, self.at)
        if found is None:
            raise self.error("expected a value", place)
        token = found[0]
        mantissa, _, exponent = token.lower().partition("e")
        if len(mantissa) > DIGITS_MAX or len(exponent) > 6 or abs(int(exponent or 0)) > EXPONENT_MAX:
            raise self.error("a number is larger than any that is reckoned with", place)
        try:
            value = int(token) if token.lstrip("-").isdigit() and token != "-0" else Decimal(token)
        except InvalidOperation:
            raise self.error("a number is larger than any that is reckoned with", place) from None
        self.at = found.end()
        return value
