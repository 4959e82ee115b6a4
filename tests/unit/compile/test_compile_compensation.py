"""The rules of compensation, transactions and ad-hoc sub-processes, and what their elements become."""

from __future__ import annotations

from typing import Final

import pytest

from procession.compile import compile_definitions
from procession.ir.kinds import Kind
from procession.ir.program import NONE, AdHoc, CancelTrigger, Choosable, CompensateTrigger
from unit.compile.snippets import compiled, definitions_of, document, flow, node, path

BORDER: Final = '<boundaryEvent id="b" attachedToRef="a"><compensateEventDefinition/></boundaryEvent>'
HANDLER: Final = '<task id="h" isForCompensation="true"/>'
TIE: Final = '<association id="tie" sourceRef="b" targetRef="h"/>'
WORK: Final = '<zeebe:taskDefinition type="agent"/>'
UNDONE: Final = f'<task id="a"/>{BORDER}{HANDLER}{TIE}'


def after(body: str, *nodes: str) -> str:
    return f'<startEvent id="s"/>{body}{path("s", *nodes)}'


def undone(body: str = "") -> str:
    return after(UNDONE + body, "a")


def thrown(ref: str, more: str = UNDONE) -> str:
    event = f'<intermediateThrowEvent id="x"><compensateEventDefinition activityRef="{ref}"/></intermediateThrowEvent>'
    return after(more + event, "a", "x")


def cancelling(body: str, border: str = "") -> str:
    inner = f'<startEvent id="i"/>{body}<endEvent id="x"><cancelEventDefinition/></endEvent>{flow("i", "x")}'
    return after(f'<transaction id="t">{inner}</transaction>{border}', "t")


def cancelled(id: str, host: str = "t") -> str:
    return f'<boundaryEvent id="{id}" attachedToRef="{host}"><cancelEventDefinition/></boundaryEvent>'


def ad_hoc(body: str = '<task id="a"/>', extension: str = "", attributes: str = "") -> str:
    said = f"<extensionElements>{extension}</extensionElements>" if extension else ""
    return after(f'<adHocSubProcess id="x" {attributes}>{said}{body}</adHocSubProcess>', "x")


RULES: Final = [
    ("compensation", "b", after(f'<task id="a"/>{BORDER}', "a")),
    ("compensation", "b", after(f'<task id="a"/>{BORDER}<task id="h"/>{TIE}', "a", "h")),
    (
        "compensation",
        "b",
        undone('<task id="i" isForCompensation="true"/><association id="k" sourceRef="i" targetRef="b"/>'),
    ),
    ("compensation", "b", undone('<task id="t"/>' + flow("b", "t"))),
    ("compensation", "c", undone(BORDER.replace('"b"', '"c"') + '<association id="k" sourceRef="c" targetRef="h"/>')),
    ("compensation", "h", undone('<task id="t"/>' + flow("h", "t"))),
    ("compensation", "h", undone(flow("a", "h"))),
    ("compensation", "x", thrown("nothing")),
    ("compensation", "x", thrown("b")),
    ("compensation", "x", thrown("i", '<task id="a"/><subProcess id="u"><task id="i"/></subProcess>')),
    ("transaction", "x", after('<endEvent id="x"><cancelEventDefinition/></endEvent>', "x")),
    ("transaction", "x", after('<task id="t"/>' + cancelled("x"), "t")),
    ("transaction", "x", after('<subProcess id="t"><task id="i"/></subProcess>' + cancelled("x"), "t")),
    ("transaction", "c", cancelling("", cancelled("b") + cancelled("c"))),
    ("transaction", "t", after('<transaction id="t" method="##Store"><task id="i"/></transaction>', "t")),
    (
        "boundary-event",
        "x",
        cancelling(
            "",
            cancelled("x").replace('attachedToRef="t"', 'attachedToRef="t" cancelActivity="false"'),
        ),
    ),
    (
        "element-type",
        "x",
        after('<intermediateThrowEvent id="x"><cancelEventDefinition/></intermediateThrowEvent>', "x"),
    ),
    ("ad-hoc-sub-process", "x", ad_hoc("")),
    ("ad-hoc-sub-process", "x", ad_hoc('<task id="a"/><task id="b"/>' + flow("a", "b") + flow("b", "a"))),
    ("ad-hoc-sub-process", "i", ad_hoc('<startEvent id="i"/><task id="a"/>' + flow("i", "a"))),
    ("ad-hoc-sub-process", "i", ad_hoc('<task id="a"/><endEvent id="i"/>' + flow("a", "i"))),
    ("ad-hoc-sub-process", "x", ad_hoc(extension='<zeebe:adHoc activeElementsCollection="a"/>')),
    ("ad-hoc-sub-process", "x", ad_hoc(extension='<zeebe:adHoc outputCollection="all"/>')),
    ("ad-hoc-sub-process", "x", ad_hoc('<task id="a"/><completionCondition/>')),
    ("ad-hoc-sub-process", "x", ad_hoc(extension=f'{WORK}<zeebe:adHoc activeElementsCollection="=a"/>')),
    ("ad-hoc-sub-process", "x", ad_hoc('<task id="a"/><completionCondition>=b</completionCondition>', WORK)),
    ("implementation", "x", ad_hoc(extension='<zeebe:taskDefinition type=""/>')),
    ("variable-name", "x", ad_hoc(extension='<zeebe:adHoc outputCollection="1" outputElement="=a"/>')),
    ("expression-language", "x", ad_hoc('<task id="a"/><completionCondition>done</completionCondition>')),
]

