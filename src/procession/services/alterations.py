"""Alterations: what a new program does otherwise than an old one, by the id of the element.

Programs are compared and not documents, so what only looks different (names, places in the file, the order of elements)
is the same; what elements refer to counts by id and by text. Nothing here knows an instance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias, cast

import msgspec

from procession.core.mapping import JOINS, by_id
from procession.ir import program as ir
from procession.ir.program import NONE, JobSpec, Node, Program, Ref, Text

Place: TypeAlias = tuple[type[msgspec.Struct], str]
"""A struct of a program, and a field of it that refers to something."""

NODES: Final[frozenset[Place]] = frozenset(
    {
        (Node, "scope"),
        (Node, "catches"),
        (Node, "starts"),
        (Node, "inner"),
        (Node, "attached"),
        (Node, "parts"),
        (ir.Thrown, "event"),
        (ir.LinkTrigger, "target"),
        (ir.CompensateTrigger, "activity"),
        (ir.CompensateTrigger, "handler"),
    }
)
FLOWS: Final[frozenset[Place]] = frozenset({(Node, "incoming"), (Node, "outgoing"), (Node, "default")})
DERIVED: Final[frozenset[Place]] = frozenset(
    {(Node, "index"), (Node, "reach"), (ir.Flow, "index"), (ir.Flow, "source"), (ir.Flow, "target")}
)
"""What says nothing that other fields do not say."""
EXPRESSIONS: Final[frozenset[Place]] = frozenset(
    {
        (Text, "expression"),
        (ir.Mapping, "source"),
        (ir.Correlation, "retrieved"),
        (ir.Correlation, "expected"),
        (ir.MessageTrigger, "key"),
        (ir.MessageTrigger, "message_id"),
        (ir.MessageTrigger, "ttl"),
        (ir.ConditionalTrigger, "condition"),
        (ir.Loop, "items"),
        (ir.Loop, "output"),
        (ir.Loop, "completion"),
        (ir.Loop, "cardinality"),
        (ir.Repeat, "condition"),
        (ir.Thrown, "condition"),
        (ir.AdHoc, "chosen"),
        (ir.AdHoc, "completion"),
        (ir.AdHoc, "output"),
        (ir.Call, "business_key"),
        (ir.Script, "expression"),
        (ir.Transfer, "source"),
        (ir.Flow, "condition"),
        (Node, "activation"),
    }
)
_FACETS: Final[Mapping[str, str]] = {
    "kind": "kind",
    "bpmn": "kind",
    "scope": "place",
    "attached": "place",
    "outgoing": "flows that leave it",
    "default": "flows that leave it",
    "incoming": "flows that it joins",
    "activation": "flows that it joins",
    "start_quantity": "flows that it joins",
    "completion_quantity": "flows that leave it",
    "trigger": "event",
    "interrupting": "event",
    "parts": "event",
    "parallel": "event",
    "instantiate": "event",
    "catches": "events that it waits for",
    "starts": "content",
    "inner": "content",
    "inputs": "input mappings",
    "outputs": "output mappings",
    "job": "job",
    "listeners": "listeners",
    "script": "script",
    "decision": "decision",
    "call": "called process",
    "task": "user task",
    "loop": "loop",
    "repeat": "loop",
    "thrown": "loop",
    "data": "data",
    "ad_hoc": "what may be chosen",
}
"""What a field of a node is called. Names and places in the document change nothing that is done."""

UNTOLD: Final = frozenset({"index", "id", "name", "reach", "line", "column"})


def alterations(old: Program, new: Program) -> dict[str, str]:
    """Elements of the old program that the new one has not, or has otherwise: what is otherwise, in words."""
    there = by_id(new)
    found: dict[str, str] = {}
    for id, before in by_id(old).items():
        if before[0].index == 0:
            continue
        after = there.get(id)
        said = "is removed" if after is None else _compared(old, before, new, after)
        if said:
            found[id] = said
    return found


def _compared(old: Program, before: list[Node], new: Program, after: list[Node]) -> str:
    if [each.kind for each in before] != [each.kind for each in after]:
        return f"changes its kind: {_called(before)} becomes {_called(after)}"
    changed: dict[str, None] = {}
    for a, b in zip(before, after, strict=True):
        for field, facet in _FACETS.items():
            if field == "incoming" and a.kind not in JOINS:
                continue
            if _told(old, (Node, field), getattr(a, field)) != _told(new, (Node, field), getattr(b, field)):
                changed[_job(old, a.job, new, b.job) if field == "job" else facet] = None
    return f"changes its {', '.join(changed)}" if changed else ""


def _job(old: Program, before: JobSpec | None, new: Program, after: JobSpec | None) -> str:
    if before is None or after is None:
        return "job"
    one, other = text_of(old, before.type), text_of(new, after.type)
    return f"job type ({one} becomes {other})" if one != other else "job"


def text_of(program: Program, text: Text) -> str:
    """A text as it is drawn."""
    return text.literal if text.expression == NONE else f"={program.expressions[text.expression].text}"


def _called(nodes: list[Node]) -> str:
    drawn = nodes[-1]
    return ("repeated " if len(nodes) > 1 else "") + (drawn.bpmn or drawn.kind.name.lower().replace("_", " "))


def _told(program: Program, place: Place, value: object) -> object:
    """A value with what it refers to in place of numbers."""
    if place in DERIVED:
        return None
    if isinstance(value, msgspec.Struct):
        kind = type(value)
        return kind.__name__, [_told(program, (kind, name), getattr(value, name)) for name in value.__struct_fields__]
    if isinstance(value, tuple | list):
        return [_told(program, place, each) for each in cast("Iterable[object]", value)]
    for places, said in _REFERENCES:
        if place in places and isinstance(value, int):
            return None if value == NONE else said(program, value)
    return value


def _node(program: Program, ref: Ref) -> object:
    node = program.nodes[ref]
    return ("", node.kind) if ref == 0 else (node.id, node.kind)


def _flow(program: Program, ref: Ref) -> object:
    # Its own id is nothing that is done: only a token that waits on it at a join needs it, which migration looks at.
    flow = program.flows[ref]
    ends = program.nodes[flow.source].id, program.nodes[flow.target].id
    return ends, _told(program, (ir.Flow, "condition"), flow.condition)


def _expression(program: Program, ref: Ref) -> object:
    found = program.expressions[ref]
    return found.language, found.text


_REFERENCES: Final[tuple[tuple[frozenset[Place], Callable[[Program, Ref], object]], ...]] = (
    (NODES, _node),
    (FLOWS, _flow),
    (EXPRESSIONS, _expression),
)
