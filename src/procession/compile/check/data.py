"""Data and correlation as the standard draws them (10.4, 8.4.2): what of it means something else than is drawn.

In documents made for Camunda 8 data elements are drawings beside the mappings that move the data, so they are said to
be without effect there; everywhere else they are executed.
"""

from __future__ import annotations

from typing import Final

from procession.compile.findings import Findings, Located
from procession.compile.items import PLACEHOLDER
from procession.compile.lower.data import path_in
from procession.compile.resolve import Resolved, ScopeView
from procession.model.bpmn import Activity, Collaboration, FlowNode, Gateway, MultiInstance, Process
from procession.model.data import (
    CorrelationProperty,
    DataAssociation,
    DataItem,
    DataObject,
    DataObjectReference,
    DataStoreReference,
    IoSpecification,
)
from procession.model.events import Event

RULE: Final = "data"
DRAWN: Final = "element-type"
"""The rule where data is only drawn."""

_MAPPINGS: Final = "use zeebe:ioMapping, or remove them"


def check_process(resolved: Resolved, findings: Findings) -> None:
    """What a process, and the collaboration that it takes part in, say about data and correlation."""
    process = resolved.process
    _subscriptions(resolved, findings)
    for collaboration in resolved.definitions.collaborations:
        if _takes_part(process, collaboration):
            _multiplicity(process, collaboration, findings)
            _keys(resolved, collaboration, findings)
    if process.io is not None and process.io.inputs + process.io.outputs:
        text = "a process takes and gives all its variables, not only its data inputs and outputs"
        findings.report(RULE if resolved.has_data else DRAWN, process, text, span=process.io.span, severity="info")
    if not resolved.has_data:
        _properties(process, process, findings)


def check_scope(resolved: Resolved, view: ScopeView, findings: Findings) -> None:
    """Every element of a scope."""
    if not resolved.has_data:
        _drawn_scope(view, findings)
        return
    states: list[DataObjectReference | DataStoreReference] = [*view.scope.data_object_references]
    states += view.scope.data_store_references
    for reference in states:
        if reference.state:
            text = f"the state {reference.state!r} is documentation: the value of the data tells what it is"
            findings.report(RULE, reference, text, severity="info")
    for node in view.scope.nodes:
        if not isinstance(node, Gateway) and not resolved.moves_data(node):
            _beside_mappings(node, findings)
        elif isinstance(node, Event):
            for association in node.data:
                _association(resolved, node, association, findings)
        elif isinstance(node, Activity):
            for association in (*node.data_inputs, *node.data_outputs):
                _association(resolved, node, association, findings)
            _loop_refs(node, findings)
            if node.io is not None:
                _specification(resolved, node, node.io, findings)


def _beside_mappings(node: Activity | Event, findings: Findings) -> None:
    drawn = (*node.data_inputs, *node.data_outputs) if isinstance(node, Activity) else node.data
    if drawn:
        text = "data associations have no effect beside zeebe:ioMapping, which moves the data"
        findings.report(RULE, node, text, "keep one of them", severity="warning", span=drawn[0].span)
    if isinstance(node, Activity):
        _loop_refs(node, findings)


def _takes_part(process: Process, collaboration: Collaboration) -> bool:
    return any(participant.process_ref == process.id for participant in collaboration.participants)


def _multiplicity(process: Process, collaboration: Collaboration, findings: Findings) -> None:
    for participant in collaboration.participants:
        if participant.process_ref == process.id and (participant.minimum or participant.maximum):
            text = "participantMultiplicity is documentation: there are as many instances as are started"
            findings.report(DRAWN, participant, text, severity="info")


def _keys(resolved: Resolved, collaboration: Collaboration, findings: Findings) -> None:
    """A correlation key that no message holds correlates nothing."""
    definitions = resolved.definitions
    known = {each.id: each for each in definitions.correlation_properties}
    for key in collaboration.correlation_keys:
        properties = [known[ref] for ref in key.property_refs if ref in known]
        held = [message.id for message in definitions.messages if _is_in(message.id, properties)]
        if not properties or not held:
            text = f"the correlation key {key.name or key.id!r} can be read out of no message: it correlates nothing"
            remedy = "give each of its properties a correlationPropertyRetrievalExpression for the messages"
            findings.report("correlation", key, text, remedy, severity="warning")


def _is_in(message: str, properties: list[CorrelationProperty]) -> bool:
    return all(any(each.message_ref == message for each in prop.retrievals) for prop in properties)


def _subscriptions(resolved: Resolved, findings: Findings) -> None:
    """A correlation subscription binds each property of its key (8.4.2)."""
    definitions = resolved.definitions
    keys = {key.id: key for collaboration in definitions.collaborations for key in collaboration.correlation_keys}
    known = {each.id for each in definitions.correlation_properties}
    for subscription in resolved.process.correlation_subscriptions:
        key = keys.get(subscription.key_ref)
        if key is None:
            text = f"there is no correlation key {subscription.key_ref!r}"
            findings.report("correlation", subscription, text, "name a key of a collaboration")
            continue
        bound = {each.property_ref for each in subscription.bindings if each.path is not None and each.path.text}
        for missing in [ref for ref in key.property_refs if ref in known and ref not in bound]:
            text = f"the property {missing!r} of the correlation key {key.name or key.id!r} has no dataPath"
            findings.report("correlation", subscription, text, "bind it with a correlationPropertyBinding")


