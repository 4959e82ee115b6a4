"""The rules about activities, loops, the data of tasks and calls."""

from __future__ import annotations

from typing import Final

import pytest

from unit.compile.standard.drawing import FORMAL, ITEMS, ROOTS, SIGNAL, Row, broken_rules, document, io, line, process

TASK: Final = '<task id="x"/>'
VALID: Final = document(line(TASK))
ACTIVITIES: Final = (
    "task userTask manualTask serviceTask sendTask receiveTask scriptTask businessRuleTask callActivity subProcess "
    "transaction"
).split()
SERVICE: Final = (
    f'{ITEMS}<message id="m" itemRef="it"/><message id="m2" itemRef="number"/><interface id="i" name="i">'
    '<operation id="op" name="op"><inMessageRef>m</inMessageRef></operation>'
    '<operation id="op2" name="op2"><inMessageRef>m</inMessageRef><outMessageRef>m2</outMessageRef></operation>'
    "</interface>"
)
MI: Final = "multiInstanceLoopCharacteristics"


def task(tag: str, inside: str, attributes: str = "") -> str:
    return document(SERVICE, line(f'<{tag} id="x" {attributes}>{inside}</{tag}>'))


def called(own: str, wanted: str, tag: str = "process") -> str:
    target = process(id="q", first=wanted) if tag == "process" else f'<{tag} id="q">{wanted}</{tag}>'
    return document(ITEMS, line(f'<callActivity id="x" calledElement="q">{own}</callActivity>'), target)


def serving(spec: str, binding: str, tag: str = "process") -> str:
    inside = f"<supportedInterfaceRef>i2</supportedInterfaceRef>{spec}{binding}"
    interface = (
        '<interface id="i2" name="i2"><operation id="op3" name="op3"><inMessageRef>m</inMessageRef>'
        "<outMessageRef>m2</outMessageRef></operation></interface>"
    )
    return document(
        SERVICE, interface, process(id="q", first=inside) if tag == "process" else f'<{tag} id="q">{inside}</{tag}>'
    )


def bound(operation: str = "op3", taken: str = "a", given: str = "b") -> str:
    return f'<ioBinding operationRef="{operation}" inputDataRef="{taken}" outputDataRef="{given}"/>'


def looped(inside: str, attributes: str = "", spec: str = "", tag: str = "task", last: str = "") -> str:
    loop = f"<{MI} {attributes}>{inside}</{MI}>"
    return document(
        ROOTS,
        ITEMS,
        '<signalEventDefinition id="sd" signalRef="sig"/>',
        line(f'<{tag} id="x">{spec}{loop}</{tag}>', last=last),
    )


COUNT: Final = f"<loopCardinality {FORMAL}>3</loopCardinality>"
COMPLEX: Final = (
    f'<complexBehaviorDefinition><condition {FORMAL}>a</condition><event id="ev">{SIGNAL}</event>'
    "</complexBehaviorDefinition>"
)
OVER: Final = "<loopDataInputRef>a</loopDataInputRef>"
OVER_MANY: Final = io("a:many")

