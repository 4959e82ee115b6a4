"""Sets of characters for regular expressions: the categories of Unicode, what differs in case only, set arithmetic.

A set is a sorted tuple of ranges of code points that do not touch. `top` is the last character that matters: what no
text of the moment holds is left out, because all of Unicode takes Python milliseconds to look at, and `re` to compile.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, TypeAlias

Ranges: TypeAlias = tuple[tuple[int, int], ...]

CHAR_MAX: Final = 0x10FFFF
TOPS: Final = (0x7F, 0x24F, 0x7FF, 0x3FFF, 0xFFFF, CHAR_MAX)
"""ASCII, Latin, the alphabets of two bytes in UTF-8, …: few, so that what is made for one text serves others."""
CATEGORIES: Final = frozenset(
    "L Lu Ll Lt Lm Lo M Mn Mc Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po Z Zs Zl Zp S Sm Sc Sk So C Cc Cf Co Cn".split()
)
"""What `\\p{…}` may name (XML Schema 1.1 part 2, G.4.2.2). Surrogates, `Cs`, are no characters."""
_CASED_MAX: Final = 0x1FFFF
_ASSIGNED: Final = ((0, 0x3FFFF), (0xE0000, 0xE0FFF))
"""Outside of these planes Unicode has assigned nothing, but for private use."""
_PRIVATE: Final = ((0xF0000, 0xFFFFD), (0x100000, 0x10FFFD))


def top_of(text: str) -> int:
    """The least of `TOPS` that a text does not exceed."""
    highest = 0 if text.isascii() else ord(max(text))
    return next(top for top in TOPS if highest <= top)


def union(*sets: Ranges) -> Ranges:
    """All characters of the sets."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(pair for each in sets for pair in each):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return tuple(found)


def others(ranges: Ranges, top: int = CHAR_MAX) -> Ranges:
    """The characters that are not in a set."""
    found: list[tuple[int, int]] = []
    start = 0
    for first, last in ranges:
        if first > start:
            found.append((start, first - 1))
        start = last + 1
    if start <= top:
        found.append((start, max(top, start)))
    return tuple(found)


def common(one: Ranges, other: Ranges) -> Ranges:
    """The characters that are in both sets."""
    found: list[tuple[int, int]] = []
    left, right = 0, 0
    while left < len(one) and right < len(other):
        first, last = max(one[left][0], other[right][0]), min(one[left][1], other[right][1])
        if first <= last:
            found.append((first, last))
        if one[left][1] < other[right][1]:
            left += 1
        else:
            right += 1
    return tuple(found)


def category(name: str, top: int = CHAR_MAX) -> Ranges:
    """The characters of a category of Unicode, such as `L` or `Lu`."""
    return union(*(ranges for kind, ranges in _by_category(top).items() if kind.startswith(name)))


def any_case(ranges: Ranges, top: int = CHAR_MAX) -> Ranges:
    """A set with the characters that differ from its own in case only (XPath functions, 7.6.1.1)."""
    variants = _variants(top)
    inside = common(ranges, tuple((code, code) for code in sorted(variants)))
    return union(ranges, *(variants[code] for first, last in inside for code in range(first, last + 1)))


@lru_cache(maxsize=len(TOPS))
def _by_category(top: int) -> dict[str, Ranges]:
    found: dict[str, list[tuple[int, int]]] = {"Co": [], "Cn": []}
    for start, end in _ASSIGNED:
        first, before = start, ""
        for code in range(start, min(end, top) + 1):
            kind = unicodedata.category(chr(code))
            if kind != before:
                if before:
                    found.setdefault(before, []).append((first, code - 1))
                first, before = code, kind
        if before:
            found.setdefault(before, []).append((first, min(end, top)))
    if top > _ASSIGNED[-1][1]:
        found["Co"].extend(_PRIVATE)
        found["Cn"].extend(common(others(_PRIVATE), ((0x40000, 0xDFFFF), (0xE1000, CHAR_MAX))))
    return {kind: union(tuple(pairs)) for kind, pairs in found.items()}


@lru_cache(maxsize=len(TOPS))
def _variants(top: int) -> dict[int, Ranges]:
    """The characters that have others of another case: two are the same if their upper or lower forms are."""
    cased = [chr(code) for code in range(min(_CASED_MAX, top) + 1) if _is_cased(chr(code))]
    lower = _grouped((char.lower(), ord(char)) for char in cased)
    upper = _grouped((char.upper(), ord(char)) for char in cased)
    return {
        ord(char): union(tuple((code, code) for code in {*lower[char.lower()], *upper[char.upper()]})) for char in cased
    }


def _is_cased(char: str) -> bool:
    return char.lower() != char or char.upper() != char


def _grouped(pairs: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for form, code in pairs:
        found.setdefault(form, []).append(code)
    return found
