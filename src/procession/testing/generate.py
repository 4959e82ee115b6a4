"""Generated process models: block-structured BPMN of every executable family, with one right outcome each.

A model's outcome does not depend on the order in which its jobs, timers and messages are answered, so a run under
faults must end like a run without. `Choose` decides everything: a seeded `random.Random` for the simulator, or
Hypothesis, which then shrinks a failing model. What must not live here: how a model is run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias, final
from xml.sax.saxutils import quoteattr

_BPMN: Final = "http://www.omg.org/spec/BPMN/20100524/MODEL"
_ZEEBE: Final = "http://camunda.org/schema/zeebe/1.0"
_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
DEPTH_MAX: Final = 4


class Choose(Protocol):
    """Something that picks a whole number from `low` to `high`, both included."""

    def __call__(self, low: int, high: int, /) -> int: ...


@dataclass(frozen=True)
class Block:
    """One block: a single entry and a single exit. `n` is what its kind makes of it (a branch, a count, a minute)."""

    kind: str
    id: str
    n: int = 0
    inner: tuple[Block, ...] = ()


@final
@dataclass
class Model:
    """A generated model: its XML, the variables to start it with, and how its jobs and messages are answered.

    `throws` are the element ids whose worker throws the error `E`; `messages` the (name, key) to publish once.
    """

    xml: bytes
    block: Block
    variables: dict[str, int] = field(default_factory=dict[str, int])
    throws: frozenset[str] = frozenset()
    messages: tuple[tuple[str, str], ...] = ()


def generate(choose: Choose, size: int = 12) -> Model:
    """A model of about `size` blocks; equal choices give an equal model."""
    builder = _Builder(choose, size)
    block = builder.sequence(0, repeated=0)
    xml = _document(block)
    blocks = list(_walk(block))
    throws = frozenset(f"{b.id}_job" for b in blocks if b.kind in {"error", "error_scope"} and b.n)
    messages = tuple((f"m_{b.id}", "k") for b in blocks if b.kind in _WAIT_FOR_MESSAGE)
    return Model(xml, block, {"one": 1, "zero": 0}, throws, messages)


def _walk(block: Block) -> Iterator[Block]:
    yield block
    for each in block.inner:
        yield from _walk(each)


@final
class _Builder:
    """Draws blocks until the size is used up."""

    def __init__(self, choose: Choose, size: int) -> None:
        self._choose = choose
        self._left = size
        self._count = 0
        self._interrupted = 0
        """How many scopes around may be interrupted at their end."""

    def sequence(self, depth: int, *, repeated: int) -> Block:
        blocks = [self._block(depth, repeated=repeated) for _ in range(self._choose(1, 3))]
        return Block("sequence", self._id(), 0, tuple(blocks))

    def _block(self, depth: int, *, repeated: int) -> Block:
        self._left -= 1
        kinds: tuple[str, ...] = _LEAVES if depth >= DEPTH_MAX or self._left <= 0 else _LEAVES + _NESTED
        if repeated:
            # A message is published once, so nothing that waits for one may be entered twice; nor may a complex
            # gateway, which could still wait for the tokens of the time before.
            kinds = tuple(kind for kind in kinds if kind not in {*_WAIT_FOR_MESSAGE, "complex"})
        if repeated == _IN_PARALLEL:
            # Its counter is a variable of the process, which parallel instances would share.
            kinds = tuple(kind for kind in kinds if kind != "loop")
        if self._interrupted:
            # What the first branch overtook may run on, and would be cut off somewhere.
            kinds = tuple(kind for kind in kinds if kind != "complex")
        kind = kinds[self._choose(0, len(kinds) - 1)]
        self._interrupted += kind == "error_scope"
        inner: tuple[Block, ...] = ()
        if kind in _BRANCHING:
            inner = tuple(self.sequence(depth + 1, repeated=repeated) for _ in range(self._choose(2, 3)))
        elif kind in _NESTED:
            inner = (self.sequence(depth + 1, repeated=max(repeated, _REPEATING.get(kind, 0))),)
        self._interrupted -= kind == "error_scope"
        return Block(kind, self._id(), self._choose(0, 2), inner)

    def _id(self) -> str:
        self._count += 1
        return f"b{self._count}"


_LEAVES: Final = (
    "service",
    "script",
    "user",
    "timer",
    "message",
    "receive",
    "race",
    "error",
    "manual",
    "link",
    "escalation",
    "condition",
    "several",
    "standard_loop",
    "quantity",
    "data",
)
_BRANCHING: Final = ("xor", "and", "or", "complex")
_IN_PARALLEL: Final = 2
_REPEATING: Final = {"each": _IN_PARALLEL, "each_in_turn": 1, "loop": 1}
_NESTED: Final = (*_BRANCHING, "sub", "error_scope", "handler", *_REPEATING)
_WAIT_FOR_MESSAGE: Final = ("message", "receive", "race", "several")

Draw: TypeAlias = Callable[["_Writer", Block, str], str]
"""Writes a block that follows the node `before`; gives the node that it ends in."""


@final
class _Writer:
    """Collects the XML of one scope; sub-scopes have writers of their own. Messages go to the document."""

    def __init__(self, prefix: str, messages: list[str]) -> None:
        self.out: list[str] = []
        self.messages = messages
        self._prefix = prefix
        self._flows = 0

    def node(self, tag: str, id: str, content: str = "", **attributes: str) -> str:
        text = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())
        self.out.append(f'<bpmn:{tag} id="{id}"{text}>{content}</bpmn:{tag}>')
        return id

    def flow(self, source: str, target: str, condition: str = "", id: str = "") -> str:
        self._flows += 1
        name = id or f"{self._prefix}_f{self._flows}"
        body = ""
        if condition:
            body = (
                f'<bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">={condition}</bpmn:conditionExpression>'
            )
        self.out.append(
            f'<bpmn:sequenceFlow id="{name}" sourceRef="{source}" targetRef="{target}">{body}</bpmn:sequenceFlow>'
        )
        return name

    def draw(self, block: Block, before: str) -> str:
        return _DRAW[block.kind](self, block, before)

    def scope(self, block: Block, id: str) -> str:
        """The XML of a scope's content: start, block, end."""
        inner = _Writer(id, self.messages)
        start = inner.node("startEvent", f"{id}_s")
        last = inner.draw(block, start)
        inner.flow(last, inner.node("endEvent", f"{id}_e"))
        return "".join(inner.out)


