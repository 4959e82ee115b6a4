"""Activities (BPMN 2.0.2, 10.3): tasks, call activities and sub-processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from msgspec.structs import replace

from procession.compile.expressions import Site
from procession.compile.lower.events import message_catch, message_throw
from procession.compile.lower.lowering import RETRIES, Lowering, Place, headers
from procession.compile.lower.parts import (
    ASSIGNED,
    BINDINGS,
    TASK_EVENTS,
    job_of,
    listeners,
    output_variable,
    value,
    worked,
)
from procession.compile.lower.scripts import task_job
from procession.compile.resolve import ScopeView, is_implicit_start
from procession.ir.kinds import Binding, Kind
from procession.ir.program import NONE, AdHoc, Call, Choosable, Decision, JobSpec, Node, Script, TaskSpec, Text
from procession.model.bpmn import Activity
from procession.model.extension import AdHoc as AdHocExtension
from procession.model.extension import Assignment, Form, Schedule

Lower: TypeAlias = Callable[[Lowering, Activity, Place], Node]


def task(low: Lowering, drawn: Activity, place: Place) -> Node:
    """Undefined and manual tasks."""
    return worked(low, drawn, place, Kind.TASK)


def job_task(low: Lowering, drawn: Activity, place: Place) -> Node:
    """A task that a worker does."""
    return replace(worked(low, drawn, place, Kind.JOB_TASK), job=job_of(low, drawn))


def send_task(low: Lowering, drawn: Activity, place: Place) -> Node:
    """A job, or a message that the engine publishes itself."""
    if drawn.extension.task_definition is not None:
        return job_task(low, drawn, place)
    trigger = message_throw(low, drawn, drawn.message_ref)
    return replace(worked(low, drawn, place, Kind.INTERMEDIATE_THROW_EVENT), trigger=trigger)


def receive_task(low: Lowering, drawn: Activity, place: Place) -> Node:
    """Waits for a message."""
    trigger = message_catch(low, drawn, drawn.message_ref)
    return replace(worked(low, drawn, place, Kind.RECEIVE_TASK), trigger=trigger, instantiate=drawn.instantiate)


def script_task(low: Lowering, drawn: Activity, place: Place) -> Node:
    """One pure expression, or a job."""
    script = drawn.extension.script
    if script is None:
        return _script_job(low, drawn, place)
    # What a script holds is an expression, with or without the equals sign.
    text = script.expression if script.expression.lstrip().startswith("=") else f"={script.expression}"
    expression = low.expressions.value(text, Site(drawn.id, "script", script.span)).expression
    node = worked(low, drawn, place, Kind.SCRIPT_TASK)
    return replace(node, script=Script(expression, script.result_variable.strip()))


def _script_job(low: Lowering, drawn: Activity, place: Place) -> Node:
    """A job that a worker for the script's format does, unless the task says itself which job it is."""
    if drawn.extension.task_definition is None and (script := task_job(low, drawn)) is not None:
        return replace(worked(low, drawn, place, Kind.JOB_TASK), job=script)
    type_ = low.resolved.scripts.get(drawn.script_format.strip())
    if drawn.extension.task_definition is not None or drawn.script is None or type_ is None:
        return job_task(low, drawn, place)
    job = JobSpec(Text(type_), Text(RETRIES), {**headers(drawn.extension.headers), "script": drawn.script})
    return replace(worked(low, drawn, place, Kind.JOB_TASK), job=job)


def business_rule_task(low: Lowering, drawn: Activity, place: Place) -> Node:
    """A called decision, or a job."""
    called = drawn.extension.called_decision
    if called is None:
        return job_task(low, drawn, place)
    decision = Decision(
        value(low, drawn, called.decision_id.strip(), "decision id", called.span),
        called.result_variable.strip(),
        BINDINGS.get(called.binding_type, Binding.LATEST),
        called.version_tag,
    )
    return replace(worked(low, drawn, place, Kind.DECISION_TASK), decision=decision)


def user_task(low: Lowering, drawn: Activity, place: Place) -> Node:
    """Work of a person."""
    extension = drawn.extension
    node = worked(low, drawn, place, Kind.USER_TASK)
    assignment = extension.assignment or Assignment()
    schedule = extension.schedule or Schedule()
    form = extension.form or Form()
    spec = TaskSpec(
        assignee=_assigned(low, drawn, assignment.assignee, "assignee"),
        candidate_groups=_assigned(low, drawn, assignment.candidate_groups, "candidate groups"),
        candidate_users=value(low, drawn, assignment.candidate_users, "candidate users", assignment.span),
        due=value(low, drawn, schedule.due_date, "due date", schedule.span),
        follow_up=value(low, drawn, schedule.follow_up_date, "follow-up date", schedule.span),
        priority=value(low, drawn, extension.priority, "priority", drawn.span),
        form_id=form.form_id,
        form_key=form.form_key,
        external_form=value(low, drawn, form.external_reference, "external form", form.span),
        form_binding=BINDINGS.get(form.binding_type, Binding.LATEST),
        form_version_tag=form.version_tag,
        lanes=low.resolved.lanes.get(drawn.id, ()),
    )
    jobs = listeners(low, drawn.id, extension.task_listeners, TASK_EVENTS)
    return replace(node, task=spec, listeners=node.listeners + jobs)


