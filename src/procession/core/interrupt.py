"""Interruption: ending element instances from outside, as one transition (BPMN 2.0.2, 13.3.4, 13.5).

No expression is evaluated here, so nothing can fail half-way. The walk is iterative: depth costs no stack. A user
task with canceling listeners, and the scopes around it, end when these ran; what follows the interruption waits.
"""

from __future__ import annotations

from typing import Final

from procession.base.values import Json
from procession.core import facts as f
from procession.core.commands import CancelChild, Finish, TellParent
from procession.core.context import Context
from procession.core.events import ChildTerminated
from procession.core.jobs import next_listener
from procession.core.operations import (
    ACTIVATE,
    ACTIVATE_CHOSEN,
    CANCELLED,
    COMPENSATE,
    COMPLETE,
    ENTER,
    HANDLE,
    LISTEN,
    PASS,
    PREPARE,
    SPAWN,
    TASK_LISTENER,
)
from procession.core.state import ElementInstance, Operation, Stage
from procession.core.tokens import begin, close_wait, close_waits, next_of
from procession.core.variables import receive, variables_of
from procession.ir.kinds import Kind, ListenerEvent
from procession.ir.program import Node, Ref

_INTO_SCOPE: Final = (ENTER, SPAWN, ACTIVATE_CHOSEN)


def interrupt(cx: Context, top: ElementInstance, then: Operation, *, at_once: bool = False) -> None:
    """Ends an element instance and all inside it; `then` follows. `at_once` leaves out canceling listeners."""
    coordinator = top.compensates
    _follow(cx, top, then, over=_terminate(cx, top, at_once=at_once))
    if coordinator in cx.state.elements:
        # A handler that was interrupted has ended, too: whoever had something undone by it goes on.
        cx.agenda.append((COMPENSATE, coordinator))


def interrupt_inside(cx: Context, scope: ElementInstance, then: Operation) -> None:
    """Ends all inside a scope and drops its tokens; the scope itself goes on with `then`."""
    over = True
    for child in list((scope.children or {}).values()):
        over &= _terminate(cx, child)
    # What this step still wanted to let into the scope was part of what is interrupted.
    stale = [op for op in cx.agenda if op[0] in _INTO_SCOPE and op[1] == scope.key]
    for op in stale:
        cx.agenda.remove(op)
    if scope.tokens or scope.arrived or scope.gates:
        cx.write(f.ScopeInterrupted(scope.key))
    if scope.activations is not None and not scope.activations.closed:
        close_own_job(cx, scope)
        cx.write(f.ActivationsClosed(scope.key))
    if not over:
        _close_event_sub_processes(cx, scope)
    _follow(cx, scope, then, over=over)


def _follow(cx: Context, element: ElementInstance, then: Operation, *, over: bool) -> None:
    if over:
        cx.agenda.appendleft(then)
    else:
        cx.write(f.InterruptionHeld(element.key, list(then)))


def _terminate(cx: Context, top: ElementInstance, *, at_once: bool = False) -> bool:
    """Terminates an element instance and all inside it, children before parents. Whether nothing was left over."""
    order: list[ElementInstance] = []
    kept: set[int] = set()
    stack = [top]
    while stack:
        element = stack.pop()
        order.append(element)
        if element.children:
            stack.extend(element.children.values())
        if not at_once and _is_listened_to(cx, element):
            _keep(kept, element, top)
    for element in reversed(order):
        if element.key in kept:
            _hold(cx, element)
            continue
        close_waits(cx, element)
        if element.child:
            cx.send(CancelChild(element.child))
        cx.write(f.ElementTerminated(element.key))
    return not kept


def _is_listened_to(cx: Context, element: ElementInstance) -> bool:
    """Whether this is a user task with canceling listeners; one that a person has completed is not cancelled."""
    node = cx.nodes[element.node]
    if node.kind is not Kind.USER_TASK or next_listener(node, ListenerEvent.CANCELING) is None:
        return False
    return element.stage is not Stage.COMPLETING and (element.attributes is not None or element.held is not None)


def _keep(kept: set[int], element: ElementInstance, top: ElementInstance) -> None:
    """An element that goes on for a while keeps the scopes around it, up to the top of what is interrupted."""
    around: ElementInstance | None = element
    while around is not None and around.key not in kept:
        kept.add(around.key)
        around = around.scope if around is not top else None


