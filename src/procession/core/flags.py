"""Behaviour flags: numbered changes of the interpreter's behaviour, recorded in each instance at its start.

A flag's number is never reused. Two phases (decision 18): release N can run both behaviours, and its cells and tenants
stay with the old one until each of them is switched (hosts/embedded/switches.py); only a later release may assume the
new one, and has no code of the old one any more. So a rollback to the release before finds nothing that it cannot run.
An instance keeps its flags for ever. How one is added: docs/how-to/upgrade-without-surprises.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias, final

import msgspec

from procession.ir.kinds import Kind
from procession.ir.program import Expression, Node, Program, Ref

Affects: TypeAlias = Callable[[Program], frozenset[Ref]]
"""The nodes of a program that a flag makes behave otherwise; none: its instances do the same with it and without."""


@final
class Flag(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A change of behaviour. `since` is the release that runs both behaviours; `assumed`, "" until then, the one from
    which on the new one is all there is: it refuses instances that were started with the old one, where the flag
    `affects` their program."""

    number: int
    name: str
    old: str
    new: str
    since: str
    affects: Affects
    assumed: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.new}; without it, {self.old}"


KNOWN: Final[dict[int, Flag]] = {}
"""number -> the flag. Empty: the first release has one behaviour."""


# --- which programs a flag affects


def everything(program: Program) -> frozenset[Ref]:
    """The whole process."""
    return frozenset({0})


def kinds(*wanted: Kind) -> Affects:
    """Nodes of some kinds."""
    return nodes(lambda node: node.kind in wanted)


def nodes(wanted: Callable[[Node], bool]) -> Affects:
    """Nodes that look so."""
    return lambda program: frozenset([node.index for node in program.nodes if wanted(node)])


def expressions(wanted: Callable[[Expression], bool]) -> Affects:
    """The nodes that an expression stands at which looks so; of one at a sequence flow, where that begins."""

    def affected(program: Program) -> frozenset[Ref]:
        ids = {each.element for each in program.expressions if wanted(each)}
        at = [node.index for node in program.nodes if node.id in ids]
        return frozenset([*at, *(flow.source for flow in program.flows if flow.id in ids)])

    return affected


# --- what may run, and with what


def unknown(flags: int) -> int:
    """The bits of `flags` that this build does not know: an instance that has any must not be stepped here."""
    return flags & ~bits(KNOWN)


def refusal(flags: int, program: Program) -> str:
    """Why an instance with these flags must not be stepped by this build; "" where it may."""
    foreign = unknown(flags)
    if foreign:
        return f"started by a newer version (behaviour flags {foreign:#x}): upgrade Procession"
    for flag in KNOWN.values():
        if flag.assumed and not flags >> flag.number & 1 and flag.affects(program):
            return (
                f"started without behaviour flag {flag.number} ({flag.name}), and from {flag.assumed} on "
                "there is no other behaviour: let it end with the release before"
            )
    return ""


def in_force(switched: int) -> int:
    """What an instance records that starts now: what is switched on and known here, and all that is assumed. After a
    rollback of the engine, what it does not know is off."""
    return (switched & bits(KNOWN)) | bits(flag.number for flag in KNOWN.values() if flag.assumed)


def bits(numbers: Iterable[int]) -> int:
    """Flags as the bit set that instances and the store record."""
    found = 0
    for number in numbers:
        found |= 1 << number
    return found


def numbers(flags: int) -> list[int]:
    """The numbers of a bit set."""
    return [number for number in range(flags.bit_length()) if flags >> number & 1]
