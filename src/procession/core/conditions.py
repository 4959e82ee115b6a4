"""Conditional events (BPMN 2.0.2, 10.5.5): a condition is evaluated when it is opened, then when a variable that it
reads is set. It happens when it becomes true; an event that does not interrupt happens again after it was false.
"""

from __future__ import annotations

from typing import Final

from procession.base.failure import Failure
from procession.core import facts as f
from procession.core.context import Context
from procession.core.interrupt import catch, happens_again
from procession.core.operations import CHECK
from procession.core.state import Condition, ElementInstance
from procession.ir.program import ConditionalTrigger

_SETS: Final = (f.VariableSet, f.CollectionClosed)


def note_changes(cx: Context, since: int) -> None:
    """Puts every condition that depends on a variable set by one of the facts since then onto the agenda."""
    watchers = cx.state.watchers
    found: dict[int, None] = {}
    for fact in cx.facts[since:]:
        if isinstance(fact, _SETS):
            for name in (fact.name, ""):
                if name in watchers:
                    found.update(watchers[name])
    for key in found:
        operation = (CHECK, cx.state.conditions[key].element, key)
        # A condition that failed is evaluated again when its incident is resolved.
        if not any(incident.operation == operation for incident in cx.state.incidents.values()):
            cx.agenda.append(operation)


def check(cx: Context, element_key: int, key: int) -> None:
    """Evaluates a condition that is waited for."""
    condition = cx.state.conditions.get(key)
    element = cx.state.elements.get(element_key)
    if condition is None or element is None or cx.state.suspended:
        return  # a suspended instance asks again when it is resumed
    value = _value(cx, element, condition)
    if value == condition.value:
        return
    node = cx.nodes[condition.node]
    if not value or happens_again(cx, node):
        cx.write(f.ConditionChanged(key, value))
    else:
        cx.write(f.WaitClosed(key))
    if value:
        catch(cx, element, node, {})


def _value(cx: Context, element: ElementInstance, condition: Condition) -> bool:
    trigger = cx.nodes[condition.node].trigger
    assert isinstance(trigger, ConditionalTrigger)
    value = cx.evaluate(trigger.condition, element)
    if value is None:
        return False  # a variable that it reads is not there yet
    if isinstance(value, bool):
        return value
    expression = cx.linked.program.expressions[trigger.condition].text
    raise Failure("condition", f"the condition `{expression}` is {value!r:.60}, not a boolean")
