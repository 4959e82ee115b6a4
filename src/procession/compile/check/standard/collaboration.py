"""Processes, pools, message flows, conversations, choreographies and lanes (9, 10.2, 10.8, 11)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from procession.compile.check.standard import grammar
from procession.compile.check.standard.document import Document, children, flag, identity, number
from procession.compile.check.standard.rule import Rule
from procession.model.xml import XmlElement

_FLOW: Final = "messageFlow"
_ENDS: Final = (*grammar.ACTIVITIES, *grammar.EVENTS, "participant", *grammar.CONVERSATION_NODES)
"""What a message flow can connect."""
_CHOREOGRAPHY_NODES: Final = frozenset(
    {"startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent", *grammar.GATEWAYS,
     *grammar.CHOREOGRAPHY_ACTIVITIES}
)  # fmt: skip
_CHOREOGRAPHIES: Final = "choreography subChoreography globalChoreographyTask"
_CHOREOGRAPHY_TRIGGERS: Final[dict[str, frozenset[str]]] = {
    "startEvent": frozenset({"timer", "conditional", "signal"}),
    "endEvent": frozenset({"terminate"}),
    "intermediateCatchEvent": frozenset({"timer", "conditional", "signal", "link"}),
    "intermediateThrowEvent": frozenset({"link", "signal"}),
    "boundaryEvent": frozenset({"timer", "conditional", "signal", "message", "cancel", "compensate"}),
}
_LANE_SETS: Final = "laneSet childLaneSet"


def _public(document: Document, process: XmlElement) -> Iterator[str]:
    if flag(process, "isExecutable") and process.attributes.get("processType") == "Public":
        yield "the process is public, and executable"


def _supports(document: Document, process: XmlElement) -> Iterator[str]:
    for each in document.listed(process, "supports"):
        if each is process:
            yield "the process supports itself"


def _multiplicity(document: Document, element: XmlElement) -> Iterator[str]:
    least, most = number(element, "minimum", 0), number(element, "maximum", 1)
    if least < 0:
        yield f"the minimum is {least}; it must be 0 or more"
    if most < 1:
        yield f"the maximum is {most}; it must be 1 or more"
    if most < least:
        yield f"the maximum {most} is less than the minimum {least}"


# --- message flows (9.4) ----------------------------------------------------------------------------------------------


def _flow_ends(document: Document, flow: XmlElement) -> Iterator[str]:
    for name in ("sourceRef", "targetRef"):
        end = document.named(flow, name)
        if end is not None and end.name not in _ENDS:
            yield f"{name} is a {end.name}; a message flow connects pools, activities and events"


def _pool(document: Document, end: XmlElement) -> XmlElement | None:
    """What stands for the pool of an element: the process that a participant has, else the participant."""
    if end.name == "participant":
        return document.named(end, "processRef") or end
    return document.process(end)


def _same_pool(document: Document, flow: XmlElement) -> Iterator[str]:
    source, target = document.named(flow, "sourceRef"), document.named(flow, "targetRef")
    if source is None or target is None:
        return
    pool = _pool(document, source)
    if source is target or (pool is not None and pool is _pool(document, target)):
        yield "the message flow begins and ends in the same pool"


def _sends(document: Document, flow: XmlElement) -> Iterator[str]:
    source = document.named(flow, "sourceRef")
    if source is None:
        return
    if source.name in grammar.CATCH_EVENTS or source.name == "receiveTask":
        yield f"the source is the {source.name} {identity(source)!r}, which sends nothing"
    elif source.name in grammar.THROW_EVENTS and "message" not in document.triggers(source):
        yield f"the source is the {source.name} {identity(source)!r}, which throws no message"


def _receives(document: Document, flow: XmlElement) -> Iterator[str]:
    target = document.named(flow, "targetRef")
    if target is None:
        return
    if target.name in grammar.THROW_EVENTS or target.name == "sendTask":
        yield f"the target is the {target.name} {identity(target)!r}, which receives nothing"
    elif target.name in grammar.CATCH_EVENTS and "message" not in document.triggers(target):
        yield f"the target is the {target.name} {identity(target)!r}, which catches no message"


# --- collaborations and conversations (9.3, 9.5) ----------------------------------------------------------------------


def _choreography_ref(document: Document, element: XmlElement) -> Iterator[str]:
    if children(element, "choreographyRef"):
        yield f"the {element.name} refers to a choreography; only a collaboration does"


def _global_conversation(document: Document, element: XmlElement) -> Iterator[str]:
    for each in element.children:
        if each.namespace == grammar.BPMN and each.name not in _IN_GLOBAL_CONVERSATION:
            yield f"the global conversation holds a {each.name}"


_IN_GLOBAL_CONVERSATION: Final = frozenset(
    {"documentation", "extensionElements", "participant", _FLOW, "correlationKey", "choreographyRef"}
)


def _one_alone(document: Document, node: XmlElement) -> Iterator[str]:
    if len(children(node, "participantRef")) == 1:
        yield "one participant alone takes part in the conversation"


def _link_ends(document: Document, link: XmlElement) -> Iterator[str]:
    ends = [document.named(link, name) for name in ("sourceRef", "targetRef")]
    if None in ends:
        return
    count = sum(each is not None and each.name in grammar.CONVERSATION_NODES for each in ends)
    if count != 1:
        yield "a conversation link connects a conversation with a participant, an activity or an event"


def _participants(document: Document, element: XmlElement) -> Iterator[str]:
    for tag, inner in (("participantAssociation", True), ("messageFlowAssociation", False)):
        for each in children(element, tag):
            if inner:
                ends = [document.listed(each, "innerParticipantRef"), document.listed(each, "outerParticipantRef")]
                if ends[0] and ends[0] == ends[1]:
                    yield "a participant is associated with itself"
            elif document.named(each, "innerMessageFlowRef") is document.named(each, "outerMessageFlowRef"):
                yield "a message flow is associated with itself"


# --- choreographies (11) ----------------------------------------------------------------------------------------------


def _initiator(document: Document, activity: XmlElement) -> Iterator[str]:
    initiator, others = (
        document.named(activity, "initiatingParticipantRef"),
        document.listed(activity, "participantRef"),
    )
    if initiator is not None and others and initiator not in others:
        yield f"{identity(initiator)!r} initiates it, but does not take part in it"


def _two_participants(document: Document, activity: XmlElement) -> Iterator[str]:
    listed = [each.text.strip() for each in children(activity, "participantRef")]
    if activity.name == "choreographyTask" and len(listed) > 2:
        yield f"the choreography task has {len(listed)} participants; it must have two"
    if len(set(listed)) < len(listed):
        yield "the same participant takes part twice"


def _exchanged(document: Document, task: XmlElement) -> Iterator[str]:
    taking_part = document.listed(task, "participantRef")
    flows = [each for each in document.listed(task, "messageFlowRef") if each.name == _FLOW]
    initiator = document.named(task, "initiatingParticipantRef")
    for flow in flows:
        ends = [document.named(flow, "sourceRef"), document.named(flow, "targetRef")]
        if any(end is not None and end.name == "participant" and end not in taking_part for end in ends):
            yield f"the message flow {identity(flow)!r} is of a participant that does not take part"
    if flows and initiator is not None and document.named(flows[0], "sourceRef") is not initiator:
        yield "the first message flow does not begin at the participant that initiates the task"


def _foreign_nodes(document: Document, scope: XmlElement) -> Iterator[str]:
    for node in document.nodes(scope):
        if node.name not in _CHOREOGRAPHY_NODES:
            yield f"the choreography holds the {node.name} {identity(node)!r}"


def _choreography_trigger(document: Document, event: XmlElement) -> Iterator[str]:
    scope = document.scope(event)
    if scope is None or scope.name not in _CHOREOGRAPHIES.split():
        return
    for trigger in document.triggers(event):
        if trigger not in _CHOREOGRAPHY_TRIGGERS[event.name]:
            yield f"the {event.name} of a choreography has the trigger {trigger}"


# --- lanes (10.8) -----------------------------------------------------------------------------------------------------


def _lane_twice(document: Document, lanes: XmlElement) -> Iterator[str]:
    seen: dict[XmlElement, XmlElement] = {}
    for lane in children(lanes, "lane"):
        for node in document.listed(lane, "flowNodeRef"):
            if seen.setdefault(node, lane) is not lane:
                yield f"the {node.name} {identity(node)!r} is in two lanes of one set"


def _lane_foreign(document: Document, lane: XmlElement) -> Iterator[str]:
    process = document.process(lane)
    for node in document.listed(lane, "flowNodeRef"):
        if document.process(node) is not process:
            yield f"the {node.name} {identity(node)!r} is in another process than the lane"


def _partition(document: Document, lane: XmlElement) -> Iterator[str]:
    if children(lane, "partitionElement") and lane.attributes.get("partitionElementRef"):
        yield "the lane has a partition element, and refers to another"


_ACTIVITIES: Final = " ".join(grammar.CHOREOGRAPHY_ACTIVITIES)
RULES: Final = (
    Rule(
        "process-public-executable",
        "10.2.1",
        "process",
        "a public process is executable",
        'make it private, or write isExecutable="false"',
        _public,
    ),
    Rule("process-supports-itself", "10.2", "process", "a process supports itself", "name another process", _supports),
    Rule(
        "participant-multiplicity",
        "9.3.2",
        "participantMultiplicity",
        "the minimum is below 0, or the maximum below 1 or below the minimum",
        "correct the numbers",
        _multiplicity,
    ),
    Rule(
        "message-flow-ends",
        "9.4",
        _FLOW,
        "a message flow begins or ends at what is no pool, activity or event",
        "connect pools, activities or events",
        _flow_ends,
    ),
    Rule(
        "message-flow-pools",
        "9.4",
        _FLOW,
        "a message flow begins and ends in the same pool",
        "use a sequence flow, or connect two pools",
        _same_pool,
    ),
    Rule(
        "message-flow-source",
        "9.4, 10.5",
        _FLOW,
        "a message flow begins at what sends nothing",
        "begin at a pool, an activity or a throwing message event",
        _sends,
    ),
    Rule(
        "message-flow-target",
        "9.4, 10.5",
        _FLOW,
        "a message flow ends at what receives nothing",
        "end at a pool, an activity or a catching message event",
        _receives,
    ),
    Rule(
        "choreography-ref",
        "9.2",
        "choreography globalConversation globalChoreographyTask",
        "a choreography or a global conversation refers to a choreography",
        "let a collaboration refer to it",
        _choreography_ref,
    ),
    Rule(
        "global-conversation-content",
        "9.5.5",
        "globalConversation",
        "a global conversation holds more than participants, message flows and correlation keys",
        "use a collaboration",
        _global_conversation,
    ),
    Rule(
        "conversation-participants",
        "9.5.1",
        " ".join(grammar.CONVERSATION_NODES),
        "a conversation has a single participant",
        "name two participants or more",
        _one_alone,
    ),
    Rule(
        "conversation-link-ends",
        "9.5.6",
        "conversationLink",
        "a conversation link does not connect a conversation with a participant",
        "connect one of each",
        _link_ends,
    ),
    Rule(
        "association-with-itself",
        "9.2",
        "collaboration choreography callConversation callChoreography",
        "a participant or a message flow is associated with itself",
        "associate it with one of the other model",
        _participants,
    ),
    Rule(
        "choreography-initiator",
        "11.5",
        _ACTIVITIES,
        "who initiates a choreography activity does not take part in it",
        "name one of its participants",
        _initiator,
    ),
    Rule(
        "choreography-participants",
        "11.5.1",
        _ACTIVITIES,
        "a choreography task has more than two participants, or a participant takes part twice",
        "name two different participants",
        _two_participants,
    ),
    Rule(
        "choreography-messages",
        "11.5.1",
        "choreographyTask",
        "the messages of a choreography task are not those of its participants, or the first is not of the initiator",
        "refer to message flows between them",
        _exchanged,
    ),
    Rule(
        "choreography-content",
        "11",
        _CHOREOGRAPHIES,
        "a choreography holds activities of a process",
        "use choreography activities",
        _foreign_nodes,
    ),
    Rule(
        "choreography-event",
        "11.6",
        " ".join(_CHOREOGRAPHY_TRIGGERS),
        "an event of a choreography has a trigger that it cannot have",
        "choose another trigger",
        _choreography_trigger,
    ),
    Rule(
        "lane-exclusive",
        "10.8",
        _LANE_SETS,
        "a node is in two lanes of one set",
        "put it into one of them",
        _lane_twice,
    ),
    Rule(
        "lane-process",
        "10.8",
        "lane",
        "a lane holds a node of another process",
        "move the node, or the line",
        _lane_foreign,
    ),
    Rule(
        "lane-partition",
        "10.8",
        "lane",
        "a lane has a partition element and refers to another",
        "keep one of them",
        _partition,
    ),
)
