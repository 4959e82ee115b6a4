"""Which instances a filter of a batch means (`runtime.batches.Filter`): asked of one, or of all of a tenant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from procession.core.linked import Linked
from procession.core.state import State, Status
from procession.runtime.batches import Filter
from procession.runtime.ports import Reads
from procession.runtime.replay import load_instance
from procession.runtime.rows import DefinitionRow, InstanceRow
from procession.services.catalog import Catalog
from procession.services.routes import HERE

PAGE: Final = 500

Load: TypeAlias = Callable[[], "tuple[Linked, State] | None"]


def meant(which: Filter, row: InstanceRow, definition: DefinitionRow, load: Load) -> bool:
    """Whether all of a filter holds for an instance. It is loaded last."""
    if (which.host == HERE and row.host) or (which.host not in ("", HERE) and row.host != which.host):
        return False
    if which.started_from > row.started or (which.started_to and row.started >= which.started_to):
        return False
    if which.process_id not in ("", definition.process_id) or which.version not in (0, definition.version):
        return False
    if which.business_key and row.business_key != which.business_key:
        return False
    found = load()
    return found is not None and _holds(which, *found)


def _holds(which: Filter, linked: Linked, state: State) -> bool:
    if state.status is not Status.ACTIVE:
        return False
    if which.state == "suspended" and not state.suspended:
        return False
    incidents = [i for i in state.incidents.values() if which.incident in ("", i.code)]
    if (which.state == "incident" or which.incident) and not incidents:
        return False
    nodes = linked.nodes
    return not which.element or any(nodes[each.node].id == which.element for each in state.elements.values())


def all_meant(store: Reads, tenant: str, which: Filter) -> Iterator[tuple[InstanceRow, Linked, State]]:
    """Every active instance that a filter means, as it is now."""
    catalog = Catalog(store)
    number = catalog.tenant(tenant)
    for row in _active(store, number, which):
        found: list[tuple[Linked, State]] = []

        def load(key: int = row.key, found: list[tuple[Linked, State]] = found) -> tuple[Linked, State] | None:
            loaded = load_instance(store, number, key, lambda hash: catalog.linked(number, hash))
            if loaded is None:
                return None
            found.append((loaded.linked, loaded.state))
            return found[0]

        if meant(which, row, catalog.definition(number, row.definition), load):
            yield (row, *found[0])


def _active(store: Reads, tenant: int, which: Filter) -> Iterator[InstanceRow]:
    if which.instances:
        for key in sorted(which.instances):
            yield from (row for row in store.read("instance", (tenant, key), InstanceRow) if row.state == 0)
        return
    for definition in store.read("definitions", (tenant,), DefinitionRow):
        if which.process_id in ("", definition.process_id) and which.version in (0, definition.version):
            after = 0
            while rows := store.read("instances_active", (tenant, definition.key, after, PAGE), InstanceRow):
                yield from rows
                after = rows[-1].key
