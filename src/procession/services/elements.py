"""The element instances of an instance, as its state has them: what is active and in which scope."""

from __future__ import annotations

from typing import final

import msgspec

from procession.core.state import ElementInstance, Stage
from procession.ir.kinds import Kind
from procession.runtime.replay import Loaded


@final
class ElementView(msgspec.Struct, frozen=True, gc=False):
    """An element instance. `scope` is the key of the one around it, 0 for the process; `type` the BPMN element's name.

    `stage` is `active` or what is being done with it; `called` the instance that a call activity waits for; `index` the
    number, from 1, among the repetitions of a multi-instance activity. `arrived` are tokens that wait at a join, by
    their sequence flow.
    """

    key: int
    element_id: str
    name: str
    type: str
    scope: int
    stage: str
    index: int
    called: int
    arrived: dict[str, int]
    has_incident: bool


def elements_of(loaded: Loaded) -> list[ElementView]:
    """Every element instance that is active, in the order of their keys; the process itself is the first."""
    stuck = {each.element for each in loaded.state.incidents.values()}
    return [_view(loaded, each, each.key in stuck) for _, each in sorted(loaded.state.elements.items())]


def _view(loaded: Loaded, element: ElementInstance, stuck: bool) -> ElementView:
    node = loaded.linked.nodes[element.node]
    flows = loaded.linked.program.flows
    arrived = {flows[flow].id: count for flow, count in (element.arrived or {}).items() if count}
    drawn = node.bpmn or node.kind.name.lower().replace("_", " ")
    return ElementView(
        key=element.key,
        element_id=node.id,
        name=node.name,
        type="process" if node.kind is Kind.PROCESS else drawn,
        scope=element.scope.key if element.scope is not None else 0,
        stage=Stage(element.stage).name.lower(),
        index=element.index,
        called=element.child,
        arrived=arrived,
        has_incident=stuck,
    )
