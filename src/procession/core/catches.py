"""Subscriptions: the triggers that an active element waits for (BPMN 2.0.2, 10.5). Evaluated first, then written."""

from __future__ import annotations

from typing import Final, TypeAlias, cast

from procession.base.failure import Failure
from procession.base.values import Json
from procession.core import facts as f
from procession.core.commands import SetTimer, Subscribe
from procession.core.context import Context
from procession.core.conversations import expected_key, key_text
from procession.core.operations import CHECK, REPEAT
from procession.core.state import ElementInstance, Timer
from procession.core.timers import first_due, next_due
from procession.ir.program import ConditionalTrigger, MessageTrigger, Node, Ref, SignalTrigger, TimerTrigger

Planned: TypeAlias = "f.TimerCreated | f.SubscriptionOpened | f.ConditionOpened"

KEY_MAX: Final = 1024
"""Longest correlation key, in characters; keys are indexed."""


def plan(cx: Context, element: ElementInstance, node: Node) -> list[Planned]:
    """The timers and subscriptions of a node's `catches`, all expressions evaluated, nothing written yet."""
    return plan_for(cx, element, node.catches)


def plan_for(cx: Context, element: ElementInstance, catches: tuple[Ref, ...]) -> list[Planned]:
    """The timers and subscriptions of these nodes."""
    planned: list[Planned] = []
    for index in catches:
        caught = cx.nodes[index]
        trigger = caught.trigger
        if isinstance(trigger, TimerTrigger):
            timer = _timer(cx, element, caught, trigger)
            if timer is not None:
                planned.append(timer)
        elif isinstance(trigger, MessageTrigger):
            name = cx.text(trigger.name, element, "message name")
            key = _key(cx, element, trigger, is_next=index == element.node)
            planned.append(f.SubscriptionOpened(cx.new_key(), element.key, index, name, key))
        elif isinstance(trigger, SignalTrigger):
            name = cx.text(trigger.name, element, "signal name")
            planned.append(f.SubscriptionOpened(cx.new_key(), element.key, index, name, "", True))
        elif isinstance(trigger, ConditionalTrigger):
            planned.append(f.ConditionOpened(cx.new_key(), element.key, index, trigger.names))
    return planned


def _key(cx: Context, element: ElementInstance, trigger: MessageTrigger, *, is_next: bool) -> str:
    correlation = trigger.correlation
    if correlation is not None:
        return checked_key(expected_key(cx, correlation, element, is_next=is_next), correlation.key)
    return "" if trigger.key < 0 else correlation_key(cx, trigger.key, element)


def listen_again(cx: Context, element_key: int, event: Ref) -> None:
    """A parallel multiple event that does not interrupt waits for all of its definitions anew."""
    element = cx.state.elements.get(element_key)
    if element is not None:
        open_all(cx, plan_for(cx, element, cx.nodes[event].parts))


def await_others(cx: Context, element_key: int) -> None:
    """A parallel multiple start event waits for those of its definitions that have not happened."""
    element = cx.state.elements.get(element_key)
    if element is not None:
        event = cx.nodes[element.node]
        happened = (element.happened or {}).get(event.index, {})
        open_all(cx, plan_for(cx, element, tuple([part for part in event.parts if part not in happened])))


def open_all(cx: Context, planned: list[Planned]) -> None:
    """Writes what was planned."""
    for fact in planned:
        cx.write(fact)
        if isinstance(fact, f.TimerCreated):
            cx.send(SetTimer(fact.timer, fact.element, fact.node, fact.due))
        elif isinstance(fact, f.ConditionOpened):
            # It may be true already.
            cx.agenda.append((CHECK, fact.element, fact.condition))
        else:
            cx.send(Subscribe(fact.subscription, fact.element, fact.node, fact.name, fact.key, fact.signal))


def correlation_key(cx: Context, ref: Ref, element: ElementInstance) -> str:
    """A correlation key: a string, or a whole or decimal number as text. Frozen when the subscription opens."""
    value = cx.evaluate(ref, element)
    text = key_text(value)
    if text is None:
        expression = cx.linked.program.expressions[ref].text
        raise Failure("correlation-key", f"the correlation key `{expression}` must be a string or a number")
    return checked_key(text, cx.linked.program.expressions[ref].text)


def checked_key(text: str, what: str) -> str:
    """A correlation key that is short enough to be indexed. Raises `Failure("correlation-key")`."""
    if len(text) > KEY_MAX:
        raise Failure("correlation-key", f"the correlation key `{what}` is longer than {KEY_MAX} characters")
    return text


def repeat(cx: Context, element: ElementInstance, timer: Timer) -> None:
    """After a cycle's firing: the next timer, counted from the scheduled time of this one."""
    trigger = cx.nodes[timer.node].trigger
    catch_up = isinstance(trigger, TimerTrigger) and trigger.catch_up
    try:
        due, skipped = next_due(timer.cycle, timer.due, cx.at, cx.state.zone, catch_up)
    except Failure:
        # Only a calendar beyond the year 9999 gets here: the text was good when the first due time was computed.
        cx.agenda.append((REPEAT, element.key, [timer.node, timer.due, timer.cycle, timer.left]))
        return
    if skipped:
        cx.write(f.TimerSkipped(timer.key, skipped))
    left = timer.left if timer.left < 0 else timer.left - 1 - skipped
    if timer.left >= 0 and left < 0:
        return
    fact = f.TimerCreated(cx.new_key(), element.key, timer.node, due, timer.cycle, left)
    open_all(cx, [fact])


def repeat_operation(cx: Context, element_key: int, timer: Json) -> None:
    """The failed computing of a next due time, again; its failure is the incident."""
    element = cx.state.elements.get(element_key)
    if element is None:
        return
    node, scheduled, cycle, left = cast("tuple[int, int, str, int]", tuple(cast("list[Json]", timer)))
    trigger = cx.nodes[node].trigger
    catch_up = isinstance(trigger, TimerTrigger) and trigger.catch_up
    due, _ = next_due(cycle, scheduled, cx.at, cx.state.zone, catch_up)
    open_all(cx, [f.TimerCreated(cx.new_key(), element.key, node, due, cycle, left)])


def _timer(cx: Context, element: ElementInstance, node: Node, trigger: TimerTrigger) -> f.TimerCreated | None:
    value = cx.text(trigger.value, element, f"timer of {node.id}")
    first = first_due(trigger.kind, value, cx.at, cx.state.zone)
    if first is None:
        return None
    due, cycle, left = first
    return f.TimerCreated(cx.new_key(), element.key, node.index, due, cycle, left)
