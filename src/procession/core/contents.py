"""Contents: what begins inside a scope by hand instead of its start event, possibly with scopes in between.

A content is [node, variables, contents inside it]; it is kept as JSON, because a scope's own input mappings and
listeners come before it. What must not live here: which contents an instruction means (modification.py).
"""

from __future__ import annotations

from typing import cast

from procession.base.values import Json
from procession.core import facts as f
from procession.core.context import Context
from procession.core.operations import MODIFIED
from procession.core.state import ElementInstance
from procession.core.tokens import begin


def enter_contents(cx: Context, scope: int, contents: list[Json]) -> None:
    """Begins each content in a scope, without a token."""
    for content in contents:
        node, variables, inside = cast("tuple[int, dict[str, Json], list[Json]]", content)
        element = begin(cx, scope, cx.nodes[node], False)
        for name, value in variables.items():
            cx.write(f.VariableSet(element.key, name, value))
        if inside:
            cx.write(f.TransitionHeld(element.key, [MODIFIED, inside]))


def begun_inside(cx: Context, scope: ElementInstance) -> bool:
    """Whether a scope that becomes active was told what to begin; if so, that begins now."""
    held = scope.held
    if not isinstance(held, list) or held[0] != MODIFIED:
        return False
    cx.write(f.TransitionHeld(scope.key, None))
    enter_contents(cx, scope.key, cast("list[Json]", held[1]))
    return True
