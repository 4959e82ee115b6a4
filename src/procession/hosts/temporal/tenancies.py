"""Where the workflows of each tenant run: namespace, task queues, priority. One connection, a client a namespace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, final

import msgspec
from temporalio.client import Client
from temporalio.common import Priority

from procession.hosts.temporal.cells.cell import IMPLIED, OPTIONAL, Cell
from procession.hosts.temporal.cells.tenants import place
from procession.hosts.temporal.payloads import Settings

NOBODY: Final = ""
"""No tenant has this name: it is placed as all are whom the cell does not name."""


@final
class Tenancy(msgspec.Struct, frozen=True):
    """Where the workflows of a tenant run, and how: `queue` is their task queue, that of jobs is in the settings."""

    client: Client
    queue: str
    settings: Settings
    priority: Priority = Priority.default


@final
class Tenancies:
    """All of one connection. Without a cell every tenant has the same. Thread-safe."""

    def __init__(self, common: Tenancy, cell: Cell | None = None, *, search: bool = False) -> None:
        """Namespace, queues and priority are the cell's; so are search attributes, if `search` says so."""
        self._common = common
        self._cell = cell
        self._search = search
        self._clients: dict[str, Client] = {}
        self._known: dict[str, Tenancy] = {}

    def of(self, tenant: str) -> Tenancy:
        """That of a tenant."""
        found = self._known.get(tenant)
        if found is None:
            # Two threads may make it at once: they make the same.
            found = self._known[tenant] = self._made(tenant)
        return found

    def client(self, tenant: str) -> Client:
        """A client of the namespace of a tenant."""
        return self.of(tenant).client

    def places(self) -> list[Tenancy]:
        """One for each queue of workflows, and its jobs: where workers have to be for all tenants."""
        found = {
            (each.client.namespace, each.queue, each.settings.job_queue): each for each in map(self.of, self._named())
        }
        return list(found.values())

    def _named(self) -> Iterator[str]:
        yield NOBODY
        for namespace in self._cell.namespaces.values() if self._cell is not None else ():
            yield from namespace.tenants

    def _made(self, tenant: str) -> Tenancy:
        common = self._common
        if self._cell is None:
            return common
        placed = place(self._cell, tenant)
        settings = msgspec.structs.replace(
            common.settings,
            job_queue=placed.activity_task_queue,
            search=search_attributes(self._cell, placed.namespace) if self._search else common.settings.search,
        )
        return Tenancy(self._client(placed.namespace), placed.workflow_task_queue, settings, placed.priority)

    def _client(self, namespace: str) -> Client:
        found = self._clients.get(namespace)
        if found is None:
            config = self._common.client.config()
            config["namespace"] = namespace
            found = self._clients[namespace] = Client(**config)
        return found


def search_attributes(cell: Cell, namespace: str) -> list[str]:
    """Those of the host's search attributes that a namespace of a cell has."""
    declared = cell.namespaces[namespace].search_attributes
    return [*IMPLIED, *(name for name in OPTIONAL if name in declared)]
