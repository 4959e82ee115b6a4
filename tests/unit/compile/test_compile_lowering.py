"""The lowering contract: which nodes an element becomes, and what the interpreter finds in them."""

from __future__ import annotations

from typing import Final

import pytest

from procession.ir.kinds import Binding, Kind, ListenerEvent, TimerKind
from procession.ir.program import (
    NONE,
    Call,
    Decision,
    ErrorTrigger,
    EscalationTrigger,
    LinkTrigger,
    MessageTrigger,
    NoneTrigger,
    SignalTrigger,
    TerminateTrigger,
    Text,
    TimerTrigger,
)
from unit.compile.snippets import (
    JOB,
    compiled,
    document,
    flow,
    flow_of,
    ids,
    node,
    path,
    text_of,
)

MSG: Final = '<messageEventDefinition messageRef="m"/>'
SIG: Final = '<signalEventDefinition signalRef="sig"/>'
ERR: Final = '<errorEventDefinition errorRef="err"/>'
ESC: Final = '<escalationEventDefinition escalationRef="esc"/>'
HOUR: Final = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"
EACH: Final = """<multiInstanceLoopCharacteristics><extensionElements>
  <zeebe:loopCharacteristics inputCollection="=items" inputElement="item" outputCollection="results"
    outputElement="=item * 2"/></extensionElements>
  <completionCondition>=numberOfCompletedInstances > 2</completionCondition></multiInstanceLoopCharacteristics>"""


def after(body: str, id: str = "x") -> str:
    return f'<startEvent id="s"/>{body}{flow("s", id)}'


def extended(tag: str, extensions: str, attributes: str = "", inner: str = "") -> str:
    return after(f'<{tag} id="x" {attributes}><extensionElements>{extensions}</extensionElements>{inner}</{tag}>')


KINDS: Final = [
    ("task", '<task id="x"/>', Kind.TASK),
    ("manual task", '<manualTask id="x"/>', Kind.TASK),
    ("service task", f'<serviceTask id="x">{JOB}</serviceTask>', Kind.JOB_TASK),
    ("send task with a job", f'<sendTask id="x">{JOB}</sendTask>', Kind.JOB_TASK),
    ("send task with a message", '<sendTask id="x" messageRef="m"/>', Kind.INTERMEDIATE_THROW_EVENT),
    ("receive task", '<receiveTask id="x" messageRef="m"/>', Kind.RECEIVE_TASK),
    ("script task with a job", f'<scriptTask id="x">{JOB}</scriptTask>', Kind.JOB_TASK),
    ("business rule task with a job", f'<businessRuleTask id="x">{JOB}</businessRuleTask>', Kind.JOB_TASK),
    ("user task", '<userTask id="x"/>', Kind.USER_TASK),
    ("call activity", '<callActivity id="x" calledElement="q"/>', Kind.CALL_ACTIVITY),
    ("sub-process", '<subProcess id="x"><startEvent id="y"/></subProcess>', Kind.SUB_PROCESS),
    ("exclusive gateway", '<exclusiveGateway id="x"/>', Kind.EXCLUSIVE_GATEWAY),
    ("parallel gateway", '<parallelGateway id="x"/>', Kind.PARALLEL_GATEWAY),
    ("inclusive gateway", '<inclusiveGateway id="x"/>', Kind.INCLUSIVE_GATEWAY),
    ("none throw event", '<intermediateThrowEvent id="x"/>', Kind.INTERMEDIATE_THROW_EVENT),
    ("catch event", f'<intermediateCatchEvent id="x">{MSG}</intermediateCatchEvent>', Kind.INTERMEDIATE_CATCH_EVENT),
    ("end event", '<endEvent id="x"/>', Kind.END_EVENT),
]  # fmt: skip


@pytest.mark.parametrize(("what", "body", "kind"), KINDS, ids=[row[0] for row in KINDS])
def test_an_element_becomes_the_node_of_its_row(what: str, body: str, kind: Kind) -> None:
    program = compiled(document(after(body)))
    lowered = node(program, "x")
    assert lowered.kind is kind
    assert lowered.bpmn == body[1 : body.index(" ")]
    assert (lowered.scope, ids(program, (flow_of(program, "s-x").target,))) == (0, ["x"])
    assert [program.flows[ref].id for ref in lowered.incoming] == ["s-x"]
    assert lowered.line > 0


