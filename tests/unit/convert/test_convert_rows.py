"""Every row of the mapping between the dialects: what is drawn there, what it becomes, and what is said of it."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import pytest

from procession.convert import Report, convert
from procession.convert.tables import ACTIVITI, CAMUNDA, DIALECTS, FLOWABLE, JBPM, OPERATON, SPIFFWORKFLOW
from procession.convert.tree import read_document

NAMESPACES: Final = {each.name: each.namespace for each in DIALECTS}
HEAD: Final = (
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:b="http://www.omg.org/spec/BPMN/20100524/MODEL"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:x="{namespace}" targetNamespace="t">'
)


class Row(NamedTuple):
    """One case: the dialect, what stands in the process, what must stand in the result, and the entries."""

    name: str
    dialect: str
    drawn: str
    wanted: tuple[str, ...]
    entries: tuple[tuple[str, str], ...]
    """Attribute as written and outcome."""


def service(attributes: str = "", inside: str = "") -> str:
    """A service task of the dialect `x`."""
    return f'<serviceTask id="t" {attributes}><extensionElements>{inside}</extensionElements></serviceTask>'


def user(attributes: str = "", inside: str = "") -> str:
    """A user task of the dialect `x`."""
    return f'<userTask id="t" {attributes}><extensionElements>{inside}</extensionElements></userTask>'


def call(attributes: str = "", inside: str = "") -> str:
    """A call activity."""
    return f'<callActivity id="t" {attributes}><extensionElements>{inside}</extensionElements></callActivity>'


C: Final = "camunda"
F: Final = "flowable"
S: Final = "spiffworkflow"
J: Final = "jbpm"
ROWS: Final = [
    # Job.
    Row("external", C, service('x:type="external" x:topic="pay"'), ('taskDefinition type="pay"',),
        (("x:type", "mapped"), ("x:topic", "mapped"))),
    Row("external by expression", C, service('x:type="external" x:topic="${kind}"'), ('type="=kind"',), ()),
    Row("external without a topic", C, service('x:type="external"'), (), (("x:type", "needs-work"),)),
    Row("class", C, service('x:class="a.B"'), ('taskDefinition type="a.B"',), (("x:class", "needs-work"),)),
    Row("delegate", C, service('x:delegateExpression="${pay}"'), ('type="pay"',),
        (("x:delegateExpression", "needs-work"),)),
    Row("expression of a bean", C, service('x:expression="${bean.pay(order.id, 2)}"'),
        ('type="bean.pay"', 'source="=[order.id, 2]" target="arguments"', 'key="expression"'),
        (("x:expression", "needs-work"),)),
    Row("expression that reckons", C, service('x:expression="${a * 2}" x:resultVariable="b"'),
        ('<scriptTask id="t"', 'expression="=a * 2" resultVariable="b"'),
        (("x:expression", "mapped"), ("x:resultVariable", "mapped"))),
    Row("message throw", C, '<endEvent id="t"><messageEventDefinition x:type="external" x:topic="send"/></endEvent>',
        ('<endEvent id="t">\n  <extensionElements>', 'taskDefinition type="send"'), ()),
    Row("external worker", F, service('x:type="external-worker" x:topic="pay"'), ('type="pay"',), ()),
    Row("mail", F, service('x:type="mail"'), ('taskDefinition type="mail"',), (("x:type", "needs-work"),)),
    Row("operator", S, service("", '<x:serviceTaskOperator id="op" resultVariable="r"><x:parameters>'
        '<x:parameter id="a" value="b + 1"/></x:parameters></x:serviceTaskOperator>'),
        ('type="op"', 'source="=b + 1" target="a"', 'source="=result" target="r"'), ()),
    Row("work item", J, '<task id="t" x:taskName="Email"/>', ('<serviceTask id="t"', 'type="Email"'),
        (("x:taskName", "needs-work"),)),
    # Headers.
    Row("field", C, service('x:class="a.B"', '<x:field name="k" stringValue="v"/>'), ('header key="k" value="v"',),
        (("<x:field>", "changed"),)),
    Row("field by expression", C, service('x:class="a.B"', '<x:field name="k"><x:expression>${v}</x:expression></x:field>'),
        ('source="=v" target="k"',), ()),
    Row("properties", C, service('x:type="external" x:topic="p"',
        '<x:properties><x:property name="k" value="v"/></x:properties>'),
        ('property name="k" value="v"', 'header key="k" value="v"'), (('<x:property name="k">', "mapped"),)),
    # Input and output.
    Row("text", C, service('x:class="a.B"', '<x:inputOutput><x:inputParameter name="p">v</x:inputParameter></x:inputOutput>'),
        ('input source="=&quot;v&quot;" target="p"',), (('<x:inputParameter name="p">', "mapped"),)),
    Row("nothing", C, service('x:class="a.B"', '<x:inputOutput><x:inputParameter name="p"/></x:inputOutput>'),
        ('input source="=null" target="p"',), ()),
    Row("list and map", C, service('x:class="a.B"', '<x:inputOutput><x:inputParameter name="p"><x:map><x:entry key="a b">'
        "<x:list><x:value>1</x:value><x:value>${n}</x:value><x:map><x:entry key='c'>${d}</x:entry></x:map></x:list>"
        "</x:entry></x:map></x:inputParameter></x:inputOutput>"),
        ('source="={&quot;a b&quot;: [&quot;1&quot;, n, {&quot;c&quot;: d}]}"',), ()),
    Row("script in a parameter", C, service('x:class="a.B"', '<x:inputOutput><x:inputParameter name="p"><x:script '
        'scriptFormat="groovy">1 + 1</x:script></x:inputParameter></x:inputOutput>'), ("<x:script",),
        (('<x:inputParameter name="p">', "needs-work"),)),
    Row("FEEL in a parameter", C, service('x:class="a.B"', '<x:inputOutput><x:inputParameter name="p"><x:script '
        'scriptFormat="feel">a + 1</x:script></x:inputParameter></x:inputOutput>'), ('source="=a + 1"',), ()),
    Row("output", C, service('x:class="a.B"', '<x:inputOutput><x:outputParameter name="p">${v}</x:outputParameter>'
        "</x:inputOutput>"), ('output source="=v" target="p"',), (('<x:outputParameter name="p">', "changed"),)),
    Row("name that no mapping can write", C, service('x:class="a.B"', '<x:inputOutput><x:inputParameter name="a.b">1'
        "</x:inputParameter></x:inputOutput>"), ('inputParameter name="a.b"',),
        (('<x:inputParameter name="a.b">', "needs-work"),)),
    Row("scripts before and after", S, service("", "<x:serviceTaskOperator id='o'/><x:preScript>a = b</x:preScript>"
        "<x:postScript>c = d + 1</x:postScript>"), ('input source="=b" target="a"', 'output source="=d + 1" target="c"'),
        (("<x:preScript>", "changed"), ("<x:postScript>", "changed"))),
    # Result and script.
    Row("script in JUEL", C, '<scriptTask id="t" scriptFormat="juel" x:resultVariable="r"><script>${a + 1}</script></scriptTask>',
        ('script expression="=a + 1" resultVariable="r"',), (("script", "mapped"), ("x:resultVariable", "mapped"))),
    Row("script in FEEL", C, '<scriptTask id="t" scriptFormat="feel" x:resultVariable="r"><script>a + 1</script></scriptTask>',
        ('script expression="=a + 1" resultVariable="r"',), ()),
    Row("script in Groovy", C, '<scriptTask id="t" scriptFormat="Groovy" x:resultVariable="r"><script>1 + 1</script></scriptTask>',
        ('type="script:groovy"', 'key="script" value="1 + 1"', 'source="=result" target="r"'), (("script", "needs-work"),)),
    Row("script in a file", C, '<scriptTask id="t" scriptFormat="groovy" x:resource="a.groovy"/>', ('x:resource="a.groovy"',),
        (("x:resource", "needs-work"),)),
    Row("assignments in Python", S, '<scriptTask id="t"><script>a = 1\nb = a + 1</script></scriptTask>',
        ('expression="={a: 1, b: a + 1}"', 'source="=assigned.b" target="b"'), (("script", "mapped"),)),
    Row("loop in Python", S, '<scriptTask id="t"><script>for a in b: c(a)</script></scriptTask>',
        ('type="script:python"',), (("script", "needs-work"),)),
    # User tasks.
    Row("assignment", C, user('x:assignee="${a}" x:candidateUsers="u, v" x:candidateGroups="g,${h}"'),
        ("<zeebe:userTask/>", 'assignee="=a"', 'candidateUsers="u, v"', 'candidateGroups="=[&quot;g&quot;, h]"'), ()),
    Row("potential owner", C, '<userTask id="t"><potentialOwner><resourceAssignmentExpression><formalExpression>'
        "user(a), group(b), c</formalExpression></resourceAssignmentExpression></potentialOwner></userTask>",
        ('candidateUsers="a"', 'candidateGroups="b,c"'), (("<potentialOwner>", "mapped"),)),
    Row("human performer", C, '<userTask id="t"><humanPerformer><resourceAssignmentExpression><formalExpression>${a}'
        "</formalExpression></resourceAssignmentExpression></humanPerformer></userTask>", ('assignee="=a"',), ()),
    Row("dates", C, user('x:dueDate="${d}" x:followUpDate="P1D"'),
        ('dueDate="=d"', 'followUpDate="=now() + duration(&quot;P1D&quot;)"'), ()),
    Row("a day", C, user('x:dueDate="2030-01-31"'), ('dueDate="2030-01-31T00:00:00"',), (("x:dueDate", "mapped"),)),
    Row("no date", C, user('x:dueDate="tomorrow"'), ('x:dueDate="tomorrow"',), (("x:dueDate", "needs-work"),)),
    Row("priority", C, user('x:priority="50"'), ('priorityDefinition priority="50"',), (("x:priority", "mapped"),)),
    Row("priority out of range", C, user('x:priority="500"'), ('x:priority="500"',), (("x:priority", "needs-work"),)),
    # Forms.
    Row("form key", C, user('x:formKey="embedded:a.html"'), ('formKey="embedded:a.html"',), (("x:formKey", "mapped"),)),
    Row("form reference", C, user('x:formRef="f" x:formRefBinding="deployment"'),
        ('formId="f"', 'bindingType="deployment"'), ()),
    Row("form by number", C, user('x:formRef="f" x:formRefBinding="version" x:formRefVersion="3"'), ('formId="f"',),
        (("x:formRefBinding", "needs-work"), ("x:formRefVersion", "needs-work"))),
    Row("form fields", C, user("", '<x:formData><x:formField id="a" type="long"/></x:formData>'),
        ('formKey="generated:t"', 'name="formField:a"'), (("<x:formData>", "changed"),)),
    Row("form properties", F, user("", '<x:formProperty id="a" type="long"/>'),
        ('formKey="generated:t"', 'name="formField:a"'), (("<x:formProperty>", "changed"),)),
    Row("form of a message start", C, '<startEvent id="t" x:formKey="f"><messageEventDefinition/></startEvent>', (),
        (("x:formKey", "dropped"),)),
    Row("form by its file", S, user("", '<x:properties><x:property name="formJsonSchemaFilename" value="f.json"/>'
        "</x:properties>"), ('formKey="f.json"',), ()),
    # Call activities.
    Row("call", C, call('calledElement="p"'),
        ('processId="p"', 'propagateAllParentVariables="false"', 'propagateAllChildVariables="false"'), ()),
    Row("call by expression", C, call('calledElement="${p}"'), ('processId="=p"',), (("calledElement", "mapped"),)),
    Row("call with all variables", C, call('calledElement="p"', '<x:in variables="all"/><x:out variables="all"/>'),
        ('propagateAllParentVariables="true"', 'propagateAllChildVariables="true"'), ()),
    Row("call with some variables", C, call('calledElement="p"', '<x:in source="a" target="b"/>'
        '<x:in sourceExpression="${c + 1}" target="d"/><x:out source="e" target="f"/>'),
        ('input source="=a" target="b"', 'input source="=c + 1" target="d"', 'output source="=e" target="f"'), ()),
    Row("business key", C, call('calledElement="p"', '<x:in businessKey="${order}"/>'), ('businessId="=order"',), ()),
    Row("the caller's business key", C, call('calledElement="p"', '<x:in businessKey="#{execution.processBusinessKey}"/>'),
        (), (("<x:in>", "mapped"),)),
    Row("binding", C, call('calledElement="p" x:calledElementBinding="versionTag" x:calledElementVersionTag="v1"'),
        ('bindingType="versionTag"', 'versionTag="v1"'), ()),
    Row("binding by number", C, call('calledElement="p" x:calledElementBinding="version" x:calledElementVersion="3"'), (),
        (("x:calledElementBinding", "needs-work"), ("x:calledElementVersion", "needs-work"))),
    Row("a case", C, call('x:caseRef="c"'), ('x:caseRef="c"',), (("x:caseRef", "needs-work"),)),
    Row("inherited variables", F, call('calledElement="p" x:inheritVariables="true" x:sameDeployment="true"'),
        ('propagateAllParentVariables="true"', 'bindingType="deployment"'), ()),
    # Decisions.
    Row("decision", C, '<businessRuleTask id="t" x:decisionRef="d" x:resultVariable="r" x:mapDecisionResult="singleEntry" '
        'x:decisionRefBinding="deployment"/>', ('decisionId="d" resultVariable="r" bindingType="deployment"',),
        (("x:mapDecisionResult", "mapped"),)),
    Row("decision with a list", C, '<businessRuleTask id="t" x:decisionRef="d" x:resultVariable="r" '
        'x:mapDecisionResult="resultList"/>', (), (("x:mapDecisionResult", "changed"),)),
    Row("decision without a variable", C, '<businessRuleTask id="t" x:decisionRef="d"/>', ('resultVariable="decisionResult"',),
        (("resultVariable", "changed"),)),
    Row("decision of Flowable", F, service('x:type="dmn"', '<x:field name="decisionTableReferenceKey" stringValue="d"/>'),
        ("<businessRuleTask", 'decisionId="d"'), ()),
    Row("decision of Spiff", S, '<businessRuleTask id="t"><extensionElements><x:calledDecisionId>d</x:calledDecisionId>'
        "</extensionElements></businessRuleTask>", ('decisionId="d"',), (("<x:calledDecisionId>", "changed"),)),
    # Multi-instances.
    Row("collection", C, '<task id="t"><multiInstanceLoopCharacteristics x:collection="xs" x:elementVariable="x"/></task>',
        ('inputCollection="=xs" inputElement="x"',), ()),
    Row("cardinality", C, '<task id="t"><multiInstanceLoopCharacteristics><loopCardinality>${n}</loopCardinality>'
        "<completionCondition>${nrOfCompletedInstances > 2}</completionCondition></multiInstanceLoopCharacteristics></task>",
        ("<loopCardinality>=n<", "<completionCondition>=numberOfCompletedInstances &gt; 2<"), ()),
    Row("index and aggregation", F, '<task id="t"><multiInstanceLoopCharacteristics x:collection="${xs}" '
        'x:elementIndexVariable="i"><extensionElements><x:variableAggregation target="ys"><variable source="a" target="b"/>'
        "</x:variableAggregation></extensionElements></multiInstanceLoopCharacteristics></task>",
        ('source="=loopCounter - 1" target="i"', 'outputCollection="ys" outputElement="={&quot;b&quot;: a}"'), ()),
    Row("data of the standard", S, '<task id="t"><multiInstanceLoopCharacteristics><loopDataInputRef>xs</loopDataInputRef>'
        '<inputDataItem id="x"/></multiInstanceLoopCharacteristics></task>', ('inputCollection="=xs" inputElement="x"',), ()),
    # Messages, errors, conditions, times.
    Row("correlation", C, '<receiveTask id="t" messageRef="m" x:asyncBefore="true"/>', (), (("x:asyncBefore", "changed"),)),
    Row("error variables", C, '<boundaryEvent id="t"><errorEventDefinition errorRef="e" x:errorCodeVariable="c" '
        'x:errorMessageVariable="m"/></boundaryEvent>', ('output source="=&quot;E1&quot;" target="c"', 'x:errorMessageVariable="m"'),
        (("x:errorCodeVariable", "changed"), ("x:errorMessageVariable", "needs-work"))),
    Row("error of an external task", C, service('x:type="external" x:topic="a"',
        '<x:errorEventDefinition errorRef="e" expression="${externalTask.retries == 0}"/>'), ("<x:errorEventDefinition",),
        (("<x:errorEventDefinition>", "needs-work"),)),
    Row("conditional", C, '<boundaryEvent id="t"><conditionalEventDefinition x:variableName="a" x:variableEvents="create, '
        'update"><condition>${a > 1}</condition></conditionalEventDefinition></boundaryEvent>',
        ('conditionalFilter variableNames="a" variableEvents="create, update"', "<condition>=a &gt; 1<"), ()),
    Row("time by expression", C, '<boundaryEvent id="t"><timerEventDefinition><timeDate>${d}</timeDate></timerEventDefinition>'
        "</boundaryEvent>", ("<timeDate>=d<",), ()),
    Row("cron with a year", C, '<boundaryEvent id="t"><timerEventDefinition><timeCycle>0 0 9 ? * 2-6 *</timeCycle>'
        "</timerEventDefinition></boundaryEvent>", ("<timeCycle>0 0 9 ? * 1-5<",), (("<timeCycle>", "mapped"),)),
    Row("cron of one year", C, '<boundaryEvent id="t"><timerEventDefinition><timeCycle>0 0 9 ? * MON 2030</timeCycle>'
        "</timerEventDefinition></boundaryEvent>", (), (("<timeCycle>", "needs-work"),)),
    # Listeners.
    Row("execution listener", C, user("", '<x:executionListener event="start" class="a.B"/>'
        '<x:executionListener event="end" expression="${audit.log(a)}"/>'),
        ('eventType="start" type="a.B"', 'eventType="end" type="audit.log"', 'key="expression"'), ()),
    Row("script listener", C, user("", '<x:executionListener event="start"><x:script scriptFormat="groovy">a</x:script>'
        "</x:executionListener>"), ('type="script:groovy"', 'key="script" value="a"'), ()),
    Row("flow listener", C, '<sequenceFlow id="t" sourceRef="a" targetRef="b"><extensionElements><x:executionListener '
        'event="take" class="a.B"/></extensionElements></sequenceFlow>', ("<x:executionListener",),
        (("<x:executionListener>", "needs-work"),)),
    Row("end listener of a throwing end", C, '<endEvent id="t"><extensionElements><x:executionListener event="end" class="a.B"/>'
        '</extensionElements><errorEventDefinition errorRef="e"/></endEvent>', ("<x:executionListener",), ()),
    Row("the same listener twice", C, user("", '<x:taskListener event="create" class="a.B"/>'
        '<x:taskListener event="create" class="a.B"/>'), ("<x:taskListener",), ()),
    *(
        Row(f"task listener {there}", C, user("", f'<x:taskListener event="{there}" class="a.B"/>'),
            (f'eventType="{here}" type="a.B"',), ())
        for there, here in (("create", "creating"), ("assignment", "assigning"), ("update", "updating"),
                            ("complete", "completing"), ("delete", "canceling"))
    ),
    Row("timeout listener", C, user("", '<x:taskListener event="timeout" class="a.B"/>'), ("<x:taskListener",),
        (("<x:taskListener>", "needs-work"),)),
    Row("entry script", J, user("", '<x:onEntry-script scriptFormat="http://www.java.com/java"><x:script>a();</x:script>'
        "</x:onEntry-script>"), ('eventType="start" type="script:java"', 'value="a();"'), ()),
    # Async, retry, priority.
    Row("save points", C, service('x:class="a.B" x:asyncBefore="true" x:asyncAfter="false" x:exclusive="true"'), (),
        (("x:asyncBefore", "changed"), ("x:asyncAfter", "dropped"), ("x:exclusive", "mapped"))),
    Row("retry cycle", C, service('x:class="a.B"', "<x:failedJobRetryTimeCycle>R3/PT10S</x:failedJobRetryTimeCycle>"),
        ('procession:retry cycle="R3/PT10S"',), (("<x:failedJobRetryTimeCycle>", "mapped"),)),
    Row("retry durations", C, service('x:class="a.B"', "<x:failedJobRetryTimeCycle>PT1S,PT1M</x:failedJobRetryTimeCycle>"),
        ('procession:retry backoff="PT1S,PT1M"', 'retries="3"'), ()),
    Row("retry by expression", C, service('x:class="a.B"', "<x:failedJobRetryTimeCycle>${r}</x:failedJobRetryTimeCycle>"),
        ("<x:failedJobRetryTimeCycle>",), (("<x:failedJobRetryTimeCycle>", "needs-work"),)),
    Row("job priority", C, service('x:class="a.B" x:jobPriority="${p}"'), ('jobPriorityDefinition priority="=p"',), ()),
    Row("priority of no job", C, user('x:jobPriority="3"'), (), (("x:jobPriority", "dropped"),)),
    # Miscellanea.
    Row("connector", C, service("", "<x:connector><x:inputOutput><x:inputParameter name='url'>${u}</x:inputParameter>"
        "</x:inputOutput><x:connectorId>http-connector</x:connectorId></x:connector>"),
        ('type="http-connector"', 'source="=u" target="url"'), (("<x:connector>", "needs-work"),)),
    Row("template", C, service('x:class="a.B" x:modelerTemplate="T" x:modelerTemplateVersion="2"'),
        ('zeebe:modelerTemplate="T"', 'zeebe:modelerTemplateVersion="2"'), (("x:modelerTemplate", "changed"),)),
    Row("instructions", S, user("", "<x:instructionsForEndUser>Do it</x:instructionsForEndUser>"),
        ('name="instructionsForEndUser" value="Do it"',), (("<x:instructionsForEndUser>", "mapped"),)),
    Row("unit tests", S, user("", "<x:unitTests><x:unitTest/></x:unitTests>"), (), (("<x:unitTests>", "dropped"),)),
    Row("what no table knows", C, service('x:class="a.B" x:unheardOf="1"', "<x:strange/>"), ('x:unheardOf="1"', "<x:strange/>"),
        (("x:unheardOf", "needs-work"), ("<x:strange>", "needs-work"))),
    Row("another tool's", C, service('x:class="a.B"', '<y:mark xmlns:y="urn:y" a="1"/>'), ('<y:mark xmlns:y="urn:y" a="1"/>',),
        (("<y:mark>", "dropped"),)),
]  # fmt: skip


def converted(dialect: str, drawn: str) -> tuple[str, Report]:
    """The native process and the report."""
    head = HEAD.format(namespace=NAMESPACES[dialect])
    text = f'{head}<process id="p" isExecutable="true">{drawn}</process><error id="e" errorCode="E1"/></definitions>'
    done = convert(text.encode(), "m")
    return done.data.decode(), done.report


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_becomes_what_the_table_says(row: Row) -> None:
    text, report = converted(row.dialect, row.drawn)
    for wanted in row.wanted:
        assert wanted in re.sub(r"\n +", "\n  ", text), (wanted, text)
    told = {(entry.attribute, entry.outcome) for entry in report.entries}
    assert set(row.entries) <= told, told


@pytest.mark.parametrize("row", [row for row in ROWS if row.dialect == C], ids=lambda row: row.name)
def test_operaton_is_the_same_in_a_namespace_of_its_own(row: Row) -> None:
    first, second = converted(C, row.drawn), converted("operaton", row.drawn)
    assert first[0].replace(NAMESPACES[C], "") == second[0].replace(NAMESPACES["operaton"], "")
    assert second[1].dialects == ("operaton",)


@pytest.mark.parametrize("row", [row for row in ROWS if row.dialect == F], ids=lambda row: row.name)
def test_activiti_has_the_words_of_flowable(row: Row) -> None:
    first, second = converted(F, row.drawn), converted("activiti", row.drawn)
    assert first[0].replace(NAMESPACES[F], "") == second[0].replace(NAMESPACES["activiti"], "")


def test_a_message_that_is_waited_for_gets_a_key_and_one_that_starts_gets_none() -> None:
    drawn = '<receiveTask id="t" messageRef="m" x:asyncBefore="true"/><startEvent id="s"><messageEventDefinition messageRef="n"/></startEvent>'
    head = HEAD.format(namespace=CAMUNDA.namespace)
    messages = '<message id="m" name="paid"/><message id="n" name="begin"/>'
    text = f'{head}<process id="p" isExecutable="true">{drawn}<task id="u" x:class="a.B"/><serviceTask id="v" x:class="a.B"/></process>{messages}</definitions>'
    done = convert(text.encode(), "m")
    assert done.data.decode().count("correlationKey=") == 1
    assert [(each.element, each.outcome) for each in done.report.entries if each.attribute == "correlation"] == [
        ("m", "changed")
    ]


@pytest.mark.parametrize(
    "dialect", [CAMUNDA, OPERATON, FLOWABLE, ACTIVITI, SPIFFWORKFLOW, JBPM], ids=lambda each: each.name
)
def test_a_table_has_one_row_for_a_name_on_an_element(dialect) -> None:
    seen: set[tuple[str, str]] = set()
    own = [row for row in dialect.rows if row.on]
    for row in own[: len(own) if dialect.name in {"camunda", "operaton"} else 0]:
        for element in row.on:
            assert (row.name, element) not in seen, row.name
            seen.add((row.name, element))


def test_every_prefix_is_found_wherever_it_is_declared() -> None:
    text = (
        '<b:definitions xmlns:b="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t"><b:process id="p" '
        'isExecutable="true"><b:serviceTask id="t" xmlns:q="http://camunda.org/schema/1.0/bpmn" q:class="a.B" '
        'xmlns:zeebe="urn:other" zeebe:mine="1"/></b:process></b:definitions>'
    )
    done = convert(text.encode(), "m")
    root = read_document(done.data, "m").root
    task = next(each for each in root.walk() if each.name == "serviceTask")
    assert task.in_namespace("urn:other") == [("zeebe:mine", "mine", "1")]
    definitions = [each for each in root.walk() if each.name == "taskDefinition"]
    assert [each.namespace for each in definitions] == ["http://camunda.org/schema/zeebe/1.0"]
