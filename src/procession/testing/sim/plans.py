"""What a simulated run is about: models, the instances to start, and how people, workers and others answer.

Each plan has one right outcome whatever the order of the answers, so a run under faults must end like one without.
What is generated comes from `generate`; drawn by hand is what generation lacks: calls, signals, message starts,
event sub-processes, listeners, incidents, steps too long for one commit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, TypeAlias, final

from procession.base.values import Json
from procession.testing.generate import generate
from procession.testing.sim.faults import Dice

_HEAD: Final = (
    '<?xml version="1.0" encoding="UTF-8"?><bpmn:definitions '
    'xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" id="d" targetNamespace="simulated">'
)


@final
@dataclass(frozen=True)
class Planned:
    """An instance to start; `label` is its business key and names it in every run."""

    label: str
    process_id: str
    variables: Mapping[str, Json]


@final
@dataclass(frozen=True)
class Message:
    """A message to publish once. `twice` tells that a second one would change nothing."""

    name: str
    correlation: str
    twice: bool = False
    variables: Mapping[str, Json] = field(default_factory=dict[str, Json])


@final
@dataclass(frozen=True)
class Plan:
    """One tenant's part of a run.

    `throws` are element ids whose worker throws the error `E`, `results` what the other workers return. `signals` are
    broadcast as long as somebody waits for them, and again. `gates`: a task's element id -> the element that must have
    completed in the instance before somebody completes the task. `repairs`: element id -> what to set before an
    incident there is resolved. `moves`: an element id -> where somebody moves what waits there. `migrations`: an
    element id -> the process that an instance goes over to when it waits there, and its elements by theirs.
    `cancellable` plans may lose instances without consequences for others.
    """

    name: str
    documents: tuple[tuple[str, bytes], ...]
    starts: tuple[Planned, ...] = ()
    messages: tuple[Message, ...] = ()
    signals: tuple[str, ...] = ()
    throws: frozenset[str] = frozenset()
    results: Mapping[str, Mapping[str, Json]] = field(default_factory=dict[str, Mapping[str, Json]])
    gates: Mapping[str, str] = field(default_factory=dict[str, str])
    repairs: Mapping[str, Mapping[str, Json]] = field(default_factory=dict[str, Mapping[str, Json]])
    moves: Mapping[str, str] = field(default_factory=dict[str, str])
    migrations: Mapping[str, tuple[str, Mapping[str, str]]] = field(
        default_factory=dict[str, "tuple[str, Mapping[str, str]]"]
    )
    cancellable: bool = True


Make: TypeAlias = Callable[[Dice], Plan]


def draw_plan(dice: Dice, name: str = "") -> Plan:
    """The plan of a name, or one of them: mostly generated models."""
    if not name:
        name = dice.pick(_USUAL)
        if name == "long" and not dice.chance(4):
            name = "generated"
    return PLANS[name](dice)


def _generated(dice: Dice) -> Plan:
    model = generate(dice.choose, size=dice.pick((6, 10, 16)))
    starts = tuple(Planned(f"g{i}", "generated", dict(model.variables)) for i in range(dice.choose(1, 3)))
    # Every instance waits for the same messages, and an instance consumes each once: so many are published.
    messages = tuple(Message(name, key, twice=True) for name, key in model.messages for _ in starts)
    return Plan("generated", (("generated.bpmn", model.xml),), starts, messages, throws=model.throws)


def _calls(dice: Dice) -> Plan:
    """A call, a call for each of a list, and an error that leaves the innermost of three."""
    each = _each("[1, 2, 3]", "item", "answers", "true" if dice.chance(2) else "false")
    parent = _process(
        "parent",
        _line("p", _service("before"), _call("one", "child"), _call("many", "child", each), _call("fails", "outer"))
        + _boundary("caught", "fails", '<bpmn:errorEventDefinition errorRef="err"/>')
        + '<bpmn:task id="rescued"/><bpmn:sequenceFlow id="x1" sourceRef="caught" targetRef="rescued"/>',
    )
    child = _process("child", _line("c", _service("work"), _script("answer", "1 + 1", "answer"), _user("look")))
    outer = _process("outer", _line("o", _call("deeper", "inner")))
    inner = _process("inner", _line("i", _service("bad")))
    document = _document(parent, child, outer, inner, more='<bpmn:error id="err" errorCode="E"/>')
    starts = tuple(Planned(f"c{i}", "parent", {}) for i in range(dice.choose(1, 2)))
    return Plan("calls", (("calls.bpmn", document),), starts, throws=frozenset({"bad"}))


def _signals(dice: Dice) -> Plan:
    """Catching, an event sub-process and a start event; the last signal is thrown by a process."""
    waits = _process("waits", _line("w", _service("first"), _catch_signal("heard", "go"), _service("last")))
    handler = (
        '<bpmn:subProcess id="h" triggeredByEvent="true"><bpmn:startEvent id="h_s">'
        '<bpmn:signalEventDefinition signalRef="s_stop"/></bpmn:startEvent>'
        f"{_service('cleanup')}<bpmn:endEvent id='h_e'/>{_flows('h', 'h_s', 'cleanup', 'h_e')}</bpmn:subProcess>"
    )
    never = '<bpmn:receiveTask id="never" messageRef="m_never"/>'
    stopped = _process("stopped", _line("s", never) + handler)
    throw = '<bpmn:intermediateThrowEvent id="call"><bpmn:signalEventDefinition signalRef="s_new"/>'
    sender = _process("sender", _line("t", _service("ready"), throw + "</bpmn:intermediateThrowEvent>"))
    started = (
        '<bpmn:process id="started" isExecutable="true"><bpmn:startEvent id="n_s">'
        f'<bpmn:signalEventDefinition signalRef="s_new"/></bpmn:startEvent>{_service("greet")}'
        f'<bpmn:endEvent id="n_e"/>{_flows("n", "n_s", "greet", "n_e")}</bpmn:process>'
    )
    more = "".join(f'<bpmn:signal id="s_{name}" name="{name}"/>' for name in ("go", "stop", "new"))
    document = _document(waits, stopped, sender, started, more=more + _message("never", "nobody"))
    starts = [Planned("w0", "waits", {}), Planned("w1", "waits", {}), Planned("s0", "stopped", {})]
    starts += [Planned(f"t{i}", "sender", {}) for i in range(dice.choose(0, 2))]
    return Plan("signals", (("signals.bpmn", document),), tuple(starts), signals=("go", "stop"), cancellable=False)


def _locks(dice: Dice) -> Plan:
    """Messages start instances, never two at a time with one key; the others wait in the buffer."""
    process = (
        '<bpmn:process id="order" isExecutable="true"><bpmn:startEvent id="placed">'
        f'<bpmn:messageEventDefinition messageRef="m_place"/></bpmn:startEvent>{_service("pack")}{_user("check")}'
        f'<bpmn:endEvent id="e"/>{_flows("f", "placed", "pack", "check", "e")}</bpmn:process>'
    )
    messages = [Message("place", "a") for _ in range(dice.choose(1, 4))]
    messages += [Message("place", "b") for _ in range(dice.choose(0, 2))]
    return Plan("locks", (("locks.bpmn", _document(process, more=_message("place", ""))),), messages=tuple(messages))


def _handlers(dice: Dice) -> Plan:
    """Timers that interrupt, an event sub-process beside its scope, listeners around tasks."""
    late = _boundary("late", "wait", _duration("PT30M"))
    late += '<bpmn:task id="reminded"/><bpmn:sequenceFlow id="l1" sourceRef="late" targetRef="reminded"/>'
    wait = '<bpmn:receiveTask id="wait" messageRef="m_never"/>'
    # The reminder goes on; the task at its end is where the run continues.
    rest = _user("approve", _listeners()) + '<bpmn:endEvent id="r_e"/>' + _flows("r", "reminded", "approve", "r_e")
    handler = (
        '<bpmn:subProcess id="h" triggeredByEvent="true"><bpmn:startEvent id="h_s" isInterrupting="false">'
        f'<bpmn:messageEventDefinition messageRef="m_note"/></bpmn:startEvent>{_service("noted")}'
        f'<bpmn:endEvent id="h_e"/>{_flows("h", "h_s", "noted", "h_e")}</bpmn:subProcess>'
    )
    timed = (
        '<bpmn:subProcess id="sub"><bpmn:startEvent id="s_s"/><bpmn:receiveTask id="forever" messageRef="m_never"/>'
        '<bpmn:endEvent id="s_e"/>' + _flows("s", "s_s", "forever", "s_e") + '<bpmn:subProcess id="t" '
        'triggeredByEvent="true"><bpmn:startEvent id="t_s">' + _duration("PT5M") + "</bpmn:startEvent>"
        f'{_service("timed_out")}<bpmn:endEvent id="t_e"/>{_flows("t", "t_s", "timed_out", "t_e")}</bpmn:subProcess>'
        "</bpmn:subProcess>"
    )
    process = _process("claim", _line("m", _service("enter", _job_listeners()), timed, wait) + late + rest + handler)
    document = _document(process, more=_message("never", "nobody") + _message("note", "", "number"))
    count = dice.choose(1, 2)
    return Plan(
        "handlers",
        (("handlers.bpmn", document),),
        tuple(Planned(f"h{i}", "claim", {"number": f"h{i}"}) for i in range(count)),
        tuple(Message("note", f"h{i}") for i in range(count)),
        gates={"approve": "h"},
    )


def _undoing(dice: Dice) -> Plan:
    """Bookings in an ad-hoc sub-process of a transaction; one worker throws, and all that was booked is undone."""
    booked = "".join(_service(name) + _undone(name) for name in ("hotel", "flight", "car"))
    room = _extended("adHocSubProcess", "room", '<zeebe:adHoc activeElementsCollection="=wanted"/>', booked)
    handler = (
        '<bpmn:subProcess id="h" triggeredByEvent="true"><bpmn:startEvent id="h_s"><bpmn:errorEventDefinition '
        'errorRef="err"/></bpmn:startEvent><bpmn:endEvent id="h_e"><bpmn:cancelEventDefinition/></bpmn:endEvent>'
        f"{_flows('h', 'h_s', 'h_e')}</bpmn:subProcess>"
    )
    trip = f'<bpmn:transaction id="trip">{_line("t", _service("pay") + _undone("pay"), room, _service("bad"))}{handler}'
    border = _boundary("cancelled", "trip", "<bpmn:cancelEventDefinition/>")
    body = _line("p", trip + "</bpmn:transaction>") + border + _user("tell") + '<bpmn:endEvent id="g_e"/>'
    process = _process("travel", body + _flows("g", "cancelled", "tell", "g_e"))
    document = _document(process, more='<bpmn:error id="err" errorCode="E"/>')
    wanted: list[Json] = [*("hotel", "flight", "car")[: dice.choose(1, 3)], "hotel"]
    starts = tuple(Planned(f"u{i}", "travel", {"wanted": wanted}) for i in range(dice.choose(1, 2)))
    return Plan("undoing", (("undoing.bpmn", document),), starts, throws=frozenset({"bad"}))


def _incidents(dice: Dice) -> Plan:
    """Expressions that fail until somebody sets what they need."""
    gate = (
        '<bpmn:exclusiveGateway id="which"/><bpmn:task id="yes"/><bpmn:task id="no"/><bpmn:exclusiveGateway id="then"/>'
        '<bpmn:sequenceFlow id="g1" sourceRef="which" targetRef="yes"><bpmn:conditionExpression '
        'xsi:type="bpmn:tFormalExpression">=way = "yes"</bpmn:conditionExpression></bpmn:sequenceFlow>'
        '<bpmn:sequenceFlow id="g2" sourceRef="which" targetRef="no"><bpmn:conditionExpression '
        'xsi:type="bpmn:tFormalExpression">=way = "no"</bpmn:conditionExpression></bpmn:sequenceFlow>'
        '<bpmn:sequenceFlow id="g3" sourceRef="yes" targetRef="then"/>'
        '<bpmn:sequenceFlow id="g4" sourceRef="no" targetRef="then"/>'
    )
    start = '<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/>'
    rest = _service("work", retries="1") + _call("called", "nowhere", process="=target") + _user("look")
    flows = _flows("a", "s", "which") + _flows("b", "then", "work", "called", "look", "e")
    process = f'<bpmn:process id="repair" isExecutable="true">{start}{gate}{rest}{flows}</bpmn:process>'
    small = _process("small", _line("k", _script("set", "7", "seven")))
    return Plan(
        "incidents",
        (("incidents.bpmn", _document(process, small)),),
        tuple(Planned(f"r{i}", "repair", {}) for i in range(dice.choose(1, 2))),
        repairs={"which": {"way": "yes"}, "called": {"target": "small"}},
    )


def _long(dice: Dice) -> Plan:
    """Thousands of transitions without a wait: the step yields, and the rest of it outlives the commit."""
    count = 3_000
    loop = (
        _script("init", "0", "n")
        + '<bpmn:exclusiveGateway id="again"/><bpmn:exclusiveGateway id="done" default="out"/>'
        + _script("add", "n + 1", "n")
        + _flows("l", "again", "add", "done")
        + '<bpmn:sequenceFlow id="back" sourceRef="done" targetRef="again"><bpmn:conditionExpression '
        f'xsi:type="bpmn:tFormalExpression">=n &lt; {count}</bpmn:conditionExpression></bpmn:sequenceFlow>'
        '<bpmn:startEvent id="s"/><bpmn:endEvent id="e"/>'
        + _service("last")
        + _flows("a", "s", "init", "again")
        + _flows("b", "last", "e")
        + '<bpmn:sequenceFlow id="out" sourceRef="done" targetRef="last"/>'
    )
    document = _document(f'<bpmn:process id="long" isExecutable="true">{loop}</bpmn:process>')
    return Plan("long", (("long.bpmn", document),), (Planned("l0", "long", {}),))


def _changes(dice: Dice) -> Plan:
    """Instances that go on only because somebody changes them: they go over to another process, and are moved on."""

    def drawn(id: str, p: str) -> str:
        """Two branches, of which one waits for what never comes and the other for a person who waits for the first."""
        never = f'<bpmn:receiveTask id="{p}never" messageRef="m_never"/>'
        inside = f'<bpmn:subProcess id="{p}sub">{_line(f"{p}i", never, _service(f"{p}next"))}</bpmn:subProcess>'
        joins = f'<bpmn:parallelGateway id="{p}fork"/><bpmn:parallelGateway id="{p}join"/>'
        ends = f'<bpmn:startEvent id="{p}s"/><bpmn:endEvent id="{p}e"/>'
        look = _user(f"{p}look") + _boundary(
            f"{p}heard", f"{p}look", '<bpmn:messageEventDefinition messageRef="m_other"/>'
        )
        flows = _flows(f"{p}a", f"{p}s", f"{p}first", f"{p}fork", f"{p}sub", f"{p}join", f"{p}last", f"{p}e")
        flows += _flows(f"{p}b", f"{p}fork", f"{p}look", f"{p}join") + _flows(f"{p}c", f"{p}heard", f"{p}e2")
        rest = _service(f"{p}first") + _service(f"{p}last") + f'<bpmn:endEvent id="{p}e2"/>'
        return f'<bpmn:process id="{id}" isExecutable="true">{ends}{joins}{inside}{look}{rest}{flows}</bpmn:process>'

    document = _document(
        drawn("former", "f_"), drawn("latter", "l_"), more=_message("never", "nobody") + _message("other", "nobody")
    )
    elements = {f"f_{each}": f"l_{each}" for each in ("sub", "never", "look", "heard", "fork", "join", "last")}
    return Plan(
        "changes",
        (("changes.bpmn", document),),
        tuple(Planned(f"m{i}", "former", {}) for i in range(dice.choose(1, 3))),
        gates={"l_look": "l_next", "f_look": "l_next"},
        moves={"l_never": "l_next"},
        migrations={"f_never": ("latter", elements)},
    )


PLANS: Final[dict[str, Make]] = {
    "generated": _generated,
    "calls": _calls,
    "signals": _signals,
    "locks": _locks,
    "handlers": _handlers,
    "undoing": _undoing,
    "incidents": _incidents,
    "long": _long,
    "changes": _changes,
}
_USUAL: Final = (
    *("generated",) * 8,
    "calls",
    "calls",
    "signals",
    "locks",
    "locks",
    "handlers",
    "undoing",
    "incidents",
    "long",
    "changes",
    "changes",
)


def _document(*processes: str, more: str = "") -> bytes:
    return (_HEAD + more + "".join(processes) + "</bpmn:definitions>").encode()


def _process(id: str, body: str) -> str:
    return f'<bpmn:process id="{id}" isExecutable="true">{body}</bpmn:process>'


def _line(prefix: str, *elements: str) -> str:
    """Elements in a row between a start and an end; each one's first attribute is its id."""
    ids = [f"{prefix}_s", *(text.split('id="', 1)[1].split('"', 1)[0] for text in elements), f"{prefix}_e"]
    ends = f'<bpmn:startEvent id="{ids[0]}"/><bpmn:endEvent id="{ids[-1]}"/>'
    return ends + "".join(elements) + _flows(prefix, *ids)


