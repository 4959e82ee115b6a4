"""Where the tokens of a workflow are: for its query, and as the "current details" that Temporal's own UI shows.

The latter are set with every report, so their cost is bounded. They hold ids and names of elements, and no values:
whoever may look at a workflow sees them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from procession.hosts.temporal.house import Body, House
from procession.ir.program import Node

ACTIVE_MAX: Final = 50
"""More active elements than this, or more instances, are only counted."""
NAME_MAX: Final = 80


def tokens_of(body: Body) -> dict[str, int]:
    """Element id -> how many element instances are active there."""
    return dict(Counter(each.id for each in _active(body)))


def details_of(house: House) -> str:
    """A short text in Markdown, an item for each element with tokens; "" when all has ended."""
    bodies = house.bodies.values()
    # The process itself is an element instance, too.
    active = sum(len(body.state.elements) for body in bodies) - len(bodies)
    if max(active, len(bodies)) > ACTIVE_MAX:
        return f"{active} active elements, {len(bodies)} instances"
    lines: list[str] = []
    for body in bodies:
        if len(bodies) > 1:
            lines.append(f"\n`{body.linked.program.process_id}` {body.key}\n")
        lines += _lines(body)
    return "\n".join(lines).strip()


def _lines(body: Body) -> list[str]:
    elements, nodes = body.state.elements, body.linked.nodes
    names = {each.id: each.name for each in _active(body)}
    at = (elements.get(each.element) for each in body.state.incidents.values())
    failed = {nodes[each.node].id for each in at if each is not None}
    return [_line(id, count, names[id], failed=id in failed) for id, count in tokens_of(body).items()]


def _line(id: str, count: int, name: str, *, failed: bool) -> str:
    # A name is anybody's text: what would end the line, or its mark, is left out.
    plain = " ".join(name.split())[:NAME_MAX].replace("`", "'")
    parts = (f"- `{id}`", f"× {count}" * (count > 1), f"`{plain}`" if plain else "", "**incident**" * failed)
    return " ".join(part for part in parts if part)


def _active(body: Body) -> Iterator[Node]:
    nodes, root = body.linked.nodes, body.state.root
    return (nodes[each.node] for each in body.state.elements.values() if each is not root)
