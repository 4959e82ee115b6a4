"""Flowable and Activiti: the words that they share with Camunda 7, and those of their own."""

from __future__ import annotations

from typing import Final

from procession.convert import calls, data, jobs
from procession.convert.dialect import Dialect
from procession.convert.standard import Habits
from procession.convert.tables.camunda import ROWS
from procession.convert.work import Row, Step

_CALLS: Final = frozenset({"callActivity"})
_LOOP: Final = frozenset({"multiInstanceLoopCharacteristics"})
_SERVICE: Final = frozenset({"serviceTask"})
_DRAWING: Final = "the drawing of an application that is not there"
_REGISTRY: Final = "the event registry is no part of BPMN: use a message, and a worker that publishes it"


def _service_type(step: Step) -> bool:
    """`type`: external workers, decisions, and tasks that the engine does itself."""
    if step.value == "dmn":
        step.work.rename(step.owner, "businessRuleTask")
        step.tell("mapped", "businessRuleTask")
        return True
    return jobs.external(step)


def _decision_field(step: Step) -> bool:
    """`field` of a decision task: the table; all others are as everywhere."""
    node = step.node
    assert node is not None
    if node.get("name") != "decisionTableReferenceKey" and node.get("name") != "decisionServiceReferenceKey":
        return data.field(step)
    text = node.get("stringValue") or "".join(child.text for child in node.elements).strip()
    step.work.rename(step.owner, "businessRuleTask")
    step.work.put(step.owner, "calledDecision", {"decisionId": text})
    step.tell("changed", "zeebe:calledDecision@decisionId", "the result is one variable, not one for each output")
    return True


def _called_type(step: Step) -> bool:
    """`calledElementType`: by key, or by an id that only that database knows."""
    if step.value == "id":
        step.tell("needs-work", "", "name the process by its id in the model")
        return False
    step.tell("mapped", "zeebe:calledElement@processId")
    return True


def _business_key(step: Step) -> bool:
    """`businessKey` of a call activity."""
    return data.business_key(step, step.value)


