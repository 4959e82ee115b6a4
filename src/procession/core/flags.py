"""Behaviour flags: numbered changes of the interpreter's behaviour, recorded in each instance at its start.

A flag's number is never reused. Two phases (DESIGN 4a.18): release N can run both behaviours and records what the
cell's switch says; only a later release may assume the new one. An instance keeps its flags for ever.
"""

from __future__ import annotations

from typing import Final

KNOWN: Final[dict[int, str]] = {}
"""number -> one line on the old and the new behaviour. Empty: the first release has one behaviour."""

CURRENT: Final = 0
"""The flags, as a bit set, that newly started instances record."""


def unknown(flags: int) -> int:
    """The bits of `flags` that this build does not know: an instance that has any must not be stepped here."""
    known = 0
    for number in KNOWN:
        known |= 1 << number
    return flags & ~known
