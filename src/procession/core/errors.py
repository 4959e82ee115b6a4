"""BPMN errors and escalations: who catches them (BPMN 2.0.2, 10.5.4, 13.5.3 to 13.5.5)."""

from __future__ import annotations

from procession.base.failure import Failure
from procession.base.values import Json
from procession.core import facts as f
from procession.core.commands import TellParent
from procession.core.context import Context
from procession.core.events import ChildEscalated, ChildThrew
from procession.core.interrupt import catch, event_of
from procession.core.state import ElementInstance, Stage
from procession.ir.kinds import Kind
from procession.ir.program import NONE, ErrorTrigger, EscalationTrigger, Node


def throw(cx: Context, key: int, code: str, message: str, variables: dict[str, Json], *listener: int) -> None:
    """Throws a BPMN error from an element: to the nearest handler, to the caller, or into an incident.

    `listener` is the index of the listener whose job threw, if one did.
    """
    element = cx.state.elements.get(key)
    if element is None:
        return
    if element.stage is Stage.TERMINATING:
        raise Failure(
            "unhandled-error", f"the user task is being cancelled; nothing catches the error {code!r} any more"
        )
    handler = find(cx, element, ErrorTrigger, code)
    if handler is not None:
        owner, node = handler
        cx.write(f.ErrorThrown(key, code, message, node.index))
        catch(cx, owner, node, variables)
        return
    state = cx.state
    if not state.parent_instance:
        raise unhandled(code, message)
    cx.write(f.ErrorThrown(key, code, message))
    cx.write(
        f.TransitionHeld(key, ["threw", code, message, variables, listener[0] if listener else NONE, element.held])
    )
    to_parent(cx, element, code, message, variables)


def to_parent(cx: Context, element: ElementInstance, code: str, message: str, variables: dict[str, Json]) -> None:
    """Asks the calling process to handle an error."""
    state = cx.state
    event = ChildThrew(state.parent_element, state.instance, code, message, variables, state.instance, element.key)
    cx.send(TellParent(state.parent_instance, event))


def unhandled(code: str, message: str) -> Failure:
    """The failure of an error that nothing catches."""
    detail = f": {message}" if message else ""
    return Failure("unhandled-error", f"no boundary event or event sub-process catches the error {code!r}{detail}")


def escalate(cx: Context, element: ElementInstance, code: str, variables: dict[str, Json]) -> bool:
    """Throws an escalation. Uncaught ones are no failure. Returns whether the thrower still exists afterwards."""
    handler = find(cx, element, EscalationTrigger, code)
    if handler is not None:
        owner, node = handler
        cx.write(f.EscalationThrown(element.key, code, node.index))
        catch(cx, owner, node, variables)
        return element.key in cx.state.elements
    cx.write(f.EscalationThrown(element.key, code))
    state = cx.state
    if state.parent_instance:
        event = ChildEscalated(state.parent_element, state.instance, code, variables)
        cx.send(TellParent(state.parent_instance, event))
    return True


def find(
    cx: Context, element: ElementInstance, kind: type[ErrorTrigger] | type[EscalationTrigger], code: str
) -> tuple[ElementInstance, Node] | None:
    """The nearest catching node from an element outwards; in one scope an exact code wins over a catch-all.

    What happens inside an event sub-process is not caught by event sub-processes of the same scope: they are
    handlers of that scope, not parts of it. A completed scope that is undone catches nothing any more, a cancelled
    transaction only at its border.
    """
    inside_handler = False
    current: ElementInstance | None = element
    while current is not None:
        node = cx.nodes[current.node]
        # An event sub-process is inside the scope, so it comes before the boundary events around it.
        is_over = current.stage >= Stage.COMPENSATING
        found = None if inside_handler or is_over else _matching(cx, node, kind, code, Kind.START_EVENT)
        if current.stage is not Stage.COMPENSATING:
            found = found or _matching(cx, node, kind, code, Kind.BOUNDARY_EVENT)
        if found is not None:
            return current, found
        inside_handler = node.kind is Kind.EVENT_SUB_PROCESS
        current = current.scope
    return None


def _matching(
    cx: Context,
    node: Node,
    kind: type[ErrorTrigger] | type[EscalationTrigger],
    code: str,
    catching: Kind,
) -> Node | None:
    catch_all: Node | None = None
    for index in node.catches:
        caught = cx.nodes[index]
        trigger = caught.trigger
        if not isinstance(trigger, kind) or event_of(cx, caught).kind is not catching:
            continue
        if trigger.code.literal == code:
            return caught
        if not trigger.code.literal and catch_all is None:
            catch_all = caught
    return catch_all
