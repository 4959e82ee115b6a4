"""Transitions: what each agenda operation does. A transition evaluates all its expressions before its first fact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias, cast

from procession.base.failure import Failure
from procession.base.values import Json
from procession.core import facts as f
from procession.core import migration, modification
from procession.core import operations as op
from procession.core.catches import await_others, listen_again, repeat_operation
from procession.core.commands import CloseTask
from procession.core.compensation import cancel_transaction, compensate, handled
from procession.core.conditions import check
from procession.core.context import Context
from procession.core.conversations import join
from procession.core.elements import ad_hoc, events, loops, multi_instance, scopes, tasks
from procession.core.elements.gateways import outgoing
from procession.core.elements.table import ASK, COLLECT, ENTER
from procession.core.errors import throw
from procession.core.interrupt import cancelled, handle, pass_boundary
from procession.core.jobs import create, next_listener, plan_job
from procession.core.joins import ask_gateway, enter
from procession.core.state import Stage
from procession.core.task_listeners import next_task_listener
from procession.core.tokens import finish, leave
from procession.core.variables import map_inputs, map_outputs, variables_of
from procession.ir.kinds import Kind, ListenerEvent


def _prepare(cx: Context, key: int) -> None:
    """Input mappings first; start listeners see them."""
    element = cx.state.elements.get(key)
    if element is None:
        return
    node = cx.node_of(element)
    if not map_inputs(cx, element, node):
        return
    if next_listener(node, ListenerEvent.START) is None:
        cx.agenda.append((op.ACTIVATE, key))
    else:
        cx.agenda.append((op.START_LISTENER, key, -1))


def _start_listener(cx: Context, key: int, after: int) -> None:
    _listener(cx, key, ListenerEvent.START, after)


def _end_listener(cx: Context, key: int, after: int) -> None:
    _listener(cx, key, ListenerEvent.END, after)


def _listener(cx: Context, key: int, event: ListenerEvent, after: int) -> None:
    """The next listener's job, or what follows behind the last."""
    element = cx.state.elements.get(key)
    if element is None:
        return
    found = next_listener(cx.node_of(element), event, after)
    if found is not None:
        create(cx, plan_job(cx, element, found[1].job, found[0]))
    elif event is ListenerEvent.START:
        cx.agenda.append((op.ACTIVATE, key))
    else:
        cx.agenda.append((op.LEAVE, key))


def _activate(cx: Context, key: int) -> None:
    element = cx.state.elements.get(key)
    if element is None:
        return
    node = cx.nodes[element.node]
    ENTER[node.kind](cx, node, element)


def _complete(cx: Context, key: int) -> None:
    element = cx.state.elements.get(key)
    if element is None or element.stage is not Stage.ACTIVE or element.children or element.tokens:
        return
    node = cx.nodes[element.node]
    end = next_listener(node, ListenerEvent.END) if node.listeners else None
    has_outputs = bool(node.outputs) or (node.data is not None and bool(node.data.outputs))
    if not has_outputs and end is None:
        _leave(cx, key)
        return
    job = plan_job(cx, element, end[1].job, end[0]) if end is not None and not has_outputs else None
    map_outputs(cx, element, node)
    if element.is_open_task:
        cx.send(CloseTask(key))
    cx.write(f.ElementCompleting(key))
    if job is not None:
        create(cx, job)
    elif end is not None:
        cx.agenda.append((op.END_LISTENER, key, -1))
    else:
        cx.agenda.append((op.LEAVE, key))


def _leave(cx: Context, key: int) -> None:
    element = cx.state.elements.get(key)
    if element is None:
        return
    scope = element.scope
    if scope is None:
        finish(cx, element)
    elif element.extras is not None and element.compensates:
        handled(cx, element)
    elif scope.loop is not None:
        COLLECT[cx.nodes[scope.node].kind](cx, key)
    elif scope.extras is not None and scope.activations is not None:
        ad_hoc.collect(cx, element, scope)
    elif scope.extras is not None and cx.nodes[scope.node].kind is Kind.AD_HOC_ACTIVATION:
        ad_hoc.left(cx, element, scope)
    else:
        flows = outgoing(cx, cx.nodes[element.node], element)
        if element.extras is not None and element.activations is not None:
            ad_hoc.publish(cx, element)
        leave(cx, element, flows)


def _throw(cx: Context, key: int, code: str, message: str, variables: Json, *rest: int) -> None:
    throw(cx, key, code, message, variables_of(variables), *rest)


def _call(cx: Context, key: int) -> None:
    element = cx.state.elements.get(key)
    if element is not None:
        node = cx.nodes[element.node]
        ASK[node.kind](cx, node, element)


def _rejob(cx: Context, key: int) -> None:
    """The element's own job again: same group, so the same idempotency key; never that of one that was cancelled."""
    element = cx.state.elements.get(key)
    if element is None:
        return
    spec = cx.nodes[element.node].job
    assert spec is not None
    planned = plan_job(cx, element, spec)
    create(cx, f.JobCreated(planned.job, key, planned.type, planned.retries, element.anew, -1, planned.priority))


def _resume(cx: Context, key: int, agenda: Json) -> None:
    for entry in cast("list[list[Any]]", agenda):
        cx.agenda.append(tuple(entry))


def _fail(cx: Context, key: int, code: str, message: str, *rest: int) -> None:
    if key in cx.state.elements:
        raise Failure(code, message)


Transition: TypeAlias = Callable[..., None]


TRANSITIONS: Final[dict[object, Transition]] = {
    op.ENTER: enter,
    op.PREPARE: _prepare,
    op.ACTIVATE: _activate,
    op.COMPLETE: _complete,
    op.LEAVE: _leave,
    op.SPAWN: multi_instance.spawn,
    op.THROW: _throw,
    op.CALL: _call,
    op.DECIDE: tasks.decide,
    op.REJOB: _rejob,
    op.RESUME: _resume,
    op.OPEN_TASK: tasks.open_task,
    op.START_CHILD: scopes.start_child,
    op.REPEAT: repeat_operation,
    op.START_LISTENER: _start_listener,
    op.END_LISTENER: _end_listener,
    op.TASK_LISTENER: next_task_listener,
    op.FAIL: _fail,
    op.PASS: pass_boundary,
    op.HANDLE: handle,
    op.CLOSE_LOOP: multi_instance.close,
    op.CANCELLED: cancelled,
    op.JOIN: join,
    op.CHECK: check,
    op.THROW_PART: events.throw_part,
    op.LISTEN: listen_again,
    op.THROW_IMPLICIT: multi_instance.throw_implicit,
    op.GO_ROUND: loops.go_round,
    op.ASK_GATEWAY: ask_gateway,
    op.AWAIT: await_others,
    op.BROADCAST: events.broadcast,
    op.ABANDON: modification.abandon,
    op.BEGIN: modification.begin_anew,
    op.SUBSCRIBE: migration.subscribe_more,
    op.RENEW_JOB: migration.renew_job,
    op.RENEW_TASK: migration.renew_task,
    op.COMPENSATE: compensate,
    op.CANCEL_TRANSACTION: cancel_transaction,
    op.ACTIVATE_CHOSEN: ad_hoc.activate_chosen,
    op.GO_ON: ad_hoc.go_on,
}