_OWN: Final[tuple[Row, ...]] = (
    Row(name="@type", on=_SERVICE, action=_service_type, target=jobs.TASK,
        says="external-worker is a job, dmn a called decision; mail, http, shell … need a worker"),
    Row(name="field", on=_SERVICE | {"businessRuleTask"},
        action=_decision_field, target="zeebe:calledDecision, zeebe:header, zeebe:input"),
    Row(name="@topic", action=jobs.topic, target=jobs.TASK),
    Row(name="@resultVariableName", action=jobs.result_variable, target="zeebe:output, zeebe:script@resultVariable"),
    Row(name="@useLocalScopeForResultVariable", outcome="changed",
        says="a result goes to the scope that has the variable"),
    Row(name="@storeResultVariableAsTransient", outcome="changed",
        says="variables are kept: do not give the result out"),
    Row(name="@triggerable", outcome="needs-work", says="a worker completes the job later: no trigger is needed"),
    Row(name="@skipExpression", outcome="needs-work", says="draw the way around the task with an exclusive gateway"),
    Row(name="@isForCompensation", outcome="dropped", says="the standard's attribute says it"),
    Row(name="@doNotIncludeVariables", outcome="dropped", says="a worker names the variables that it wants"),
    Row(name="@autoStoreVariables", outcome="needs-work", says="write the variables of the script as its result"),
    Row(name="@skippable", outcome="dropped", says="the application decides what it shows"),
    Row(name="@inheritVariables", on=_CALLS, action=calls.inherit_variables,
        target="zeebe:calledElement@propagateAllParentVariables"),
    Row(name="@sameDeployment", on=_CALLS, action=calls.same_deployment, target="zeebe:calledElement@bindingType"),
    Row(name="@calledElementType", on=_CALLS, action=_called_type, target="zeebe:calledElement@processId"),
    Row(name="@fallbackToDefaultTenant", outcome="dropped",
        says="a process is looked up in the tenant of the instance"),
    Row(name="@inheritBusinessKey", on=_CALLS, outcome="changed", says="a called process has the key of its caller"),
    Row(name="@businessKey", on=_CALLS, action=_business_key, target="zeebe:calledElement@businessId"),
    Row(name="@processInstanceName", outcome="dropped", says="instances have no names"),
    Row(name="@processInstanceIdVariableName", outcome="needs-work",
        says="the called instance is shown by `procession show`"),
    Row(name="@completeAsync", action=jobs.save_point, says="every wait is a save point"),
    Row(name="@useLocalScopeForOutParameters", outcome="changed",
        says="an output goes to the scope that has the variable"),
    Row(name="@elementIndexVariable", on=_LOOP, action=calls.element_index, target="zeebe:input"),
    Row(name="variableAggregation", on=_LOOP, action=calls.aggregation,
        target="zeebe:loopCharacteristics@outputCollection"),
    Row(name="collection", on=_LOOP, outcome="needs-work", says="a collection handler is Java: name a list"),
    Row(name="@formFieldValidation", outcome="dropped", says="the application that shows the form checks it"),
    Row(name="@owner", outcome="dropped", says="a task has an assignee and candidates"),
    Row(name="@category", outcome="dropped", says="tasks have no categories"),
    Row(name="@taskIdVariableName", outcome="needs-work", says="the task is shown by `procession list tasks`"),
    Row(name="@taskCompleterVariableName", outcome="needs-work",
        says="let the application set that variable on completing"),
    Row(name="@businessCalendarName", outcome="needs-work", says="compute the date in FEEL"),
    Row(name="@extensionId", outcome="needs-work", says="the task of that extension needs a worker"),
    Row(name="@rules", outcome="needs-work", says="Drools rules need a worker, or a decision table"),
    Row(name="@ruleVariablesInput", outcome="needs-work", says="Drools rules need a worker, or a decision table"),
    Row(name="@exclude", outcome="needs-work", says="Drools rules need a worker, or a decision table"),
    Row(name="@terminateAll", outcome="needs-work",
        says="a terminate event ends its own scope: throw an error to the process"),
    Row(name="@terminateMultiInstance", outcome="needs-work", says="use a completion condition"),
    Row(name="@isEagerExecutionFetching", outcome="dropped", says="a setting of the database"),
    Row(name="mapException", outcome="needs-work", says="let the worker throw the BPMN error"),
    Row(name="customProperties", outcome="dropped", says=_DRAWING),
    Row(name="eventType", outcome="needs-work", says=_REGISTRY),
    Row(name="triggerEventType", outcome="needs-work", says=_REGISTRY),
    Row(name="eventCorrelationParameter", outcome="needs-work", says=_REGISTRY),
    Row(name="eventInParameter", outcome="needs-work", says=_REGISTRY),
    Row(name="eventOutParameter", outcome="needs-work", says=_REGISTRY),
    Row(name="channelKey", outcome="needs-work", says=_REGISTRY),
    Row(name="eventListener", outcome="needs-work",
        says="listeners of all events are Java: read the facts of an instance"),
    Row(name="localization", outcome="dropped", says=_DRAWING),
    Row(name="work-form-field-validation", outcome="dropped", says=_DRAWING),
)  # fmt: skip

_HABITS: Final = Habits(is_executable=True, data_is_drawn=True, owners_are_candidates=True, quartz=True)
FLOWABLE: Final = Dialect(
    name="flowable",
    title="Flowable",
    namespace="http://flowable.org/bpmn",
    rows=(*_OWN, *ROWS),
    habits=_HABITS,
)
ACTIVITI: Final = Dialect(
    name="activiti",
    title="Activiti",
    namespace="http://activiti.org/bpmn",
    rows=(*_OWN, *ROWS),
    habits=_HABITS,
)
