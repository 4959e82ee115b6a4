"""The rules about the form of a document: schema, ids, references, expressions, items, correlation, resources."""

from __future__ import annotations

from typing import Final

import pytest

from unit.compile.standard.drawing import (
    FORMAL,
    MESSAGE,
    MODEL,
    ROOTS,
    Row,
    alone,
    broken_rules,
    document,
    line,
    process,
)

TASK: Final = '<task id="x"/>'
VALID: Final = document(line(TASK))
ITEM: Final = '<itemDefinition id="it" structureRef="String"/>'
MANY: Final = '<itemDefinition id="many" structureRef="String" isCollection="true"/>'
SPEC: Final = "<inputSet/><outputSet/></ioSpecification>"


def io(inside: str, item: str = ITEM) -> str:
    return document(item, line(f'<task id="x"><ioSpecification>{inside}</ioSpecification></task>'))


def correlated(subscription: str, keys: str = "<correlationPropertyRef>cp</correlationPropertyRef>") -> str:
    path = f"<messagePath {FORMAL}>a</messagePath>"
    return document(
        '<message id="m"/>',
        *(
            f'<correlationProperty id="{name}"><correlationPropertyRetrievalExpression messageRef="m">{path}'
            "</correlationPropertyRetrievalExpression></correlationProperty>"
            for name in ("cp", "cq")
        ),
        f'<collaboration id="c"><correlationKey id="k">{keys}</correlationKey></collaboration>',
        process(last=subscription),
    )


def bound(*names: str) -> str:
    inside = "".join(
        f'<correlationPropertyBinding correlationPropertyRef="{name}"><dataPath {FORMAL}>a</dataPath>'
        "</correlationPropertyBinding>"
        for name in names
    )
    return f'<correlationSubscription correlationKeyRef="k">{inside}</correlationSubscription>'


def retrieved(times: int) -> str:
    one = (
        '<correlationPropertyRetrievalExpression messageRef="m"><messagePath>a</messagePath>'
        "</correlationPropertyRetrievalExpression>"
    )
    return document('<message id="m"/>', f'<correlationProperty id="cp">{one * times}</correlationProperty>')


def roled(role: str, parameters: str = "") -> str:
    return document(
        f'<resource id="r" name="r">{parameters}</resource>',
        '<resource id="r2" name="r2"><resourceParameter id="other"/></resource>',
        line(f'<userTask id="x"><performer id="pf">{role}</performer></userTask>'),
    )


def bind(name: str) -> str:
    return (
        f'<resourceRef>r</resourceRef><resourceParameterBinding parameterRef="{name}"><formalExpression>a'
        "</formalExpression></resourceParameterBinding>"
    )


def decided(condition: str, *, runs: bool = True) -> str:
    """Two flows that leave a task, one with a condition."""
    flow = f'<sequenceFlow id="f" sourceRef="x" targetRef="e">{condition}</sequenceFlow>'
    return document(
        process(
            '<startEvent id="s"/><task id="x"><incoming>s_x</incoming><outgoing>f</outgoing>'
            "<outgoing>g</outgoing></task>"
            '<endEvent id="e"><incoming>f</incoming><incoming>g</incoming></endEvent>',
            runs=runs,
            last=flow + '<sequenceFlow id="g" sourceRef="x" targetRef="e"/>',
        )
        .replace('<startEvent id="s"/>', '<startEvent id="s"><outgoing>s_x</outgoing></startEvent>')
        .replace("</process>", '<sequenceFlow id="s_x" sourceRef="s" targetRef="x"/></process>')
    )


def counted(cardinality: str) -> str:
    return document(
        line(
            '<task id="x"><multiInstanceLoopCharacteristics>'
            f"<loopCardinality {FORMAL}>{cardinality}</loopCardinality></multiInstanceLoopCharacteristics></task>"
        )
    )


def imported(attributes: str) -> str:
    return document(f"<import {attributes}/>", line(TASK))


IMPORT: Final = f'location="http://x/a.bpmn" importType="{MODEL}" namespace="urn:other"'
DIAGRAM: Final = '<bpmndi:BPMNDiagram><bpmndi:BPMNPlane id="{}" bpmnElement="{}"/></bpmndi:BPMNDiagram>'

XS: Final = 'xmlns:xs="http://www.w3.org/2001/XMLSchema"'
GROUPED: Final = '<process id="p"><group id="g" categoryValueRef="c"/></process>'
CHOSEN: Final = GROUPED.replace('"c"', '"cv"')
STORED: Final = line(TASK, last='<dataObject id="d" itemSubjectRef="it" isCollection="true"/>')

