"""Static analysis of decision tables (DMN 1.5, 8.2.8 and 8.2.10): gaps, overlaps, idle rules, wrong entries.

Each finding has a witness: inputs for which it holds, found by asking the entries themselves. Entries that are not made
of constants are taken to match anything where a gap is looked for and nothing where an overlap is, so that what is
reported is true; inputs are taken to be independent of each other. Nothing here is an error: the table runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, cast, final

import msgspec

from procession.base.diagnostics import Diagnostic, Severity, Span
from procession.dmn.compilation import RULES
from procession.dmn.compiler import dialect_of, id_of
from procession.dmn.hit_policies import Column, place_of
from procession.dmn.regions import Box, Space, TooMuch
from procession.dmn.segments import Entry, constant_of, entry_of, witnesses
from procession.dmn.value_types import ValueTypes
from procession.feel import Dialect, string
from procession.feel.ops import same_item
from procession.feel.values import is_list, kind_of
from procession.model.dmn import Decisions, DecisionTable, Rule

SHOWN_MAX: Final = 5
"""Findings of one kind of one table that are listed; the others are counted."""
TESTS_MAX: Final = 3_000_000
"""Entries times segments of one column; a larger table is not cut."""


def check_tables(document: Decisions) -> list[Diagnostic]:
    """What is wrong with the decision tables of a document, in the order of the document. All are warnings or infos."""
    types = ValueTypes(document, dialect_of(document))
    found: list[Diagnostic] = []
    drawn: list[tuple[str, object]] = [(id_of(each), each.logic) for each in document.decisions]
    drawn += [(id_of(each), each.function) for each in document.knowledge_models]
    for owner, logic in drawn:
        for table in _tables(logic):
            found += _Analysis(table, owner, types).findings()
    return sorted(found, key=lambda each: (each.span.line, each.span.column))


def _tables(logic: object) -> Iterator[DecisionTable]:
    """The tables in a boxed expression, however deep."""
    waiting: list[object] = [logic]
    while waiting:
        each = waiting.pop()
        if isinstance(each, DecisionTable):
            yield each
        elif isinstance(each, tuple):
            waiting.extend(cast("tuple[object, ...]", each))
        elif isinstance(each, msgspec.Struct) and not isinstance(each, Span):
            waiting.extend(getattr(each, name) for name in each.__struct_fields__)


@final
class _Input(msgspec.Struct, frozen=True):
    """An input: its expression, the columns that have it, its segments' witnesses, those that are allowed."""

    text: str
    columns: tuple[int, ...]
    segments: tuple[object, ...]
    allowed: int


