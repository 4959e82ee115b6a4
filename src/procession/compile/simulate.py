"""Compiling for play: any drawn process becomes a program, whatever it lacks to be executed.

The drawing is rewritten into one that compiles as any other, so that the ordinary passes make it and the interpreter
runs it by its ordinary rules. What waits, waits for a hand: timers, messages and conditions become messages without a
name, and errors and escalations may also be given by hand. Activities pass at once. Where flows are chosen, FEEL asks
whether the variable `TAKEN` lists the flow. References that lead nowhere are left out. No finding is reported.
"""

from __future__ import annotations

from typing import Final, final

import msgspec
from msgspec.structs import replace

from procession.compile.expressions import FEEL, Expressions, Languages
from procession.compile.findings import Findings
from procession.compile.link import link
from procession.compile.lower.activities import ACTIVITIES
from procession.compile.lower.events import THROWS, TRIGGERS
from procession.compile.lower.gateways import GATEWAYS
from procession.compile.lower.lowering import Lowering
from procession.compile.lower.process import Lowered, lower_process
from procession.compile.resolve import Resolved, ScopeView, is_implicit_start, is_link, link_name, resolve
from procession.feel.lexer import NO_NAMES
from procession.ir.kinds import Kind, ListenerEvent
from procession.ir.program import NONE, JobSpec, Listener, MessageTrigger, Node, NoneTrigger, Program, Ref, Text
from procession.model.bpmn import (
    Activity,
    ActivityKind,
    Definitions,
    FlowNode,
    Gateway,
    Process,
    Scope,
    SequenceFlow,
)
from procession.model.events import Event, EventDefinition
from procession.model.extension import NO_EXTENSION, Expression

TAKEN: Final = "taken"
"""The variable with the ids of the flows that are taken where flows are chosen."""
PAUSE: Final = "pause"
"""The type of the job that holds a scope which is told to wait."""
_BY_HAND: Final = EventDefinition(kind="messageEventDefinition")
_HANDED: Final = frozenset({"timerEventDefinition", "messageEventDefinition", "conditionalEventDefinition"})
"""What only a hand lets happen."""
_CAUGHT: Final = frozenset({"errorEventDefinition", "escalationEventDefinition"})
"""What is caught when it is thrown, and may be given by hand as well."""
_UNCHOSEN: Final = frozenset({"parallelGateway", "eventBasedGateway"})
"""Out of these lead flows that no choice is made among."""


@final
class Played(msgspec.Struct, frozen=True, kw_only=True):
    """One process to play.

    `starts` are the nodes that are entered when the process is started at an element, by that element's id.
    `signals` are the start events by the signal that they wait for. `choices` are the flows among which an element
    chooses, by its id; `first` those that it takes unless it is told otherwise.
    """

    program: Program
    starts: dict[str, tuple[Ref, ...]]
    signals: dict[str, tuple[str, ...]]
    choices: dict[str, tuple[str, ...]]
    first: dict[str, tuple[str, ...]]


def compile_for_play(definitions: Definitions) -> list[Played]:
    """All processes of a document, executable or not, each to be played."""
    rewritten = replace(
        definitions,
        messages=(),
        # What refers to the same thing means the same, whatever name or code it has, or lacks.
        signals=tuple([replace(each, name=each.id, extension=NO_EXTENSION) for each in definitions.signals]),
        errors=tuple([replace(each, code=each.id, extension=NO_EXTENSION) for each in definitions.errors]),
        escalations=tuple([replace(each, code=each.id, extension=NO_EXTENSION) for each in definitions.escalations]),
        processes=tuple([_process(each) for each in definitions.processes]),
    )
    return [
        _played(rewritten, drawn, process)
        for drawn, process in zip(definitions.processes, rewritten.processes, strict=True)
    ]


def started_at(played: Played, element: str) -> Program:
    """The program that begins at that element."""
    nodes = played.program.nodes
    return replace(played.program, nodes=(replace(nodes[0], starts=played.starts[element]), *nodes[1:]))


def with_pauses(program: Program, waiting: frozenset[str]) -> Program:
    """The program in which the activities with these ids wait for a hand before they are done, or begun if they hold
    others."""
    return replace(program, nodes=tuple([_paused(node) if node.id in waiting else node for node in program.nodes]))


def without_throw(program: Program, index: Ref) -> Program:
    """The program in which a throwing event just passes."""
    return _changed(program, replace(program.nodes[index], trigger=NoneTrigger()))


def without_flows(program: Program, index: Ref) -> Program:
    """The program in which a node is left over no flow."""
    return _changed(program, replace(program.nodes[index], outgoing=(), default=NONE))


