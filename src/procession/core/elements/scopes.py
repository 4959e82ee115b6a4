"""Scopes: processes and sub-processes (BPMN 2.0.2, 13.3.4), and call activities (13.3.5)."""

from __future__ import annotations

from typing import Final, cast

from procession.base.failure import Failure
from procession.base.values import Json
from procession.core import facts as f
from procession.core.catches import open_all, plan
from procession.core.commands import Resolve, StartChild
from procession.core.contents import begun_inside
from procession.core.context import Context
from procession.core.conversations import key_text
from procession.core.instantiate import begin_by_event
from procession.core.interrupt import begin_handler
from procession.core.operations import CALL, START_CHILD
from procession.core.state import ElementInstance
from procession.core.variables import visible
from procession.ir.program import NONE, Node

DEPTH_MAX: Final = 100
"""Deepest nesting of called processes; one that calls itself without end stops here with an incident."""


def scope_enter(cx: Context, node: Node, element: ElementInstance) -> None:
    """A scope opens its event sub-processes and starts its content."""
    open_all(cx, plan(cx, element, node))
    if begun_inside(cx, element):
        return
    state = cx.state
    if element is state.root and state.start_node != NONE:
        received: dict[str, Json] = {}
        if element.held is not None:
            received = cast("tuple[str, int, dict[str, Json]]", element.held)[2]
            cx.write(f.TransitionHeld(element.key, None))
        begin_by_event(cx, element, cx.nodes[state.start_node], received)
        return
    for start in node.starts:
        cx.enter(element.key, start)


def handler_enter(cx: Context, node: Node, element: ElementInstance) -> None:
    """An event sub-process opens its own ones, then passes the event that started it."""
    planned = plan(cx, element, node)
    held = cast("tuple[str, int, dict[str, Json]]", element.held)
    open_all(cx, planned)
    if begun_inside(cx, element):
        return
    cx.write(f.TransitionHeld(element.key, None))
    begin_handler(cx, element.key, cx.nodes[held[1]], held[2])


def call_enter(cx: Context, node: Node, element: ElementInstance) -> None:
    """A call activity: first the host says which version is meant."""
    open_all(cx, plan(cx, element, node))
    cx.agenda.append((CALL, element.key))


def ask_process(cx: Context, node: Node, element: ElementInstance) -> None:
    """Asks the host for the process that is called."""
    call = node.call
    assert call is not None
    if cx.state.depth >= DEPTH_MAX:
        raise Failure("call-depth", f"processes call each other deeper than {DEPTH_MAX}")
    name = cx.text(call.process, element, "process id")
    cx.send(Resolve(element.key, "process", name, int(call.binding), call.version_tag))


def process_resolved(cx: Context, element: ElementInstance) -> None:
    """The process is known; starting it is an operation of its own, so that its failure can be retried."""
    cx.agenda.append((START_CHILD, element.key))


def start_child(cx: Context, element_key: int) -> None:
    """Starts the called process with the variables that the call activity passes."""
    element = cx.state.elements.get(element_key)
    if element is None or element.definition is None:
        return
    call = cx.nodes[element.node].call
    assert call is not None
    business_key = cx.state.business_key
    if call.business_key != NONE:
        business_key = key_text(cx.evaluate(call.business_key, element)) or ""
    variables: dict[str, Json] = visible(element) if call.all_parent_variables else dict(element.variables or {})
    child = cx.new_key()
    cx.write(f.ChildStarted(element_key, child))
    hash_, version = element.definition
    cx.send(StartChild(element_key, child, hash_, version, variables, business_key, cx.state.depth + 1))
