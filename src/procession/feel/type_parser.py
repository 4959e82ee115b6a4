"""Type expressions (DMN 1.5, grammar rule 56): `list<number>`, `context<a: string>`, `function<number> -> string`."""

from __future__ import annotations

import re
from typing import Final

from procession.feel.errors import FeelSyntaxError
from procession.feel.lexer import WORD, Names, canonical
from procession.feel.nodes import TypeRef

_PHRASES: Final = re.compile(
    r"(date\s+and\s+time|years\s+and\s+months\s+duration|days\s+and\s+time\s+duration|year\s+month\s+duration"
    r"|day\s+time\s+duration)\b"
)
_ALIASES: Final = {
    "year month duration": "years and months duration",
    "day time duration": "days and time duration",
    "dateTime": "date and time",
    "yearMonthDuration": "years and months duration",
    "dayTimeDuration": "days and time duration",
}
_DEPTH_MAX: Final = 50


def parse_type(text: str, position: int, names: Names, depth: int = 0) -> tuple[TypeRef, int]:
    """The type at a position and where it ends; `names` are irregular names of types. Raises `FeelSyntaxError`."""
    position = _space(text, position)
    if depth > _DEPTH_MAX:
        raise FeelSyntaxError("the type is nested too deeply", text, position, "give the inner type a name of its own")
    known = names.match(text, position)
    if known is not None:
        return TypeRef(known[0]), known[1]
    phrase = _PHRASES.match(text, position)
    if phrase:
        name = canonical(phrase[0])
        return TypeRef(_ALIASES.get(name, name)), phrase.end()
    name, end = _dotted(text, position)
    if name in {"list", "range"}:
        arguments, end = _arguments(text, end, names, depth)
        return TypeRef(name, arguments), end
    if name == "context":
        fields, end = _fields(text, end, names, depth)
        return TypeRef(name, fields=fields), end
    if name == "function":
        return _function(text, end, names, depth)
    return TypeRef(_ALIASES.get(name, name)), end


def _function(text: str, position: int, names: Names, depth: int) -> tuple[TypeRef, int]:
    arguments, end = _arguments(text, position, names, depth)
    arrow = _space(text, end)
    if not text.startswith("->", arrow):
        return TypeRef("function", arguments), end
    result, end = parse_type(text, arrow + 2, names, depth + 1)
    return TypeRef("function", arguments, result=result), end


def _arguments(text: str, position: int, names: Names, depth: int) -> tuple[tuple[TypeRef, ...], int]:
    position, end = _space(text, position), position
    if text[position : position + 1] != "<":
        return (), end
    position = _space(text, position + 1)
    found: list[TypeRef] = []
    while text[position : position + 1] != ">":
        if found:
            position = _expect(text, position, ",")
        argument, position = parse_type(text, position, names, depth + 1)
        found.append(argument)
        position = _space(text, position)
    return tuple(found), position + 1


def _fields(text: str, position: int, names: Names, depth: int) -> tuple[tuple[tuple[str, TypeRef], ...], int]:
    position, end = _space(text, position), position
    if text[position : position + 1] != "<":
        return (), end
    position = _space(text, position + 1)
    found: list[tuple[str, TypeRef]] = []
    while text[position : position + 1] != ">":
        if found:
            position = _space(text, _expect(text, position, ","))
        colon = text.find(":", position)
        if colon < 0:
            raise FeelSyntaxError(
                "expected `name: type`", text, position, "as in context<a: number>", expected=("<name>",)
            )
        name = canonical(text[position:colon])
        field, position = parse_type(text, colon + 1, names, depth + 1)
        found.append((name, field))
        position = _space(text, position)
    return tuple(found), position + 1


def _dotted(text: str, position: int) -> tuple[str, int]:
    word = WORD.match(text, position)
    if word is None:
        raise FeelSyntaxError("a type is missing", text, position, "such as number, string, list<number>",
                              expected=("<type>",))  # fmt: skip
    name, end = word[0], word.end()
    while text[end : end + 1] == ".":
        word = WORD.match(text, end + 1)
        if word is None:
            break
        name, end = f"{name}.{word[0]}", word.end()
    return name, end


def _expect(text: str, position: int, symbol: str) -> int:
    if text[position : position + 1] != symbol:
        raise FeelSyntaxError(
            f"expected `{symbol}` in a type", text, position, f"write `{symbol}` or close the type with `>`",
            expected=(symbol, ">"),
        )  # fmt: skip
    return position + 1


def _space(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position