def _flows(prefix: str, *ids: str) -> str:
    return "".join(
        f'<bpmn:sequenceFlow id="{prefix}_f{n}" sourceRef="{source}" targetRef="{target}"/>'
        for n, (source, target) in enumerate(pairwise(ids))
    )


def _extended(tag: str, id: str, extension: str, content: str = "") -> str:
    body = f"<bpmn:extensionElements>{extension}</bpmn:extensionElements>"
    return f'<bpmn:{tag} id="{id}">{body}{content}</bpmn:{tag}>'


def _service(id: str, extension: str = "", retries: str = "3") -> str:
    return _extended("serviceTask", id, f'<zeebe:taskDefinition type="work" retries="{retries}"/>{extension}')


def _script(id: str, expression: str, result: str) -> str:
    return _extended("scriptTask", id, f'<zeebe:script expression="={expression}" resultVariable="{result}"/>')


def _user(id: str, extension: str = "") -> str:
    return _extended("userTask", id, f"<zeebe:userTask/>{extension}")


def _undone(id: str) -> str:
    """How a service is undone: by another one."""
    handler = _service(f"undo_{id}").replace("<bpmn:serviceTask ", '<bpmn:serviceTask isForCompensation="true" ')
    event = _boundary(f"{id}_undone", id, "<bpmn:compensateEventDefinition/>")
    return handler + event + f'<bpmn:association id="{id}_tie" sourceRef="{id}_undone" targetRef="undo_{id}"/>'


