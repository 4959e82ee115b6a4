"""What each id of a document is when drawn: `Part` for shapes, `Line` for edges. No geometry here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal, TypeAlias, final

import msgspec

from procession.model.bpmn import (
    Activity,
    Association,
    Collaboration,
    Definitions,
    FlowNode,
    Gateway,
    Lane,
    MultiInstance,
    Process,
    Scope,
)
from procession.model.data import DataAssociation, IoSpecification
from procession.model.events import Event

Family: TypeAlias = Literal["pool", "lane", "group", "activity", "event", "gateway", "data", "store", "note", "unknown"]
LineFamily: TypeAlias = Literal["sequence", "message", "association", "data", "unknown"]

THROWING: Final = frozenset({"intermediateThrowEvent", "endEvent", "implicitThrowEvent"})


@final
class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Something with a shape. `kind` is the element's name in the standard, `owner` the id of the sub-process or
    process around it. `node` is set for flow nodes. `arrow` is of data inputs and outputs, `many` of
    collections and of pools with several participants, `empty` of pools that show no process. `called` is the kind
    of task that a call activity of a global task stands for.
    """

    family: Family
    id: str
    kind: str
    name: str = ""
    owner: str = ""
    node: FlowNode | None = None
    arrow: Literal["", "in", "out"] = ""
    many: bool = False
    empty: bool = False
    called: str = ""


@final
class Line(msgspec.Struct, frozen=True, kw_only=True):
    """Something with an edge. `conditional` is for the diamond at an activity, `default` for the slash, `heads`
    says at which ends an association has arrows.
    """

    family: LineFamily
    id: str
    name: str = ""
    source: str = ""
    target: str = ""
    conditional: bool = False
    default: bool = False
    heads: Literal["", "target", "both"] = ""


@final
class Scene(msgspec.Struct, frozen=True):
    """All parts and lines of a document by id, in its order."""

    parts: dict[str, Part]
    lines: dict[str, Line]


def scene_of(definitions: Definitions) -> Scene:
    """The scene of a whole document, all its processes and collaborations."""
    parts: dict[str, Part] = {}
    lines: dict[str, Line] = {}
    for process in definitions.processes:
        for part, line in _process(process):
            _keep(parts, lines, part, line)
    for collaboration in definitions.collaborations:
        for part, line in _collaboration(collaboration):
            _keep(parts, lines, part, line)
    for task in definitions.global_tasks:
        kind = task.kind.removeprefix("global")
        for part in parts.values():
            if isinstance(part.node, Activity) and part.node.called_element == task.id:
                called = kind[0].lower() + kind[1:]
                parts[part.id] = msgspec.structs.replace(part, called=called)
    return Scene(parts, lines)