@final
class _Analysis:
    """One table. `_over` are the boxes of the rules where entries that are no constants match all, `_under` nothing."""

    __slots__ = ("_dialect", "_entries", "_found", "_inputs", "_over", "_owner", "_table", "_types", "_under")

    def __init__(self, table: DecisionTable, owner: str, types: ValueTypes) -> None:
        self._table = table
        self._owner = owner
        self._types = types
        self._dialect: Dialect = types.dialect
        self._found: list[Diagnostic] = []
        count = len(table.inputs)
        self._entries = [[entry_of(cell.text, self._dialect) for cell in rule.inputs[:count]] for rule in table.rules]
        self._inputs: list[_Input] = []
        self._over: list[Box] = []
        self._under: list[Box] = []

    def findings(self) -> list[Diagnostic]:
        """Everything that there is to say of the table."""
        if any(len(entries) != len(self._table.inputs) for entries in self._entries):
            return []
        self._check_entries()
        self._check_outputs()
        self._check_unused()
        try:
            self._cut()
            self._compare()
        except TooMuch:
            text = "the table is too large to be checked wholly: gaps and overlaps may remain"
            self._report("dmn-analysis", self._table.span, text, "split the table", "info")
        return self._found

    # --- entries by themselves

    def _check_entries(self) -> None:
        for column, clause in enumerate(self._table.inputs):
            kind, allowed = self._types.of_input(clause)
            label = clause.label or clause.expression.text.strip()
            for rule, entries in zip(self._table.rules, self._entries, strict=True):
                constants = entries[column].constants
                span = rule.inputs[column].span
                for value in constants.values if constants is not None else ():
                    if kind and value is not None and kind_of(value) not in {kind, "list"}:
                        text = f"{string(value, quoted=True)[:60]} is no {kind}, which `{label}` is: it never matches"
                        self._report("dmn-cell", span, text, _of_type(kind), of=rule)
                for value in constants.equals if constants is not None else ():
                    if value is not None and kind_of(value) == kind and not all(test(value) for test in allowed):
                        text = f"{string(value, quoted=True)[:60]} is none of the values of `{label}`"
                        self._report("dmn-cell", span, text, "correct it, or allow the value", of=rule)

    def _check_outputs(self) -> None:
        for column, clause in enumerate(self._table.outputs):
            kind, allowed = self._types.of_output(clause)
            for rule in self._table.rules:
                if column >= len(rule.outputs) or rule.outputs[column].text.strip() in {"", "-"}:
                    continue
                is_constant, value = constant_of(rule.outputs[column].text, self._dialect)
                if not is_constant or value is None:
                    continue
                label, shown = clause.name or clause.label or "the output", string(value, quoted=True)[:60]
                if kind and kind_of(value) != kind:
                    text = f"{shown} is no {kind}, which `{label}` is"
                    self._report("dmn-cell", rule.outputs[column].span, text, _of_type(kind), of=rule)
                elif not all(test(value) for test in allowed):
                    text = f"{shown} is none of the values of `{label}`"
                    self._report("dmn-cell", rule.outputs[column].span, text, "correct it, or list the value", of=rule)

    def _check_unused(self) -> None:
        for column, clause in enumerate(self._table.inputs):
            if self._entries and all(entries[column].text.strip() in {"", "-"} for entries in self._entries):
                text = f"no rule looks at the input `{clause.label or clause.expression.text.strip()}`"
                self._report("dmn-unused", clause.span, text, "remove the input, or use it", "info")

    # --- rules against each other

    def _cut(self) -> None:
        """Cuts the inputs into segments and the rules into boxes. Columns of one expression are one input."""
        columns: dict[str, list[int]] = {}
        for column, clause in enumerate(self._table.inputs):
            columns.setdefault(" ".join(clause.expression.text.split()), []).append(column)
        parts: list[tuple[list[int], list[int]]] = []
        for text, same in columns.items():
            self._inputs.append(self._input(text, same))
            parts.append(self._masks(self._inputs[-1]))
        self._over = [tuple(part[0][i] for part in parts) for i in range(len(self._entries))]
        self._under = [tuple(part[1][i] for part in parts) for i in range(len(self._entries))]
        opaque = sum(over != under for over, under in zip(self._over, self._under, strict=True))
        if opaque:
            text = f"{opaque} of {len(self._entries)} rules have entries that are no constants: what they leave out or"
            text += " overlap is not seen"
            self._report(
                "dmn-analysis", self._table.span, text, "compute the value in an input, and compare it", "info"
            )

    def _input(self, text: str, columns: Sequence[int]) -> _Input:
        clauses = [self._table.inputs[column] for column in columns]
        known = [each.constants for entries in self._entries for c in columns if (each := entries[c]).constants]
        kind = next((kind for clause in clauses if (kind := self._types.of_input(clause)[0])), "")
        values = [value for constants in known for value in constants.values]
        if not kind:
            kinds = {kind_of(value) for value in values if value is not None}
            kind = kinds.pop() if len(kinds) == 1 else ""
        limits = [entry for clause in clauses for entry in self._types.entries_of(clause)]
        limiting = [entry.constants for entry in limits if entry.constants is not None]
        values += [value for constants in limiting for value in constants.values]
        ordered = any(constants.ordered for constants in (*known, *limiting))
        cut = (
            witnesses(kind, values, ordered=ordered) if kind and all(e.constants is not None for e in limits) else None
        )
        segments = tuple(cut) if cut is not None else (_ANYTHING,)
        if len(segments) * len(self._entries) > TESTS_MAX:
            raise TooMuch
        allowed = 0
        for at, value in enumerate(segments):
            if value is _ANYTHING or all(entry.matches(value) for entry in limits):
                allowed |= 1 << at
        return _Input(text, tuple(columns), segments, allowed)

    def _masks(self, input: _Input) -> tuple[list[int], list[int]]:
        """Of each rule the segments in which it may match, and those in which it certainly does."""
        cache: dict[str, tuple[int, int]] = {}
        over: list[int] = []
        under: list[int] = []
        for entries in self._entries:
            both = (input.allowed, input.allowed)
            for column in input.columns:
                entry = entries[column]
                if entry.text not in cache:
                    cache[entry.text] = _mask(entry, input)
                both = (both[0] & cache[entry.text][0], both[1] & cache[entry.text][1])
            over.append(both[0])
            under.append(both[1])
        return over, under

    def _compare(self) -> None:
        empty = {i for i, box in enumerate(self._over) if not all(box)}
        for i in sorted(empty):
            text = "its entries allow nothing that the inputs can be, so it never matches"
            self._at_rule("dmn-unreachable", i, text, "correct the entries, or remove the rule")
        twins = self._check_twins(empty)
        self._check_overlaps(twins)
        self._check_masked(empty | twins)
        self._check_gaps()

    def _check_twins(self, empty: set[int]) -> set[int]:
        """The rules that repeat one before them."""
        first: dict[tuple[Box, tuple[str, ...]], int] = {}
        twins: set[int] = set()
        for i, rule in enumerate(self._table.rules):
            if self._over[i] != self._under[i] or i in empty:
                continue
            outputs = tuple([" ".join(output.text.split()) for output in rule.outputs])
            other = first.setdefault((self._over[i], outputs), i)
            if other != i:
                twins.add(i)
                text = f"it matches and gives the same as {self._name(other)}"
                self._at_rule("dmn-duplicate", i, text, "remove one of the two")
        return twins

    def _check_overlaps(self, twins: set[int]) -> None:
        policy = self._table.hit_policy
        if policy not in {"UNIQUE", "ANY"}:
            return
        space = self._space()
        outputs = [self._outputs(rule) for rule in self._table.rules] if policy == "ANY" else []
        found = 0
        for i, j, place in space.meetings(self._under):
            if j in twins or i in twins or (policy == "ANY" and not _disagree(outputs[i], outputs[j])):
                continue
            found += 1
            if found <= SHOWN_MAX:
                what = "though the hit policy is UNIQUE" if policy == "UNIQUE" else "and gives something else"
                text = f"it matches together with {self._name(i)}, {what}: for {self._inputs_at(place)}"
                remedy = "separate the rules, or choose another hit policy"
                self._at_rule("dmn-overlap", j, text, remedy)
        if found > SHOWN_MAX:
            text = f"{found - SHOWN_MAX} more pairs of rules overlap"
            self._report("dmn-overlap", self._table.span, text, "correct those that are shown, and check again")

    def _check_masked(self, known: set[int]) -> None:
        """Rules that others always win against: those before them, or those of a higher priority."""
        policy = self._table.hit_policy
        if policy not in {"FIRST", "PRIORITY"}:
            return
        ranks = self._ranks() if policy == "PRIORITY" else [(i,) for i in range(len(self._under))]
        if ranks is None:
            return
        for i, box in enumerate(self._over):
            if i in known:
                continue
            stronger = [j for j, rank in enumerate(ranks) if rank < ranks[i] and _meet(self._under[j], box)]
            if stronger and next(self._space().outside([self._under[j] for j in stronger], box), None) is None:
                why = "an earlier rule" if policy == "FIRST" else "a rule of higher priority"
                names = ", ".join(self._name(j) for j in stronger[:SHOWN_MAX])
                place = tuple([(part & -part).bit_length() - 1 for part in box])
                text = f"it never decides: where it matches, so does {why} ({names}), as for {self._inputs_at(place)}"
                self._at_rule("dmn-unreachable", i, text, "remove the rule, or move it up")

    def _check_gaps(self) -> None:
        if self._table.hit_policy not in {"UNIQUE", "ANY", "FIRST", "PRIORITY"} or not self._inputs:
            return
        if any(clause.default is not None and clause.default.text.strip() for clause in self._table.outputs):
            return
        everything = tuple([input.allowed for input in self._inputs])
        gaps = list(islice(self._space().outside(self._over, everything), SHOWN_MAX + 1))
        for place in gaps[:SHOWN_MAX]:
            text = f"no rule matches {self._inputs_at(place)}"
            self._report("dmn-gap", self._table.span, text, "add a rule, or a default output")
        if len(gaps) > SHOWN_MAX:
            self._report("dmn-gap", self._table.span, "there are more gaps than these", "add a rule for all the others")

    # --- what findings are made of

    def _space(self) -> Space:
        return Space([len(input.segments) for input in self._inputs])

    def _outputs(self, rule: Rule) -> list[tuple[bool, object]]:
        return [constant_of(output.text, self._dialect) for output in rule.outputs]

    def _ranks(self) -> list[tuple[int, ...]] | None:
        """The priority of each rule's outputs, lower numbers first; None where they are not constants."""
        columns: list[Column] = []
        for clause in self._table.outputs:
            listed = constant_of(f"[{clause.values.text}]", self._dialect)[1] if clause.values is not None else None
            columns.append(Column(clause.name, tuple(listed) if is_list(listed) else ()))
        ranks: list[tuple[int, ...]] = []
        for rule in self._table.rules:
            outputs = self._outputs(rule)
            if not all(is_constant for is_constant, _ in outputs):
                return None
            ranks.append(tuple([place_of(c, value) for c, (_, value) in zip(columns, outputs, strict=False)]))
        return ranks

    def _inputs_at(self, place: Sequence[int]) -> str:
        told = [
            f"{input.text} = {string(input.segments[at], quoted=True)}"
            for input, at in zip(self._inputs, place, strict=True)
            if input.segments[at] is not _ANYTHING and len(input.segments) > 1
        ]
        return ", ".join(told)[:400] or "any input"

    def _name(self, index: int) -> str:
        id = self._table.rules[index].id
        return f"rule {index + 1} ({id})" if id else f"rule {index + 1}"

    def _at_rule(self, rule: str, index: int, text: str, remedy: str) -> None:
        drawn = self._table.rules[index]
        self._report(rule, drawn.span, text, remedy, of=drawn)

    def _report(
        self, rule: str, span: Span, text: str, remedy: str, severity: Severity = "warning", *, of: Rule | None = None
    ) -> None:
        assert rule in RULES, rule
        if of is not None:
            number = next(i for i, each in enumerate(self._table.rules) if each is of)
            text = f"{self._name(number)}: {text}"
        element = (of.id if of is not None else "") or self._table.id or self._owner
        self._found.append(
            Diagnostic(rule=rule, message=text, severity=severity, element=element, span=span, remedy=remedy)
        )  # fmt: skip


_ANYTHING: Final = object()
"""The one segment of an input that is not cut."""


def _mask(entry: Entry, input: _Input) -> tuple[int, int]:
    if entry.text.strip() in {"", "-"}:
        return input.allowed, input.allowed
    if entry.constants is None or input.segments == (_ANYTHING,):
        return input.allowed, 0
    matched = 0
    for at, value in enumerate(input.segments):
        if input.allowed >> at & 1 and entry.matches(value):
            matched |= 1 << at
    return matched, matched


def _meet(one: Box, other: Box) -> bool:
    return all(a & b for a, b in zip(one, other, strict=True))


def _disagree(one: Sequence[tuple[bool, object]], other: Sequence[tuple[bool, object]]) -> bool:
    """Whether two rules give something else for certain."""
    return any(a[0] and b[0] and not same_item(a[1], b[1]) for a, b in zip(one, other, strict=False))


def _of_type(kind: str) -> str:
    return f"write a {kind}, or correct the type of the column"