LOOPS: Final = (
    Row(
        "loop-maximum",
        document(line('<task id="x"><standardLoopCharacteristics loopMaximum="0"/></task>')),
        document(line('<task id="x"><standardLoopCharacteristics loopMaximum="1"/></task>')),
    ),
    Row("multi-instance-count", looped(""), looped(COUNT)),
    Row("multi-instance-count", looped(COUNT + OVER, spec=OVER_MANY), looped(OVER, spec=OVER_MANY)),
    Row(
        "multi-instance-data",
        looped(OVER, spec=io(), last='<dataObject id="a" itemSubjectRef="many" isCollection="true"/>'),
        looped(OVER, tag="subProcess", last='<dataObject id="a" itemSubjectRef="many" isCollection="true"/>'),
    ),
    Row(
        "multi-instance-data",
        looped(f"{COUNT}<loopDataOutputRef>a</loopDataOutputRef>", spec=OVER_MANY),
        looped(f"{COUNT}<loopDataOutputRef>b</loopDataOutputRef>", spec=io("", "b:many")),
    ),
    Row("multi-instance-item", looped(OVER, spec=io("a:it")), looped(OVER, spec=OVER_MANY)),
    Row(
        "multi-instance-item",
        looped(f'{OVER}<inputDataItem id="one" itemSubjectRef="number"/>', spec=OVER_MANY),
        looped(f'{OVER}<inputDataItem id="one" itemSubjectRef="it"/>', spec=OVER_MANY),
    ),
    Row(
        "multi-instance-item",
        looped(f'{OVER}<inputDataItem id="one" itemSubjectRef="many" isCollection="true"/>', spec=OVER_MANY),
        looped(f'{OVER}<inputDataItem id="one" itemSubjectRef="same"/>', spec=OVER_MANY),
    ),
    Row(
        "multi-instance-item",
        looped(
            f'{COUNT}<loopDataOutputRef>b</loopDataOutputRef><outputDataItem id="one" itemSubjectRef="number"/>',
            spec=io("", "b:many"),
        ),
        looped(
            f'{COUNT}<loopDataOutputRef>b</loopDataOutputRef><outputDataItem id="one" itemSubjectRef="it"/>',
            spec=io("", "b:many"),
        ),
    ),
    Row(
        "multi-instance-behavior",
        looped(COUNT, 'behavior="None"'),
        looped(COUNT, 'behavior="None" noneBehaviorEventRef="sd"'),
    ),
    Row(
        "multi-instance-behavior",
        looped(COUNT, 'behavior="One"'),
        looped(COUNT, 'behavior="One" oneBehaviorEventRef="sd"'),
    ),
    Row(
        "multi-instance-behavior",
        looped(COUNT, 'behavior="All" oneBehaviorEventRef="sd"'),
        looped(COUNT, 'behavior="All"'),
    ),
    Row("multi-instance-behavior", looped(COUNT, 'behavior="One" noneBehaviorEventRef="sd"'), looped(COUNT)),
    Row("multi-instance-behavior", looped(COUNT, 'behavior="Complex"'), looped(COUNT + COMPLEX, 'behavior="Complex"')),
    Row("multi-instance-behavior", looped(COUNT + COMPLEX), looped(COUNT + COMPLEX, 'behavior="Complex"')),
)

