"""Tasks (BPMN 2.0.2, 10.3.3 and 13.3.3): jobs, scripts, decisions, user and receive tasks."""

from __future__ import annotations

from procession.base.failure import Failure
from procession.base.values import Json
from procession.core import facts as f
from procession.core.catches import open_all, plan
from procession.core.commands import OpenTask, Resolve
from procession.core.context import Context
from procession.core.jobs import create, next_listener, plan_job
from procession.core.operations import CALL, COMPLETE, DECIDE, OPEN_TASK
from procession.core.state import ElementInstance
from procession.core.timers import date_time_ms
from procession.core.variables import receive
from procession.ir.kinds import ListenerEvent
from procession.ir.program import Node, TaskSpec, Text


def pass_enter(cx: Context, node: Node, element: ElementInstance) -> None:
    """Left at once: undefined and manual tasks do nothing, and what a start or boundary event caught has happened."""
    cx.agenda.append((COMPLETE, element.key))


def job_enter(cx: Context, node: Node, element: ElementInstance) -> None:
    """Service, send, script and business rule tasks done by a worker."""
    assert node.job is not None
    job = plan_job(cx, element, node.job)
    planned = plan(cx, element, node) if node.catches else None
    create(cx, job)
    if planned:
        open_all(cx, planned)


def script_enter(cx: Context, node: Node, element: ElementInstance) -> None:
    """A script that is one pure expression; its result is a variable."""
    script = node.script
    assert script is not None
    value = cx.evaluate(script.expression, element)
    if script.result:
        receive(cx, element, {script.result: value})
    cx.agenda.append((COMPLETE, element.key))


def decision_enter(cx: Context, node: Node, element: ElementInstance) -> None:
    """A called decision: first the host says which version is meant."""
    open_all(cx, plan(cx, element, node))
    cx.agenda.append((CALL, element.key))


def ask_decision(cx: Context, node: Node, element: ElementInstance) -> None:
    """Asks the host for the decision that is called."""
    decision = node.decision
    assert decision is not None
    name = cx.text(decision.decision, element, "decision id")
    cx.send(Resolve(element.key, "decision", name, int(decision.binding), decision.version_tag))


def decide(cx: Context, element_key: int) -> None:
    """Evaluates the resolved decision."""
    element = cx.state.elements.get(element_key)
    if element is None or element.definition is None:
        return
    spec = cx.nodes[element.node].decision
    assert spec is not None
    name = cx.text(spec.decision, element, "decision id")
    decided = cx.linked.decide(element.definition[0], name, cx.lookup(element), cx.environment())
    cx.write(f.DecisionEvaluated(element_key, name, decided.evaluations, decided.left_out))
    if spec.result:
        receive(cx, element, {spec.result: decided.value})
    cx.agenda.append((COMPLETE, element_key))


def decision_resolved(cx: Context, element: ElementInstance) -> None:
    """The decision is known; evaluating it is an operation of its own, so that its failure can be retried."""
    cx.agenda.append((DECIDE, element.key))


def user_enter(cx: Context, node: Node, element: ElementInstance) -> None:
    """A user task waits for a person; listeners of `creating` run before it is shown."""
    spec = node.task or TaskSpec()
    shown = attributes(cx, element, spec)
    planned = plan(cx, element, node)
    first = next_listener(node, ListenerEvent.CREATING)
    job = plan_job(cx, element, first[1].job, first[0]) if first is not None else None
    cx.write(f.TransitionHeld(element.key, ["creating", shown]))
    open_all(cx, planned)
    if job is not None:
        create(cx, job)
    else:
        cx.agenda.append((OPEN_TASK, element.key))


def open_task(cx: Context, element_key: int) -> None:
    """Shows a user task; an assignee set by the model runs the `assigning` listeners."""
    element = cx.state.elements.get(element_key)
    if element is None or not isinstance(element.held, list) or element.held[0] != "creating":
        return
    held = element.held[1]
    attributes: dict[str, Json] = dict(held) if isinstance(held, dict) else {}
    node = cx.nodes[element.node]
    assigning = next_listener(node, ListenerEvent.ASSIGNING) if attributes.get("assignee") else None
    job = plan_job(cx, element, assigning[1].job, assigning[0]) if assigning is not None else None
    # With listeners the assignee is set once they agreed, like any later assignment.
    assignee = attributes.pop("assignee") if job is not None else None
    cx.write(f.TaskCreated(element_key, attributes))
    cx.send(OpenTask(element_key, node.index, attributes))
    held_next: Json = ["assigning", {"assignee": assignee}] if job is not None else None
    cx.write(f.TransitionHeld(element_key, held_next))
    if job is not None:
        create(cx, job)


def attributes(cx: Context, element: ElementInstance, spec: TaskSpec) -> dict[str, Json]:
    """What a user task tells its assignees, all expressions evaluated."""
    result: dict[str, Json] = {}
    for name, text in (("assignee", spec.assignee), ("external_form", spec.external_form)):
        value = cx.text(text, element, name) if text.expression >= 0 else text.literal
        if value:
            result[name] = value
    for name, text in (
        ("candidate_groups", spec.candidate_groups),
        ("candidate_users", spec.candidate_users),
    ):
        names = _names(cx, element, text, name)
        if names:
            result[name] = names
    for name, text in (("due", spec.due), ("follow_up", spec.follow_up)):
        value = cx.text(text, element, name) if text.expression >= 0 else text.literal
        if value:
            date_time_ms(value, cx.state.zone)
            result[name] = value
    if spec.priority.literal or spec.priority.expression >= 0:
        result["priority"] = _priority(cx.text(spec.priority, element, "priority"))
    if spec.lanes:
        result["lane"] = spec.lanes[-1]
        if len(spec.lanes) > 1:
            result["lanes"] = list(spec.lanes)
    for name, literal in (("form_id", spec.form_id), ("form_key", spec.form_key)):
        if literal:
            result[name] = literal
    return result


def _names(cx: Context, element: ElementInstance, text: Text, what: str) -> list[Json]:
    if text.expression < 0:
        return [part.strip() for part in text.literal.split(",") if part.strip()]
    value = cx.evaluate(text.expression, element)
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    if value is None:
        return []
    raise Failure("expression", f"the {what} must be a list of strings")


def _priority(text: str) -> int:
    if text.lstrip("-").isdigit() and 0 <= int(text) <= 100:
        return int(text)
    raise Failure("expression", f"the priority must be a whole number from 0 to 100, not {text!r}")
