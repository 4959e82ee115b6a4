"""Histories: the facts of an instance as entries for people, and the warnings among them. No store is read here.

A migration changes what the numbers in facts mean: every reader of facts goes over to its
program at `InstanceMigrated`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias, cast, final

import msgspec

from procession.base.values import Json
from procession.core import facts as f
from procession.ir.program import NONE, Expression, Program
from procession.runtime.rows import FactRow

Programs: TypeAlias = Callable[[str], Program]
"""A program by its hash."""


@final
class Entry(msgspec.Struct, frozen=True, gc=False):
    """One fact of an instance's history. `kind` is its tag, `element_id` what it is about: the id of
    an element or a sequence flow, "" for the instance."""

    seq: int
    at: int
    kind: str
    element: int
    element_id: str
    fact: f.AnyFact


@final
class WarningView(msgspec.Struct, frozen=True, gc=False):
    """A warning of an expression that was evaluated for an element: why a part of it became null.

    `attribute` says what the expression is of its element (`input mapping to x`), "" for one inside a decision;
    `start` and `end` count characters of `expression`.
    """

    element: int
    element_id: str
    at: int
    code: str
    message: str
    attribute: str
    expression: str
    start: int
    end: int


def first_hash(facts: Iterable[f.AnyFact]) -> str:
    """The hash of the program that the first of these facts are about; "" where they do not tell: then it is the one
    that the instance runs."""
    for fact in facts:
        if isinstance(fact, f.InstanceStarted):
            return fact.program
        if isinstance(fact, f.InstanceMigrated):
            return fact.source
    return ""


@final
class Known:
    """What the steps of an instance told so far: its program, its element instances by node, what each waits for."""

    __slots__ = ("elements", "program", "waits")

    def __init__(self, program: str) -> None:
        self.program = program
        self.elements: dict[int, int] = {}
        self.waits: dict[int, int] = {}


def entries_of(steps: Iterable[tuple[FactRow, list[f.AnyFact]]], first: str, programs: Programs) -> list[Entry]:
    """Every fact of these steps, with the element that it is about; `first` as of `first_hash`."""
    return entries_after(steps, Known(first), programs)


def entries_after(steps: Iterable[tuple[FactRow, list[f.AnyFact]]], known: Known, programs: Programs) -> list[Entry]:
    """`entries_of`, of steps that follow those which told what is known; it is added to that."""
    program = programs(known.program)
    elements = known.elements
    waits = known.waits
    found: list[Entry] = []
    for row, facts in steps:
        for fact in facts:
            element = _subject(fact, waits)
            if isinstance(fact, _ENTERING):
                elements[element] = fact.node
            elif isinstance(fact, f.InstanceStarted):
                elements[fact.root] = 0
            elif isinstance(fact, f.InstanceMigrated):
                known.program = fact.program
                program = programs(fact.program)
                numbers = dict(fact.nodes)
                # What ended before has no number there, and nothing more is said of it.
                elements = {each: numbers[node] for each, node in elements.items() if node in numbers}
                known.elements = elements
            if isinstance(fact, f.FlowTaken | f.TokenTaken):
                name = program.flows[fact.flow].id
            else:
                node = elements.get(element)
                name = program.nodes[node].id if node is not None else ""
            tag = cast("str", fact.__struct_config__.tag)
            found.append(Entry(row.seq, row.at, tag, element, name, fact))
    return found


def warnings_in(entries: Iterable[Entry], first: str, programs: Programs) -> list[WarningView]:
    """The warnings among the entries of a history, in order; `first` as of `first_hash`."""
    program = programs(first)
    found: list[WarningView] = []
    for entry in entries:
        if isinstance(entry.fact, f.InstanceMigrated):
            program = programs(entry.fact.program)
        elif isinstance(entry.fact, f.Warned):
            found += _warnings(program, entry, entry.fact)
    return found


def _warnings(program: Program, entry: Entry, fact: f.Warned) -> list[WarningView]:
    found: list[WarningView] = []
    for note in fact.notes:
        code, message, start, end, *ref = cast("tuple[str, str, int, int, int]", tuple(cast("list[Json]", note)))
        drawn = program.expressions[ref[0]] if ref and ref[0] != NONE else _INSIDE_A_DECISION
        where = (drawn.attribute, drawn.text, start, end)
        found.append(WarningView(entry.element, entry.element_id, entry.at, code, message, *where))
    return found


_INSIDE_A_DECISION: Final = Expression("")


_WAITS: Final = ("job", "timer", "subscription", "incident")


def _subject(fact: f.AnyFact, waits: dict[int, int]) -> int:
    """The element instance that a fact is about; 0 for the whole instance."""
    element: int = getattr(fact, "element", 0) or getattr(fact, "scope", 0)
    for name in _WAITS:
        key: int = getattr(fact, name, 0)
        if key and element:
            waits[key] = element
        elif key:
            return waits.get(key, 0)
    if not element and isinstance(fact, f.WaitClosed):
        return waits.get(fact.wait, 0)
    return element


_ENTERING: Final = (f.ElementEntered, f.ItemEntered, f.CompensationEntered, f.CompensationOpened, f.ActivationEntered)
"""Facts of an element instance that did not exist before."""