def _changed(program: Program, node: Node) -> Program:
    nodes = program.nodes
    return replace(program, nodes=(*nodes[: node.index], node, *nodes[node.index + 1 :]))


def _paused(node: Node) -> Node:
    if node.kind is Kind.TASK:
        return replace(
            node, kind=Kind.RECEIVE_TASK, trigger=MessageTrigger(Text()), catches=(node.index, *node.catches)
        )
    if node.kind in _PAUSED:
        return replace(node, listeners=(Listener(ListenerEvent.START, JobSpec(Text(PAUSE))),))
    return node


_PAUSED: Final = frozenset({Kind.SUB_PROCESS, Kind.TRANSACTION})


def _played(definitions: Definitions, drawn: Process, process: Process) -> Played:
    findings = Findings(is_drawing=True)
    resolved = resolve(definitions, process, {})
    expressions = Expressions(findings, Languages(), NO_NAMES)
    lowered = lower_process(Lowering(resolved, expressions, findings))
    program = link(resolved, lowered, expressions)
    nodes = [_with_starts(resolved, lowered, node) for node in program.nodes]
    view = resolved.scopes[0]
    choices = {
        id: tuple([flow.id for flow in flows])
        for each in resolved.scopes
        for id, flows in each.outgoing.items()
        if any(flow.condition is not None for flow in flows)
    }
    gateways = {id for each in resolved.scopes for id, node in each.nodes.items() if isinstance(node, Gateway)}
    return Played(
        program=replace(program, nodes=tuple(nodes)),
        starts=_starts(lowered, view),
        signals=_signals(drawn, resolved),
        choices=choices,
        first={id: flows[:1] if id in gateways else flows for id, flows in choices.items()},
    )


# --- where scopes begin ----------------------------------------------------------------------------------------------


def _with_starts(resolved: Resolved, lowered: Lowered, node: Node) -> Node:
    """A scope begins with its start events and with all that no flow leads to. The standard has it that there is
    nothing of the second kind where there are start events (10.5.2); a drawing may have both."""
    if node.kind not in {*_PAUSED, Kind.EVENT_SUB_PROCESS} or node.id not in resolved.views:
        return node
    view = resolved.views[node.id]
    is_handler = node.kind is Kind.EVENT_SUB_PROCESS
    starts = [start for start in view.starts if is_handler or not start.definitions]
    found = [lowered.outer[each.id] for each in starts] + list(_implicit(lowered, view))
    if not found and node.kind in _PAUSED:
        return replace(node, kind=Kind.TASK)  # nothing is in it, yet
    return replace(node, starts=tuple(found))


def _starts(lowered: Lowered, view: ScopeView) -> dict[str, tuple[Ref, ...]]:
    implicit = _implicit(lowered, view)
    found = {start.id: (lowered.outer[start.id], *implicit) for start in view.starts}
    return found | {lowered.nodes[ref].id: implicit for ref in implicit}


def _implicit(lowered: Lowered, view: ScopeView) -> tuple[Ref, ...]:
    return tuple([lowered.outer[each.id] for each in view.scope.nodes if is_implicit_start(each, view)])


def _signals(drawn: Process, resolved: Resolved) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for node in drawn.scope.nodes:
        if isinstance(node, Event) and node.kind == "startEvent":
            for each in node.definitions:
                if each.kind == "signalEventDefinition":
                    name = each.ref if each.ref in resolved.signals else ""
                    found[name] = (*found.get(name, ()), node.id)
    return found


# --- the drawing, rewritten ------------------------------------------------------------------------------------------


def _process(process: Process) -> Process:
    return Process(
        id=process.id, name=process.name, is_executable=True, scope=_scope(process.scope, False), span=process.span
    )


def _scope(scope: Scope, is_handler: bool) -> Scope:
    activities = {node.id for node in scope.nodes if isinstance(node, Activity)}
    rewritten = [_node(node, scope, is_handler) for node in scope.nodes]
    nodes = [
        node
        for node in rewritten
        if node is not None
        and not (
            isinstance(node, Event)
            and node.kind == "boundaryEvent"
            and not (node.attached_to in activities and node.definitions)
        )
    ]
    ids = {node.id: node for node in nodes}
    # Nothing leads into an event sub-process, or out of it.
    ends = {id for id, node in ids.items() if not (isinstance(node, Activity) and node.triggered_by_event)}
    flows = [flow for flow in scope.flows if flow.source in ends and flow.target in ends]
    return Scope(
        nodes=tuple(nodes),
        flows=tuple([_flow(flow, scope, flows, ids[flow.source]) for flow in flows]),
        associations=scope.associations,
    )


