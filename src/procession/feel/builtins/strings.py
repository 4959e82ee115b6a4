"""String built-ins (DMN 1.5, 10.3.4.3). Positions count characters (code points) from 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from procession.feel.builtins.regex import compiled, replacement
from procession.feel.builtins.table import declare
from procession.feel.errors import DomainError
from procession.feel.numbers import Number, whole
from procession.feel.ops import STRING_MAX
from procession.feel.runtime import Runtime


def substring(text: str, start: Number, length: Number | None = None) -> str | None:
    """`substring`: from a place, or from the end if it is negative; a length that is null is an error."""
    place = _cut(start)
    if place == 0 or abs(place) > len(text):
        raise DomainError("there is no character at this place")
    offset = place - 1 if place > 0 else len(text) + place
    if length is None:
        return text[offset:]
    count = _cut(length)
    if count < 1:
        raise DomainError("the length must be at least 1")
    return text[offset : offset + count]


def substring_before(text: str, match: str) -> str:
    """What comes before the first match; "" if there is none."""
    before, found, _ = text.partition(match) if match else ("", "", text)
    return before if found else ""


def substring_after(text: str, match: str) -> str:
    """What comes after the first match; "" if there is none."""
    return text.partition(match)[2] if match else text


def contains(text: str, match: str) -> bool:
    """`contains`."""
    return match in text


def replace(rt: Runtime, text: str, pattern: str, new: str, flags: str | None = None, *, lenient: bool = False) -> str:
    """`replace`: every match of a regular expression."""
    expression = compiled(pattern, flags or "", text, lenient=lenient)
    rt.charge(1 + (len(text) >> 4))
    if expression.match("") is not None:
        raise DomainError("the pattern matches the empty string")
    result = expression.sub(replacement(new, expression.groups), text)
    return _sized(rt, result)


def matches(rt: Runtime, text: str, pattern: str, flags: str | None = None, *, lenient: bool = False) -> bool:
    """`matches`: whether a regular expression matches a part of the text."""
    rt.charge(1 + (len(text) >> 4))
    return compiled(pattern, flags or "", text, lenient=lenient).search(text) is not None


def split(rt: Runtime, text: str, delimiter: str, *, lenient: bool = False) -> list[str]:
    """`split` at each match of a regular expression."""
    expression = compiled(delimiter, "", text, lenient=lenient)
    rt.charge(1 + len(text))
    parts: list[str] = []
    last = 0
    for match in expression.finditer(text):
        if match.end() > match.start():
            parts.append(text[last : match.start()])
            last = match.end()
    return [*parts, text[last:]]


def string_join(rt: Runtime, items: Sequence[object], delimiter: str | None = None, *affixes: str | None) -> str:
    """`string join`: the strings of a list, nulls left out, with a delimiter between them."""
    texts: list[str] = []
    for item in items:
        if isinstance(item, str):
            texts.append(item)
        elif item is not None:
            raise DomainError("every item must be a string", "type")
    joined = (delimiter or "").join(texts)
    # Camunda's dialect has a prefix and a suffix as well.
    prefix, suffix = (*affixes, None, None)[:2]
    return _sized(rt, (prefix or "") + joined + (suffix or ""))


def extract(rt: Runtime, text: str, pattern: str) -> list[str]:
    """`extract`: every match of a regular expression."""
    rt.charge(1 + len(text))
    return [match[0] for match in compiled(pattern, "", text, lenient=True).finditer(text)]


def _cut(number: Number) -> int:
    value = whole(number)
    return int(number) if value is None else value


def _sized(rt: Runtime, text: str) -> str:
    rt.charge(1 + (len(text) >> 6))
    if len(text) > STRING_MAX:
        raise DomainError(f"the result is longer than {STRING_MAX} characters", "size")
    return text


STRINGS: Final = declare({
    "substring": [("string: string, start position: number, length?: number", substring)],
    "string length": [("string: string", len)],
    "upper case": [("string: string", str.upper)],
    "lower case": [("string: string", str.lower)],
    "substring before": [("string: string, match: string", substring_before)],
    "substring after": [("string: string, match: string", substring_after)],
    "replace": [("input: string, pattern: string, replacement: string, flags?: string|null", replace)],
    "contains": [("string: string, match: string", contains)],
    "starts with": [("string: string, match: string", str.startswith)],
    "ends with": [("string: string, match: string", str.endswith)],
    "matches": [("input: string, pattern: string, flags?: string|null", matches)],
    "split": [("string: string, delimiter: string", split)],
    "string join": [("list: list, delimiter?: string|null", string_join)],
}, frozenset({"replace", "matches", "split", "string join"}))  # fmt: skip