def test_every_node_knows_its_own_index_and_the_process_is_the_first() -> None:
    program = compiled(document(after('<subProcess id="x"><startEvent id="y"/></subProcess><task id="z"/>')))
    assert [each.index for each in program.nodes] == list(range(len(program.nodes)))
    assert (program.nodes[0].id, program.nodes[0].kind, program.nodes[0].scope) == ("p", Kind.PROCESS, NONE)
    assert program.nodes[node(program, "y").scope].id == "x"


TRIGGERS: Final = [
    ("intermediateCatchEvent", MSG, MessageTrigger(Text("paid"), 0)),
    ("intermediateCatchEvent", SIG, SignalTrigger(Text("stop"))),
    ("intermediateCatchEvent", HOUR, TimerTrigger(TimerKind.DURATION, Text("PT1H"))),
    ("endEvent", "", NoneTrigger()),
    ("endEvent", ERR, ErrorTrigger(Text("E1"))),
    ("endEvent", '<errorEventDefinition errorRef="computed"/>', ErrorTrigger(Text(expression=0))),
    ("endEvent", ESC, EscalationTrigger(Text("X1"))),
    ("endEvent", "<terminateEventDefinition/>", TerminateTrigger()),
    ("endEvent", SIG, SignalTrigger(Text("stop"))),
    ("endEvent", MSG, MessageTrigger(Text("paid"), 0)),
    ("intermediateThrowEvent", ESC, EscalationTrigger(Text("X1"))),
]


@pytest.mark.parametrize(("tag", "definition", "trigger"), TRIGGERS)
def test_an_event_has_the_trigger_of_its_definition(tag: str, definition: str, trigger: object) -> None:
    program = compiled(document(after(f'<{tag} id="x">{definition}</{tag}>')))
    assert node(program, "x").trigger == trigger


def test_a_message_event_with_a_job_keeps_its_kind_and_throws_nothing_itself() -> None:
    program = compiled(document(after(f'<endEvent id="x">{JOB}<messageEventDefinition/></endEvent>')))
    end = node(program, "x")
    assert (end.kind, end.trigger) == (Kind.END_EVENT, NoneTrigger())
    assert end.job is not None
    assert (end.job.type, end.job.retries) == (Text("work"), Text("3"))


def test_a_published_message_has_its_own_key_id_and_time_to_live() -> None:
    extension = '<zeebe:publishMessage correlationKey="=k" messageId="fixed" timeToLive="PT5M"/>'
    program = compiled(document(extended("sendTask", extension, 'messageRef="keyless"')))
    trigger = node(program, "x").trigger
    assert isinstance(trigger, MessageTrigger)
    assert trigger.name == Text("news")
    refs = (trigger.key, trigger.message_id, trigger.ttl)
    assert [text_of(program, ref) for ref in refs] == ["k", '"fixed"', '"PT5M"']


def test_a_literal_correlation_key_is_the_string_of_itself() -> None:
    roots = """<message id="m" name="paid"><extensionElements>
      <zeebe:subscription correlationKey='say "hi"\\'/></extensionElements></message>"""
    body = after(f'<intermediateCatchEvent id="x">{MSG}</intermediateCatchEvent>')
    program = compiled(document(body, roots=roots))
    trigger = node(program, "x").trigger
    assert isinstance(trigger, MessageTrigger)
    assert text_of(program, trigger.key) == r'"say \"hi\"\\"'


# --- multi-instance ---------------------------------------------------------------------------------------------------


