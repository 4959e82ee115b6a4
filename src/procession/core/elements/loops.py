"""Standard loops (BPMN 2.0.2, 10.3.9 and 13.3.6): a body around an activity that is done again and again."""

from __future__ import annotations

from procession.base.values import Json
from procession.core import facts as f
from procession.core.catches import open_all, plan
from procession.core.context import Context
from procession.core.operations import COMPLETE, GO_ROUND, SPAWN
from procession.core.state import ElementInstance
from procession.core.tokens import end
from procession.ir.program import NONE, Node, Repeat


def body_enter(cx: Context, node: Node, element: ElementInstance) -> None:
    """The first turn, unless the condition is asked before it."""
    planned = plan(cx, element, node)
    cx.write(f.LoopStarted(element.key, None, 0))
    open_all(cx, planned)
    repeat = _repeat(node)
    cx.agenda.append((GO_ROUND, element.key, 1) if repeat.before or repeat.maximum == 0 else (SPAWN, element.key, 1))


def go_round(cx: Context, body_key: int, turn: int) -> None:
    """The turn of that number begins if the condition is true and the maximum is not reached; else the loop ends."""
    body = cx.state.elements.get(body_key)
    if body is None:
        return
    repeat = _repeat(cx.nodes[body.node])
    done: dict[str, Json] = {"loopCounter": turn - 1}
    again = not 0 <= repeat.maximum < turn and (
        repeat.condition == NONE or cx.truth(repeat.condition, body, "loop condition", done)
    )
    cx.agenda.append((SPAWN, body_key, turn) if again else (COMPLETE, body_key))


def collect(cx: Context, element_key: int) -> None:
    """A turn is over."""
    element = cx.state.elements.get(element_key)
    if element is None:
        return
    body = element.scope
    assert body is not None
    end(cx, element)
    cx.agenda.append((GO_ROUND, body.key, element.index + 1))


def _repeat(node: Node) -> Repeat:
    assert node.repeat is not None
    return node.repeat
