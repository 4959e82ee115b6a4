"""pending: every command that the open parts of a state stand for, so that a crash after a commit loses none."""

from __future__ import annotations

from typing import cast

from procession.base.values import Json
from procession.core.commands import AnyCommand, GoOn, OpenIncident, OpenTask, Standstill, TellParent
from procession.core.context import Context
from procession.core.data import read_of
from procession.core.elements.table import ASK
from procession.core.events import ChildThrew
from procession.core.jobs import command_of
from procession.core.linked import Linked
from procession.core.state import READS_STORES, State, Status
from procession.core.suspension import set_timer, subscribe


def pending(linked: Linked, state: State) -> list[AnyCommand]:
    """The commands that carry on an instance, in order of creation. Carrying one out twice must be harmless."""
    if state.status is not Status.ACTIVE:
        return []
    nodes = linked.nodes
    result: list[AnyCommand] = [GoOn()] if state.agenda else []
    if state.suspended:
        result.append(Standstill(True))
    else:
        result.extend(command_of(nodes, state, job) for job in state.jobs.values() if not job.held)
        result.extend(set_timer(t) for t in state.timers.values())
        result.extend(subscribe(s) for s in state.subscriptions.values())
    for i in state.incidents.values():
        node = state.elements[i.element].node
        result.append(OpenIncident(i.key, i.element, node, i.code, i.message, i.job))
    for element in state.elements.values():
        if element.is_open_task:
            result.append(OpenTask(element.key, element.node, element.attributes or {}))
        held = element.held
        if isinstance(held, list) and held[0] == "threw":
            result.append(_threw(state, element.key, held))
        data = nodes[element.node].data
        if data is not None and held == [READS_STORES]:
            result.append(read_of(element, data))
    result.extend(_unanswered(linked, state))
    return result


def _threw(state: State, element: int, held: list[Json]) -> TellParent:
    code, message, variables = cast("tuple[str, str, dict[str, Json]]", tuple(held[1:4]))
    event = ChildThrew(state.parent_element, state.instance, code, message, variables, state.instance, element)
    return TellParent(state.parent_instance, event)


def _unanswered(linked: Linked, state: State) -> list[AnyCommand]:
    """Calls that wait for their definition: asked again, unless the asking itself failed into an incident."""
    failed = {incident.element for incident in state.incidents.values()}
    # Whoever is still held by its start listeners, or by its data, has not asked yet.
    failed.update(job.element for job in state.jobs.values())
    cx = Context(linked, state, state.at, state.last_key + 1)
    for element in state.elements.values():
        ask = ASK.get(linked.nodes[element.node].kind)
        if ask is not None and element.definition is None and element.held is None and element.key not in failed:
            ask(cx, linked.nodes[element.node], element)
    return cx.commands