def _document(block: Block) -> bytes:
    messages: list[str] = []
    writer = _Writer("p", messages)
    body = writer.scope(block, "p")
    declared = "".join(
        f'<bpmn:message id="msg_{m}" name="m_{m}"><bpmn:extensionElements>'
        f'<zeebe:subscription correlationKey="=&quot;k&quot;"/></bpmn:extensionElements></bpmn:message>'
        for m in messages
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><bpmn:definitions xmlns:bpmn="{_BPMN}" xmlns:zeebe="{_ZEEBE}" '
        f'xmlns:xsi="{_XSI}" id="d" targetNamespace="generated">{declared}<bpmn:error id="err" errorCode="E"/>'
        f'<bpmn:escalation id="esc" escalationCode="X"/>'
        f'<bpmn:process id="generated" isExecutable="true">{body}</bpmn:process></bpmn:definitions>'
    ).encode()


def _sequence(w: _Writer, b: Block, before: str) -> str:
    for each in b.inner:
        before = w.draw(each, before)
    return before


def _extension(content: str) -> str:
    return f"<bpmn:extensionElements>{content}</bpmn:extensionElements>"


def _job(retries: int = 3) -> str:
    return _extension(f'<zeebe:taskDefinition type="work" retries="{retries}"/>')


def _service(w: _Writer, b: Block, before: str) -> str:
    w.flow(before, w.node("serviceTask", f"{b.id}_job", _job()))
    return f"{b.id}_job"


def _script(w: _Writer, b: Block, before: str) -> str:
    body = _extension(f'<zeebe:script expression="={b.n} + one" resultVariable="r_{b.id}"/>')
    w.flow(before, w.node("scriptTask", b.id, body))
    return b.id


def _user(w: _Writer, b: Block, before: str) -> str:
    w.flow(before, w.node("userTask", b.id, _extension("<zeebe:userTask/>")))
    # Never fires within a run: what it would change is not part of the outcome.
    late = "<bpmn:timerEventDefinition><bpmn:timeDuration>P3650D</bpmn:timeDuration></bpmn:timerEventDefinition>"
    w.node("boundaryEvent", f"{b.id}_late", late, attachedToRef=b.id)
    w.flow(f"{b.id}_late", w.node("endEvent", f"{b.id}_late_end"))
    return b.id


def _timer(w: _Writer, b: Block, before: str) -> str:
    duration = f"<bpmn:timeDuration>PT{b.n * 7 + 1}M</bpmn:timeDuration>"
    body = f"<bpmn:timerEventDefinition>{duration}</bpmn:timerEventDefinition>"
    w.flow(before, w.node("intermediateCatchEvent", b.id, body))
    return b.id