def test_a_multi_instance_activity_is_a_body_around_the_activity() -> None:
    body = f"""<subProcess id="x"><extensionElements><zeebe:ioMapping><zeebe:input source="=1" target="a"/>
      </zeebe:ioMapping></extensionElements>{EACH}<startEvent id="y"/><task id="z"/>{flow("y", "z")}</subProcess>
      <boundaryEvent id="b" attachedToRef="x">{MSG}</boundaryEvent>"""
    program = compiled(document(after(body)))
    outer, inner = node(program, "x"), node(program, "x", inner=True)
    assert (outer.kind, outer.inner, outer.scope) == (Kind.MULTI_INSTANCE, inner.index, 0)
    assert (inner.kind, inner.scope, inner.loop) == (Kind.SUB_PROCESS, outer.index, None)
    assert (outer.catches, inner.catches) == ((node(program, "b").index,), ())
    assert (len(outer.incoming), inner.incoming, inner.outgoing) == (1, (), ())
    assert (outer.inputs, len(inner.inputs), outer.listeners) == ((), 1, ())
    assert {node(program, id).scope for id in ("y", "z")} == {inner.index}
    assert node(program, "b").attached == outer.index
    assert flow_of(program, "s-x").target == outer.index
    loop = outer.loop
    assert loop is not None
    assert (loop.sequential, loop.item_name, loop.output_name, loop.cardinality) == (False, "item", "results", NONE)
    refs = (loop.items, loop.output, loop.completion)
    assert [text_of(program, ref) for ref in refs] == ["items", "item * 2", "numberOfCompletedInstances > 2"]


@pytest.mark.parametrize(("drawn", "text"), [("3", "3"), ("=n + 1", "n + 1")])
def test_a_loop_cardinality_is_a_number_or_an_expression(drawn: str, text: str) -> None:
    loop = f"""<multiInstanceLoopCharacteristics isSequential="true"><loopCardinality>{drawn}</loopCardinality>
      </multiInstanceLoopCharacteristics>"""
    program = compiled(document(after(f'<task id="x">{loop}</task>'), profile="standard"))
    spec = node(program, "x").loop
    assert spec is not None
    assert (spec.sequential, spec.items, text_of(program, spec.cardinality)) == (True, NONE, text)


# --- what is subscribed, and what starts ------------------------------------------------------------------------------


def test_an_activity_catches_its_boundary_events_in_the_order_of_the_document() -> None:
    body = f"""<boundaryEvent id="b1" attachedToRef="x" cancelActivity="false">{MSG}</boundaryEvent><userTask id="x"/>
      <boundaryEvent id="b2" attachedToRef="x">{HOUR}</boundaryEvent>"""
    program = compiled(document(after(body)))
    assert ids(program, node(program, "x").catches) == ["b1", "b2"]
    assert [node(program, id).interrupting for id in ("b1", "b2")] == [False, True]
    assert {node(program, id).attached for id in ("b1", "b2")} == {node(program, "x").index}


def test_a_scope_catches_for_its_event_sub_processes() -> None:
    handler = f"""<subProcess id="e" triggeredByEvent="true">
      <startEvent id="es" isInterrupting="false">{MSG}</startEvent><endEvent id="ee"/>{flow("es", "ee")}</subProcess>"""
    inside = f'<subProcess id="x"><startEvent id="y"/>{handler}</subProcess>'
    program = compiled(document(after(f'{inside}<boundaryEvent id="b" attachedToRef="x">{HOUR}</boundaryEvent>')))
    assert ids(program, node(program, "x").catches) == ["b", "es"]
    event = node(program, "e")
    assert (event.kind, ids(program, event.starts), event.scope) == (
        Kind.EVENT_SUB_PROCESS,
        ["es"],
        node(program, "x").index,
    )
    assert (node(program, "es").scope, node(program, "es").interrupting) == (event.index, False)
    assert program.nodes[0].catches == ()
    assert ids(program, node(program, "x").starts) == ["y"]


def test_a_receive_task_catches_itself_before_its_boundary_events() -> None:
    body = f"""<boundaryEvent id="b" attachedToRef="x">{HOUR}</boundaryEvent><receiveTask id="x" messageRef="m"/>"""
    program = compiled(document(after(body)))
    assert ids(program, node(program, "x").catches) == ["x", "b"]
    looped = body.replace('messageRef="m"/>', f'messageRef="m">{EACH}</receiveTask>')
    program = compiled(document(after(looped)))
    outer, inner = node(program, "x"), node(program, "x", inner=True)
    assert (ids(program, outer.catches), inner.catches) == (["b"], (inner.index,))


