"""Events (BPMN 2.0.2, 10.5) and their definitions: what happens, or what is made to happen."""

from __future__ import annotations

from typing import Literal, TypeAlias, final

import msgspec

from procession.base.diagnostics import Span
from procession.model.data import DataAssociation, DataItem, Property
from procession.model.extension import NO_EXTENSION, NOWHERE, Expression, Extension

EventKind: TypeAlias = Literal[
    "startEvent",
    "intermediateCatchEvent",
    "intermediateThrowEvent",
    "boundaryEvent",
    "endEvent",
    "implicitThrowEvent",
]
EventDefinitionKind: TypeAlias = Literal[
    "messageEventDefinition",
    "timerEventDefinition",
    "errorEventDefinition",
    "escalationEventDefinition",
    "signalEventDefinition",
    "conditionalEventDefinition",
    "compensateEventDefinition",
    "cancelEventDefinition",
    "linkEventDefinition",
    "terminateEventDefinition",
]
TimerKind: TypeAlias = Literal["", "timeDate", "timeDuration", "timeCycle"]


@final
class EventDefinition(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What an event is about. Fields that belong to one kind hold their default in the others.

    `ref` is the id of the message, error, escalation, signal, or the activity to compensate; `operation_ref`
    is of messages; `timer` says which time element `expression` came from, and `expression` is the time or
    the condition; `wait_for_completion` is of compensation; `link_name`, `link_sources` and `link_target` are
    of links; `catch_up` is `procession:catchUp` of a timer (`all`, or '' for once).
    """

    kind: EventDefinitionKind
    id: str = ""
    ref: str = ""
    operation_ref: str = ""
    timer: TimerKind = ""
    expression: Expression | None = None
    catch_up: str = ""
    wait_for_completion: bool = True
    link_name: str = ""
    link_sources: tuple[str, ...] = ()
    link_target: str = ""
    extension: Extension = NO_EXTENSION
    span: Span = NOWHERE


@final
class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An event. Its definitions are its own and, after them, those that its `eventDefinitionRef`s name.

    `parallel_multiple` is of catching events, `is_interrupting` of start events in an event sub-process,
    `attached_to` and `cancel_activity` of boundary events. `data` are the associations, `items` the inputs or
    outputs.
    """

    kind: EventKind
    id: str
    name: str = ""
    incoming: tuple[str, ...] = ()
    outgoing: tuple[str, ...] = ()
    definitions: tuple[EventDefinition, ...] = ()
    definition_refs: tuple[str, ...] = ()
    parallel_multiple: bool = False
    is_interrupting: bool = True
    attached_to: str = ""
    cancel_activity: bool = True
    data: tuple[DataAssociation, ...] = ()
    items: tuple[DataItem, ...] = ()
    properties: tuple[Property, ...] = ()
    documentation: str = ""
    extension: Extension = NO_EXTENSION
    span: Span = NOWHERE