def _hold(cx: Context, element: ElementInstance) -> None:
    """It ends once listeners ran. An interruption from further outside replaces what would have followed."""
    if element.then is not None:
        cx.write(f.InterruptionHeld(element.key, None))
    if element.stage is Stage.TERMINATING:
        return
    close_waits(cx, element)
    cx.write(f.ElementTerminating(element.key))
    if cx.nodes[element.node].kind is Kind.USER_TASK:
        cx.write(f.TransitionHeld(element.key, ["canceling", {}]))
        cx.agenda.append((TASK_LISTENER, element.key, -1))


def cancelled_task(cx: Context, task: ElementInstance) -> None:
    """The last canceling listener ran: the user task ends, and each scope that only waited for it."""
    element = task
    while True:
        cx.write(f.ElementTerminated(element.key))
        if element.then is not None:
            cx.agenda.appendleft(element.then)
            return
        scope = element.scope
        assert scope is not None, "an interrupted process says what follows"
        if scope.children:
            return
        if scope.stage is not Stage.TERMINATING:
            break
        element = scope
    if scope.then is not None:
        cx.agenda.appendleft(scope.then)
        cx.write(f.InterruptionHeld(scope.key, None))


def cancel(cx: Context, reason: str) -> None:
    """Cancels the whole instance. Asked again, it does not wait for canceling listeners any longer."""
    root = cx.state.root
    assert root is not None
    again = root.stage is Stage.TERMINATING
    interrupt(cx, root, (CANCELLED, root.key, reason), at_once=again)


def cancelled(cx: Context, root_key: int, reason: str) -> None:
    """Everything inside the instance has ended."""
    state = cx.state
    root = state.root
    assert root is not None
    cx.write(f.InstanceTerminated(reason))
    cx.agenda.clear()
    cx.send(Finish("terminated", dict(root.variables or {})))
    if state.parent_instance:
        gone = ChildTerminated(state.parent_element, state.instance)
        cx.send(TellParent(state.parent_instance, gone))


def catch(cx: Context, element: ElementInstance, node: Node, variables: dict[str, Json]) -> None:
    """`node`'s trigger happened to `element`, which subscribed it: the row of its kind decides what follows."""
    if node.kind is Kind.TRIGGER:
        event = cx.nodes[node.attached]
        if event.parallel:
            received = _gathered(cx, element, node, variables)
            if received is None:
                return
            variables = received
        node = event
    if node.kind is Kind.BOUNDARY_EVENT:
        _boundary(cx, element, node, variables)
    elif node.kind is Kind.START_EVENT and element.node != node.index:
        _event_sub_process(cx, element, node, variables)
    elif cx.nodes[element.node].kind is Kind.EVENT_BASED_GATEWAY:
        _event_gateway(cx, element, node, variables)
    else:
        receive(cx, element, variables)
        cx.agenda.append((COMPLETE, element.key))


def _gathered(cx: Context, element: ElementInstance, part: Node, variables: dict[str, Json]) -> dict[str, Json] | None:
    """What all definitions of a parallel multiple event brought along, once the last of them has happened (10.5.6)."""
    event = cx.nodes[part.attached]
    happened = (element.happened or {}).get(event.index, {})
    if any(other != part.index and other not in happened for other in event.parts):
        cx.write(f.TriggerHappened(element.key, part.index, variables))
        return None
    received: dict[str, Json] = {}
    for each in (*happened.values(), variables):
        received.update(variables_of(each))
    if happened:
        cx.write(f.TriggersComplete(element.key, event.index))
    if not event.interrupting and event.kind in {Kind.BOUNDARY_EVENT, Kind.START_EVENT}:
        cx.agenda.append((LISTEN, element.key, event.index))
    return received


def event_of(cx: Context, node: Node) -> Node:
    """The event that a node subscribes for: itself, or the one of which it is a definition."""
    return cx.nodes[node.attached] if node.kind is Kind.TRIGGER else node


def happens_again(cx: Context, node: Node) -> bool:
    """Whether an event stays subscribed when it happens: one at a border or of an event sub-process that does not
    interrupt. A definition of a parallel multiple event waits for the others first."""
    event = event_of(cx, node)
    return not event.interrupting and not event.parallel and event.kind in {Kind.BOUNDARY_EVENT, Kind.START_EVENT}


