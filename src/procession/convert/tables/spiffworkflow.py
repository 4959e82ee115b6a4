"""SpiffWorkflow: expressions and scripts in Python, operators with parameters, correlation as in the standard."""

from __future__ import annotations

from typing import Final

from procession.convert import jobs, people
from procession.convert.dialect import Dialect
from procession.convert.languages import python
from procession.convert.python_feel import translate_assignments, translate_entries
from procession.convert.standard import THROWS, Habits
from procession.convert.tree import Element
from procession.convert.work import Row, Step, Work, is_plain_name
from procession.model.xml import local_name


def _operator(step: Step) -> bool:
    """`serviceTaskOperator`: its id is the job type, its parameters are inputs."""
    node, owner, work = step.node, step.owner, step.work
    assert node is not None
    name = node.get("id") or ""
    work.put(owner, "taskDefinition", {"type": name})
    result = node.get("resultVariable")
    if result:
        work.output(owner, "=result", result)
        work.tell(node, "resultVariable", result, "changed", target="zeebe:output",
                  note="the worker gives its result as the variable `result`")  # fmt: skip
    for parameter in [e for e in node.walk() if e.name == "parameter"]:
        _parameter(step, parameter)
    step.tell("needs-work", jobs.TASK, jobs.worker(name))
    return True


def _parameter(step: Step, parameter: Element) -> None:
    key, value = parameter.get("id") or "", parameter.get("value") or ""
    done = step.feel(value)
    label = f'<{parameter.tag} id="{key}">'
    if done.feel is None or not is_plain_name(key):
        step.work.header(step.owner, key, value)
        note = f"{done.note}; its text is in a header of the job" if done.note else "its text is in a header of the job"
        step.work.tell(parameter, label, value, "needs-work", target="zeebe:header", note=note)
        return
    step.work.input(step.owner, f"={done.feel}", key)
    step.work.tell(parameter, label, value, done.outcome, target="zeebe:input", note=done.note)


def _script_before(step: Step) -> bool:
    """`preScript`: assignments become input mappings, whose variables stay inside the element."""
    return _script(step, before=True)


def _script_after(step: Step) -> bool:
    """`postScript`: assignments become output mappings."""
    return _script(step, before=False)


def _script(step: Step, *, before: bool) -> bool:
    assignments, done = translate_assignments(step.value)
    if not assignments:
        step.tell("needs-work", "", f"{done.note}; do it in a script task of its own")
        return False
    for each in assignments:
        write = step.work.input if before else step.work.output
        write(step.owner, f"={each.feel}", each.target)
    what = "stays inside the element" if before else "and nothing else leaves the element"
    note = "; ".join(part for part in (f"what is assigned {what}", done.note) if part)
    step.tell("changed", "zeebe:input" if before else "zeebe:output", note)
    return True


def _decision(step: Step) -> bool:
    """`calledDecisionId`: the outputs become variables there, one variable here."""
    step.work.put(step.owner, "calledDecision", {"decisionId": step.value.strip()})
    step.tell("changed", "zeebe:calledDecision@decisionId", "the result is one variable, not one for each output")
    return True


def _properties(step: Step) -> bool:
    """`properties`: forms by their files, and the rest as properties."""
    node, owner, work = step.node, step.owner, step.work
    assert node is not None
    for child in node.elements:
        key, value = child.get("name") or "", child.get("value") or ""
        label = f'<{child.tag} name="{key}">'
        work.add(owner, "properties", "property", {"name": key, "value": value})
        if key == "formJsonSchemaFilename":
            work.put(owner, "formDefinition", {"formKey": value})
            work.tell(child, label, value, "mapped", target="zeebe:formDefinition@formKey")
        else:
            work.tell(child, label, value, "mapped", target="zeebe:property")
    return True


def _property(step: Step) -> bool:
    """A text for people: a property."""
    step.work.add(step.owner, "properties", "property", {"name": step.name, "value": step.value.strip()})
    step.tell("mapped", "zeebe:property", "who shows the task reads it")
    return True


def _payload(step: Step) -> bool:
    """`messagePayload`: a dictionary becomes the inputs of what sends the message: they are its content."""
    entries, done = translate_entries(step.value)
    owner = step.owner
    senders = _senders(step.work, owner.get("id") or "") if owner.name == "message" else [owner]
    if not entries or not senders or not all(is_plain_name(each.target) for each in entries):
        note = done.note if not entries else "nothing here sends it"
        step.tell("needs-work", "", f"{note}: map each variable of the payload as an input of the event that sends it")
        return False
    for sender in senders:
        for each in entries:
            step.work.input(sender, f"={each.feel}", each.target)
    return step.told(done, "zeebe:input")


def _senders(work: Work, message: str) -> list[Element]:
    """The tasks and events that send a message."""
    found: list[Element] = []
    for element in work.document.root.walk():
        if local_name(element.get("messageRef") or "") != message:
            continue
        event = element.parent
        if element.name == "sendTask":
            found.append(element)
        elif element.name == "messageEventDefinition" and event is not None and event.name in THROWS:
            found.append(event)
    return found


def _priority(step: Step) -> bool:
    return people.priority(step)


ROWS: Final[tuple[Row, ...]] = (
    Row(name="serviceTaskOperator", action=_operator, target=jobs.TASK, says="with its parameters as inputs"),
    Row(name="preScript", action=_script_before, target="zeebe:input", says="plain assignments"),
    Row(name="postScript", action=_script_after, target="zeebe:output", says="plain assignments"),
    Row(name="calledDecisionId", action=_decision, target="zeebe:calledDecision@decisionId"),
    Row(name="properties", action=_properties, target="zeebe:formDefinition, zeebe:properties"),
    Row(name="instructionsForEndUser", action=_property, target="zeebe:property"),
    Row(name="guestConfirmation", action=_property, target="zeebe:property"),
    Row(name="allowGuest", action=_property, target="zeebe:property"),
    Row(name="signalButtonLabel", action=_property, target="zeebe:property"),
    Row(name="taskMetadataValues", action=_property, target="zeebe:property"),
    Row(name="messagePayload", action=_payload, target="zeebe:input", says="as inputs of the event that sends it"),
    Row(name="messageVariable", outcome="needs-work", says="map the variables of the message as outputs of the event"),
    Row(name="processVariableCorrelation", outcome="needs-work",
        says="write the correlation key of the message as that variable"),
    Row(name="scriptsOnInstances", outcome="needs-work", says="do it inside the multi-instance"),
    Row(name="variableName", outcome="needs-work", says="map the variable as an output of the event"),
    Row(name="payloadExpression", outcome="needs-work",
        says="map each variable of the payload as an input of the event"),
    Row(name="unitTests", outcome="dropped", says="write a scenario: docs/how-to/test-with-scenarios.md"),
    Row(name="isOutputHeadersIncluded", outcome="dropped", says="a worker says what it gives"),
    Row(name="@priority", on=frozenset({"userTask"}), action=_priority, target="zeebe:priorityDefinition@priority"),
    Row(name="metadata", outcome="dropped", says="no part of the process"),
    Row(name="conditionalRef", outcome="needs-work", says="write the condition on the event"),
    Row(name="category", outcome="dropped", says="no part of the process"),
)  # fmt: skip
SPIFFWORKFLOW: Final = Dialect(
    name="spiffworkflow",
    title="SpiffWorkflow",
    namespace="http://spiffworkflow.org/bpmn/schema/1.0/core",
    rows=ROWS,
    translate=python,
    habits=Habits(passes_all=True),
    loop_counter_from=1,
)