def _message(w: _Writer, b: Block, before: str) -> str:
    w.messages.append(b.id)
    body = f'<bpmn:messageEventDefinition messageRef="msg_{b.id}"/>'
    w.flow(before, w.node("intermediateCatchEvent", b.id, body))
    return b.id


def _receive(w: _Writer, b: Block, before: str) -> str:
    w.messages.append(b.id)
    w.flow(before, w.node("receiveTask", b.id, messageRef=f"msg_{b.id}"))
    return b.id


def _race(w: _Writer, b: Block, before: str) -> str:
    """An event-based gateway whose timer is too far away to win."""
    w.messages.append(b.id)
    w.flow(before, w.node("eventBasedGateway", b.id))
    w.flow(
        b.id, w.node("intermediateCatchEvent", f"{b.id}_m", f'<bpmn:messageEventDefinition messageRef="msg_{b.id}"/>')
    )
    late = "<bpmn:timerEventDefinition><bpmn:timeDuration>P3650D</bpmn:timeDuration></bpmn:timerEventDefinition>"
    w.flow(b.id, w.node("intermediateCatchEvent", f"{b.id}_t", late))
    w.node("exclusiveGateway", f"{b.id}_j")
    w.flow(f"{b.id}_m", f"{b.id}_j")
    w.flow(f"{b.id}_t", f"{b.id}_j")
    return f"{b.id}_j"


def _error(w: _Writer, b: Block, before: str) -> str:
    """A task whose worker throws, or does not, with a boundary event that catches."""
    w.flow(before, w.node("serviceTask", f"{b.id}_job", _job()))
    return _caught(w, b, f"{b.id}_job")


def _caught(w: _Writer, b: Block, host: str) -> str:
    w.node("boundaryEvent", f"{b.id}_c", '<bpmn:errorEventDefinition errorRef="err"/>', attachedToRef=host)
    w.node("exclusiveGateway", f"{b.id}_j")
    w.flow(host, f"{b.id}_j")
    w.flow(f"{b.id}_c", f"{b.id}_j")
    return f"{b.id}_j"


def _error_scope(w: _Writer, b: Block, before: str) -> str:
    """A sub-process in which a job throws, or does not, after its content ran."""
    inner = _Writer(b.id, w.messages)
    last = inner.draw(b.inner[0], inner.node("startEvent", f"{b.id}_s"))
    inner.flow(last, inner.node("serviceTask", f"{b.id}_job", _job()))
    inner.flow(f"{b.id}_job", inner.node("endEvent", f"{b.id}_e"))
    w.flow(before, w.node("subProcess", b.id, "".join(inner.out)))
    return _caught(w, b, b.id)


def _manual(w: _Writer, b: Block, before: str) -> str:
    w.flow(before, w.node("manualTask", b.id))
    return b.id


def _link(w: _Writer, b: Block, before: str) -> str:
    definition = f'<bpmn:linkEventDefinition name="l_{b.id}"/>'
    w.flow(before, w.node("intermediateThrowEvent", f"{b.id}_t", definition))
    return w.node("intermediateCatchEvent", f"{b.id}_c", definition)


def _escalation(w: _Writer, b: Block, before: str) -> str:
    body = '<bpmn:escalationEventDefinition escalationRef="esc"/>'
    w.flow(before, w.node("intermediateThrowEvent", b.id, body))
    return b.id


def _condition(w: _Writer, b: Block, before: str) -> str:
    """A conditional event, and beside it a job and a script that makes it true."""
    body = "<bpmn:conditionalEventDefinition><bpmn:condition>=ready_{} = true</bpmn:condition>"
    split = w.node("parallelGateway", f"{b.id}_x")
    join = w.node("parallelGateway", f"{b.id}_j")
    w.flow(before, split)
    caught = w.node("intermediateCatchEvent", b.id, f"{body.format(b.id)}</bpmn:conditionalEventDefinition>")
    w.flow(split, caught)
    w.flow(caught, join)
    script = _extension(f'<zeebe:script expression="=one = 1" resultVariable="ready_{b.id}"/>')
    w.flow(split, w.node("serviceTask", f"{b.id}_job", _job()))
    w.flow(f"{b.id}_job", w.node("scriptTask", f"{b.id}_n", script))
    w.flow(f"{b.id}_n", join)
    return join


