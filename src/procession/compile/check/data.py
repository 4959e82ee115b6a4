"""Data and correlation as the standard draws them (10.4, 8.4.2): variables and keys of the dialect do this work.

In models of the zeebe dialect they are drawings beside what moves the data, so they are said to be without effect;
in the standard profile nothing else moves it, so they are refused.
"""

from __future__ import annotations

from typing import Final

from procession.compile.findings import Findings, Located
from procession.compile.resolve import Resolved, ScopeView
from procession.model.bpmn import Activity, Collaboration, FlowNode, MultiInstance, Process
from procession.model.data import DataObject, DataStoreReference
from procession.model.events import Event

RULE: Final = "element-type"

_MAPPINGS: Final = "use zeebe:ioMapping, or remove them"
_SUBSCRIPTION: Final = "give messages a zeebe:subscription with a correlation key"


def check_process(resolved: Resolved, findings: Findings) -> None:
    """What a process, and the collaboration that it takes part in, say about data and correlation."""
    process = resolved.process
    for subscription in process.correlation_subscriptions:
        text = "a correlation subscription is not executed in this version"
        findings.report(RULE, subscription, text, _SUBSCRIPTION)
    for collaboration in resolved.definitions.collaborations:
        if _takes_part(process, collaboration):
            for key in collaboration.correlation_keys:
                text = f"the correlation key {key.name or key.id!r} is not used to correlate messages in this version"
                weight = resolved.severity("correlation key of a collaboration")
                findings.report(RULE, key, text, _SUBSCRIPTION, severity=weight)
    if process.io is not None and process.io.inputs + process.io.outputs:
        text = "the data inputs and outputs of a process are not checked: it takes and gives all its variables"
        findings.report(RULE, process, text, span=process.io.span, severity="info")
    _properties(process, process, findings)


def _takes_part(process: Process, collaboration: Collaboration) -> bool:
    return any(participant.process_ref == process.id for participant in collaboration.participants)


def check_scope(resolved: Resolved, view: ScopeView, findings: Findings) -> None:
    """Every element of a scope."""
    scope = view.scope
    drawn: list[tuple[str, DataObject | DataStoreReference]] = [("object", each) for each in scope.data_objects]
    drawn += [("store", each) for each in scope.data_store_references]
    for what, item in drawn:
        text = f"the data {what} {item.name or item.id!r} holds nothing: data travels in variables"
        findings.report(RULE, item, text, severity="info")
    for node in scope.nodes:
        if isinstance(node, Activity):
            _activity(resolved, node, findings)
        elif isinstance(node, Event):
            if node.data:
                _association(resolved, node, findings)
            _properties(node, node, findings)


def _activity(resolved: Resolved, node: Activity, findings: Findings) -> None:
    if node.data_inputs or node.data_outputs:
        _association(resolved, node, findings)
    if node.io is not None and node.io.inputs + node.io.outputs:
        # By itself it moves nothing; what would, an association, is judged on its own.
        text = "an input/output specification has no effect: an element sees all variables of its scope"
        findings.report(RULE, node, text, _MAPPINGS, severity="warning", span=node.io.span)
    loop = node.loop
    if isinstance(loop, MultiInstance) and loop.extension.loop is not None:
        for name, value in (("loopDataInputRef", loop.data_input_ref), ("loopDataOutputRef", loop.data_output_ref)):
            if value:
                text = f"{name} has no effect beside zeebe:loopCharacteristics, which names the collections"
                findings.report(RULE, node, text, "remove it", severity="warning", span=loop.span)
    _properties(node, node, findings)


def _association(resolved: Resolved, node: FlowNode, findings: Findings) -> None:
    severity = resolved.severity("data association")
    text = "a data association is not executed in this version"
    if severity != "error":
        text = "data associations have no effect: an element sees all variables of its scope"
    findings.report(RULE, node, text, _MAPPINGS, severity=severity)


def _properties(element: Process | Activity | Event, at: Located, findings: Findings) -> None:
    for item in element.properties:
        text = f"the property {item.name or item.id!r} holds nothing: data travels in variables"
        findings.report(RULE, at, text, span=item.span, severity="info")
