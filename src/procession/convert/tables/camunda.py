"""Camunda 7 and Operaton, which has the same words in a namespace of its own."""

from __future__ import annotations

from typing import Final

from procession.convert import calls, data, jobs, listeners, people
from procession.convert.dialect import Dialect, error_code, native, template
from procession.convert.standard import Habits
from procession.convert.work import JOB_TASKS, Row

JOBS: Final = JOB_TASKS | {"messageEventDefinition"}
_TASKS: Final = frozenset({"businessRuleTask"})
_CALLS: Final = frozenset({"callActivity"})
_PERSON: Final = frozenset({"userTask"})
_FORMS: Final = frozenset({"userTask", "startEvent"})
_LOOP: Final = frozenset({"multiInstanceLoopCharacteristics"})
_PROCESS: Final = frozenset({"process"})
_CONDITION: Final = frozenset({"conditionalEventDefinition"})
_ERROR: Final = frozenset({"errorEventDefinition"})
_AUTHORIZATION: Final = "who may start a process is decided by the application"

ROWS: Final[tuple[Row, ...]] = (
    # Jobs.
    Row(name="@type", on=JOBS, action=jobs.external, target=jobs.TASK, says="external tasks are jobs"),
    Row(name="@topic", on=JOBS, action=jobs.topic, target=jobs.TASK, says="the topic is the job type"),
    Row(name="@class", on=JOBS, action=jobs.delegate, target=jobs.TASK, says="needs a worker of that type"),
    Row(name="@delegateExpression", on=JOBS, action=jobs.delegate, target=jobs.TASK, says="needs a worker"),
    Row(name="@expression", on=JOBS, action=jobs.expression, target="zeebe:script, or a job",
        says="one that only reckons is FEEL; a call of a bean needs a worker `bean.method`"),
    Row(name="@resultVariable", on=JOBS | {"scriptTask"}, action=jobs.result_variable,
        target="zeebe:script, zeebe:calledDecision, zeebe:output", says="by the kind of the task"),
    Row(name="@taskPriority", action=jobs.job_priority, target="zeebe:jobPriorityDefinition@priority"),
    Row(name="@jobPriority", action=jobs.job_priority, target="zeebe:jobPriorityDefinition@priority"),
    Row(name="@resource", outcome="needs-work", says="put the text of the script into the model"),
    Row(name="@asyncBefore", action=jobs.save_point, says="every wait is a save point"),
    Row(name="@asyncAfter", action=jobs.save_point, says="every wait is a save point"),
    Row(name="@async", action=jobs.save_point, says="every wait is a save point"),
    Row(name="@exclusive", action=jobs.exclusive, says="the steps of one instance never overlap"),
    Row(name="failedJobRetryTimeCycle", action=jobs.retry, target="procession:retry"),
    Row(name="connector", action=data.connector, target=jobs.TASK, says="the connector's id is the job type"),
    Row(name="errorEventDefinition", outcome="needs-work",
        says="let the worker throw the BPMN error under that condition"),
    # Decisions.
    Row(name="@decisionRef", on=_TASKS, action=jobs.decision, target="zeebe:calledDecision@decisionId"),
    Row(name="@decisionRefBinding", on=_TASKS, action=calls.binding("calledDecision"),
        target="zeebe:calledDecision@bindingType", says="latest, deployment, versionTag"),
    Row(name="@decisionRefVersion", on=_TASKS, action=calls.version_number, says="bind by a tag"),
    Row(name="@decisionRefVersionTag", on=_TASKS, action=calls.version_tag("calledDecision"),
        target="zeebe:calledDecision@versionTag"),
    Row(name="@decisionRefTenantId", outcome="dropped", says="a decision is looked up in the tenant of the instance"),
    Row(name="@mapDecisionResult", on=_TASKS, action=jobs.decision_result,
        target="zeebe:calledDecision@resultVariable", says="the variable holds what the decision gives"),
    # Variables.
    Row(name="inputOutput", action=data.input_output, target="zeebe:ioMapping", says="text, script, list, map, nested"),
    Row(name="in", on=_CALLS | {"signalEventDefinition"}, action=data.passed_in,
        target="zeebe:input, zeebe:calledElement", says="source, sourceExpression, variables, businessKey"),
    Row(name="out", on=_CALLS, action=data.passed_out, target="zeebe:output, zeebe:calledElement"),
    Row(name="field", action=data.field, target="zeebe:header, zeebe:input"),
    Row(name="properties", action=data.properties, target="zeebe:properties"),
    # Call activities.
    Row(name="@calledElementBinding", on=_CALLS, action=calls.binding("calledElement"),
        target="zeebe:calledElement@bindingType", says="latest, deployment, versionTag"),
    Row(name="@calledElementVersion", on=_CALLS, action=calls.version_number, says="bind by a tag"),
    Row(name="@calledElementVersionTag", on=_CALLS, action=calls.version_tag("calledElement"),
        target="zeebe:calledElement@versionTag"),
    Row(name="@calledElementTenantId", outcome="dropped", says="a process is looked up in the tenant of the instance"),
    *(
        Row(name=f"@{name}", on=_CALLS, outcome="needs-work",
            says="cases (CMMN) are not executed: draw the case as a process")
        for name in ("caseRef", "caseBinding", "caseVersion", "caseTenantId")
    ),
    *(
        Row(name=f"@{name}", on=_CALLS, outcome="needs-work",
            says="write what the Java class maps as in and out mappings")
        for name in ("variableMappingClass", "variableMappingDelegateExpression")
    ),
    # User tasks.
    Row(name="@assignee", on=_PERSON, action=people.assignee, target="zeebe:assignmentDefinition@assignee"),
    Row(name="@candidateUsers", on=_PERSON, action=people.candidate_users,
        target="zeebe:assignmentDefinition@candidateUsers"),
    Row(name="@candidateGroups", on=_PERSON, action=people.candidate_groups,
        target="zeebe:assignmentDefinition@candidateGroups"),
    Row(name="@dueDate", on=_PERSON, action=people.due_date, target="zeebe:taskSchedule@dueDate"),
    Row(name="@followUpDate", on=_PERSON, action=people.follow_up_date, target="zeebe:taskSchedule@followUpDate"),
    Row(name="@priority", on=_PERSON, action=people.priority, target="zeebe:priorityDefinition@priority"),
    Row(name="@formKey", on=_FORMS, action=people.form_key, target="zeebe:formDefinition@formKey"),
    Row(name="@formRef", on=_FORMS, action=people.form_reference, target="zeebe:formDefinition@formId"),
    Row(name="@formRefBinding", on=_FORMS, action=calls.binding("formDefinition"),
        target="zeebe:formDefinition@bindingType"),
    Row(name="@formRefVersion", on=_FORMS, action=calls.version_number, says="bind by a tag"),
    Row(name="@formHandlerClass", outcome="needs-work", says="a form handler is Java: check the variables in a worker"),
    Row(name="formData", on=_FORMS, action=people.form_fields, target="zeebe:formDefinition@formKey, zeebe:properties"),
    Row(name="formProperty", on=_FORMS, action=people.form_fields,
        target="zeebe:formDefinition@formKey, zeebe:properties"),
    Row(name="@initiator", outcome="needs-work", says="pass who starts the process as a variable of that name"),
    # Multi-instances.
    Row(name="@collection", on=_LOOP, action=calls.collection, target="zeebe:loopCharacteristics@inputCollection"),
    Row(name="@elementVariable", on=_LOOP, action=calls.element_variable,
        target="zeebe:loopCharacteristics@inputElement"),
    # Events.
    Row(name="@variableName", on=_CONDITION, action=native("conditionalFilter", "variableNames"),
        target="zeebe:conditionalFilter@variableNames"),
    Row(name="@variableEvents", on=_CONDITION, action=native("conditionalFilter", "variableEvents"),
        target="zeebe:conditionalFilter@variableEvents"),
    Row(name="@errorCodeVariable", on=_ERROR, action=error_code, target="zeebe:output", says="where a code is drawn"),
    Row(name="@errorMessageVariable", on=_ERROR,
        outcome="needs-work", says="let the worker throw with a variable that holds the message, and read that one"),
    Row(name="@escalationCodeVariable", action=error_code, target="zeebe:output", says="where a code is drawn"),
    Row(name="@errorMessage", outcome="dropped", says="who throws an error says its message"),
    # Listeners.
    Row(name="executionListener", action=listeners.execution_listener, target="zeebe:executionListener@type",
        says="needs a worker; `take` has no place"),
    Row(name="taskListener", on=_PERSON, action=listeners.task_listener, target="zeebe:taskListener@type",
        says="needs a worker; `timeout` is a timer boundary event"),
    # Processes.
    Row(name="@versionTag", on=_PROCESS, action=native("versionTag", "value"), target="zeebe:versionTag@value"),
    Row(name="@historyTimeToLive", outcome="changed", says="the engine says how long history is kept"),
    Row(name="@isStartableInTasklist", outcome="dropped", says=_AUTHORIZATION),
    Row(name="@candidateStarterUsers", outcome="dropped", says=_AUTHORIZATION),
    Row(name="@candidateStarterGroups", outcome="dropped", says=_AUTHORIZATION),
    Row(name="potentialStarter", outcome="dropped", says=_AUTHORIZATION),
    Row(name="@diagramRelationId", outcome="dropped", says="a mark of the modeler"),
    # Templates.
    Row(name="@modelerTemplate", action=template, target="zeebe:modelerTemplate"),
    Row(name="@modelerTemplateVersion", action=template, target="zeebe:modelerTemplateVersion"),
    Row(name="@modelerTemplateIcon", action=template, target="zeebe:modelerTemplateIcon"),
)  # fmt: skip

HABITS: Final = Habits(data_is_drawn=True, owners_are_candidates=True, quartz=True)
CAMUNDA: Final = Dialect(
    name="camunda",
    title="Camunda 7",
    namespace="http://camunda.org/schema/1.0/bpmn",
    rows=ROWS,
    habits=HABITS,
)
OPERATON: Final = Dialect(
    name="operaton",
    title="Operaton",
    namespace="http://operaton.org/schema/1.0/bpmn",
    rows=ROWS,
    habits=HABITS,
)