def _flow(flow: SequenceFlow, scope: Scope, flows: list[SequenceFlow], source: FlowNode) -> SequenceFlow:
    """A flow that can be chosen asks whether it is; any other has no condition."""
    beside = [each for each in flows if each.source == flow.source]
    chooses = isinstance(source, Gateway) or _is_conditional(scope, beside)
    plain = SequenceFlow(id=flow.id, name=flow.name, source=flow.source, target=flow.target, span=flow.span)
    if len(beside) < 2 or source.kind in _UNCHOSEN or not chooses:
        return plain
    text = f'=list contains({TAKEN}, "{flow.id}")'
    return replace(plain, condition=Expression(text=text, language=FEEL, span=flow.span))


def _is_conditional(scope: Scope, flows: list[SequenceFlow]) -> bool:
    drawn = next(node for node in scope.nodes if node.id == flows[0].source)
    return any(flow.condition is not None for flow in flows) or (isinstance(drawn, Activity) and bool(drawn.default))


def _node(node: FlowNode, scope: Scope, is_handler: bool) -> FlowNode | None:
    if isinstance(node, Activity):
        return _activity(node)
    if isinstance(node, Gateway):
        if node.kind not in GATEWAYS:
            return None
        return Gateway(kind=node.kind, id=node.id, name=node.name, span=node.span)
    return _event(node, scope, is_handler)


def _activity(drawn: Activity) -> Activity:
    """An activity is done once, and at once; a receive task waits, and a scope does what is in it."""
    kind: ActivityKind = "task"
    if drawn.scope is not None:
        # In an ad-hoc sub-process all that no flow leads to begins.
        kind = drawn.kind if drawn.kind in ACTIVITIES and drawn.kind != "adHocSubProcess" else "subProcess"
    elif drawn.kind == "receiveTask":
        kind = drawn.kind
    return Activity(
        kind=kind,
        id=drawn.id,
        name=drawn.name,
        is_for_compensation=drawn.is_for_compensation,
        scope=None if drawn.scope is None else _scope(drawn.scope, drawn.triggered_by_event),
        triggered_by_event=drawn.triggered_by_event,
        span=drawn.span,
    )


def _event(drawn: Event, scope: Scope, is_handler: bool) -> Event:
    known = [each for each in drawn.definitions if each.kind in TRIGGERS]
    if drawn.kind in THROWS:
        definitions = [_thrown(drawn, each, scope) for each in known]
    elif drawn.kind == "startEvent" and not is_handler:
        definitions = []  # whoever starts the process says where
    else:
        definitions = _caught(drawn, known)
    return Event(
        kind=drawn.kind,
        id=drawn.id,
        name=drawn.name,
        definitions=tuple([each for each in definitions if each is not None]),
        parallel_multiple=drawn.parallel_multiple and len(known) > 1,
        is_interrupting=drawn.is_interrupting,
        attached_to=drawn.attached_to,
        cancel_activity=drawn.cancel_activity,
        span=drawn.span,
    )


def _thrown(drawn: Event, definition: EventDefinition, scope: Scope) -> EventDefinition | None:
    """What an event throws. Messages are not sent by name: they go where message flows lead."""
    if definition.kind in _HANDED:
        return None
    if definition.kind == "linkEventDefinition":
        name = link_name(drawn)
        catching = [each for each in scope.nodes if isinstance(each, Event) and is_link(each, "intermediateCatchEvent")]
        if not any(link_name(each) == name for each in catching):
            return None
        return EventDefinition(kind=definition.kind, link_name=name)
    return EventDefinition(kind=definition.kind, ref=definition.ref, wait_for_completion=definition.wait_for_completion)


def _caught(drawn: Event, known: list[EventDefinition]) -> list[EventDefinition | None]:
    if not known:
        # An event of a kind that is not executed, or one that says nothing, still waits where it is drawn.
        waits = drawn.kind == "intermediateCatchEvent" or not drawn.definitions
        return [_BY_HAND] if waits else []
    found: list[EventDefinition | None] = []
    for each in known:
        if each.kind == "linkEventDefinition":
            found.append(EventDefinition(kind=each.kind, link_name=link_name(drawn)))
        else:
            found.append(_BY_HAND if each.kind in _HANDED else EventDefinition(kind=each.kind, ref=each.ref))
        if each.kind in _CAUGHT and not drawn.parallel_multiple:
            found.append(_BY_HAND)
    return found