def test_an_event_based_gateway_catches_what_its_flows_lead_to() -> None:
    body = f"""<eventBasedGateway id="x"/><intermediateCatchEvent id="a">{MSG}</intermediateCatchEvent>
      <receiveTask id="r" messageRef="m"/><intermediateCatchEvent id="t">{HOUR}</intermediateCatchEvent>"""
    program = compiled(document(after(body) + flow("x", "t") + flow("x", "a") + flow("x", "r")))
    assert ids(program, node(program, "x").catches) == ["t", "a", "r"]


def test_links_are_joined_inside_their_scope() -> None:
    def pair(suffix: str) -> str:
        return f"""<intermediateThrowEvent id="t{suffix}"><linkEventDefinition name="l"/></intermediateThrowEvent>
          <intermediateCatchEvent id="c{suffix}"><linkEventDefinition name="l"/></intermediateCatchEvent>"""

    inside = f'<subProcess id="x"><startEvent id="y"/>{pair("2")}{flow("y", "t2")}</subProcess>'
    program = compiled(document(after(inside) + pair("1") + flow("x", "t1")))
    for suffix in "12":
        assert node(program, f"t{suffix}").trigger == LinkTrigger(node(program, f"c{suffix}").index)
        assert node(program, f"c{suffix}").trigger == LinkTrigger()
        assert node(program, f"c{suffix}").catches == ()


def test_without_a_start_event_all_that_no_flow_leads_to_starts() -> None:
    body = f"""<task id="a"/><exclusiveGateway id="b"/><intermediateThrowEvent id="c"/><task id="d"/>
      <boundaryEvent id="e" attachedToRef="a">{HOUR}</boundaryEvent>
      <subProcess id="f" triggeredByEvent="true"><startEvent id="g">{HOUR}</startEvent></subProcess>"""
    program = compiled(document(body + flow("a", "d"), profile="standard"))
    assert ids(program, program.nodes[0].starts) == ["a", "b", "c"]


def test_triggered_starts_of_a_process_are_kept_apart_from_the_none_start() -> None:
    body = f"""<startEvent id="m1">{MSG}</startEvent><startEvent id="s"/><startEvent id="t1">{HOUR}</startEvent>"""
    program = compiled(document(body))
    assert ids(program, program.triggered_starts) == ["m1", "t1"]
    assert ids(program, program.nodes[0].starts) == ["s"]
    assert program.nodes[0].catches == ()
    trigger = node(program, "m1").trigger
    assert trigger == MessageTrigger(Text("paid"))


def test_a_constant_name_of_a_process_start_is_known_at_deployment() -> None:
    roots = """<message id="m" name="=&quot;pa&quot; + &quot;id&quot;"/>"""
    program = compiled(document(f'<startEvent id="s">{MSG}</startEvent>', roots=roots))
    assert node(program, "s").trigger == MessageTrigger(Text("paid"))


# --- gateways ---------------------------------------------------------------------------------------------------------


def test_flows_of_a_gateway_are_tried_in_the_order_of_their_declaration() -> None:
    body = """<exclusiveGateway id="x" default="x-a">
      <outgoing>x-b</outgoing><outgoing>x-a</outgoing><outgoing>x-c</outgoing></exclusiveGateway>
      <task id="a"/><task id="b"/><task id="c"/>"""
    flows = flow("x", "c", "=1 > 0") + flow("x", "a") + flow("x", "b", "=2 > 0")
    program = compiled(document(after(body) + flows))
    gateway = node(program, "x")
    assert [program.flows[ref].id for ref in gateway.outgoing] == ["x-c", "x-a", "x-b"]
    assert program.flows[gateway.default].id == "x-a"
    assert text_of(program, flow_of(program, "x-b").condition) == "2 > 0"
    assert flow_of(program, "x-a").condition == NONE