def _several(w: _Writer, b: Block, before: str) -> str:
    """An event with a message, and a timer that is too far away to win."""
    w.messages.append(b.id)
    late = "<bpmn:timerEventDefinition><bpmn:timeDuration>P3650D</bpmn:timeDuration></bpmn:timerEventDefinition>"
    body = f'<bpmn:messageEventDefinition messageRef="msg_{b.id}"/>{late}'
    w.flow(before, w.node("intermediateCatchEvent", b.id, body))
    return b.id


def _standard_loop(w: _Writer, b: Block, before: str) -> str:
    loop = '<bpmn:standardLoopCharacteristics testBefore="true"><bpmn:loopCondition>=loopCounter &lt; {}'
    body = f"{_job()}{loop.format(b.n)}</bpmn:loopCondition></bpmn:standardLoopCharacteristics>"
    w.flow(before, w.node("serviceTask", f"{b.id}_job", body))
    return f"{b.id}_job"


def _quantity(w: _Writer, b: Block, before: str) -> str:
    quantity = str(b.n + 1)
    w.flow(before, w.node("task", f"{b.id}_n", completionQuantity=quantity))
    w.flow(f"{b.id}_n", w.node("task", b.id, startQuantity=quantity))
    return b.id


def _data(w: _Writer, b: Block, before: str) -> str:
    """In a scope of its own: a script that waits for data, beside a job and a script that gives it and stores it."""
    inner = _Writer(b.id, w.messages)
    inner.out.append(f'<bpmn:dataObject id="{b.id}_d"/><bpmn:dataStoreReference id="{b.id}_ds" name="stored"/>')
    start, split = inner.node("startEvent", f"{b.id}_s"), inner.node("parallelGateway", f"{b.id}_x")
    inner.flow(start, split)
    script = '<zeebe:script expression="={}" resultVariable="{}"/>'
    ends = "<bpmn:sourceRef>{1}</bpmn:sourceRef><bpmn:targetRef>{2}</bpmn:targetRef>"
    moves = f"<bpmn:data{{0}}Association>{ends}</bpmn:data{{0}}Association>"
    sets = "<bpmn:ioSpecification>{}<bpmn:inputSet>{}</bpmn:inputSet><bpmn:outputSet/></bpmn:ioSpecification>"
    needs = sets.format(f'<bpmn:dataInput id="{b.id}_i"/>', f"<bpmn:dataInputRefs>{b.id}_i</bpmn:dataInputRefs>")
    taken = _extension(script.format(f"{b.id}_i + one", f"r_{b.id}")) + needs
    inner.flow(split, inner.node("scriptTask", f"{b.id}_n", taken + moves.format("Input", f"{b.id}_d", f"{b.id}_i")))
    gives = sets.format(f'<bpmn:dataOutput id="{b.id}_o"/>', "") + moves.format("Output", f"{b.id}_o", f"{b.id}_d")
    given = _extension(script.format(b.n, f"{b.id}_o")) + gives + moves.format("Output", f"{b.id}_o", f"{b.id}_ds")
    inner.flow(split, inner.node("serviceTask", f"{b.id}_job", _job()))
    inner.flow(f"{b.id}_job", inner.node("scriptTask", f"{b.id}_g", given))
    w.flow(before, w.node("subProcess", b.id, "".join(inner.out)))
    return b.id


def _complex(w: _Writer, b: Block, before: str) -> str:
    """The first branch goes on; the others are consumed when they come."""
    split = w.node("parallelGateway", f"{b.id}_x")
    w.flow(before, split)
    condition = "<bpmn:activationCondition>=activationCount &gt;= 1</bpmn:activationCondition>"
    join = w.node("complexGateway", f"{b.id}_j", condition)
    for index, each in enumerate(b.inner):
        first = w.node("task", f"{b.id}_b{index}")
        w.flow(split, first)
        w.flow(w.draw(each, first), join)
    return join


def _branches(w: _Writer, b: Block, before: str, tag: str, conditions: list[str]) -> str:
    split = w.node(tag, f"{b.id}_x")
    w.flow(before, split)
    join = w.node(tag, f"{b.id}_j")
    for index, (each, condition) in enumerate(zip(b.inner, conditions, strict=True)):
        first = w.node("task", f"{b.id}_b{index}")
        w.flow(split, first, condition)
        w.flow(w.draw(each, first), join)
    return join


