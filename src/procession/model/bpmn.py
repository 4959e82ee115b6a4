"""A BPMN 2.0.2 document, immutable. The compiler reads it; nothing here acts.

Nodes come in three families (`Activity`, `Gateway`, `Event`), each with a `kind` in the standard's spelling,
so that a table by kind says all about it. A reference is the id that it names, prefix removed, '' where
absent. `incoming` and `outgoing` follow the sequence flows of the scope, in the order of the node's own
`outgoing` elements. Elements of the BPMN namespace that have no place here are `Unknown`, never dropped.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, final

import msgspec

from procession.base.diagnostics import Span
from procession.model.data import (
    CorrelationProperty,
    CorrelationSubscription,
    DataAssociation,
    DataObject,
    DataObjectReference,
    DataStore,
    DataStoreReference,
    IoSpecification,
    ItemDefinition,
    Property,
)
from procession.model.diagram import Diagram
from procession.model.events import Event, EventDefinition
from procession.model.extension import NO_EXTENSION, NOWHERE, Expression, Extension

ActivityKind: TypeAlias = Literal[
    "task",
    "manualTask",
    "userTask",
    "serviceTask",
    "sendTask",
    "receiveTask",
    "scriptTask",
    "businessRuleTask",
    "callActivity",
    "subProcess",
    "transaction",
    "adHocSubProcess",
]
GatewayKind: TypeAlias = Literal[
    "exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway", "complexGateway"
]
GlobalTaskKind: TypeAlias = Literal[
    "globalTask", "globalUserTask", "globalManualTask", "globalScriptTask", "globalBusinessRuleTask"
]
ResourceRoleKind: TypeAlias = Literal["resourceRole", "performer", "humanPerformer", "potentialOwner"]
ArtifactKind: TypeAlias = Literal["textAnnotation", "group"]


@final
class Unknown(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An element of the BPMN namespace that this model has no place for. `owner` is the id around it."""

    tag: str
    id: str = ""
    owner: str = ""
    span: Span = NOWHERE


@final
class SequenceFlow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A sequence flow (8.4.13). `is_immediate` is None where absent."""

    id: str
    name: str = ""
    source: str = ""
    target: str = ""
    condition: Expression | None = None
    is_immediate: bool | None = None
    documentation: str = ""
    extension: Extension = NO_EXTENSION
    span: Span = NOWHERE


@final
class StandardLoop(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`standardLoopCharacteristics` (10.3.9). `maximum` is the text as written, '' for none."""

    test_before: bool = False
    maximum: str = ""
    condition: Expression | None = None
    extension: Extension = NO_EXTENSION
    span: Span = NOWHERE