ROWS: Final = (
    Row(
        "language-uri",
        document(line(TASK), attributes='expressionLanguage="groovy"'),
        document(line(TASK), attributes='expressionLanguage="http://groovy.codehaus.org/"'),
    ),
    Row(
        "language-uri",
        decided(f'<conditionExpression {FORMAL} language="INVALID">a</conditionExpression>'),
        decided(f'<conditionExpression {FORMAL} language="urn:x">a</conditionExpression>'),
    ),
    Row(
        "condition-boolean",
        decided(f'<conditionExpression {FORMAL} evaluatesToTypeRef="xs:int" {XS}>a</conditionExpression>'),
        decided(f'<conditionExpression {FORMAL} evaluatesToTypeRef="xs:boolean" {XS}>a</conditionExpression>'),
    ),
    Row(
        "text-format",
        document('<globalScriptTask id="x" scriptLanguage="python"><script>a</script></globalScriptTask>'),
        document('<globalScriptTask id="x" scriptLanguage="text/x-python"><script>a</script></globalScriptTask>'),
    ),
    Row(
        "schema-value",
        document('<itemDefinition id="it" structureRef="zz:String"/>'),
        document('<itemDefinition id="it" structureRef="o:String"/>'),
    ),
    Row("schema-element", alone('<property id="y"/><message id="m"/>'), alone()),
    Row("schema-element", document('<property id="y"/>', line(TASK)), VALID),
    Row("schema-element", document(line('<task id="x"><o:thing/></task>')), VALID),
    Row("schema-element", document(line('<gateway id="x"/>')), VALID),
    Row(
        "schema-order",
        document(line('<task id="x"><property id="y"/><ioSpecification>' + SPEC + "</task>")),
        document(line('<task id="x"><ioSpecification>' + SPEC + '<property id="y"/></task>')),
    ),
    Row("schema-count", io('<dataInput id="a"/>'), io("<inputSet/><outputSet/>")),
    Row("schema-count", document('<interface id="i" name="i"/>'), document(MESSAGE)),
    Row(
        "schema-count",
        document('<interface id="i" name="i"><operation id="o" name="o"/></interface>'),
        document(MESSAGE),
    ),
    Row(
        "schema-count",
        document(line('<task id="x"><standardLoopCharacteristics/><standardLoopCharacteristics/></task>')),
        document(line('<task id="x"><standardLoopCharacteristics/></task>')),
    ),
    Row("schema-text", alone("<inputSet/>,0").replace("<inputSet/>", ""), alone()),
    Row(
        "schema-attribute",
        document(line('<task id="x" colour="red"/>')),
        document(line('<task id="x" o:colour="red"/>')),
    ),
    Row("schema-attribute", document(line('<task id="x" triggeredByEvent="true"/>')), VALID),
    Row("schema-required", document('<resource id="r"/>'), document('<resource id="r" name="r"/>')),
    Row("schema-required", document(line(TASK)).replace('targetNamespace="urn:x"', ""), VALID),
    Row("schema-value", document(line('<task id="x" isForCompensation="no"/>')), VALID),
    Row("schema-value", document(line('<task id="x" startQuantity="one"/>')), VALID),
    Row("schema-value", document(line('<exclusiveGateway id="x" gatewayDirection="Sideways"/>')), VALID),
    Row(
        "schema-value",
        document(line('<transaction id="x" method="_invalid URI!$%"/>')),
        document(line('<transaction id="x" method="##Image"/>')),
    ),
    Row(
        "schema-value",
        document(line('<serviceTask id="x" implementation="a b"/>')),
        document(line('<serviceTask id="x" implementation="http://x/soap"/>')),
    ),
    Row(
        "reference-target",
        document(line('<callActivity id="x" calledElement="none"/>')),
        document(line('<callActivity id="x" calledElement="q"/>'), process(id="q")),
    ),
    Row("reference-target", document(line('<task id="x" default="none"/>')), VALID),
    Row(
        "reference-kind",
        document('<message id="m" itemRef="p"/>', line(TASK)),
        document(ITEM, '<message id="m" itemRef="it"/>'),
    ),
    Row(
        "reference-kind",
        document('<category id="c"/>', GROUPED),
        document('<category id="c"><categoryValue id="cv"/></category>', CHOSEN),
    ),
    Row(
        "reference-namespace",
        document(line('<callActivity id="x" calledElement="o:q"/>')),
        document(line('<callActivity id="x" calledElement="t:q"/>'), process(id="q")),
    ),
    Row(
        "schema-value",
        document(line('<callActivity id="x" calledElement="zz:q"/>')),
        document(f"<import {IMPORT}/>", line('<callActivity id="x" calledElement="o:q"/>')),
    ),
    Row(
        "event-definition-reusable",
        document(
            ROOTS,
            line(
                '<intermediateThrowEvent id="x"><eventDefinitionRef>d</eventDefinitionRef></intermediateThrowEvent>',
                more=(
                    '<intermediateThrowEvent id="y"><signalEventDefinition id="d" signalRef="sig"/>'
                    "</intermediateThrowEvent>"
                ),
                flows="s>y y>e",
            ),
        ),
        document(
            ROOTS,
            '<signalEventDefinition id="d" signalRef="sig"/>',
            line('<intermediateThrowEvent id="x"><eventDefinitionRef>d</eventDefinitionRef></intermediateThrowEvent>'),
        ),
    ),
    Row(
        "diagram-element",
        document(line(TASK), DIAGRAM.format("pl", "none")),
        document(line(TASK), DIAGRAM.format("pl", "p")),
    ),
    Row(
        "id-unique",
        document(line(TASK, last='<dataObject id="x"/>')),
        document(line(TASK, last='<dataObject id="y"/>')),
    ),
    Row(
        "diagram-id-unique",
        document(line(TASK), DIAGRAM.format("x", "p")),
        document(line(TASK), DIAGRAM.format("pl", "p")),
    ),
    Row("id-required", alone("<task/>"), alone('<task id="x"/>')),
    Row("id-required", document("<message/>"), document('<message id="m"/>')),
    Row(
        "text-format",
        document(line(TASK, last='<textAnnotation id="a" textFormat="plain"/>')),
        document(line(TASK, last='<textAnnotation id="a" textFormat="text/html; charset=utf-8"/>')),
    ),
    Row(
        "text-format",
        document(line('<task id="x"><documentation textFormat="plain">a</documentation></task>')),
        document(line('<task id="x"><documentation textFormat="text/plain">a</documentation></task>')),
    ),
    Row(
        "text-format",
        document(line('<scriptTask id="x" scriptFormat="python"><script>a</script></scriptTask>')),
        document(line('<scriptTask id="x" scriptFormat="text/x-python"><script>a</script></scriptTask>')),
    ),
    Row("import-type", imported(IMPORT.replace(MODEL, "bpmn")), imported(IMPORT)),
    Row("import-incomplete", imported(IMPORT.replace("http://x/a.bpmn", "")), imported(IMPORT)),
    Row(
        "group-category",
        document('<interface id="i" name="i"><categoryValue id="cv"/></interface>', CHOSEN),
        document('<category id="c"><categoryValue id="cv"/></category>', CHOSEN),
    ),
    Row(
        "expression-formal",
        decided("<conditionExpression>a</conditionExpression>"),
        decided(f"<conditionExpression {FORMAL}>a</conditionExpression>"),
    ),
    Row(
        "expression-formal",
        decided("<conditionExpression>a</conditionExpression>"),
        decided("<conditionExpression>a</conditionExpression>", runs=False),
    ),
    Row("expression-empty", decided(f"<conditionExpression {FORMAL}/>"), decided("<conditionExpression/>", runs=False)),
    Row("expression-empty", retrieved(1).replace(">a<", "><"), retrieved(1)),
    Row(
        "condition-boolean",
        decided(f"<conditionExpression {FORMAL}>23</conditionExpression>"),
        decided(f"<conditionExpression {FORMAL}>a = 23</conditionExpression>"),
    ),
    Row(
        "condition-boolean",
        decided(f'<conditionExpression {FORMAL}>"yes"</conditionExpression>'),
        decided(f"<conditionExpression {FORMAL}>true</conditionExpression>"),
    ),
    Row("loop-cardinality-integer", counted("2.5"), counted("2")),
    Row("loop-cardinality-integer", counted("'two'"), counted("count(a)")),
    Row(
        "item-collection",
        io(
            (
                '<dataInput id="a" itemSubjectRef="many"/><inputSet><dataInputRefs>a</dataInputRefs></inputSet>'
                "<outputSet/>"
            ),
            MANY,
        ),
        io(
            (
                '<dataInput id="a" itemSubjectRef="many" isCollection="true"/><inputSet>'
                "<dataInputRefs>a</dataInputRefs></inputSet><outputSet/>"
            ),
            MANY,
        ),
    ),
    Row("item-collection", document(ITEM, STORED), document(ITEM, STORED.replace('isCollection="true"', ""))),
    Row("correlation-key-properties", correlated("", keys=""), correlated("")),
    Row("correlation-property-message", retrieved(2), retrieved(1)),
    Row("correlation-subscription-bindings", correlated(bound()), correlated(bound("cp"))),
    Row("correlation-subscription-bindings", correlated(bound("cp", "cq")), correlated(bound("cp"))),
    Row(
        "resource-role-choice",
        roled(
            "<resourceRef>r</resourceRef><resourceAssignmentExpression>"
            "<formalExpression>a</formalExpression></resourceAssignmentExpression>"
        ),
        roled("<resourceRef>r</resourceRef>"),
    ),
    Row(
        "resource-role-choice",
        roled(bind("q").removeprefix("<resourceRef>r</resourceRef>"), '<resourceParameter id="q"/>'),
        roled("<resourceAssignmentExpression><formalExpression>a</formalExpression></resourceAssignmentExpression>"),
    ),
    Row(
        "resource-parameters",
        roled(bind("other"), '<resourceParameter id="q"/>'),
        roled(bind("q"), '<resourceParameter id="q"/>'),
    ),
    Row(
        "resource-parameters",
        roled("<resourceRef>r</resourceRef>", '<resourceParameter id="q" isRequired="true"/>'),
        roled(bind("q"), '<resourceParameter id="q" isRequired="true"/>'),
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.rule)
def test_a_breach_is_found_and_its_correction_is_not_one(row: Row) -> None:
    assert row.rule in broken_rules(row.broken)
    assert broken_rules(row.valid) == []