def _assigned(low: Lowering, drawn: Activity, given: str, what: str) -> Text:
    """Who a user task is for: what the extension says, else the first resource role that says it (10.3.1)."""
    if given:
        return value(low, drawn, given, what, (drawn.extension.assignment or Assignment()).span)
    for role in drawn.resources:
        if ASSIGNED[role.kind] == what and (role.assignment is not None or role.resource_ref):
            if role.assignment is not None:
                return Text(expression=low.expressions.formal(role.assignment, Site(drawn.id, what, role.span)))
            named = {each.id: each.name for each in low.resolved.definitions.resources}
            return Text(named.get(role.resource_ref) or role.resource_ref)
    return Text()


def call_activity(low: Lowering, drawn: Activity, place: Place) -> Node:
    """Calls a process by `zeebe:calledElement`, else by the standard's attribute."""
    called = drawn.extension.called_element
    node = worked(low, drawn, place, Kind.CALL_ACTIVITY)
    if called is None:
        return replace(node, call=Call(Text(drawn.called_element), all_child_variables=not node.outputs))
    process = value(low, drawn, called.process_id.strip(), "called process", called.span)
    child = called.propagate_all_child_variables
    key = low.expressions.source(called.business_id, Site(drawn.id, "business id", called.span))
    call = Call(
        process=process if called.process_id.strip() else Text(drawn.called_element),
        binding=BINDINGS.get(called.binding_type, Binding.LATEST),
        version_tag=called.version_tag,
        all_parent_variables=called.propagate_all_parent_variables,
        all_child_variables=not node.outputs if child is None else child,
        business_key=key if called.business_id else NONE,
    )
    return replace(node, call=call)


def sub_process(low: Lowering, drawn: Activity, place: Place) -> Node:
    """An embedded sub-process, or an event sub-process."""
    kind = Kind.EVENT_SUB_PROCESS if drawn.triggered_by_event else Kind.SUB_PROCESS
    return worked(low, drawn, place, kind)


def transaction(low: Lowering, drawn: Activity, place: Place) -> Node:
    """A sub-process that a cancel end event can undo as a whole."""
    return worked(low, drawn, place, Kind.TRANSACTION)


def ad_hoc_sub_process(low: Lowering, drawn: Activity, place: Place) -> Node:
    """A sub-process whose activities something chooses. The activation inside it is the next node."""
    extension = drawn.extension.ad_hoc or AdHocExtension()

    def at(attribute: str) -> Site:
        return Site(drawn.id, attribute, extension.span if extension.span.line else drawn.span)

    expressions = low.expressions
    # In the standard nothing but people could choose, and nobody is there to ask when a process is executed.
    is_automatic = low.resolved.profile == "standard"
    spec = AdHoc(
        sequential=drawn.ordering == "Sequential",
        automatic=is_automatic,
        cancel_remaining=drawn.cancel_remaining_instances,
        chosen=expressions.source(extension.active_elements_collection.strip(), at("active elements collection")),
        completion=expressions.formal(drawn.completion_condition, at("completion condition")),
        output_name=extension.output_collection.strip(),
        output=expressions.source(extension.output_element, at("output element")),
        output_local=output_variable(extension.output_element),
        elements=() if is_automatic else _choosable(low.resolved.views[drawn.id]),
    )
    node = worked(low, drawn, place, Kind.AD_HOC_SUB_PROCESS)
    return replace(node, ad_hoc=spec, inner=place.index + 1, job=job_of(low, drawn))


def _choosable(view: ScopeView) -> tuple[Choosable, ...]:
    return tuple(
        Choosable(node.id, node.name, node.documentation, {each.name: each.value for each in node.extension.properties})
        for node in view.scope.nodes
        if is_implicit_start(node, view)
    )


ACTIVITIES: Final[dict[str, Lower]] = {
    "task": task,
    "manualTask": task,
    "userTask": user_task,
    "serviceTask": job_task,
    "sendTask": send_task,
    "receiveTask": receive_task,
    "scriptTask": script_task,
    "businessRuleTask": business_rule_task,
    "callActivity": call_activity,
    "subProcess": sub_process,
    "transaction": transaction,
    "adHocSubProcess": ad_hoc_sub_process,
}