def _boundary(cx: Context, host: ElementInstance, node: Node, variables: dict[str, Json]) -> None:
    scope = host.scope
    assert scope is not None
    if node.interrupting:
        interrupt(cx, host, (PASS, scope.key, node.index, variables))
    else:
        pass_event(cx, scope.key, node, variables, token=False)


def pass_boundary(cx: Context, scope: int, node: Ref, variables: Json) -> None:
    """A boundary event goes on after its activity was interrupted."""
    pass_event(cx, scope, cx.nodes[node], variables_of(variables), token=False)


def _event_sub_process(cx: Context, scope: ElementInstance, node: Node, variables: dict[str, Json]) -> None:
    if node.interrupting:
        _close_event_sub_processes(cx, scope)
        interrupt_inside(cx, scope, (HANDLE, scope.key, node.index, variables))
    else:
        handle(cx, scope.key, node.index, variables)


def handle(cx: Context, scope: int, start: Ref, variables: Json) -> None:
    """An event sub-process begins with the event that its start event `start` caught."""
    node = cx.nodes[start]
    key = cx.new_key()
    cx.write(f.ElementEntered(key, node.scope, scope, False))
    start_handler(cx, key, node, variables)


def start_handler(cx: Context, key: int, node: Node, variables: Json) -> None:
    """An event sub-process that was entered goes on with its start event `node`, which caught something."""
    sub_process = cx.nodes[node.scope]
    following = next_of(sub_process)
    if following == ACTIVATE and not sub_process.catches:
        begin_handler(cx, key, node, variables_of(variables))
        return
    # What it subscribes and maps may fail, so that is an operation of its own; the event waits for it.
    cx.write(f.TransitionHeld(key, ["event", node.index, variables]))
    cx.agenda.append((following, key))


def begin_handler(cx: Context, key: int, start: Node, variables: dict[str, Json]) -> None:
    """The content of an event sub-process: the event that started it, and what no flow leads to."""
    pass_event(cx, key, start, variables, token=False)
    for ref in cx.nodes[start.scope].starts:
        if cx.nodes[ref].kind is not Kind.START_EVENT:
            cx.enter(key, ref)


def _close_event_sub_processes(cx: Context, scope: ElementInstance) -> None:
    """An interrupted scope starts no further event sub-process; its boundary events stay."""
    close_catches(cx, scope, (Kind.START_EVENT,))


def close_catches(
    cx: Context, element: ElementInstance, kinds: tuple[Kind, ...] = (Kind.START_EVENT, Kind.BOUNDARY_EVENT)
) -> None:
    """Closes the timers and subscriptions of an element's event sub-processes and boundary events."""
    state = cx.state
    for wait in list(element.waits or ()):
        timer, subscription = state.timers.get(wait), state.subscriptions.get(wait)
        waiting = timer or subscription or state.conditions.get(wait)
        if waiting is not None and event_of(cx, cx.nodes[waiting.node]).kind in kinds:
            close_wait(cx, wait)
            cx.write(f.WaitClosed(wait))


def close_own_job(cx: Context, element: ElementInstance) -> None:
    """Nobody is to do the job of an element that goes on without its answer."""
    state = cx.state
    jobs = [wait for wait in element.waits or () if wait in state.jobs and state.jobs[wait].listener < 0]
    incidents = [wait for wait in element.waits or () if wait in state.incidents and state.incidents[wait].job in jobs]
    for wait in (*incidents, *jobs):
        close_wait(cx, wait)
        cx.write(f.WaitClosed(wait))


def _event_gateway(cx: Context, gateway: ElementInstance, node: Node, variables: dict[str, Json]) -> None:
    scope = gateway.scope
    assert scope is not None
    chosen = next(flow for flow in cx.nodes[gateway.node].outgoing if cx.linked.flows[flow].target == node.index)
    close_waits(cx, gateway)
    cx.write(f.ElementCompleted(gateway.key))
    cx.write(f.FlowTaken(chosen, scope.key))
    pass_event(cx, scope.key, node, variables, token=True)


def pass_event(cx: Context, scope: int, node: Node, variables: dict[str, Json], *, token: bool) -> None:
    """An event whose trigger happened already: entered, given its variables, and completed next."""
    event = begin(cx, scope, node, token)
    if cx.agenda[-1][0] == PREPARE:
        # Input mappings and start listeners come before what it received.
        cx.write(f.TransitionHeld(event.key, ["passed", variables]))
        return
    cx.agenda.pop()
    receive(cx, event, variables)
    cx.agenda.append((COMPLETE, event.key))
