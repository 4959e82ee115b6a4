"""Ad-hoc sub-processes (BPMN 2.0.2, 10.3.5): what may be in them, and who chooses."""

from __future__ import annotations

from typing import Final

from procession.compile.check.names import check_variable
from procession.compile.findings import Findings
from procession.compile.resolve import Resolved, ScopeView, is_implicit_start
from procession.model.bpmn import Activity
from procession.model.events import Event

RULE: Final = "ad-hoc-sub-process"


def check_scope(resolved: Resolved, view: ScopeView, findings: Findings) -> None:
    """The scope, if it is that of an ad-hoc sub-process."""
    owner = view.owner
    if not isinstance(owner, Activity) or owner.kind != "adHocSubProcess":
        return
    if owner.triggered_by_event:
        text = "an ad-hoc sub-process is entered by a token, not triggered by an event"
        findings.report(RULE, owner, text, "draw an event sub-process with the ad-hoc sub-process in it")
    for node in view.scope.nodes:
        if isinstance(node, Event) and node.kind in {"startEvent", "endEvent"}:
            text = f"an ad-hoc sub-process has no {node.kind}: each of its activities can be the first and the last"
            findings.report(RULE, node, text, "remove it and its sequence flow")
    if not any(isinstance(node, Activity) and is_implicit_start(node, view) for node in view.scope.nodes):
        text = "no activity of this ad-hoc sub-process could be chosen: a sequence flow leads to each of them"
        findings.report(RULE, owner, text, "draw an activity without an incoming sequence flow")
    _extension(owner, findings)
    condition = owner.completion_condition
    if condition is not None and not condition.text:
        text = "the completion condition is empty"
        findings.report(RULE, owner, text, "write it, or remove the element", span=condition.span)


def _extension(owner: Activity, findings: Findings) -> None:
    said = owner.extension.ad_hoc
    if owner.extension.task_definition is not None:
        is_chosen = said is not None and bool(said.active_elements_collection.strip())
        if is_chosen or owner.completion_condition is not None:
            text = "the worker of the job chooses, so there is no collection and no completion condition"
            findings.report(RULE, owner, text, "remove them, or zeebe:taskDefinition")
    if said is None:
        return
    collection, name = said.active_elements_collection.strip(), said.output_collection.strip()
    if collection and not collection.startswith("="):
        text = "the collection of activities is a text, not a list"
        findings.report(RULE, owner, text, "write an expression after =", span=said.span)
    if bool(name) != bool(said.output_element.strip()):
        text = "outputCollection and outputElement belong together"
        findings.report(RULE, owner, text, "give both or none", span=said.span)
    if name:
        check_variable(owner, name, findings, said.span)
