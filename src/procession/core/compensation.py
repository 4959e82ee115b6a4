"""Compensation (BPMN 2.0.2, 10.7 and 13.5.5) and the cancelling of transactions (10.3.6): what was completed is undone.

A scope keeps what completed in it and can be undone. Who undoes, a throwing event or a cancelled transaction, claims
completions and has them undone one after the other, the last one first. A completed scope is opened again, with the
variables that it had: its compensation event sub-process runs in it, then the handler at its border; without either
all that completed in it is undone.
"""

from __future__ import annotations

from procession.core import facts as f
from procession.core.apply_scopes import SNAPSHOTS
from procession.core.context import Context
from procession.core.interrupt import close_catches, interrupt, start_handler
from procession.core.operations import COMPENSATE, COMPLETE, PASS
from procession.core.state import Completion, ElementInstance, Stage
from procession.core.tokens import close_waits, complete_if_empty, next_of
from procession.ir.kinds import Kind
from procession.ir.program import NONE, CancelTrigger, CompensateTrigger, Node, Ref


def throw_compensation(cx: Context, node: Node, element: ElementInstance) -> None:
    """A compensation throw or end event: it waits until all is undone, unless the model says that it does not."""
    trigger = node.trigger
    assert isinstance(trigger, CompensateTrigger)
    scope = element.scope
    assert scope is not None
    entries = _thrown_at(cx, scope, trigger.activity)
    if not entries:
        cx.agenda.append((COMPLETE, element.key))
        return
    coordinator = element.key
    if not trigger.wait:
        coordinator = cx.new_key()
        cx.write(f.CompensationOpened(coordinator, node.index, scope.key))
        cx.agenda.append((COMPLETE, element.key))
    cx.write(f.CompensationStarted(coordinator, entries))
    cx.agenda.append((COMPENSATE, coordinator))


def _thrown_at(cx: Context, scope: ElementInstance, activity: Ref) -> list[list[int]]:
    """What a throw in a scope has undone. An event sub-process belongs to the scope around it, and so does an
    activation of an ad-hoc sub-process; an activity that is named is looked for outwards."""
    entries: list[list[int]] = []
    around: ElementInstance | None = scope
    while around is not None:
        completions = around.completions
        entries[:0] = [
            [around.key, key]
            for key, each in completions.items()
            if activity in {NONE, each.node} and _is_free(cx, each)
        ]
        kind = cx.nodes[around.node].kind
        is_part = kind is Kind.EVENT_SUB_PROCESS or kind is Kind.AD_HOC_ACTIVATION
        if not is_part and (activity == NONE or cx.nodes[activity].scope == around.node):
            break
        around = around.scope
    return entries


def _is_free(cx: Context, completion: Completion) -> bool:
    return completion.claimed not in cx.state.elements


def compensate(cx: Context, key: int) -> None:
    """The next completed activity that an element has undone; behind the last one the element goes on."""
    element = cx.state.elements.get(key)
    if element is None or element.stage is Stage.TERMINATING:
        return
    if element.undoing is None:
        cx.write(f.CompensationStarted(key, _of_opened(cx, element)))
    undoing = element.undoing
    assert undoing is not None
    if undoing.handler in cx.state.elements:
        return
    if undoing.entries:
        _undo(cx, element, *undoing.entries[-1])
    else:
        _undone(cx, element)


def _of_opened(cx: Context, element: ElementInstance) -> list[list[int]]:
    """What happens in a scope that was opened again, the last entry first."""
    start, handler = cx.linked.undo_starts.get(element.node), cx.linked.handlers.get(element.node)
    own = [[0, each] for each in (handler, start) if each is not None]
    return own or [[element.key, key] for key in element.completions]


def _undo(cx: Context, element: ElementInstance, scope: int, what: int) -> None:
    """Enters a handler, or opens a completed scope again."""
    key = cx.new_key()
    if not scope:
        node = cx.nodes[what]
        if node.kind is Kind.START_EVENT:
            cx.write(f.CompensationEntered(key, node.scope, element.key, element.key))
            start_handler(cx, key, node, {})
            return
        cx.write(f.CompensationEntered(key, what, element.key, element.key))
        cx.agenda.append((next_of(node), key))
        return
    completed = cx.state.elements[scope].completions[what].node
    if cx.nodes[completed].kind in SNAPSHOTS:
        cx.write(f.CompensationEntered(key, completed, scope, element.key, what))
        cx.agenda.append((COMPENSATE, key))
    elif (handler := cx.linked.handlers.get(completed)) is None:
        # A program that the instance went over to does not undo it any more.
        undoing = element.undoing
        assert undoing is not None
        cx.write(f.CompensationStarted(element.key, undoing.entries[:-1]))
        cx.agenda.append((COMPENSATE, element.key))
    else:
        cx.write(f.CompensationEntered(key, handler, scope, element.key, what))
        cx.agenda.append((next_of(cx.nodes[handler]), key))


def _undone(cx: Context, element: ElementInstance) -> None:
    if element.stage is Stage.ACTIVE:
        cx.agenda.append((COMPLETE, element.key))
    elif element.children or element.tokens:
        return  # a path from a handler's boundary event still goes on in it
    elif element.stage is Stage.COMPENSATING:
        handled(cx, element)
    else:
        _leave_cancelled(cx, element)


def handled(cx: Context, element: ElementInstance) -> None:
    """A handler is done: whoever had something undone by it goes on."""
    scope = element.scope
    assert scope is not None
    close_waits(cx, element)
    cx.write(f.ElementCompleted(element.key))
    if element.compensates in cx.state.elements:
        cx.agenda.append((COMPENSATE, element.compensates))
    else:
        complete_if_empty(cx, scope)


def cancel_transaction(cx: Context, key: int) -> None:
    """All inside a cancelled transaction has ended. Only errors leave it before all of it is undone: a hazard."""
    transaction = cx.element(key)
    close_catches(cx, transaction)
    entries = [[key, completed] for completed, each in transaction.completions.items() if _is_free(cx, each)]
    cx.write(f.TransactionCancelled(key))
    cx.write(f.CompensationStarted(key, entries))
    cx.agenda.append((COMPENSATE, key))


def _leave_cancelled(cx: Context, transaction: ElementInstance) -> None:
    """By the cancel boundary event; of a loop over transactions the first that is cancelled ends it."""
    host, scope = transaction, transaction.scope
    assert scope is not None
    if scope.loop is not None:
        host, scope = scope, scope.scope
        assert scope is not None
    for index in cx.nodes[host.node].catches:
        if isinstance(cx.nodes[index].trigger, CancelTrigger):
            interrupt(cx, host, (PASS, scope.key, index, {}))
            break
    else:
        interrupt(cx, host, (COMPLETE, scope.key))


def enclosing_transaction(cx: Context, element: ElementInstance) -> ElementInstance | None:
    """The nearest transaction around an element, None if that has been cancelled already."""
    around = element.scope
    while around is not None and cx.nodes[around.node].kind is not Kind.TRANSACTION:
        around = around.scope
    return around if around is not None and around.stage is Stage.ACTIVE else None