def words(kind: str) -> str:
    """`intermediateCatchEvent` as people say it: intermediate catch event."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind).lower()


def trigger(event: Event) -> str:
    """The key of an event's glyph: its definition's kind, `multiple`, `parallelMultiple`, or '' for none."""
    if not event.definitions:
        return ""
    if len(event.definitions) == 1:
        return event.definitions[0].kind
    return "parallelMultiple" if event.parallel_multiple else "multiple"


def is_dashed(event: Event) -> bool:
    """Whether an event leaves what it is attached to, or inside, running."""
    if event.kind == "boundaryEvent":
        return not event.cancel_activity
    return event.kind == "startEvent" and not event.is_interrupting


def repetition(activity: Activity) -> str:
    """The key of the marker of a repeated activity, '' when it is not repeated."""
    if activity.loop is None:
        return ""
    if isinstance(activity.loop, MultiInstance):
        return "sequentialInstances" if activity.loop.is_sequential else "parallelInstances"
    return "loop"


_Found: TypeAlias = "tuple[Part | None, Line | None]"


def _keep(parts: dict[str, Part], lines: dict[str, Line], part: Part | None, line: Line | None) -> None:
    if part is not None and part.id:
        parts[part.id] = part
    if line is not None and line.id:
        lines[line.id] = line


def _process(process: Process) -> Iterator[_Found]:
    yield from _data_items(process.io, process.id)
    yield from _scope(process.scope, process.id)
    for unknown in process.unknown:
        if unknown.id:
            yield Part(family="unknown", id=unknown.id, kind=unknown.tag, name=unknown.tag), None


def _scope(scope: Scope, owner: str) -> Iterator[_Found]:
    defaults = {node.default for node in scope.nodes if not isinstance(node, Event)}
    gateways = {node.id for node in scope.nodes if isinstance(node, Gateway)}
    for node in scope.nodes:
        yield from _node(node, owner)
    for flow in scope.flows:
        line = Line(
            family="sequence",
            id=flow.id,
            name=flow.name,
            source=flow.source,
            target=flow.target,
            conditional=flow.condition is not None and flow.source not in gateways,
            default=flow.id in defaults,
        )
        yield None, line
    yield from _scope_data(scope, owner)
    for association in scope.associations:
        yield None, _association(association)
    for artifact in scope.artifacts:
        yield _artifact(artifact.kind, artifact.id, artifact.text), None
    for lane_set in scope.lane_sets:
        yield from _lanes(lane_set.lanes, owner)


def _node(node: FlowNode, owner: str) -> Iterator[_Found]:
    if isinstance(node, Gateway):
        yield Part(family="gateway", id=node.id, kind=node.kind, name=node.name, owner=owner, node=node), None
        return
    if isinstance(node, Event):
        yield Part(family="event", id=node.id, kind=node.kind, name=node.name, owner=owner, node=node), None
        yield from _data_lines(node.data, node.id, node.kind in THROWING)
        return
    yield Part(family="activity", id=node.id, kind=node.kind, name=node.name, owner=owner, node=node), None
    yield from _data_items(node.io, node.id)
    yield from _data_lines(node.data_inputs, node.id, True)
    yield from _data_lines(node.data_outputs, node.id, False)
    if node.scope is not None:
        yield from _scope(node.scope, node.id)


def _scope_data(scope: Scope, owner: str) -> Iterator[_Found]:
    objects = {each.id: each for each in scope.data_objects}
    for reference in scope.data_object_references:
        target = objects.get(reference.data_object_ref)
        name = reference.name or (target.name if target else "")
        if reference.state and f"[{reference.state}]" not in name:
            name = f"{name}\n[{reference.state}]"
        yield (
            Part(
                family="data",
                id=reference.id,
                kind="dataObjectReference",
                name=name,
                owner=owner,
                many=target is not None and target.is_collection,
            ),
            None,
        )
    for each in scope.data_objects:
        part = Part(family="data", id=each.id, kind="dataObject", name=each.name, owner=owner)
        yield (msgspec.structs.replace(part, many=True) if each.is_collection else part), None
    for store in scope.data_store_references:
        name = f"{store.name}\n[{store.state}]" if store.state else store.name
        yield Part(family="store", id=store.id, kind="dataStoreReference", name=name, owner=owner), None


def _data_items(io: IoSpecification | None, owner: str) -> Iterator[_Found]:
    if io is None:
        return
    for items, kind, arrow in ((io.inputs, "dataInput", "in"), (io.outputs, "dataOutput", "out")):
        for item in items:
            direction: Literal["in", "out"] = "in" if arrow == "in" else "out"
            yield (
                Part(
                    family="data",
                    id=item.id,
                    kind=kind,
                    name=item.name,
                    owner=owner,
                    arrow=direction,
                    many=item.is_collection,
                ),
                None,
            )


def _data_lines(associations: tuple[DataAssociation, ...], node: str, inward: bool) -> Iterator[_Found]:
    """Tools draw a data association to the activity, whatever item of it the document names."""
    for each in associations:
        source = each.source_refs[0] if each.source_refs else ""
        source, target = (source, node) if inward else (node, each.target_ref)
        yield None, Line(family="data", id=each.id, source=source, target=target, heads="target")


def _collaboration(collaboration: Collaboration) -> Iterator[_Found]:
    for each in collaboration.participants:
        part = Part(
            family="pool",
            id=each.id,
            kind="participant",
            name=each.name,
            many=each.maximum not in ("", "0", "1"),
            empty=not each.process_ref,
        )
        yield part, None
    for flow in collaboration.message_flows:
        line = Line(family="message", id=flow.id, name=flow.name, source=flow.source, target=flow.target)
        yield None, line
    for association in collaboration.associations:
        yield None, _association(association)
    for artifact in collaboration.artifacts:
        yield _artifact(artifact.kind, artifact.id, artifact.text), None


def _lanes(lanes: tuple[Lane, ...], owner: str) -> Iterator[_Found]:
    for lane in lanes:
        yield Part(family="lane", id=lane.id, kind="lane", name=lane.name, owner=owner), None
        yield from _lanes(lane.lanes, owner)


def _artifact(kind: str, id_: str, text: str) -> Part:
    return Part(family="group" if kind == "group" else "note", id=id_, kind=kind, name=text)


def _association(association: Association) -> Line:
    heads: dict[str, Literal["target", "both"]] = {"One": "target", "Both": "both"}
    return Line(
        family="association",
        id=association.id,
        source=association.source,
        target=association.target,
        heads=heads.get(association.direction, ""),
    )
