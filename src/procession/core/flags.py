"""Behaviour flags: numbered changes of the interpreter's behaviour, recorded in each instance at its start.

A flag's number is never reused. Two phases (decision 18): release N can run both behaviours, and its cells stay
with the old one until each of them is switched (`Engine.switch`, a row of the store); only a later release may assume
the new one. So a rollback to the release before finds nothing that it cannot run. An instance keeps its flags for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

KNOWN: Final[dict[int, str]] = {}
"""number -> one line on the old and the new behaviour. Empty: the first release has one behaviour."""


def unknown(flags: int) -> int:
    """The bits of `flags` that this build does not know: an instance that has any must not be stepped here."""
    return flags & ~bits(KNOWN)


def bits(numbers: Iterable[int]) -> int:
    """Flags as the bit set that instances and the store record."""
    found = 0
    for number in numbers:
        found |= 1 << number
    return found