WARNINGS: Final = [
    ("compensation", "h", after(HANDLER + '<task id="a"/>', "a")),
    ("compensation", "x", thrown("a", '<task id="a"/>')),
    (
        "compensation",
        "x",
        after(
            UNDONE
            + '<subProcess id="u"><startEvent id="i"/><endEvent id="x"><compensateEventDefinition activityRef="a"/>'
            f"</endEvent>{flow('i', 'x')}</subProcess>",
            "a",
            "u",
        ),
    ),
    (
        "compensation",
        "x",
        undone(
            '<subProcess id="e" triggeredByEvent="true"><startEvent id="x"><compensateEventDefinition/></startEvent>'
            f'<task id="t"/>{flow("x", "t")}</subProcess>'
        ),
    ),
    ("transaction", "x", cancelling("")),
]


@pytest.mark.parametrize(("rule", "element", "body"), RULES)
def test_what_breaks_a_rule_is_refused_by_its_name(rule: str, element: str, body: str) -> None:
    programs, diagnostics = compile_definitions(definitions_of(document(body)))
    errors = [each for each in diagnostics if each.severity == "error"]
    assert (rule, element) in [(each.rule, each.element) for each in errors], [str(each) for each in diagnostics]
    assert not programs
    assert all(each.span.line and each.span.column and each.message and each.remedy for each in errors)


@pytest.mark.parametrize(("rule", "element", "body"), WARNINGS)
def test_what_never_happens_is_said_and_does_not_stop(rule: str, element: str, body: str) -> None:
    programs, diagnostics = compile_definitions(definitions_of(document(body)))
    assert (rule, element, "warning") in [(each.rule, each.element, each.severity) for each in diagnostics]
    assert programs, [str(each) for each in diagnostics]


def test_a_handler_is_found_whichever_way_its_association_points_and_wherever_it_stands() -> None:
    turned = TIE.replace('"b"', '"?"').replace('"h"', '"b"').replace('"?"', '"h"')
    pool = f'<collaboration id="c"><participant id="pool" processRef="p"/>{TIE}</collaboration>'
    untied = UNDONE.replace(TIE, "")
    for body, roots in ((UNDONE, ""), (untied + turned, ""), (untied, pool)):
        program = compiled(document(after(body, "a"), roots=roots))
        trigger = node(program, "b").trigger
        assert trigger == CompensateTrigger(NONE, node(program, "h").index)
        assert node(program, "h").index not in program.nodes[0].starts


def test_a_throw_names_the_activity_and_not_the_body_around_its_instances() -> None:
    looped = UNDONE.replace(
        '<task id="a"/>',
        '<task id="a"><multiInstanceLoopCharacteristics><loopCardinality>2</loopCardinality>'
        "</multiInstanceLoopCharacteristics></task>",
    )
    program = compiled(document(thrown("a", looped)))
    body = next(each for each in program.nodes if each.kind is Kind.MULTI_INSTANCE)
    assert node(program, "x").trigger == CompensateTrigger(body.inner)


def test_a_transaction_and_its_cancel_events() -> None:
    program = compiled(document(cancelling("", cancelled("b"))))
    assert node(program, "t").kind is Kind.TRANSACTION
    assert isinstance(node(program, "x").trigger, CancelTrigger)
    assert node(program, "b").index in node(program, "t").catches


@pytest.mark.parametrize(
    ("profile", "extension", "automatic"),
    [
        ("zeebe", "", False),
        ("zeebe", '<zeebe:adHoc activeElementsCollection="=a"/>', False),
        ("standard", "", True),
    ],
)
def test_who_chooses_depends_on_the_profile(profile: str, extension: str, automatic: bool) -> None:
    program = compiled(document(ad_hoc(extension=extension, attributes='ordering="Sequential"'), profile=profile))
    drawn = next(each for each in program.nodes if each.kind is Kind.AD_HOC_SUB_PROCESS)
    told = () if automatic else (Choosable("a"),)
    chosen = 0 if extension else NONE
    assert drawn.ad_hoc == AdHoc(sequential=True, automatic=automatic, chosen=chosen, elements=told)
    activation = program.nodes[drawn.inner]
    assert activation.kind is Kind.AD_HOC_ACTIVATION
    assert activation.scope == drawn.index
    assert [program.nodes[start].id for start in activation.starts] == ["a"]