def _xor(w: _Writer, b: Block, before: str) -> str:
    chosen = b.n % len(b.inner)
    conditions = ["one = 1" if i == chosen else "one = 2" for i in range(len(b.inner))]
    return _branches(w, b, before, "exclusiveGateway", conditions)


def _and(w: _Writer, b: Block, before: str) -> str:
    return _branches(w, b, before, "parallelGateway", [""] * len(b.inner))


def _or(w: _Writer, b: Block, before: str) -> str:
    conditions = ["one = 1" if i <= b.n else "one = 2" for i in range(len(b.inner))]
    return _branches(w, b, before, "inclusiveGateway", conditions)


def _sub(w: _Writer, b: Block, before: str) -> str:
    w.flow(before, w.node("subProcess", b.id, w.scope(b.inner[0], b.id)))
    return b.id


def _handler(w: _Writer, b: Block, before: str) -> str:
    """A sub-process with an escalation that its event sub-process handles, beside its content."""
    start = (
        f'<bpmn:subProcess id="{b.id}_h" triggeredByEvent="true">'
        f'<bpmn:startEvent id="{b.id}_hs" isInterrupting="false"><bpmn:escalationEventDefinition escalationRef="esc"/>'
        f'</bpmn:startEvent><bpmn:task id="{b.id}_ht"/><bpmn:endEvent id="{b.id}_he"/>'
        f'<bpmn:sequenceFlow id="{b.id}_hf" sourceRef="{b.id}_hs" targetRef="{b.id}_ht"/>'
        f'<bpmn:sequenceFlow id="{b.id}_hg" sourceRef="{b.id}_ht" targetRef="{b.id}_he"/></bpmn:subProcess>'
    )
    w.flow(before, w.node("subProcess", b.id, start + w.scope(b.inner[0], b.id)))
    return b.id


def _each_of(w: _Writer, b: Block, before: str, sequential: str) -> str:
    items = "[" + ", ".join(str(i) for i in range(b.n + 1)) + "]"
    loop = (
        f'<bpmn:multiInstanceLoopCharacteristics isSequential="{sequential}">'
        + _extension(
            f'<zeebe:loopCharacteristics inputCollection="={items}" inputElement="item" '
            f'outputCollection="o_{b.id}" outputElement="=item + one"/>'
        )
        + "</bpmn:multiInstanceLoopCharacteristics>"
    )
    w.flow(before, w.node("subProcess", b.id, loop + w.scope(b.inner[0], b.id)))
    return b.id


def _each(w: _Writer, b: Block, before: str) -> str:
    return _each_of(w, b, before, "false")


def _each_in_turn(w: _Writer, b: Block, before: str) -> str:
    return _each_of(w, b, before, "true")


def _loop(w: _Writer, b: Block, before: str) -> str:
    """A loop drawn with gateways: its content runs n + 1 times."""
    counter = f"c_{b.id}"
    reset = _extension(f'<zeebe:script expression="=zero" resultVariable="{counter}"/>')
    w.flow(before, w.node("scriptTask", f"{b.id}_i", reset))
    w.flow(f"{b.id}_i", w.node("exclusiveGateway", f"{b.id}_m"))
    last = w.draw(b.inner[0], f"{b.id}_m")
    count = _extension(f'<zeebe:script expression="={counter} + 1" resultVariable="{counter}"/>')
    w.flow(last, w.node("scriptTask", f"{b.id}_n", count))
    w.node("exclusiveGateway", f"{b.id}_x", default=f"{b.id}_out")
    w.flow(f"{b.id}_n", f"{b.id}_x")
    w.flow(f"{b.id}_x", f"{b.id}_m", f"{counter} &lt; {b.n + 1}")
    w.node("task", f"{b.id}_o")
    w.flow(f"{b.id}_x", f"{b.id}_o", id=f"{b.id}_out")
    return f"{b.id}_o"


_DRAW: Final[dict[str, Draw]] = {
    "sequence": _sequence,
    "service": _service,
    "script": _script,
    "user": _user,
    "timer": _timer,
    "message": _message,
    "receive": _receive,
    "race": _race,
    "error": _error,
    "error_scope": _error_scope,
    "manual": _manual,
    "link": _link,
    "escalation": _escalation,
    "condition": _condition,
    "several": _several,
    "standard_loop": _standard_loop,
    "quantity": _quantity,
    "data": _data,
    "complex": _complex,
    "xor": _xor,
    "and": _and,
    "or": _or,
    "sub": _sub,
    "handler": _handler,
    "each": _each,
    "each_in_turn": _each_in_turn,
    "loop": _loop,
}