def _association(resolved: Resolved, node: FlowNode, association: DataAssociation, findings: Findings) -> None:
    items = resolved.items
    target = items.get(association.target_ref)
    sources = [items[ref] for ref in association.source_refs if ref in items]
    if target is None or not (sources or association.transformation or association.assignments):
        text = "a data association without a source or a target moves nothing: what a worker gives has names of its own"
        findings.report(RULE, node, text, severity="info", span=association.span)
        return
    if PLACEHOLDER in {target.name, *(source.name for source in sources)}:
        text = f"{PLACEHOLDER} stands for no data: the association is drawn only"
        findings.report(RULE, node, text, severity="info", span=association.span)
    if len(sources) > 1 and association.transformation is None and not association.assignments:
        text = "a data association with several sources says not what it makes of them"
        findings.report(RULE, node, text, "give it a transformation, or assignments", span=association.span)
    for assignment in association.assignments:
        if not assignment.source.text or not assignment.target.text:
            text = "an assignment has no from, or no to"
            findings.report(RULE, node, text, "give both", span=assignment.span)
        elif target.kind == "store" and path_in(assignment, association.target_ref, target):
            text = f"a part of the data store {target.name!r} cannot be written by itself"
            findings.report(RULE, node, text, "write the whole value", span=assignment.span)


def _specification(resolved: Resolved, node: Activity, io: IoSpecification, findings: Findings) -> None:
    moved = {each.target_ref for each in node.data_inputs} | {
        ref for each in node.data_outputs for ref in each.source_refs
    }
    loop = node.loop
    if isinstance(loop, MultiInstance):
        moved |= {loop.data_input_ref, loop.data_output_ref}
    for item in (*io.inputs, *io.outputs):
        if item.id not in moved and item.name != PLACEHOLDER and not _is_sent(node, io, item):
            text = f"no association moves {item.name or item.id!r}: it is the variable of this name in the scope around"
            findings.report(RULE, node, text, severity="info", span=item.span)
    for each in (*io.input_sets, *io.output_sets):
        if each.while_executing:
            text = "data given while the activity executes is taken when it begins, and given when it completes"
            findings.report(RULE, node, text, severity="info", span=each.span)


def _loop_refs(node: Activity, findings: Findings) -> None:
    """What names the collections beside `zeebe:loopCharacteristics`, which is followed."""
    loop = node.loop
    if isinstance(loop, MultiInstance) and loop.extension.loop is not None:
        for name, value in (("loopDataInputRef", loop.data_input_ref), ("loopDataOutputRef", loop.data_output_ref)):
            if value:
                text = f"{name} has no effect beside zeebe:loopCharacteristics, which names the collections"
                findings.report(DRAWN, node, text, "remove it", severity="warning", span=loop.span)


def _is_sent(node: Activity, io: IoSpecification, item: DataItem) -> bool:
    return node.kind == "sendTask" and item in io.inputs


# --- documents for Camunda 8 ------------------------------------------------------------------------------------------


def _drawn_scope(view: ScopeView, findings: Findings) -> None:
    scope = view.scope
    drawn: list[tuple[str, DataObject | DataStoreReference]] = [("object", each) for each in scope.data_objects]
    drawn += [("store", each) for each in scope.data_store_references]
    for what, item in drawn:
        text = f"the data {what} {item.name or item.id!r} holds nothing here: data travels in variables"
        findings.report(DRAWN, item, text, severity="info")
    for node in scope.nodes:
        if isinstance(node, Activity):
            _drawn_activity(node, findings)
        elif isinstance(node, Event):
            if node.data:
                _drawn_association(node, findings)
            _properties(node, node, findings)


def _drawn_activity(node: Activity, findings: Findings) -> None:
    if node.data_inputs or node.data_outputs:
        _drawn_association(node, findings)
    if node.io is not None and node.io.inputs + node.io.outputs:
        text = "an input/output specification has no effect: an element sees all variables of its scope"
        findings.report(DRAWN, node, text, _MAPPINGS, severity="warning", span=node.io.span)
    _loop_refs(node, findings)
    _properties(node, node, findings)


def _drawn_association(node: FlowNode, findings: Findings) -> None:
    text = "data associations have no effect: an element sees all variables of its scope"
    findings.report(DRAWN, node, text, _MAPPINGS, severity="warning")


def _properties(element: Process | Activity | Event, at: Located, findings: Findings) -> None:
    for item in element.properties:
        text = f"the property {item.name or item.id!r} holds nothing here: data travels in variables"
        findings.report(DRAWN, at, text, span=item.span, severity="info")
