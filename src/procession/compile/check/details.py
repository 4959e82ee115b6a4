"""What single elements say: who does the work, mappings, names of variables, listeners, loops, bindings, forms."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias, TypeVar

from procession.base.diagnostics import Span
from procession.compile.check.ends import ends_otherwise
from procession.compile.check.names import check_variable
from procession.compile.check.scripts import check_script_task, check_scripts
from procession.compile.findings import Findings, Located
from procession.compile.lower.multi_instance import THROWABLE
from procession.compile.lower.parts import ASSIGNED, BINDINGS, EXECUTION_EVENTS, TASK_EVENTS
from procession.compile.resolve import Resolved, ScopeView, definitions_named
from procession.compile.time_syntax import problem_of
from procession.ir.kinds import ListenerEvent, TimerKind
from procession.model.bpmn import Activity, FlowNode, Gateway, MultiInstance, Process, ResourceRole, StandardLoop
from procession.model.events import Event
from procession.model.extension import (
    NO_EXTENSION,
    Assignment,
    Extension,
    Form,
    Listener,
    LoopCollection,
    Mapping,
    Schedule,
)

Check: TypeAlias = Callable[[Resolved, Activity, Findings], None]

_Item = TypeVar("_Item")
_TEXT_OF_WORKER: Final = "give it a zeebe:taskDefinition with the type of the job"
_COUNT: Final = re.compile(r"[1-9]\d{0,6}", re.ASCII)
_MAXIMUM: Final = re.compile(r"\d{1,6}", re.ASCII)
_INTEGER: Final = re.compile(r"-?\d{1,9}", re.ASCII)


def check_scope(resolved: Resolved, view: ScopeView, findings: Findings) -> None:
    """Every element of a scope."""
    for node in view.scope.nodes:
        if isinstance(node, Activity):
            check = CHECKS.get(node.kind)
            if check is not None:
                check(resolved, node, findings)
            if node.loop is not None:
                _loop(resolved, node, findings)
            if node.kind == "userTask":
                _owners(node, findings)
            else:
                check_roles(node, node.resources, findings)
        elif isinstance(node, Event) and node.kind == "startEvent" and node.extension.form is not None:
            _start_form(view, node, node.extension.form, findings)
        if node.extension is not NO_EXTENSION:
            _extension(node, findings)


# --- who does the work ------------------------------------------------------------------------------------------------


def _service(resolved: Resolved, node: Activity, findings: Findings) -> None:
    if node.extension.task_definition is None:
        findings.report("implementation", node, f"nobody does this {node.kind}", _TEXT_OF_WORKER)


def _business_rule(resolved: Resolved, node: Activity, findings: Findings) -> None:
    extension = node.extension
    called = extension.called_decision
    if called is None:
        if extension.task_definition is None:
            remedy = "give it a zeebe:calledDecision, or a zeebe:taskDefinition"
            findings.report("implementation", node, "nobody does this businessRuleTask", remedy)
        return
    if extension.task_definition is not None:
        text = "the business rule task has a decision and a job; it can do one of them"
        findings.report("implementation", node, text, "remove one of them")
    if not called.decision_id.strip():
        findings.report("implementation", node, "decisionId is empty", "name the decision", span=called.span)
    if not called.result_variable.strip():
        text = "the decision's result goes nowhere"
        findings.report("implementation", node, text, "name a resultVariable", span=called.span)
    else:
        check_variable(node, called.result_variable, findings, called.span)
    _binding(node, (called.binding_type, called.version_tag), findings, called.span)


def _call(resolved: Resolved, node: Activity, findings: Findings) -> None:
    called = node.extension.called_element
    name = node.called_element if called is None else called.process_id.strip() or node.called_element
    if not name:
        text = "the call activity names no process"
        findings.report("called-element", node, text, "give it a zeebe:calledElement with the process id")
    if called is not None:
        _binding(node, (called.binding_type, called.version_tag), findings, called.span)


def _user(resolved: Resolved, node: Activity, findings: Findings) -> None:
    extension = node.extension
    if extension.task_definition is not None:
        text = "a user task is done by a person, not by a job"
        findings.report("user-task-definition", node, text, "remove zeebe:taskDefinition")
    if extension.form is not None:
        rule = "user-task-form"
        if not _has_reference(extension.form):
            findings.report(rule, node, "the form has no reference", "name a form", span=extension.form.span)
        _form_binding(node, extension.form, findings)
    _schedule(node, extension.schedule or Schedule(), findings)
    priority = extension.priority.strip()
    if priority and not priority.startswith("=") and not _is_priority(priority):
        text = f"the priority {priority!r} is no whole number from 0 to 100"
        findings.report("priority", node, text, "correct it")


def _schedule(node: Activity, schedule: Schedule, findings: Findings) -> None:
    for what, date in (("due date", schedule.due_date), ("follow-up date", schedule.follow_up_date)):
        if date.strip() and not date.lstrip().startswith("=") and (problem := problem_of(TimerKind.DATE, date)):
            text = f"the {what}: {problem}"
            findings.report("task-schedule", node, text, "correct it, or compute it after =", span=schedule.span)


def _has_reference(form: Form) -> bool:
    return bool(form.form_id or form.form_key or form.external_reference)


def _form_binding(node: FlowNode, form: Form, findings: Findings) -> None:
    _binding(node, (form.binding_type, form.version_tag), findings, form.span)


def _start_form(view: ScopeView, node: Event, form: Form, findings: Findings) -> None:
    """Only who starts a process by hand could fill in a form, and nobody shows it here."""
    rule = "start-event-form"
    if node.definitions or not isinstance(view.owner, Process):
        text = "nobody fills in a form at this start event"
        findings.report(rule, node, text, "remove it: only the none start event of a process has one", span=form.span)
    if not _has_reference(form):
        findings.report(rule, node, "the form has no reference", "name a form", span=form.span)
    _form_binding(node, form, findings)
    text = "the form of a start event is shown by who starts the process: that takes the variables it is given"
    findings.report(rule, node, text, severity="info", span=form.span)


def _is_priority(text: str) -> bool:
    return _INTEGER.fullmatch(text) is not None and 0 <= int(text) <= 100


def check_roles(at: Located, roles: tuple[ResourceRole, ...], findings: Findings) -> None:
    """Resource roles (10.3.1) of an activity, or of a process."""
    for role in roles:
        text = "resource roles are not used to assign tasks"
        remedy = "use zeebe:assignmentDefinition"
        findings.report("user-task-definition", at, text, remedy, severity="warning", span=role.span)


def _owners(node: Activity, findings: Findings) -> None:
    """Resource roles of a user task, which assign it where `zeebe:assignmentDefinition` does not."""
    rule = "user-task-definition"
    given = node.extension.assignment or Assignment()
    taken: dict[str, bool] = {"assignee": bool(given.assignee), "candidate groups": bool(given.candidate_groups)}
    for role in node.resources:
        what = ASSIGNED[role.kind]
        if role.parameters:
            text = "resourceParameterBinding has no effect: a resource is its name"
            findings.report(rule, node, text, severity="info", span=role.span)
        if role.assignment is None and not role.resource_ref:
            text = f"the {role.kind} names nobody"
            findings.report(rule, node, text, "give it an expression or a resource", severity="warning", span=role.span)
        elif taken[what]:
            text = f"the {role.kind} has no effect: the {what} is given already"
            findings.report(rule, node, text, "remove one of them", severity="warning", span=role.span)
        taken[what] = True


CHECKS: Final[dict[str, Check]] = {
    "serviceTask": _service,
    "scriptTask": check_script_task,
    "businessRuleTask": _business_rule,
    "callActivity": _call,
    "userTask": _user,
}


def _binding(at: Located, binding: tuple[str, str], findings: Findings, span: Span) -> None:
    kind, tag = binding
    if kind not in BINDINGS:
        known = ", ".join(sorted(filter(None, BINDINGS)))
        findings.report("version-tag", at, f"bindingType is {kind!r}", f"write one of: {known}", span=span)
    elif kind == "versionTag" and not tag.strip():
        text = "bindingType is versionTag, but there is no versionTag"
        findings.report("version-tag", at, text, "give the tag of the version", span=span)


# --- loops ------------------------------------------------------------------------------------------------------------


def _loop(resolved: Resolved, node: Activity, findings: Findings) -> None:
    rule = "loop-characteristics"
    loop = node.loop
    if isinstance(loop, StandardLoop):
        _standard_loop(node, loop, findings)
    if not isinstance(loop, MultiInstance):
        return

    def report(text: str, remedy: str) -> None:
        findings.report(rule, node, text, remedy, span=loop.span)

    collection = loop.extension.loop or LoopCollection()
    by_data = resolved.has_data and loop.extension.loop is None and bool(loop.data_input_ref)
    has_items, has_count = by_data or bool(collection.input_collection.strip()), loop.cardinality is not None
    if not has_items and not has_count:
        report("the multi-instance says not how many there are", "give it an inputCollection, or a loopCardinality")
    elif has_items and has_count:
        report("the multi-instance has an inputCollection and a loopCardinality", "keep one of them")
    elif has_items and not by_data and not collection.input_collection.lstrip().startswith("="):
        report("the input collection is a text, not a list", "write an expression after =")
    if loop.cardinality is not None and not loop.cardinality.text:
        report("the loopCardinality is empty", "write a number or an expression")
    if collection.input_element and not has_items:
        report("inputElement has no inputCollection to be taken from", "give the collection")
    if bool(collection.output_collection.strip()) != bool(collection.output_element.strip()):
        report("outputCollection and outputElement belong together", "give both or none")
    for name in (collection.input_element.strip(), collection.output_collection.strip()):
        if name:
            check_variable(node, name, findings, collection.span)
    _behaviour(resolved, node, loop, findings)
    if not resolved.has_data and not has_items and (loop.data_input_ref or loop.data_output_ref):
        report("loopDataInputRef is not executed in documents for Camunda 8", "use zeebe:loopCharacteristics")
    elif resolved.has_data and loop.data_output_ref and not loop.output_item and loop.extension.loop is None:
        report("loopDataOutputRef collects nothing without an outputDataItem", "give it one")


def _standard_loop(node: Activity, loop: StandardLoop, findings: Findings) -> None:
    """A standard loop (10.3.9) ends by its condition or by its maximum."""
    maximum = loop.maximum.strip()
    if maximum and not _MAXIMUM.fullmatch(maximum):
        text = f"loopMaximum {maximum!r} is no whole number from 0 to 999999"
        findings.report("loop-characteristics", node, text, "correct it", span=loop.span)
    if not maximum and (loop.condition is None or not loop.condition.text):
        text = "nothing ends the loop: it has neither a loopCondition nor a loopMaximum"
        findings.report("loop-characteristics", node, text, "give it one of them", span=loop.span)


def _behaviour(resolved: Resolved, node: Activity, loop: MultiInstance, findings: Findings) -> None:
    """The events that a multi-instance throws, by its behaviour (10.3.9, table 10.31)."""
    refs = {"None": ("noneBehaviorEventRef", loop.none_event_ref), "One": ("oneBehaviorEventRef", loop.one_event_ref)}
    thrown = [definition for each in loop.complex_behaviors if each.event for definition in each.event.definitions]
    if loop.behavior in refs:
        name, ref = refs[loop.behavior]
        thrown = definitions_named(resolved, ref)
        if not thrown:
            text = f"behavior {loop.behavior!r} throws the event of {name}, and there is none"
            findings.report("loop-characteristics", node, text, f"give it {name}", span=loop.span)
    elif loop.behavior == "Complex" and not thrown:
        text = "behavior 'Complex' throws the events of its complexBehaviorDefinitions, and there are none"
        findings.report("loop-characteristics", node, text, "give it some", span=loop.span)
    for definition in thrown:
        if definition.kind not in THROWABLE:
            text = f"a multi-instance cannot throw a {definition.kind}"
            remedy = "throw a message, signal, escalation or error"
            findings.report("loop-characteristics", node, text, remedy, span=loop.span)


# --- mappings and names -----------------------------------------------------------------------------------------------


def _mappings(node: FlowNode, kind: str, mappings: tuple[Mapping, ...], findings: Findings) -> None:
    if mappings and (isinstance(node, Gateway) or (kind == "input" and node.kind in _WITHOUT_INPUTS)):
        text = f"a {node.kind} has no {kind} mappings"
        findings.report("io-mapping", node, text, "map on an activity", span=mappings[0].span)
    for mapping in mappings:
        if not mapping.source.strip():
            text = f"the {kind} mapping to {mapping.target!r} has no source"
            findings.report("io-mapping", node, text, "write an expression after =", span=mapping.span)
        if not mapping.target.strip():
            text = f"an {kind} mapping has no target"
            findings.report("io-mapping", node, text, "name the variable", span=mapping.span)
            continue
        for part in mapping.target.split("."):
            check_variable(node, part, findings, mapping.span)


_WITHOUT_INPUTS: Final = frozenset({"startEvent", "boundaryEvent", "intermediateCatchEvent"})


# --- jobs, headers and listeners --------------------------------------------------------------------------------------


def _extension(node: FlowNode, findings: Findings) -> None:
    extension = node.extension
    _mappings(node, "input", extension.inputs, findings)
    _mappings(node, "output", extension.outputs, findings)
    task = extension.task_definition
    if task is not None:
        if not task.type.strip():
            findings.report("implementation", node, "the job has no type", _TEXT_OF_WORKER, span=task.span)
        _retries(node, task.retries, findings, task.span)
    _headers(node, extension, findings)
    check_scripts(node, extension.scripts, findings)
    loop = node.loop if isinstance(node, Activity) else None
    if isinstance(loop, MultiInstance):
        check_scripts(node, loop.extension.scripts, findings)
    check_listeners(node, ("execution", EXECUTION_EVENTS), extension.execution_listeners, findings)
    if ends_otherwise(node):
        _never_completed(node, extension, findings)
    if node.kind == "userTask":
        check_listeners(node, ("task", TASK_EVENTS), extension.task_listeners, findings)


def _never_completed(node: FlowNode, extension: Extension, findings: Findings) -> None:
    for listener in extension.execution_listeners:
        if listener.event_type == "end":
            text = f"the end listener {listener.type!r} of this {node.kind} would never run"
            remedy = "listen to its start, or to another element"
            findings.report("execution-listener", node, text, remedy, span=listener.span)
    if extension.outputs and isinstance(node, Event):
        text = f"the output mappings of this {node.kind} would never be evaluated"
        findings.report("io-mapping", node, text, "map its inputs", span=extension.outputs[0].span)


def _retries(at: Located, text: str, findings: Findings, span: Span) -> None:
    text = text.strip()
    if text and not text.startswith("=") and not _COUNT.fullmatch(text):
        message = f"the retries {text!r} are no whole number from 1"
        findings.report("implementation", at, message, "correct them", span=span)


def _headers(node: FlowNode, extension: Extension, findings: Findings) -> None:
    for header in _repeated((each, each.key) for each in extension.headers):
        text = f"the task header {header.key!r} is given twice"
        findings.report("duplicate-task-headers", node, text, "keep one", span=header.span)
    for header in extension.headers:
        if not header.key:
            text = "a task header has no key"
            findings.report("duplicate-task-headers", node, text, "give it a key", span=header.span)


def check_listeners(
    at: Located,
    allowed: tuple[str, dict[str, ListenerEvent]],
    listeners: tuple[Listener, ...],
    findings: Findings,
) -> None:
    """Listeners of an element: `allowed` says of which sort, and for which events."""
    sort, events = allowed
    for listener in listeners:
        if listener.event_type not in events:
            text = f"a {sort} listener for {listener.event_type!r} is not executed in this version"
            remedy = f"possible are: {', '.join(events)}"
            findings.report("element-type", at, text, remedy, span=listener.span)
        if not listener.type.strip():
            text = f"the {sort} listener has no type"
            findings.report(f"{sort}-listener", at, text, "give the type of its job", span=listener.span)
        _retries(at, listener.retries, findings, listener.span)
    pairs = ((each, (events.get(each.event_type), each.type)) for each in listeners)
    for listener in _repeated(pairs):
        text = f"the {sort} listener {listener.type!r} for {listener.event_type!r} is given twice"
        findings.report(f"duplicate-{sort}-listeners", at, text, "keep one", span=listener.span)


def _repeated(pairs: Iterable[tuple[_Item, object]]) -> list[_Item]:
    """The items whose key came before."""
    seen: set[object] = set()
    repeated: list[_Item] = []
    for item, key in pairs:
        if key in seen:
            repeated.append(item)
        seen.add(key)
    return repeated
