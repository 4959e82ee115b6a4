"""Extensions that stand where they mean nothing, or belong to another engine: said, never skipped in silence."""

from __future__ import annotations

from typing import Final

from procession.compile.findings import Findings, Located
from procession.compile.resolve import Resolved, ScopeView
from procession.model.bpmn import FlowNode
from procession.model.events import Event, EventDefinition
from procession.model.extension import NO_EXTENSION, Extension

WORKED: Final = frozenset({"serviceTask", "sendTask", "scriptTask", "businessRuleTask", "adHocSubProcess"})
"""What a worker's job may be of."""
FIELDS: Final[dict[str, frozenset[str]]] = {
    "task_definition": WORKED | {"userTask"},
    "headers": WORKED,
    "job_priority": WORKED,
    "retry": WORKED,
    "loop": frozenset(),
    "called_element": frozenset({"callActivity"}),
    "called_decision": frozenset({"businessRuleTask"}),
    "script": frozenset({"scriptTask"}),
    "subscription": frozenset(),
    "publish_message": frozenset({"sendTask"}),
    "user_task": frozenset({"userTask"}),
    "assignment": frozenset({"userTask"}),
    "schedule": frozenset({"userTask"}),
    "priority": frozenset({"userTask"}),
    "form": frozenset({"userTask", "startEvent"}),
    "task_listeners": frozenset({"userTask"}),
    "ad_hoc": frozenset({"adHocSubProcess"}),
    "conditional_filter": frozenset(),
    "linked_resources": frozenset(),
}
"""On which elements an extension means something. What is not listed here may stand everywhere."""
THROWING: Final = frozenset({"task_definition", "headers", "job_priority", "retry", "publish_message"})
"""Extensions of message throw and end events."""
ENGINES: Final[dict[str, str]] = {
    "http://camunda.org/schema/1.0/bpmn": "camunda",
    "http://operaton.org/schema/1.0/bpmn": "operaton",
    "http://activiti.org/bpmn": "activiti",
    "http://flowable.org/bpmn": "flowable",
    "http://spiffworkflow.org/bpmn/schema/1.0/core": "spiffworkflow",
}
_ZEEBE: Final = "http://camunda.org/schema/zeebe/1.0"
_PROCESSION: Final = "http://procession.dev/schema/1.0"


def check_scope(resolved: Resolved, view: ScopeView, findings: Findings) -> None:
    """Every element and flow of a scope."""
    for node in view.scope.nodes:
        if node.extension is not NO_EXTENSION:
            _misplaced(node, findings)
            check_foreign(node, node.extension, findings)
        if isinstance(node, Event):
            for definition in node.definitions:
                if definition.extension is not NO_EXTENSION:
                    _on_definition(node, definition, findings)
    for flow in view.scope.flows:
        if flow.extension is not NO_EXTENSION:
            check_foreign(flow, flow.extension, findings)


def _misplaced(node: FlowNode, findings: Findings) -> None:
    extension = node.extension
    is_message = isinstance(node, Event) and _throws_message(node)
    for field, kinds in FIELDS.items():
        if getattr(extension, field) and node.kind not in kinds and not (is_message and field in THROWING):
            name = field.replace("_", " ")
            text = f"the extension `{name}` has no effect on this {node.kind}"
            findings.report("extension-attribute", node, text, "remove it", severity="warning")


def _on_definition(event: Event, definition: EventDefinition, findings: Findings) -> None:
    extension = definition.extension
    for field in FIELDS:
        if getattr(extension, field):
            name = field.replace("_", " ")
            text = f"the extension `{name}` has no effect inside the {definition.kind}"
            remedy = "put it into the extensionElements of the event"
            findings.report("extension-attribute", event, text, remedy, severity="warning", span=definition.span)
    check_foreign(event, extension, findings)


def _throws_message(event: Event) -> bool:
    if event.kind not in {"intermediateThrowEvent", "endEvent"}:
        return False
    return any(definition.kind == "messageEventDefinition" for definition in event.definitions)


def check_foreign(at: Located, extension: Extension, findings: Findings) -> None:
    """Extensions of other engines, and words of our namespaces that do not exist."""
    names: dict[str, list[str]] = {}
    for element in extension.foreign:
        names.setdefault(element.namespace, []).append(element.name)
    for attribute in extension.foreign_attributes:
        names.setdefault(attribute.namespace, []).append(attribute.name)
    for namespace, found in names.items():
        shown = ", ".join(dict.fromkeys(found))
        if namespace in ENGINES:
            text = f"{shown} of the namespace {ENGINES[namespace]} has no effect here"
            remedy = "import the model, or say the same with zeebe extensions"
            findings.report("foreign-extension", at, text, remedy, severity="warning")
        elif namespace in {_ZEEBE, _PROCESSION}:
            text = f"{shown} is not known and has no effect"
            findings.report("extension-attribute", at, text, "remove it, or correct its name", severity="warning")
