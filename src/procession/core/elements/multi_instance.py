"""Multi-instance activities (BPMN 2.0.2, 10.3.8 and 13.3.7): a body around the instances of one activity.

Work per item does not grow with the number of items: items are spawned one at a time, outputs are facts by index.
"""

from __future__ import annotations

from typing import Final

from procession.base.failure import Failure
from procession.base.values import Json
from procession.core import facts as f
from procession.core.catches import open_all, plan
from procession.core.context import Context
from procession.core.elements.events import THROW
from procession.core.interrupt import event_of, interrupt_inside, pass_event
from procession.core.operations import CLOSE_LOOP, COMPLETE, SPAWN, THROW_IMPLICIT
from procession.core.state import ElementInstance, LoopState
from procession.core.tokens import end, next_of
from procession.core.variables import owner
from procession.ir.program import (
    NONE,
    ErrorTrigger,
    EscalationTrigger,
    Loop,
    MessageTrigger,
    Node,
    SignalTrigger,
    Trigger,
)

COUNT_MAX: Final = 1_000_000
"""Most instances of one multi-instance activity."""


def body_enter(cx: Context, node: Node, element: ElementInstance) -> None:
    """The collection is evaluated once, when the body is entered."""
    loop = node.loop
    assert loop is not None
    items, count = _items(cx, element, loop)
    planned = plan(cx, element, node)
    cx.write(f.LoopStarted(element.key, items, count))
    open_all(cx, planned)
    if count == 0:
        _close(cx, node, element)
    else:
        cx.agenda.append((SPAWN, element.key, 1))


def spawn(cx: Context, body_key: int, index: int) -> None:
    """Makes the inner instance of one item; a parallel body goes on with the next item."""
    body = cx.state.elements.get(body_key)
    if body is None or body.loop is None:
        return
    node = cx.nodes[body.node]
    inner = cx.nodes[node.inner]
    key = cx.new_key()
    cx.write(f.ItemEntered(key, inner.index, body_key, index))
    cx.agenda.append((next_of(inner), key))
    assert node.loop is not None
    if not node.loop.sequential and index < body.loop.count:
        cx.agenda.append((SPAWN, body_key, index + 1))


def collect(cx: Context, element_key: int) -> None:
    """An inner instance is done: its output, the completion condition, then what the body does next."""
    element = cx.state.elements.get(element_key)
    if element is None:
        return
    body = element.scope
    assert body is not None
    assert body.loop is not None
    node = cx.nodes[body.node]
    spec = node.loop
    assert spec is not None
    output = cx.evaluate(spec.output, element) if spec.output != NONE else None
    enough = False
    thrown: list[int] = []
    if spec.completion != NONE or node.thrown:
        counters = _counters(body, body.loop)
        enough = spec.completion != NONE and cx.truth(spec.completion, element, "completion condition", counters)
        thrown = _thrown(cx, node, body.loop, element, counters)
    if spec.output != NONE:
        cx.write(f.ItemCollected(body.key, element.index, output))
    end(cx, element)
    for event in thrown:
        cx.agenda.append((THROW_IMPLICIT, body.key, event))
    loop = body.loop
    if enough:
        interrupt_inside(cx, body, (CLOSE_LOOP, body.key))
    elif loop.completed + loop.terminated >= loop.count:
        _close(cx, node, body)
    elif spec.sequential:
        cx.agenda.append((SPAWN, body.key, element.index + 1))


def _thrown(cx: Context, node: Node, loop: LoopState, element: ElementInstance, counters: dict[str, Json]) -> list[int]:
    """The events that the completion of an instance throws, by the behaviour of the loop (10.3.9, table 10.31)."""
    return [
        each.event
        for each in node.thrown
        if (not each.first or loop.completed == 0)
        and (each.condition == NONE or cx.truth(each.condition, element, "condition of a complex behaviour", counters))
    ]