def _call(id: str, target: str, loop: str = "", process: str = "") -> str:
    called = f'<zeebe:calledElement processId="{process or target}" propagateAllChildVariables="false"/>'
    return _extended("callActivity", id, called, loop)


def _each(items: str, item: str, collection: str, sequential: str) -> str:
    loop = (
        f'<zeebe:loopCharacteristics inputCollection="={items}" inputElement="{item}" '
        f'outputCollection="{collection}" outputElement="={item}"/>'
    )
    return (
        f'<bpmn:multiInstanceLoopCharacteristics isSequential="{sequential}">'
        f"<bpmn:extensionElements>{loop}</bpmn:extensionElements></bpmn:multiInstanceLoopCharacteristics>"
    )


def _boundary(id: str, host: str, definition: str) -> str:
    return f'<bpmn:boundaryEvent id="{id}" attachedToRef="{host}">{definition}</bpmn:boundaryEvent>'


def _duration(text: str) -> str:
    return f"<bpmn:timerEventDefinition><bpmn:timeDuration>{text}</bpmn:timeDuration></bpmn:timerEventDefinition>"


def _catch_signal(id: str, name: str) -> str:
    definition = f'<bpmn:signalEventDefinition signalRef="s_{name}"/>'
    return f'<bpmn:intermediateCatchEvent id="{id}">{definition}</bpmn:intermediateCatchEvent>'


def _message(name: str, key: str, expression: str = "") -> str:
    """A message; its correlation key is a text, an expression, or (for start events) not there."""
    expression = expression or (f"&quot;{key}&quot;" if key else "")
    subscription = f'<zeebe:subscription correlationKey="={expression}"/>' if expression else ""
    body = f"<bpmn:extensionElements>{subscription}</bpmn:extensionElements>" if subscription else ""
    return f'<bpmn:message id="m_{name}" name="{name}">{body}</bpmn:message>'


def _job_listeners() -> str:
    return (
        '<zeebe:executionListeners><zeebe:executionListener eventType="start" type="listen"/>'
        '<zeebe:executionListener eventType="end" type="listen"/></zeebe:executionListeners>'
    )


def _listeners() -> str:
    return (
        '<zeebe:taskListeners><zeebe:taskListener eventType="creating" type="listen"/>'
        '<zeebe:taskListener eventType="completing" type="listen"/></zeebe:taskListeners>'
    )