def test_an_inclusive_join_knows_from_where_each_of_its_flows_is_reached() -> None:
    body = f"""<inclusiveGateway id="g"/><task id="a"/><userTask id="b"/><task id="c"/><inclusiveGateway id="j"/>
      <boundaryEvent id="e" attachedToRef="b">{HOUR}</boundaryEvent>
      <intermediateThrowEvent id="t"><linkEventDefinition name="l"/></intermediateThrowEvent>
      <intermediateCatchEvent id="k"><linkEventDefinition name="l"/></intermediateCatchEvent>"""
    flows = flow("s", "g") + flow("g", "a", "=a") + flow("g", "b", "=b") + flow("g", "t", "=c")
    flows += path("a", "j") + path("b", "j") + path("e", "c", "j") + path("k", "j") + path("j", "a2", "a")
    program = compiled(document(f'<startEvent id="s"/>{body}<task id="a2"/>{flows}'))
    join = node(program, "j")
    reached = {
        program.flows[ref].id: sorted(ids(program, reach)) for ref, reach in zip(join.incoming, join.reach, strict=True)
    }
    assert reached == {
        "a-j": ["a", "a2", "g", "s"],
        "b-j": ["b", "g", "s"],
        "c-j": ["b", "c", "e", "g", "s"],
        "k-j": ["g", "k", "s", "t"],
    }
    assert all(list(reach) == sorted(reach) for reach in join.reach)
    assert node(program, "g").reach == ()


def test_a_flow_from_a_join_to_itself_is_reached_from_nowhere() -> None:
    body = '<inclusiveGateway id="j" default="j-e"/><endEvent id="e"/>'
    program = compiled(document(after(body, "j") + flow("j", "j", "=again") + flow("j", "e")))
    join = node(program, "j")
    by_flow = dict(zip([program.flows[ref].id for ref in join.incoming], join.reach, strict=True))
    assert by_flow["j-j"] == ()
    assert ids(program, by_flow["s-j"]) == ["s"]


# --- what single tasks say --------------------------------------------------------------------------------------------


def test_a_job_has_its_type_retries_headers_priority_and_back_off() -> None:
    extensions = """<zeebe:taskDefinition type="=kind" retries="=tries"/><zeebe:jobPriorityDefinition priority="7"/>
      <zeebe:taskHeaders><zeebe:header key="b" value="=2"/><zeebe:header key="a" value="1"/></zeebe:taskHeaders>
      <procession:retry backoff="PT1S, PT10S"/>"""
    program = compiled(document(extended("serviceTask", extensions)))
    job = node(program, "x").job
    assert job is not None
    assert [text_of(program, each.expression) for each in (job.type, job.retries)] == ["kind", "tries"]
    assert (job.headers, job.backoff) == ({"a": "1", "b": "=2"}, ("PT1S", "PT10S"))
    assert job.priority == Text("7")


def test_a_retry_cycle_is_a_count_and_a_back_off() -> None:
    extensions = '<zeebe:taskDefinition type="t"/><procession:retry cycle="R5/PT10S"/>'
    job = node(compiled(document(extended("serviceTask", extensions))), "x").job
    assert job is not None
    assert (job.retries, job.backoff) == (Text("5"), ("PT10S",))


def test_mappings_keep_their_order_and_their_paths() -> None:
    extensions = """<zeebe:ioMapping><zeebe:input source="=a" target="x.y"/><zeebe:input source="text" target="z"/>
      <zeebe:output source="=b" target="c"/></zeebe:ioMapping>"""
    program = compiled(document(extended("task", extensions)))
    lowered = node(program, "x")
    assert [(text_of(program, m.source), m.target) for m in lowered.inputs] == [
        ("a", ("x", "y")),
        ('"text"', ("z",)),
    ]
    assert [(text_of(program, m.source), m.target) for m in lowered.outputs] == [("b", ("c",))]


@pytest.mark.parametrize("text", ["=1 + 1", "1 + 1"])
def test_a_script_is_an_expression_with_or_without_the_equals_sign(text: str) -> None:
    program = compiled(document(extended("scriptTask", f'<zeebe:script expression="{text}" resultVariable="r"/>')))
    script = node(program, "x").script
    assert script is not None
    assert (text_of(program, script.expression), script.result) == ("1 + 1", "r")


def test_a_called_decision_has_its_binding() -> None:
    extension = """<zeebe:calledDecision decisionId="rates" resultVariable="rate" bindingType="versionTag"
      versionTag="v2"/>"""
    program = compiled(document(extended("businessRuleTask", extension)))
    lowered = node(program, "x")
    assert lowered.kind is Kind.DECISION_TASK
    assert lowered.decision == Decision(Text("rates"), "rate", Binding.VERSION_TAG, "v2")