def throw_implicit(cx: Context, body_key: int, event: int) -> None:
    """An event thrown by a body: what waits for it at its border catches it, else it is thrown as any other."""
    body = cx.state.elements.get(body_key)
    if body is None:
        return
    thrown = cx.nodes[event]
    for index in cx.nodes[body.node].catches:
        caught = cx.nodes[index]
        if _is_meant(cx, body, thrown.trigger, caught.trigger):
            cx.write(f.ImplicitThrown(body.key, event, index))
            assert body.scope is not None
            pass_event(cx, body.scope.key, event_of(cx, caught), {}, token=False)
            if event_of(cx, caught).interrupting and not _lets_go_on(cx, body, event):
                _end_the_rest(cx, body)
            return
    THROW[type(thrown.trigger)](cx, thrown, body)
    if cx.agenda and cx.agenda[-1] == (COMPLETE, body_key):
        cx.agenda.pop()


def _end_the_rest(cx: Context, body: ElementInstance) -> None:
    """The body threw the event itself, as one of its instances completed: it is not interrupted, it completes."""
    loop = body.loop
    assert loop is not None
    if loop.completed + loop.terminated < loop.count:
        interrupt_inside(cx, body, (CLOSE_LOOP, body.key))


def _lets_go_on(cx: Context, body: ElementInstance, event: int) -> bool:
    """Behaviours None and One pass a token on for each instance, or for the first one: the others go on."""
    return all(each.condition == NONE for each in cx.nodes[body.node].thrown if each.event == event)


def _is_meant(cx: Context, body: ElementInstance, thrown: Trigger, caught: Trigger) -> bool:
    """Whether a boundary event waits for just what is thrown."""
    match thrown, caught:
        case (SignalTrigger(name=name), SignalTrigger(name=other)) | (
            MessageTrigger(name=name),
            MessageTrigger(name=other),
        ):
            return cx.text(name, body, "name") == cx.text(other, body, "name")
        case ErrorTrigger(code=code), ErrorTrigger(code=other):
            return not other.literal or other.literal == cx.text(code, body, "error code")
        case EscalationTrigger(code=code), EscalationTrigger(code=other):
            return not other.literal or other.literal == cx.text(code, body, "escalation code")
        case _:
            return False


def close(cx: Context, body_key: int) -> None:
    """A body whose completion condition was met ends, once nothing inside it is left."""
    body = cx.element(body_key)
    _close(cx, cx.nodes[body.node], body)


def _close(cx: Context, node: Node, body: ElementInstance) -> None:
    loop = node.loop
    assert loop is not None
    assert body.scope is not None
    if loop.output_name:
        target = owner(body.scope, loop.output_name)
        cx.write(f.CollectionClosed(body.key, target.key, loop.output_name))
    cx.agenda.append((COMPLETE, body.key))


def _items(cx: Context, element: ElementInstance, loop: Loop) -> tuple[list[Json] | None, int]:
    if loop.items != NONE:
        value = cx.evaluate(loop.items, element)
        if not isinstance(value, list):
            expression = cx.linked.program.expressions[loop.items].text
            raise Failure("loop", f"the input collection `{expression}` is not a list")
        items, count = value, len(value)
    else:
        number = cx.evaluate(loop.cardinality, element)
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            raise Failure("loop", f"the loop cardinality must be a whole number from 0, not {number!r}")
        items, count = None, number
    if count > COUNT_MAX:
        raise Failure("loop", f"{count} instances are more than the limit of {COUNT_MAX}")
    return items, count


def _counters(body: ElementInstance, loop: LoopState) -> dict[str, Json]:
    """The counters of the standard as the completion condition sees them: this instance already counts as completed."""
    active = len(body.children or ()) - 1
    return {
        "numberOfInstances": loop.count,
        "numberOfActiveInstances": active,
        "numberOfCompletedInstances": loop.completed + 1,
        "numberOfTerminatedInstances": loop.terminated,
    }