@final
class ComplexBehavior(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`complexBehaviorDefinition` of a multi-instance with behavior Complex: a condition, and the event it
    throws.
    """

    condition: Expression | None = None
    event: Event | None = None
    span: Span = NOWHERE


@final
class MultiInstance(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`multiInstanceLoopCharacteristics` (10.3.9). The zeebe collections are in `extension.loop`.

    `input_item` and `output_item` are the names (else ids) of the data items; refs are ids of data elements.
    """

    is_sequential: bool = False
    behavior: Literal["All", "None", "One", "Complex"] = "All"
    cardinality: Expression | None = None
    completion_condition: Expression | None = None
    data_input_ref: str = ""
    data_output_ref: str = ""
    input_item: str = ""
    output_item: str = ""
    input_item_id: str = ""
    output_item_id: str = ""
    none_event_ref: str = ""
    one_event_ref: str = ""
    complex_behaviors: tuple[ComplexBehavior, ...] = ()
    extension: Extension = NO_EXTENSION
    span: Span = NOWHERE


@final
class ResourceRole(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who does the work (10.3.1): a resource with parameters, or an expression that names people."""

    kind: ResourceRoleKind
    id: str = ""
    name: str = ""
    resource_ref: str = ""
    assignment: Expression | None = None
    parameters: tuple[tuple[str, Expression], ...] = ()
    span: Span = NOWHERE


@final
class Activity(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A task, call activity or sub-process (10.3). `scope` is set for the three kinds of sub-process and None
    else.

    Fields that belong to one kind hold their default in the others: `script`, `script_format`, `script_engine` and
    `result_variable` (scriptTask; script is None when there is no `script` element), `implementation`,
    `message_ref`, `operation_ref`, `instantiate` (send, receive, service), `called_element`, `triggered_by_event`,
    `method` (transaction), `ordering`, `cancel_remaining_instances`, `completion_condition` (adHocSubProcess).
    """

    kind: ActivityKind
    id: str
    name: str = ""
    incoming: tuple[str, ...] = ()
    outgoing: tuple[str, ...] = ()
    default: str = ""
    loop: StandardLoop | MultiInstance | None = None
    is_for_compensation: bool = False
    start_quantity: str = ""
    completion_quantity: str = ""
    script: str | None = None
    script_format: str = ""
    script_engine: str = ""
    result_variable: str = ""
    implementation: str = ""
    message_ref: str = ""
    operation_ref: str = ""
    instantiate: bool = False
    called_element: str = ""
    scope: Scope | None = None
    triggered_by_event: bool = False
    method: str = ""
    ordering: Literal["Parallel", "Sequential"] = "Parallel"
    cancel_remaining_instances: bool = True
    completion_condition: Expression | None = None
    io: IoSpecification | None = None
    data_inputs: tuple[DataAssociation, ...] = ()
    data_outputs: tuple[DataAssociation, ...] = ()
    properties: tuple[Property, ...] = ()
    resources: tuple[ResourceRole, ...] = ()
    documentation: str = ""
    extension: Extension = NO_EXTENSION
    span: Span = NOWHERE


@final
class Gateway(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A gateway (10.6). `activation_condition` is of complex ones.

    `instantiate` and `event_type` are of event-based ones.
    """

    kind: GatewayKind
    id: str
    name: str = ""
    direction: str = ""
    incoming: tuple[str, ...] = ()
    outgoing: tuple[str, ...] = ()
    default: str = ""
    activation_condition: Expression | None = None
    instantiate: bool = False
    event_type: Literal["Exclusive", "Parallel"] = "Exclusive"
    documentation: str = ""
    extension: Extension = NO_EXTENSION
    span: Span = NOWHERE


FlowNode: TypeAlias = Activity | Gateway | Event


@final
class Association(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An association (8.4.1): it ties a compensation handler to its event, or a note to an element."""

    id: str
    source: str = ""
    target: str = ""
    direction: str = "None"
    span: Span = NOWHERE


@final
class Artifact(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A note or a group: drawn, without effect. `text` is the note, or the group's category value."""

    kind: ArtifactKind
    id: str
    text: str = ""
    span: Span = NOWHERE


@final
class Lane(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A lane (10.8): `node_refs` are the flow elements in it, `lanes` the lanes inside it."""

    id: str
    name: str = ""
    node_refs: tuple[str, ...] = ()
    lanes: tuple[Lane, ...] = ()
    extension: Extension = NO_EXTENSION
    span: Span = NOWHERE


@final
class LaneSet(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A set of lanes of a process or sub-process."""

    id: str
    name: str = ""
    lanes: tuple[Lane, ...] = ()
    span: Span = NOWHERE


@final
class Scope(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a process or sub-process contains, in the order of the document."""

    nodes: tuple[FlowNode, ...] = ()
    flows: tuple[SequenceFlow, ...] = ()
    data_objects: tuple[DataObject, ...] = ()
    data_object_references: tuple[DataObjectReference, ...] = ()
    data_store_references: tuple[DataStoreReference, ...] = ()
    associations: tuple[Association, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    lane_sets: tuple[LaneSet, ...] = ()


@final
class Process(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A process (10.2). `version_tag` is that of the extension. `unknown` lists all unknown elements inside
    it.
    """

    id: str
    name: str = ""
    is_executable: bool = False
    is_closed: bool = False
    process_type: str = "None"
    version_tag: str = ""
    scope: Scope = Scope()
    properties: tuple[Property, ...] = ()
    io: IoSpecification | None = None
    resources: tuple[ResourceRole, ...] = ()
    correlation_subscriptions: tuple[CorrelationSubscription, ...] = ()
    supported_interfaces: tuple[str, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    documentation: str = ""
    extension: Extension = NO_EXTENSION
    span: Span = NOWHERE


@final
class GlobalTask(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A task that call activities of any process may call (10.3.7)."""

    kind: GlobalTaskKind
    id: str
    name: str = ""
    script: str | None = None
    script_format: str = ""
    implementation: str = ""
    io: IoSpecification | None = None
    resources: tuple[ResourceRole, ...] = ()
    extension: Extension = NO_EXTENSION
    span: Span = NOWHERE


@final
class Message(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A message (8.4.11). Its correlation key is `extension.subscription`."""

    id: str
    name: str = ""
    item_ref: str = ""
    extension: Extension = NO_EXTENSION
    span: Span = NOWHERE


@final
class Signal(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A signal (10.5.4)."""

    id: str
    name: str = ""
    structure_ref: str = ""
    extension: Extension = NO_EXTENSION
    span: Span = NOWHERE


@final
class Error(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A business error (8.4.4). `code` may be FEEL after '='; None when the attribute is absent."""

    id: str
    name: str = ""
    code: str | None = None
    structure_ref: str = ""
    extension: Extension = NO_EXTENSION
    span: Span = NOWHERE


@final
class Escalation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An escalation (8.4.5). `code` is None when the attribute is absent."""

    id: str
    name: str = ""
    code: str | None = None
    structure_ref: str = ""
    extension: Extension = NO_EXTENSION
    span: Span = NOWHERE


@final
class Import(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An imported document (8.2.2)."""

    namespace: str
    location: str = ""
    import_type: str = ""
    span: Span = NOWHERE


@final
class Operation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An operation of an interface (8.4.14)."""

    id: str
    name: str = ""
    in_message_ref: str = ""
    out_message_ref: str = ""
    error_refs: tuple[str, ...] = ()
    implementation_ref: str = ""
    span: Span = NOWHERE


@final
class Interface(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A service's interface (8.4.14)."""

    id: str
    name: str = ""
    implementation_ref: str = ""
    operations: tuple[Operation, ...] = ()
    span: Span = NOWHERE


@final
class Resource(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """People or machines that roles refer to (8.4.12)."""

    id: str
    name: str = ""
    span: Span = NOWHERE


@final
class Participant(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A pool (9.3). `process_ref` is '' for a black box."""

    id: str
    name: str = ""
    process_ref: str = ""
    minimum: str = ""
    maximum: str = ""
    extension: Extension = NO_EXTENSION
    span: Span = NOWHERE


@final
class MessageFlow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A message flow between pools or the nodes in them (9.4)."""

    id: str
    name: str = ""
    source: str = ""
    target: str = ""
    message_ref: str = ""
    span: Span = NOWHERE


@final
class CorrelationKey(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A correlation key of a collaboration: the properties that it is made of (8.4.2)."""

    id: str
    name: str = ""
    property_refs: tuple[str, ...] = ()
    span: Span = NOWHERE


@final
class Collaboration(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A collaboration (9): pools, the messages between them and how these correlate."""

    id: str
    name: str = ""
    is_closed: bool = False
    participants: tuple[Participant, ...] = ()
    message_flows: tuple[MessageFlow, ...] = ()
    correlation_keys: tuple[CorrelationKey, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    associations: tuple[Association, ...] = ()
    documentation: str = ""
    extension: Extension = NO_EXTENSION
    span: Span = NOWHERE


@final
class Definitions(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A whole BPMN document. `digest` is the SHA-256 of its bytes in hex, `source` the file's name."""

    id: str = ""
    name: str = ""
    target_namespace: str = ""
    expression_language: str = ""
    type_language: str = ""
    exporter: str = ""
    exporter_version: str = ""
    execution_platform: str = ""
    execution_platform_version: str = ""
    imports: tuple[Import, ...] = ()
    messages: tuple[Message, ...] = ()
    signals: tuple[Signal, ...] = ()
    errors: tuple[Error, ...] = ()
    escalations: tuple[Escalation, ...] = ()
    item_definitions: tuple[ItemDefinition, ...] = ()
    data_stores: tuple[DataStore, ...] = ()
    interfaces: tuple[Interface, ...] = ()
    resources: tuple[Resource, ...] = ()
    correlation_properties: tuple[CorrelationProperty, ...] = ()
    event_definitions: tuple[EventDefinition, ...] = ()
    global_tasks: tuple[GlobalTask, ...] = ()
    processes: tuple[Process, ...] = ()
    collaborations: tuple[Collaboration, ...] = ()
    diagrams: tuple[Diagram, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    uses_zeebe: bool = False
    extension: Extension = NO_EXTENSION
    source: str = ""
    digest: str = ""
    span: Span = NOWHERE