TASKS: Final = (
    Row(
        "transaction-method",
        document(line('<transaction id="x" method="rollback"/>')),
        document(line('<transaction id="x" method="http://x/protocol"/>')),
    ),
    *(
        Row(
            "activity-quantity",
            document(line(f'<{tag} id="x" {name}="{bad}"/>')),
            document(line(f'<{tag} id="x" {name}="2"/>')),
        )
        for tag in ACTIVITIES
        for name in ("startQuantity", "completionQuantity")
        for bad in ("0", "-5")
    ),
    *(
        Row(
            "compensation-activity-flow",
            document(line(f'<{tag} id="x" isForCompensation="true"/>')),
            document(line(f'<{tag} id="x"/>')),
        )
        for tag in ACTIVITIES
    ),
    Row(
        "script-format",
        document(line('<scriptTask id="x"><script>a</script></scriptTask>')),
        document(line('<scriptTask id="x"/>')),
    ),
    Row(
        "script-format",
        document('<globalScriptTask id="x"><script>a</script></globalScriptTask>'),
        document('<globalScriptTask id="x" scriptLanguage="text/x"><script>a</script></globalScriptTask>'),
    ),
    Row(
        "receive-task-instantiate",
        document(line('<receiveTask id="x" instantiate="true"/>')),
        document(process('<receiveTask id="x" instantiate="true"/><endEvent id="e"/>', "x>e")),
    ),
    Row(
        "task-operation-message",
        task("sendTask", "", 'messageRef="m2" operationRef="op"'),
        task("sendTask", "", 'messageRef="m" operationRef="op"'),
    ),
    Row(
        "task-operation-message",
        task("receiveTask", "", 'messageRef="m2" operationRef="op"'),
        task("receiveTask", "", 'messageRef="m" operationRef="op"'),
    ),
    Row(
        "service-task-data",
        task("serviceTask", "", 'operationRef="op"'),
        task("serviceTask", io("a:it"), 'operationRef="op"'),
    ),
    Row(
        "service-task-data",
        task("serviceTask", io("a:it a2:it"), 'operationRef="op"'),
        task("serviceTask", io("a:same"), 'operationRef="op"'),
    ),
    Row(
        "service-task-sets", task("serviceTask", io("a:it", input_sets=2), 'operationRef="op"'), task("serviceTask", "")
    ),
    Row(
        "service-task-data",
        task("serviceTask", io("a:number"), 'operationRef="op"'),
        task("serviceTask", io("a:it"), 'operationRef="op"'),
    ),
    Row(
        "service-task-data",
        task("serviceTask", io("a:it"), 'operationRef="op2"'),
        task("serviceTask", io("a:it", "b:number"), 'operationRef="op2"'),
    ),
    Row(
        "service-task-data",
        task("serviceTask", io("a:it", "b:it"), 'operationRef="op2"'),
        task("serviceTask", io("a:it", "b:number"), 'operationRef="op2"'),
    ),
    Row(
        "service-task-sets",
        task("serviceTask", io("a:it", "b:number", output_sets=2), 'operationRef="op2"'),
        task("serviceTask", io("a:it", "b:number"), 'operationRef="op2"'),
    ),
    Row(
        "send-task-data",
        task("sendTask", io("a:it a2:it"), 'messageRef="m"'),
        task("sendTask", io("a:it"), 'messageRef="m"'),
    ),
    Row(
        "send-task-data",
        task("sendTask", io("a:it", input_sets=2), 'messageRef="m"'),
        task("sendTask", io("a:same"), 'messageRef="m"'),
    ),
    Row("send-task-data", task("sendTask", io("a:number"), 'messageRef="m"'), task("sendTask", io(), 'messageRef="m"')),
    Row(
        "send-task-data", task("sendTask", io("a"), 'messageRef="m"'), task("sendTask", io("a:it"), 'operationRef="op"')
    ),
    Row(
        "receive-task-data",
        task("receiveTask", io("", "b:it b2:it"), 'messageRef="m"'),
        task("receiveTask", io("", "b:it"), 'messageRef="m"'),
    ),
    Row(
        "receive-task-data",
        task("receiveTask", io("", "b:it", output_sets=2), 'messageRef="m"'),
        task("receiveTask", io("", "b:same"), 'messageRef="m"'),
    ),
    Row(
        "receive-task-data",
        task("receiveTask", io("", "b:number"), 'messageRef="m"'),
        task("receiveTask", io(), 'messageRef="m"'),
    ),
    *(
        row
        for tag in ("process", "globalTask", "globalUserTask")
        for row in (
            Row("call-activity-data", called(io("a:it a2:it"), io("c:it"), tag), called(io("a:it"), io("c:same"), tag)),
            Row(
                "call-activity-data",
                called(io(), io("c:it"), tag),
                called(io("a:it a2:number"), io("c:number d:it"), tag),
            ),
            Row("call-activity-data", called(io("a:it", "b:it"), io("c:it"), tag), called("", "", tag)),
            Row(
                "call-activity-data",
                called(io("a:it"), io("c:it", "d:it"), tag),
                called(io("a:it", "b:it"), io("c:it", "d:it"), tag),
            ),
            Row(
                "call-activity-data",
                called(io("a:number"), io("c:it"), tag),
                called(io("a:number"), io("c:number"), tag),
            ),
            Row(
                "interface-bindings",
                serving(io("a:it", "b:number"), "", tag),
                serving(io("a:it", "b:number"), bound(), tag),
            ),
            Row(
                "io-binding-data",
                serving(io("a:number", "b:number"), bound(), tag),
                serving(io("a:it", "b:number"), bound(), tag),
            ),
            Row(
                "io-binding-data",
                serving(io("a:it", "b:it"), bound(), tag),
                serving(io("a:it", "b:number"), bound(), tag),
            ),
        )
    ),
    Row(
        "io-binding-operation",
        serving(io("a:it", "b:number"), bound() + bound("op2")),
        serving(io("a:it", "b:number"), bound()),
    ),
)


@pytest.mark.parametrize("row", [*LOOPS, *TASKS], ids=lambda row: row.rule)
def test_a_breach_is_found_and_its_correction_is_not_one(row: Row) -> None:
    assert row.rule in broken_rules(row.broken)
    assert broken_rules(row.valid) == []
