"""Search attributes: by what workflows of the cluster can be listed. Never secret content: they are not sealed.

What is known at the start goes with the start; state and incidents are told by the workflow when they change. An
attribute is set only where its name is among those that the namespace has (`payloads.Settings.search`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from procession.hosts.temporal.house import House
from procession.runtime.elsewhere import Begin

CHARACTERS_MAX: Final = 255
"""What the server's SQL schemas hold of a keyword; the rest is cut off."""

PROCESS: Final = SearchAttributeKey.for_keyword("BpmnProcess")
VERSION: Final = SearchAttributeKey.for_keyword("BpmnVersion")
TENANT: Final = SearchAttributeKey.for_keyword("BpmnTenant")
BUSINESS_KEY: Final = SearchAttributeKey.for_keyword("BpmnBusinessKey")
STATE: Final = SearchAttributeKey.for_keyword("BpmnState")
INCIDENT: Final = SearchAttributeKey.for_keyword_list("BpmnIncident")


def at_start(begin: Begin, names: Sequence[str]) -> TypedSearchAttributes | None:
    """What a workflow is started with, of the attributes that there are by these `names`; None for nothing."""
    start = begin.start
    values = {
        PROCESS: begin.process_id,
        VERSION: str(start.version),
        TENANT: start.tenant,
        BUSINESS_KEY: start.business_key,
        STATE: "active",
    }
    pairs: list[SearchAttributePair[Any]] = [
        SearchAttributePair(key, value[:CHARACTERS_MAX]) for key, value in values.items() if key.name in names and value
    ]
    return TypedSearchAttributes(pairs) if pairs else None


def show(house: House, names: Sequence[str]) -> None:
    """Tells the cluster state and incidents of a house, from within its workflow, if they are not what it knows.

    One command, so one event of the history, for each task in which they changed: one for the end of an instance, two
    for an incident that is raised and resolved. Incidents are told by their codes, which are the engine's own words.
    """
    if not names:
        return
    known = workflow.info().typed_search_attributes
    changed: list[Any] = []
    if STATE.name in names and known.get(STATE) != (state := _state(house)):
        changed.append(STATE.value_set(state))
    if INCIDENT.name in names:
        codes = _codes(house)
        if list(known.get(INCIDENT) or ()) != codes:
            changed.append(INCIDENT.value_set(codes) if codes else INCIDENT.value_unset())
    if changed:
        upsert = cast("Callable[[Sequence[Any]], None]", workflow.upsert_search_attributes)  # pyright: ignore[reportUnknownMemberType]
        upsert(changed)


def _state(house: House) -> str:
    """`active`, `suspended`, `completed` or `terminated`: that of the instance whose home it is."""
    if house.result is not None:
        return house.result.state
    body = house.bodies.get(house.home)
    return "suspended" if body is not None and body.state.suspended else "active"


def _codes(house: House) -> list[str]:
    """The codes of the incidents that are open in any of its instances: each once, in order."""
    incidents = (each for body in house.bodies.values() for each in body.state.incidents.values())
    return sorted({each.code[:CHARACTERS_MAX] for each in incidents})