CALLS: Final = [
    ('<zeebe:calledElement processId="q"/>', "", Call(Text("q"))),
    ('<zeebe:calledElement processId="=q"/>', "", Call(Text(expression=0))),
    ("", 'calledElement="tns:q"', Call(Text("q"))),
    (
        '<zeebe:calledElement processId="q" bindingType="deployment" propagateAllParentVariables="false"/>',
        "",
        Call(Text("q"), Binding.DEPLOYMENT, all_parent_variables=False),
    ),
    (
        '<zeebe:calledElement processId="q"/><zeebe:ioMapping><zeebe:output source="=1" target="a"/></zeebe:ioMapping>',
        "",
        Call(Text("q"), all_child_variables=False),
    ),
    (
        '<zeebe:calledElement processId="q" propagateAllChildVariables="true" businessId="=key"/>'
        '<zeebe:ioMapping><zeebe:output source="=1" target="a"/></zeebe:ioMapping>',
        "",
        Call(Text("q"), business_key=1),
    ),
]


@pytest.mark.parametrize(("extensions", "attributes", "call"), CALLS)
def test_a_call_activity_says_what_travels(extensions: str, attributes: str, call: Call) -> None:
    program = compiled(document(extended("callActivity", extensions, attributes)))
    lowered = node(program, "x").call
    assert lowered == call


def test_a_user_task_says_who_when_and_with_which_form() -> None:
    extensions = """<zeebe:userTask/><zeebe:assignmentDefinition assignee="=boss" candidateGroups="a, b"/>
      <zeebe:taskSchedule dueDate="=due" followUpDate="2026-01-01T00:00:00Z"/>
      <zeebe:priorityDefinition priority="60"/><zeebe:formDefinition formId="f" bindingType="deployment"/>
      <zeebe:taskListeners><zeebe:taskListener eventType="completing" type="check"/></zeebe:taskListeners>
      <zeebe:executionListeners><zeebe:executionListener eventType="start" type="log" retries="1"/>
      </zeebe:executionListeners>"""
    program = compiled(document(extended("userTask", extensions)))
    lowered = node(program, "x")
    spec = lowered.task
    assert spec is not None
    assert (text_of(program, spec.assignee.expression), spec.candidate_groups) == ("boss", Text("a, b"))
    assert (text_of(program, spec.due.expression), spec.follow_up) == ("due", Text("2026-01-01T00:00:00Z"))
    assert (spec.priority, spec.form_id, spec.form_binding) == (Text("60"), "f", Binding.DEPLOYMENT)
    assert [(each.event, each.job.type, each.job.retries) for each in lowered.listeners] == [
        (ListenerEvent.START, Text("log"), Text("1")),
        (ListenerEvent.COMPLETING, Text("check"), Text("3")),
    ]


def test_listeners_of_the_process_belong_to_the_first_node() -> None:
    body = """<extensionElements><zeebe:versionTag value="v7"/><zeebe:executionListeners>
      <zeebe:executionListener eventType="end" type="bye"/></zeebe:executionListeners></extensionElements>
      <startEvent id="s"/>"""
    program = compiled(document(body))
    assert [each.job.type for each in program.nodes[0].listeners] == [Text("bye")]
    assert (program.version_tag, program.process_id) == ("v7", "p")


def test_a_timer_that_catches_up_says_so() -> None:
    timer = """<timerEventDefinition procession:catchUp="all"><timeCycle>R/PT1H</timeCycle></timerEventDefinition>"""
    program = compiled(document(f'<startEvent id="s">{timer}</startEvent>'))
    assert node(program, "s").trigger == TimerTrigger(TimerKind.CYCLE, Text("R/PT1H"), catch_up=True)


@pytest.mark.parametrize(
    ("profile", "attributes", "expected"),
    [
        ("zeebe", "", "zeebe"),
        ("standard", "", "standard"),
        (
            "standard",
            'xmlns:mo="http://camunda.org/schema/modeler/1.0" mo:executionPlatform="Camunda Cloud"',
            "zeebe",
        ),
    ],
)
def test_the_profile_follows_namespace_and_platform(profile: str, attributes: str, expected: str) -> None:
    text = document('<startEvent id="s"/>', profile=profile, attributes=attributes)
    assert compiled(text).profile == expected
