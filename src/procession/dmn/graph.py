"""The requirements graph at run time (DMN 1.5, 6): its nodes as callables, and the order they are evaluated in.

A node's key is `namespace#id`; that of an import has the import's name in front, `name/namespace#id`. So a document
that is imported on two ways is evaluated for each of them: its input data may differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import final

import msgspec

from procession.dmn.audit import Entered, Left
from procession.dmn.errors import DecisionError
from procession.dmn.item_types import ItemType, converted, from_json, is_temporal, refusal
from procession.dmn.scope import Evaluate, within
from procession.feel import MISSING, Function, Lookup, Note, Runtime
from procession.feel.values import is_context

NO_STOPS: Mapping[str, object] = {}


@final
class Need(msgspec.Struct, frozen=True, gc=False):
    """A requirement: the key of what is required, its name in the text, and the import's name before it or ''."""

    key: str
    name: str
    prefix: str = ""


@final
class Input(msgspec.Struct, frozen=True):
    """Input data: the variable's name and type, and the names of the imports that lead to it."""

    name: str
    type: ItemType
    temporal: bool
    path: tuple[str, ...] = ()


@final
class Node(msgspec.Struct, frozen=True):
    """A decision: `evaluate` gets a scope of its requirements in front of the caller's variables."""

    key: str
    id: str
    name: str
    evaluate: Evaluate
    inputs: tuple[Need, ...] = ()
    decisions: tuple[Need, ...] = ()
    knowledge: tuple[Need, ...] = ()


@final
class Graph:
    """All nodes of a document and its imports. Filled while compiling, only read afterwards."""

    __slots__ = ("functions", "inputs", "nodes")

    def __init__(self) -> None:
        self.inputs: dict[str, Input] = {}
        self.nodes: dict[str, Node] = {}
        self.functions: dict[str, Function] = {}

    @property
    def size(self) -> int:
        """How many elements there are."""
        return len(self.inputs) + len(self.nodes) + len(self.functions)

    def include(self, other: Graph, name: str) -> None:
        """Adds an imported document's nodes under the import's name."""
        path = (name,) if name else ()
        for key, input in other.inputs.items():
            self.inputs[imported(name, key)] = msgspec.structs.replace(input, path=(*path, *input.path))
        for key, node in other.nodes.items():
            self.nodes[imported(name, key)] = msgspec.structs.replace(
                node,
                key=imported(name, key),
                inputs=_moved(name, node.inputs),
                decisions=_moved(name, node.decisions),
                knowledge=_moved(name, node.knowledge),
            )
        self.functions.update({imported(name, key): function for key, function in other.functions.items()})


def imported(name: str, key: str) -> str:
    """The key of an imported node; an import without a name adds nothing to it."""
    return f"{name}/{key}" if name else key


def _moved(name: str, needs: tuple[Need, ...]) -> tuple[Need, ...]:
    return tuple([Need(imported(name, need.key), need.name, need.prefix) for need in needs])


def order(graph: Graph, wanted: Iterable[str], stops: Mapping[str, object] = NO_STOPS) -> tuple[str, ...]:
    """The decisions to evaluate for the wanted ones, requirements first, without those in `stops` and before them.

    A requirement that closes a circle is left out; the compiler refuses it.
    """
    done: dict[str, None] = {}
    seen = set(stops)
    waiting = [(key, False) for key in reversed(list(wanted))]
    while waiting:
        key, left = waiting.pop()
        if left:
            done[key] = None
        elif key not in seen and key in graph.nodes:
            seen.add(key)
            waiting.append((key, True))
            waiting.extend((need.key, False) for need in reversed(graph.nodes[key].decisions))
    return tuple(done)


def run(graph: Graph, keys: Iterable[str], lookup: Lookup, rt: Runtime, results: dict[str, object]) -> None:
    """Evaluates decisions in the given order, each once; `results` holds what is known and receives the rest."""
    for key in keys:
        node = graph.nodes[key]
        before = len(rt.notes)
        scope = _scope(graph, node, lookup, rt, results)
        if rt.trail is not None:
            rt.leave(Entered(node.id, node.name, _required(node, results)))
        try:
            value = node.evaluate(scope, rt)
        except DecisionError as error:
            raise DecisionError(error.code, f"decision {node.name!r}: {error.message}") from None
        results[key] = value
        if rt.trail is not None:
            rt.leave(Left(value, all(note.code != "assert" for note in rt.notes[before:])))
        if len(rt.notes) > before:
            rt.notes[before:] = [_placed(note, node) for note in rt.notes[before:]]


def _scope(graph: Graph, node: Node, lookup: Lookup, rt: Runtime, results: dict[str, object]) -> Lookup:
    values: dict[str, object] = {}
    for need in node.inputs:
        value = input_value(graph, need.key, lookup, rt, results)
        if value is not MISSING:
            bind(values, need, value)
    for need in node.decisions:
        bind(values, need, results.get(need.key))
    for need in node.knowledge:
        bind(values, need, graph.functions.get(need.key))
    return within(values, lookup) if values else lookup


def _required(node: Node, results: Mapping[str, object]) -> dict[str, object]:
    """What a decision requires and has got, by name."""
    known = [(need, results.get(need.key, MISSING)) for need in (*node.inputs, *node.decisions)]
    return {f"{n.prefix}.{n.name}" if n.prefix else n.name: value for n, value in known if value is not MISSING}


def input_value(graph: Graph, key: str, lookup: Lookup, rt: Runtime, results: dict[str, object]) -> object:
    """The caller's value of input data, converted to its type: once in an evaluation, with one note."""
    if key not in results:
        input = graph.inputs[key]
        value = _given(input, lookup)
        if value is not MISSING:
            given = from_json(value, input.type) if input.temporal else value
            value, fits = converted(given, input.type, rt)
            if not fits:
                rt.note("type", refusal(given, input.type, f"the input `{input.name}`"), 0)
                value = None
        results[key] = value
    return results[key]


def _given(input: Input, lookup: Lookup) -> object:
    """What the caller gives for input data: that of an import in a context of its name, else under its own name."""
    if input.path:
        value = lookup(input.path[0])
        for name in (*input.path[1:], input.name):
            value = value.get(name, MISSING) if is_context(value) else MISSING
        if value is not MISSING:
            return value
    return lookup(input.name)


def bind(values: dict[str, object], need: Need, value: object) -> None:
    """Makes a requirement visible under its name; that of an import as an entry of the import's context."""
    if not need.prefix:
        values[need.name] = value
        return
    context = values.setdefault(need.prefix, {})
    if isinstance(context, dict):
        context[need.name] = value


def input_of(name: str, type: ItemType) -> Input:
    """Input data of a type."""
    return Input(name, type, is_temporal(type))


def _placed(note: Note, node: Node) -> Note:
    return Note(note.code, f"decision `{node.name}`: {note.message}", note.start, note.end)
