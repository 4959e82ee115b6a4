"""Intermediate, boundary and end events: their triggers, and how links and compensation connect (10.5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from procession.compile.check.standard import grammar
from procession.compile.check.standard.document import Document, child, children, flag, identity
from procession.compile.check.standard.rule import Rule
from procession.compile.check.standard.scopes import is_event_sub_process
from procession.model.xml import XmlElement

_CATCH: Final = "intermediateCatchEvent"
_THROW: Final = "intermediateThrowEvent"
_BOUNDARY: Final = "boundaryEvent"
_LINKS: Final = f"{_CATCH} {_THROW}"
TRIGGERS: Final[dict[str, frozenset[str]]] = {
    _CATCH: frozenset({"message", "timer", "conditional", "link", "signal"}),
    _THROW: frozenset({"message", "escalation", "compensate", "link", "signal"}),
    "endEvent": frozenset({"message", "error", "escalation", "cancel", "compensate", "signal", "terminate"}),
    "implicitThrowEvent": frozenset({"message", "escalation", "compensate", "signal", "error"}),
    "event": frozenset({"message", "escalation", "compensate", "signal", "error"}),
}
"""Event -> its triggers (tables of 10.5.3 and 10.5.4)."""
_INTERRUPTING: Final = frozenset(
    {"message", "timer", "escalation", "error", "cancel", "compensate", "conditional", "signal"}
)
_BESIDE: Final = frozenset({"message", "timer", "escalation", "conditional", "signal"})
_ALONE: Final = frozenset({"link"})


def _trigger(document: Document, event: XmlElement) -> Iterator[str]:
    triggers = document.triggers(event)
    for trigger in triggers:
        if trigger not in TRIGGERS[event.name]:
            yield f"the {event.name} has the trigger {trigger}"
    if event.name == _CATCH and not triggers and not children(event, "eventDefinitionRef"):
        yield "the event has no trigger, so nothing can be caught"


def _implicit(document: Document, event: XmlElement) -> Iterator[str]:
    if document.parent(event).name != "complexBehaviorDefinition":
        yield "the event is drawn in a flow; only multi-instances throw such events"


def _link_beside_others(document: Document, event: XmlElement) -> Iterator[str]:
    triggers = document.triggers(event)
    if "link" in triggers and len(triggers) > 1:
        yield "the event is a link and has other triggers"


def _boundary_trigger(document: Document, event: XmlElement) -> Iterator[str]:
    triggers = document.triggers(event)
    interrupts = flag(event, "cancelActivity", True)
    for trigger in triggers:
        if trigger not in (_INTERRUPTING if interrupts else _BESIDE):
            how = "interrupting" if interrupts else "non-interrupting"
            yield f"the {how} boundary event has the trigger {trigger}"
    if not triggers:
        yield "the boundary event has no trigger"


def _boundary_incoming(document: Document, event: XmlElement) -> Iterator[str]:
    for flow in document.flows_in(event):
        yield f"the flow {identity(flow)!r} leads to the boundary event"


def _boundary_scope(document: Document, event: XmlElement) -> Iterator[str]:
    host = document.named(event, "attachedToRef")
    if host is not None and host.name in grammar.ACTIVITIES and document.scope(host) is not document.scope(event):
        yield f"the event is attached to {identity(host)!r}, which is in another process or sub-process"


# --- compensation and cancellation (10.7, 10.3.5) ---------------------------------------------------------------------


def _cancel_boundary(document: Document, event: XmlElement) -> Iterator[str]:
    host = document.named(event, "attachedToRef")
    if "cancel" in document.triggers(event) and host is not None and host.name != "transaction":
        yield f"the event catches a cancellation, but is attached to a {host.name}"


def _cancel_end(document: Document, event: XmlElement) -> Iterator[str]:
    if "cancel" in document.triggers(event) and document.around(event, frozenset({"transaction"})) is None:
        yield "the event cancels a transaction, but is in none"


def _compensation_flow(document: Document, event: XmlElement) -> Iterator[str]:
    if "compensate" in document.triggers(event):
        for flow in document.flows_out(event):
            yield f"the flow {identity(flow)!r} leaves the event; an association must"


def _compensation_handler(document: Document, event: XmlElement) -> Iterator[str]:
    if "compensate" not in document.triggers(event):
        return
    activities = [each for each in document.associated.get(event, ()) if each.name in grammar.ACTIVITIES]
    if not activities:
        yield "no activity is associated with the event"
    for each in activities:
        if not flag(each, "isForCompensation"):
            yield f"the activity {identity(each)!r} is associated with the event, but not for compensation"


def _compensated(document: Document, definition: XmlElement) -> Iterator[str]:
    activity = document.named(definition, "activityRef")
    event = document.parent(definition)
    if activity is None or activity.name not in grammar.ACTIVITIES or event.name == "definitions":
        return
    if event.name in grammar.CATCH_EVENTS:
        yield f"the {event.name} names an activity; what is caught is the compensation of its own"
        return
    at = document.scope(event)
    allowed = [at]
    while is_event_sub_process(at) and at is not None:
        at = document.scope(at)
        allowed.append(at)
    if document.scope(activity) not in allowed:
        yield f"the activity {identity(activity)!r} is in another process or sub-process"


# --- links (10.5.5) ---------------------------------------------------------------------------------------------------


def _links(document: Document, event: XmlElement) -> list[XmlElement]:
    return [each for each in document.definitions(event) if each.name == "linkEventDefinition"]


def _link_flow(document: Document, event: XmlElement) -> Iterator[str]:
    flows = document.flows_in(event) if event.name == _CATCH else document.flows_out(event)
    if flows and _links(document, event):
        how = "leads to the target of a link" if event.name == _CATCH else "leaves the source of a link"
        yield f"the flow {identity(flows[0])!r} {how}"


def _link_ends(document: Document, event: XmlElement) -> Iterator[str]:
    tag, wrong = ("source", "target") if event.name == _CATCH else ("target", "source")
    for link in _links(document, event):
        if child(link, tag) is None and not _by_name(document, event, link):
            yield f"the link says no {tag}, and no other half has its name"
        if child(link, wrong) is not None:
            yield f"the link of a {event.name} has a {wrong}"


def _by_name(document: Document, event: XmlElement, link: XmlElement) -> bool:
    """Whether the other half of a link is in its scope, by its name."""
    other, name = (_THROW if event.name == _CATCH else _CATCH), link.attributes.get("name", "").strip()
    return bool(name) and (document.parent(event), other, name) in document.links


def _link_mutual(document: Document, event: XmlElement) -> Iterator[str]:
    tag, back = ("source", "target") if event.name == _CATCH else ("target", "source")
    for link in _links(document, event):
        for other in document.listed(link, tag):
            if other.name == "linkEventDefinition" and not document.lists(other, back, link):
                yield f"the link names {identity(other)!r} as its {tag}, which does not name it as {back}"


def _link_scope(document: Document, event: XmlElement) -> Iterator[str]:
    tag, wanted = ("source", _THROW) if event.name == _CATCH else ("target", _CATCH)
    for link in _links(document, event):
        for other in document.listed(link, tag):
            at = document.parent(other)
            if other.name != "linkEventDefinition" or at.name == "definitions":
                continue
            if at.name != wanted:
                yield f"the {tag} of the link is a {at.name}, not a {wanted}"
            elif document.scope(at) is not document.scope(event):
                yield f"the {tag} {identity(at)!r} of the link is in another process or sub-process"


def _link_target_twice(document: Document, scope: XmlElement) -> Iterator[str]:
    seen: set[str] = set()
    for event in children(scope, _CATCH):
        for link in _links(document, event):
            name = link.attributes.get("name", "").strip()
            if name and name in seen:
                yield f"two events are the target of the link {name!r}"
            seen.add(name)


RULES: Final = (
    Rule(
        "event-trigger",
        "10.5",
        " ".join(TRIGGERS),
        "an event has a trigger that an event of its kind cannot have, or catches nothing",
        "choose another trigger",
        _trigger,
    ),
    Rule(
        "implicit-throw-event",
        "10.5.4",
        "implicitThrowEvent",
        "an implicit throw event stands in a flow",
        "draw an intermediate throw event",
        _implicit,
    ),
    Rule(
        "link-event-alone",
        "10.5.5",
        _LINKS,
        "a link event has other triggers",
        "keep the link alone",
        _link_beside_others,
    ),
    Rule(
        "boundary-event-trigger",
        "10.5.4",
        _BOUNDARY,
        "a boundary event has no trigger, or one that it cannot have, or that it must interrupt for",
        "choose another trigger, or let it interrupt",
        _boundary_trigger,
    ),
    Rule(
        "boundary-event-incoming",
        "10.5.4",
        _BOUNDARY,
        "a sequence flow leads to a boundary event",
        "remove the flow",
        _boundary_incoming,
    ),
    Rule(
        "boundary-event-scope",
        "10.5.4",
        _BOUNDARY,
        "a boundary event is attached to an activity of another process or sub-process",
        "move it to its activity",
        _boundary_scope,
    ),
    Rule(
        "cancel-boundary-event",
        "10.5.4",
        _BOUNDARY,
        "a cancel event is attached to what is no transaction",
        "attach it to a transaction",
        _cancel_boundary,
    ),
    Rule(
        "cancel-end-event",
        "10.5.3",
        "endEvent",
        "a cancel end event is in no transaction",
        "use it in a transaction only",
        _cancel_end,
    ),
    Rule(
        "compensation-event-flow",
        "10.7.1",
        _BOUNDARY,
        "a sequence flow leaves a compensation event on the border of an activity",
        "connect its activity by an association",
        _compensation_flow,
    ),
    Rule(
        "compensation-event-handler",
        "10.7.1",
        _BOUNDARY,
        "no compensation activity is associated with a compensation event",
        "associate an activity with isForCompensation",
        _compensation_handler,
    ),
    Rule(
        "compensation-activity-ref",
        "10.5.5",
        "compensateEventDefinition",
        "an event compensates an activity that it cannot see, or catches and names one",
        "name an activity beside the event, or none",
        _compensated,
    ),
    Rule(
        "link-event-flow",
        "10.5.5",
        _LINKS,
        "a sequence flow leads to the target of a link, or leaves its source",
        "remove the flow",
        _link_flow,
    ),
    Rule(
        "link-event-pair",
        "10.5.5",
        _LINKS,
        "a link has no other half, or says the wrong one",
        "name the other half as source or target",
        _link_ends,
    ),
    Rule(
        "link-event-mutual",
        "10.5.5",
        _LINKS,
        "the halves of a link do not name each other",
        "let both name each other",
        _link_mutual,
    ),
    Rule(
        "link-event-scope",
        "10.5.5",
        _LINKS,
        "the halves of a link are in different processes or sub-processes, or are no intermediate events",
        "draw both in one process or sub-process",
        _link_scope,
    ),
    Rule(
        "link-event-target-twice",
        "10.5.5",
        "process subProcess transaction adHocSubProcess",
        "two events are the target of one link",
        "keep one",
        _link_target_twice,
    ),
)
