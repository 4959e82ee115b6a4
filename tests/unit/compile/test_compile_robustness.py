"""Whatever a document says, it is compiled or refused: the compiler never raises, and what it accepts is linked."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from procession.compile import check_definitions, compile_definitions
from procession.ir.program import from_bytes, to_bytes
from unit.compile.snippets import definitions_of, document

IDS = st.sampled_from(["a", "b", "c", "d", "e", "p", "m", "missing"])
TAGS = st.sampled_from(
    """task userTask serviceTask sendTask receiveTask scriptTask businessRuleTask callActivity subProcess transaction
    adHocSubProcess exclusiveGateway parallelGateway inclusiveGateway eventBasedGateway complexGateway startEvent
    intermediateCatchEvent intermediateThrowEvent boundaryEvent endEvent chore""".split()
)
DEFINITIONS = st.sampled_from(
    """messageEventDefinition timerEventDefinition errorEventDefinition escalationEventDefinition linkEventDefinition
    signalEventDefinition conditionalEventDefinition compensateEventDefinition cancelEventDefinition
    terminateEventDefinition""".split()
)
EVENTS = frozenset({"startEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent", "endEvent"})
INSIDE = st.sampled_from(
    [
        "",
        "<multiInstanceLoopCharacteristics><loopCardinality>2</loopCardinality></multiInstanceLoopCharacteristics>",
        "<multiInstanceLoopCharacteristics/>",
        "<standardLoopCharacteristics/>",
        '<extensionElements><zeebe:taskDefinition type="=x +"/></extensionElements>',
        '<extensionElements><zeebe:calledElement processId=""/></extensionElements>',
        '<extensionElements><zeebe:script expression="=a b"/></extensionElements>',
    ]
)


@st.composite
def elements(draw: st.DrawFn, depth: int = 2) -> str:
    tag, id = draw(TAGS), draw(IDS)
    attributes = ""
    if tag == "boundaryEvent":
        attributes = f' attachedToRef="{draw(IDS)}"'
    elif tag.endswith("Gateway") or tag.endswith("Task"):
        attributes = draw(st.sampled_from(["", ' default="f1"']))
    elif tag == "subProcess":
        attributes = draw(st.sampled_from(["", ' triggeredByEvent="true"']))
    inside = ""
    if tag in EVENTS:
        ref = draw(st.sampled_from(["", ' messageRef="m"', ' name="l"', ' errorRef="err"', ' signalRef="sig"']))
        inside = "".join(f"<{kind}{ref}/>" for kind in draw(st.lists(DEFINITIONS, max_size=2)))
    else:
        inside = draw(INSIDE)
    if tag in {"subProcess", "transaction", "adHocSubProcess"} and depth:
        inside += draw(bodies(depth - 1))
    return f'<{tag} id="{id}"{attributes}>{inside}</{tag}>'


@st.composite
def bodies(draw: st.DrawFn, depth: int = 2) -> str:
    nodes = draw(st.lists(elements(depth), max_size=5))
    flows = draw(st.lists(st.tuples(IDS, IDS, st.sampled_from(["f1", "f2", "f3"])), max_size=5))
    text = "".join(nodes)
    for source, target, id in flows:
        text += f'<sequenceFlow id="{id}" sourceRef="{source}" targetRef="{target}"/>'
    return text


@settings(max_examples=100)
@given(bodies(), st.sampled_from(["zeebe", "standard"]))
def test_no_document_breaks_the_compiler(body: str, profile: str) -> None:
    text = document(body, profile=profile)
    if profile == "standard":
        text = text.replace("zeebe:", "other:").replace("<definitions ", '<definitions xmlns:other="urn:o" ')
    definitions = definitions_of(text)
    programs, diagnostics = compile_definitions(definitions)
    assert check_definitions(definitions) == diagnostics
    assert bool(programs) != any(d.severity == "error" for d in diagnostics)
    for program in programs:
        assert from_bytes(to_bytes(program)) == program
        ids = [(each.id, each.scope) for each in program.nodes]
        assert len(set(ids)) == len(ids)
