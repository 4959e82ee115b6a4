"""Progress: what a picture shows of an instance agrees with what the instance did."""

from __future__ import annotations

from typing import Final

from procession import Engine
from procession.services.progress import Progress, progress_of
from unit.cli.models import HEAD, job

MANY: Final = f"""{HEAD}<process id="p" isExecutable="true"><startEvent id="s"/>
<sequenceFlow id="f1" sourceRef="s" targetRef="fork"/><parallelGateway id="fork"/>
<sequenceFlow id="f2" sourceRef="fork" targetRef="each"/><sequenceFlow id="f3" sourceRef="fork" targetRef="join"/>
<subProcess id="each"><multiInstanceLoopCharacteristics><extensionElements>
<zeebe:loopCharacteristics inputCollection="=items"/></extensionElements></multiInstanceLoopCharacteristics>
<startEvent id="es"/><sequenceFlow id="g1" sourceRef="es" targetRef="work"/>{job("work", "w")}</subProcess>
<sequenceFlow id="f4" sourceRef="each" targetRef="join"/><parallelGateway id="join"/>
<sequenceFlow id="f5" sourceRef="join" targetRef="e"/><endEvent id="e"/></process></definitions>"""
OUTER: Final = f"""{HEAD}<process id="outer" isExecutable="true"><startEvent id="s"/>
<sequenceFlow id="f1" sourceRef="s" targetRef="call"/><callActivity id="call"><extensionElements>
<zeebe:calledElement processId="p"/></extensionElements></callActivity></process></definitions>"""


def _seen(engine: Engine, key: int) -> Progress:
    return progress_of(engine.reader().views, "<default>", key)


def test_repetitions_are_counted_and_tokens_at_joins_are_seen() -> None:
    with Engine() as engine:
        engine.deploy(("p.bpmn", MANY.encode()))
        instance = engine.start("p", {"items": [1, 2, 3]})
        first = engine.jobs()[0].key
        engine.complete_job(first)
        seen = _seen(engine, instance.key)
        assert seen.marks.active == {"each": 2, "work": 2, "join": 1}
        assert seen.marks.completed == {"s": 1, "fork": 1, "each": 1, "es": 3, "work": 1}
        assert seen.marks.taken == {"f1": 1, "f2": 1, "f3": 1, "g1": 3}
        assert [element for element, _ in seen.waits] == ["work", "work"]
        for each in engine.jobs():
            engine.complete_job(each.key)
        done = _seen(engine, instance.key)
        assert (done.marks.active, done.waits) == ({}, [])
        assert done.marks.completed["e"] == 1


def test_ten_repetitions_are_not_ten_lines() -> None:
    with Engine() as engine:
        engine.deploy(("p.bpmn", MANY.encode()))
        instance = engine.start("p", {"items": list(range(10))})
        notes = _seen(engine, instance.key).marks.notes["work"]
        assert len(notes) == 6
        assert notes[-1] == "and 5 more"


def test_a_called_instance_is_named_where_it_is_waited_for() -> None:
    with Engine() as engine:
        engine.deploy(("p.bpmn", MANY.encode()), ("outer.bpmn", OUTER.encode()))
        instance = engine.start("outer", {"items": [1]})
        (child,) = instance.children
        assert _seen(engine, instance.key).waits == [("call", f"called instance {child.key}")]


def test_an_old_version_is_shown_on_its_own_document() -> None:
    with Engine() as engine:
        engine.deploy(("p.bpmn", MANY.encode()))
        instance = engine.start("p", {"items": [1]})
        engine.deploy(("p.bpmn", MANY.replace('id="work"', 'id="labour"').replace('"work"', '"labour"').encode()))
        assert "work" in _seen(engine, instance.key).marks.active
        inner = next(n for n in _seen(engine, instance.key).definitions.processes[0].scope.nodes if n.id == "each")
        assert "work" in str(inner)


def test_an_activity_that_waits_for_data_says_for_which() -> None:
    model = f"""{HEAD}<process id="p" isExecutable="true"><dataObject id="quote"/><startEvent id="s"/>
<sequenceFlow id="f1" sourceRef="s" targetRef="decide"/><userTask id="decide"><ioSpecification>
<dataInput id="i"/><inputSet><dataInputRefs>i</dataInputRefs></inputSet><outputSet/></ioSpecification>
<dataInputAssociation><sourceRef>quote</sourceRef><targetRef>i</targetRef></dataInputAssociation></userTask>
</process></definitions>"""
    with Engine() as engine:
        engine.deploy(("p.bpmn", model.encode()))
        instance = engine.start("p")
        assert _seen(engine, instance.key).waits == [("decide", "data quote")]
