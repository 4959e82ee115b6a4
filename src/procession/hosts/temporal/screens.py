"""What somebody who plays an instance sees next, from the state of the workflow that it lives in."""

from __future__ import annotations

from procession.core.variables import visible
from procession.hosts.temporal.house import House
from procession.runtime.elsewhere import Screen


def screen_of(house: House) -> Screen | None:
    """The oldest open task, the end, or an incident; None while it works, or waits for something else."""
    for body in house.bodies.values():
        for element in body.state.elements.values():
            if element.is_open_task:
                node = body.linked.nodes[element.node]
                attributes = dict(element.attributes or {})
                return Screen("task", body.key, element.key, node.id, attributes, visible(element), body.state.seq)
    if house.result is not None:
        return Screen(house.result.state, house.home, variables=house.result.variables)
    home = house.bodies.get(house.home)
    if home is not None and any(body.state.incidents for body in house.bodies.values()):
        root = home.state.root
        return Screen("incident", house.home, variables=dict(root.variables or {}) if root is not None else {})
    return None
